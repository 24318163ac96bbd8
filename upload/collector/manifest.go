package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"roagent/fieldmap/freetext"
	"roagent/upload"
)

// putManifest closes a week: 201 where the manifest is new, 200 where it is held already, both with the same receipt,
// which is for the SHA-256 of the manifest's bytes. A week may be closed again after it was read again; the last one stays.
func (h *Handler) putManifest(r *http.Request, t target) (answer, error) {
	whitelist, err := fieldmapDigest(r)
	if err != nil {
		return answer{}, err
	}
	data, err := h.readJSON(r, upload.MaxManifest)
	if err != nil {
		return answer{}, err
	}
	m, err := parseManifest(data, t)
	if err != nil {
		return answer{}, err
	}
	if m.FieldmapDigest != whitelist {
		return answer{}, refuse(http.StatusBadRequest, "fieldmap_digest is not the one that %s names", upload.FieldmapHeader)
	}
	if err := h.checkDeclared(r.Context(), t.dealer, whitelist); err != nil {
		return answer{}, err
	}
	if err := h.checkHeld(r.Context(), m, t); err != nil {
		return answer{}, err
	}
	status, receipt, err := h.keepManifest(r.Context(), data, m, t)
	if err != nil {
		return answer{}, err
	}
	if err := h.noteWeek(r.Context(), t, data, receipt); err != nil {
		return answer{}, err
	}
	h.Logger.InfoContext(r.Context(), "week closed", "dealer", t.dealer, "week", t.week, "batches", len(m.Batches),
		"orders", m.Orders, "new", status == http.StatusCreated, "fieldmap_digest", m.FieldmapDigest)
	if h.Meter != nil && status == http.StatusCreated {
		h.Meter.WeekClosed()
	}
	return answer{status, upload.ReceiptType, receipt}, nil
}

// keepManifest makes the manifest durable, and then its receipt. One that was receipted before is not stored again:
// a request that comes late must not undo a newer manifest.
func (h *Handler) keepManifest(ctx context.Context, data []byte, m upload.Manifest, t target) (int, []byte, error) {
	want := upload.Receipt{Dealer: t.dealer, Week: t.week, What: upload.ManifestReceipt, ID: digestOf(data), Orders: m.Orders}
	name := manifestReceiptFile(t.dealer, t.week, want.ID)
	held, err := h.store.Get(ctx, name)
	if err != nil && !missing(err) {
		return 0, nil, err
	}
	if err == nil && h.proves(held, want) == nil {
		return http.StatusOK, held, nil
	}
	if err := h.store.Put(ctx, manifestFile(t.dealer, t.week), data, Replace); err != nil {
		return 0, nil, err
	}
	receipt, err := h.receipt(ctx, name, want)
	return http.StatusCreated, receipt, err
}

// parseManifest reads a manifest and holds it against the path and itself.
func parseManifest(data []byte, t target) (upload.Manifest, error) {
	var m upload.Manifest
	if err := parseJSON(data, &m); err != nil {
		return m, err
	}
	sum, seen := 0, map[string]bool{}
	for _, b := range m.Batches {
		if !isDigest(b.ID) || b.Orders < 1 || seen[b.ID] {
			return m, refuse(http.StatusBadRequest, "each of batches has an id of its own, 64 lower-case hex digits, and at least one order")
		}
		seen[b.ID] = true
		sum += b.Orders
	}
	switch {
	case m.DealerID != t.dealer:
		return m, refuse(http.StatusBadRequest, "dealer_id is not the dealer in the path")
	case m.Week != t.week.String():
		return m, refuse(http.StatusBadRequest, "week is not the week in the path")
	case m.Timezone == "" || m.ReadAt.IsZero() || m.Readings < 1 || !isDigest(m.FieldmapDigest):
		return m, refuse(http.StatusBadRequest, "timezone, read_at, readings or fieldmap_digest is missing or malformed")
	case m.Orders != sum:
		return m, refuse(http.StatusBadRequest, "orders is %d, but the batches have %d", m.Orders, sum)
	case m.Held < 0 || m.Held > m.Orders || m.Keyless < 0 || m.Parked < 0:
		return m, refuse(http.StatusBadRequest, "held, keyless or parked cannot be")
	case slices.ContainsFunc(m.Dropped, func(d upload.DropCount) bool { return d.Problem() != "" }):
		return m, refuse(http.StatusBadRequest, "dropped counts something else than what the wire describes")
	case !areSecrets(m.Left.Redacted) || !areSecrets(m.Left.Exposed):
		return m, refuse(http.StatusBadRequest, "redacted or exposed counts something else than the kinds of secrets that the wire describes")
	case m.ProfileProblem() != "":
		return m, refuse(http.StatusBadRequest, "profile: %s", m.ProfileProblem())
	}
	return m, nil
}

// areSecrets reports whether the counts are of kinds of secrets that the wire describes.
func areSecrets(counts map[string]int) bool {
	for kind, n := range counts {
		named := func(k freetext.Kind) bool { return k.String() == kind }
		if n < 1 || !slices.ContainsFunc(freetext.Kinds(), named) {
			return false
		}
	}
	return true
}

// checkHeld holds the manifest against the batches held.
func (h *Handler) checkHeld(ctx context.Context, m upload.Manifest, t target) error {
	held, err := h.held(ctx, t.dealer, t.week)
	if err != nil {
		return err
	}
	orders := make(map[string]int, len(held))
	for _, b := range held {
		orders[b.ID] = b.Orders
	}
	var lacking []string
	differ := 0
	for _, b := range m.Batches {
		switch n, ok := orders[b.ID]; {
		case !ok:
			lacking = append(lacking, b.ID)
		case n != b.Orders:
			differ++
		}
	}
	switch {
	case len(lacking) > 0:
		e := refuse(http.StatusConflict, "%d of the %d batches that the manifest names are not held; send them again", len(lacking), len(m.Batches))
		e.Missing = lacking
		return e
	case differ > 0:
		return refuse(http.StatusConflict, "%d of the batches do not have the number of orders that the manifest says", differ)
	}
	return nil
}

// putStatus keeps a dealer's heartbeat. Only the last one is kept, so it answers 204.
func (h *Handler) putStatus(r *http.Request, t target) (answer, error) {
	data, err := h.readJSON(r, upload.MaxStatus)
	if err != nil {
		return answer{}, err
	}
	if _, err := parseStatus(data, t); err != nil {
		return answer{}, err
	}
	if err := h.store.Put(r.Context(), statusFile(t.dealer), data, Replace); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, putFleetDealer(r.Context(), h.store, t.record, time.Now().UTC().Truncate(time.Second), data, Replace)
}

// parseStatus reads a heartbeat and holds it against the path and the wire.
func parseStatus(data []byte, t target) (upload.Status, error) {
	var s upload.Status
	if err := parseJSON(data, &s); err != nil {
		return s, err
	}
	if s.DealerID != t.dealer {
		return s, refuse(http.StatusBadRequest, "dealer_id is not the dealer in the path")
	}
	if problem := s.Problem(); problem != "" {
		return s, refuse(http.StatusBadRequest, "%s", problem)
	}
	return s, nil
}

// parseJSON reads one JSON value that has nothing the wire does not describe: what nobody wrote down is not taken.
func parseJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "the body is not what the wire describes: it is no JSON, has a member too many or one of the wrong type")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "something follows the JSON value")
	}
	return nil
}
