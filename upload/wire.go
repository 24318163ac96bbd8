package upload

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"roagent/fieldmap"
)

// Media types and headers of the wire.
const (
	BatchType      = "application/x-ndjson"
	ReceiptType    = "text/plain; charset=utf-8"
	ProblemType    = "application/problem+json"
	FieldmapHeader = "Fieldmap-Digest" // the digest of the whitelist under which a batch was read, lower-case hex
)

// UndeclaredType is the type of the problem, a 412, that refuses what was read under a whitelist that this dealer's agent has
// not declared approved (RFC 9457, section 3.1.1). Declared, the same request is taken.
const UndeclaredType = "tag:roagent,2026:fieldmap-undeclared"

// LeftType is the type of the problem, a 410, that answers every request of a dealer who had all deleted that the collector
// held, except the one for that deletion.
const LeftType = "tag:roagent,2026:dealer-left"

// Limits that both ends hold to.
const (
	MaxLine     = 16 << 20 // bytes of one order's line
	MaxBatch    = 64 << 20 // bytes of a batch, uncompressed
	MaxBody     = 32 << 20 // bytes of a request's body as sent
	MaxManifest = 8 << 20
	MaxFieldmap = 8 << 20 // bytes of a declared whitelist: several times what its file may have
	MaxStatus   = 64 << 10
)

// Line is one order of a batch: one line of NDJSON.
type Line struct {
	DealerID string `json:"dealer_id"`
	Week     string `json:"week"`
	Key      string `json:"key"`
	Revision int    `json:"revision"`           // 1, 2, …
	Replaces string `json:"replaces,omitempty"` // SHA-256 of the repair_order bytes sent before, lower-case hex
	Voided   bool   `json:"voided,omitempty"`   // gone from the DMS: there is no repair_order
	// RepairOrder is an object of STAR's tree.
	RepairOrder json.RawMessage `json:"repair_order,omitempty"`
}

// Manifest closes a week: it lists every batch of the week that was ever delivered, and what was left out.
type Manifest struct {
	DealerID       string               `json:"dealer_id"`
	Week           string               `json:"week"`
	Timezone       string               `json:"timezone"`        // the dealer's, IANA
	FieldmapDigest string               `json:"fieldmap_digest"` // of the last reading
	ReadAt         time.Time            `json:"read_at"`         // when the last reading of the week ended, UTC
	Readings       int                  `json:"readings"`        // how often the week was read
	Batches        []ManifestBatch      `json:"batches"`         // in the order in which they were made
	Orders         int                  `json:"orders"`          // lines in Batches
	Held           int                  `json:"held"`            // orders of the week now valid: sent and not voided
	Skipped        []fieldmap.SkipCount `json:"skipped"`         // rows left out by a rule, of the last reading
	Left           fieldmap.Counts      `json:"left"`            // values left out or altered, of the last reading that read every order
	Keyless        int                  `json:"keyless"`         // orders without a key: they cannot be sent
	Parked         int                  `json:"parked"`          // orders and lines that wait for a person
	// Dropped is what a person at the dealer's took out before it was sent, by reason, since the week was first read.
	Dropped []DropCount `json:"dropped,omitempty"`
	// Profile is what the orders looked like at the last reading that read every order. There is none of a week of which a person
	// dropped something, or that was taken over from the collector and not read since.
	Profile *fieldmap.Profile `json:"profile,omitempty"`
}

// DropCount is how many orders a person at the dealer's dropped for one reason, whole or a field of them.
type DropCount struct {
	What  DropKind `json:"what"`
	Field string   `json:"field,omitempty"` // a sent path, where What is DropField
	Why   string   `json:"why"`
	Count int      `json:"count"` // orders; one that was read anew and dropped again counts again
}

// DropKind says what was dropped.
type DropKind string

// What a person can drop.
const (
	DropOrder DropKind = "order"
	DropField DropKind = "field"
	DropWeek  DropKind = "week" // all that waited of it
)

// Limits of a drop's words, in bytes.
const (
	MaxDropField = 300
	MaxDropWhy   = 200
)

// Problem says what is wrong with d; "" where it is well formed.
func (d *DropCount) Problem() string {
	switch {
	case d.What != DropOrder && d.What != DropField && d.What != DropWeek:
		return "what is dropped is neither order, field nor week"
	case (d.What == DropField) != (d.Field != ""):
		return "a field goes with the drop of a field, and only there"
	case len(d.Field) > MaxDropField || !IsPlain(d.Field):
		return "the field is no sent path"
	case d.Why == "" || len(d.Why) > MaxDropWhy || !IsPlain(d.Why):
		return "the reason is empty, too long or not printable"
	case d.Count < 1:
		return "the count is less than 1"
	}
	return ""
}

// IsPlain reports whether a text can be shown on one line as it is.
func IsPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// ManifestBatch is one batch of a manifest.
type ManifestBatch struct {
	ID     string `json:"id"`
	Orders int    `json:"orders"`
}

// Problem is an error answer: RFC 9457.
type Problem struct {
	Type    string        `json:"type,omitempty"`
	Title   string        `json:"title"`
	Status  int           `json:"status"`
	Detail  string        `json:"detail,omitempty"`
	Lines   []LineProblem `json:"lines,omitempty"`   // 422: the lines refused
	Missing []string      `json:"missing,omitempty"` // 409 to a manifest: batch ids that the collector does not hold
}

// LineProblem is one refused line.
type LineProblem struct {
	Line   int    `json:"line"` // from 1
	Detail string `json:"detail"`
}

// Declared is the answer to PUT …/fieldmaps/{digest}: the collector knows that this whitelist is approved.
type Declared struct {
	DealerID       string `json:"dealer_id"`
	FieldmapDigest string `json:"fieldmap_digest"`
}
