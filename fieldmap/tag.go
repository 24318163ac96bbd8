package fieldmap

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"unicode"
	"unicode/utf8"
)

// Subject is whom or what an order is about, as far as `roagent ledger who` can be asked for it.
type Subject uint8

// The subjects. Their values are kept in the queue, so they never change.
const (
	Vehicle  Subject = iota // by its VIN
	Customer                // by the number that the DMS has given the owner
)

// Subjects is how many there are.
const Subjects = 2

// Path returns the sent path of the field that names the subject.
func (s Subject) Path() string {
	if s == Vehicle {
		return "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id"
	}
	return "repair_order_header.owner_party.party_id"
}

// Tag stands for one car or customer without giving it away: a keyed hash of the value in the DMS, whatever mask it is
// sent with. Two orders have the same tag where they are about the same subject. The zero Tag stands for none.
type Tag [16]byte

// Tags are the tags of one order, by [Subject].
type Tags [Subjects]Tag

// Tagger makes tags: HMAC-SHA-256 under a key of the site, cut to 16 bytes. It serves one goroutine.
type Tagger struct {
	mac  hash.Hash
	text []byte
	sum  []byte
}

// NewTagger returns what makes tags under a key of 32 bytes that never leaves the site.
func NewTagger(key []byte) *Tagger { return &Tagger{mac: hmac.New(sha256.New, key)} }

// Tag returns the tag of a value as the DMS holds it, or as a person types it: the case of a VIN and its blanks do not
// count, nor do the blanks around a customer's number. A value that is nothing but blanks has the zero Tag.
func (t *Tagger) Tag(s Subject, value []byte) Tag {
	t.text = append(t.text[:0], byte(s))
	if s == Vehicle {
		t.text = appendVIN(t.text, value)
	} else {
		t.text = append(t.text, bytes.TrimSpace(value)...)
	}
	if len(t.text) == 1 {
		return Tag{}
	}
	t.mac.Reset()
	t.mac.Write(t.text)
	t.sum = t.mac.Sum(t.sum[:0])
	return Tag(t.sum[:len(Tag{})])
}

func appendVIN(dst, value []byte) []byte {
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		value = value[size:]
		if !unicode.IsSpace(r) {
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		}
	}
	return dst
}

// Terms is what an approved whitelist says of where orders go.
type Terms struct {
	Recipient string
	Purpose   string
	Agreement string
	Names     [Subjects]bool // by [Subject]: the whitelist sends the field that names it
}

// ReadTerms reads the terms out of a whitelist's canonical form.
func ReadTerms(canonical []byte) (Terms, error) {
	var w canonicalWhitelist
	if err := json.Unmarshal(canonical, &w); err != nil {
		return Terms{}, fmt.Errorf("read an approved whitelist: %w", err)
	}
	t := Terms{Recipient: w.Recipient, Purpose: w.Purpose, Agreement: w.Agreement}
	for _, f := range w.Orders.Fields {
		nullified := f.Mask != nil && f.Mask.Strategy == MaskNullify
		for s := range Subject(Subjects) {
			t.Names[s] = t.Names[s] || f.Send == s.Path() && !nullified
		}
	}
	return t, nil
}
