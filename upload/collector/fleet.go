package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// What whoever looks after all dealers wants to know lies in small objects of its own, flat, beside what they are made of:
// a listing of one folder tells which changed, and nobody walks the dealers' folders. They are derived: [RebuildFleet]
// makes them anew. They are written where things change, before the answer: a request whose flat object could not be
// written is answered 500, and the agent's next try writes it.

// FleetDealer is a dealer and its last heartbeat.
type FleetDealer struct {
	DealerID   string    `json:"dealer_id"`
	Name       string    `json:"name"`
	Added      time.Time `json:"added"`
	ReceivedAt time.Time `json:"received_at,omitzero"` // of the heartbeat, by this collector's clock; zero: there was none
	Suspended  time.Time `json:"suspended,omitzero"`   // since when it is kept out
	// Status is the heartbeat as sent. It is missing where that had more than [MaxFleetStatus] bytes.
	Status json.RawMessage `json:"status,omitempty"`
}

// MaxFleetStatus is the most bytes of a heartbeat that the fleet's objects hold: twenty times what an agent sends. The wire
// allows more, but all of a fleet's are in memory at once.
const MaxFleetStatus = 8 << 10

// FleetWeek is what is told of a closed week: counts of its manifest, and no order.
type FleetWeek struct {
	DealerID       string    `json:"dealer_id"`
	Week           string    `json:"week"`
	ClosedAt       time.Time `json:"closed_at"` // when the manifest was stored, as its receipt says
	Timezone       string    `json:"timezone"`
	ReadAt         time.Time `json:"read_at"`
	Readings       int       `json:"readings"`
	Batches        int       `json:"batches"`
	Lines          int       `json:"lines"` // delivered, revisions and voids included
	Held           int       `json:"held"`  // orders now valid
	Skipped        int       `json:"skipped"`
	Withheld       int       `json:"withheld"`
	Parked         int       `json:"parked"`
	Keyless        int       `json:"keyless"`
	Dropped        int       `json:"dropped"`
	FieldmapDigest string    `json:"fieldmap_digest"`
	ManifestID     string    `json:"manifest_id"`      // SHA-256 of the manifest's bytes
	Unlike         []string  `json:"unlike,omitempty"` // how it differs from the store's weeks before it, a sentence each: see unlikeBefore
}

const (
	fleetDealers      = "fleet/dealers"
	fleetDealersIndex = "fleet/index/dealers.ndjson.zst"
	fleetWeeksIndex   = "fleet/index/weeks" // a folder
	indexSuffix       = ".ndjson.zst"
)

func fleetDealerFile(dealer string) string { return path.Join(fleetDealers, dealer+".json") }

func fleetWeekFolder(week fieldmap.Week) string { return path.Join("fleet/weeks", week.String()) }

func fleetWeekFile(dealer string, week fieldmap.Week) string {
	return path.Join(fleetWeekFolder(week), dealer+".json")
}

func fleetWeekIndex(week fieldmap.Week) string {
	return path.Join(fleetWeeksIndex, week.String()+indexSuffix)
}

// putFleetDealer keeps a heartbeat; nil where there was none.
func putFleetDealer(ctx context.Context, store Store, record *dealerRecord, received time.Time, status []byte, mode PutMode) error {
	d := FleetDealer{DealerID: record.DealerID, Name: record.Name, Added: record.Added, ReceivedAt: received}
	if len(status) <= MaxFleetStatus {
		d.Status = status
	}
	if record.Suspended != nil {
		d.Suspended = record.Suspended.At
	}
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode %s: %w", fleetDealerFile(record.DealerID), err)
	}
	return store.Put(ctx, fleetDealerFile(record.DealerID), data, mode)
}

// noteRecord tells the fleet of a record that was changed. What the last heartbeat said stays.
func noteRecord(ctx context.Context, store Store, record *dealerRecord) error {
	var d FleetDealer
	data, err := store.Get(ctx, fleetDealerFile(record.DealerID))
	if err != nil && !missing(err) {
		return err
	}
	if err == nil && json.Unmarshal(data, &d) != nil {
		d = FleetDealer{} // damaged: the next heartbeat tells it anew
	}
	return putFleetDealer(ctx, store, record, d.ReceivedAt, d.Status, Replace)
}

// putFleetWeek keeps what the manifest with these bytes says.
func putFleetWeek(ctx context.Context, store Store, t target, manifest []byte, closed time.Time) error {
	w, m, err := fleetWeek(manifest, closed)
	if err != nil {
		return fmt.Errorf("read manifest of %s of dealer %s: %w", t.week, t.dealer, err)
	}
	if w.Unlike, err = unlikeBefore(ctx, store, t, m); err != nil {
		return err
	}
	data, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encode %s: %w", fleetWeekFile(t.dealer, t.week), err)
	}
	return store.Put(ctx, fleetWeekFile(t.dealer, t.week), data, Replace)
}

func fleetWeek(manifest []byte, closed time.Time) (FleetWeek, upload.Manifest, error) {
	var m upload.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return FleetWeek{}, m, err
	}
	w := FleetWeek{
		DealerID: m.DealerID, Week: m.Week, ClosedAt: closed, Timezone: m.Timezone, ReadAt: m.ReadAt, Readings: m.Readings,
		Batches: len(m.Batches), Lines: m.Orders, Held: m.Held, Parked: m.Parked, Keyless: m.Keyless,
		FieldmapDigest: m.FieldmapDigest, ManifestID: digestOf(manifest),
	}
	for _, s := range m.Skipped {
		w.Skipped += s.Count
	}
	for _, n := range m.Left.Withheld {
		w.Withheld += n
	}
	for _, d := range m.Dropped {
		w.Dropped += d.Count
	}
	return w, m, nil
}

// noteWeek makes the fleet's object of a manifest that has its receipt. One that is held already and is not the last one
// says nothing of the week any more.
func (h *Handler) noteWeek(ctx context.Context, t target, manifest, signed []byte) error {
	receipt, err := upload.OpenReceipt(signed, h.key.Verifier)
	if err != nil {
		return err
	}
	last, err := h.store.Get(ctx, manifestFile(t.dealer, t.week))
	if err != nil || !bytes.Equal(last, manifest) {
		return err
	}
	if err := h.nameWeek(ctx, t.week); err != nil {
		return err
	}
	return putFleetWeek(ctx, h.store, t, manifest, receipt.Stored)
}

// nameWeek makes sure that there is an index of the week, be it empty. Indices are never removed, so their names tell of
// which weeks there may be anything: also to whoever deletes what is held of a dealer.
func (h *Handler) nameWeek(ctx context.Context, week fieldmap.Week) error {
	h.mu.Lock()
	known := h.named[week]
	h.mu.Unlock()
	if known {
		return nil
	}
	if err := nameWeek(ctx, h.store, week); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.named[week] = true
	return nil
}

func nameWeek(ctx context.Context, store Store, week fieldmap.Week) error {
	err := store.Put(ctx, fleetWeekIndex(week), nil, Create)
	if exists(err) {
		return nil
	}
	return err
}

// Superseded is how many lines a later revision or void replaced, and voids themselves.
func (w *FleetWeek) Superseded() int { return w.Lines - w.Held }
