package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"roagent/fieldmap"
)

// Rebuilt is what [RebuildFleet] made.
type Rebuilt struct {
	Dealers int      `json:"dealers"`
	Weeks   int      `json:"weeks"`   // of dealers
	Damaged []string `json:"damaged"` // what could not be read, and is not told of
}

// RebuildFleet makes the fleet's objects anew from what is held of each dealer: for a store that an older collector filled.
// Where week is not zero, only that week's. It may run while requests are served. It lists all that is held, so it takes
// about 300 bytes of memory for each object in the store.
func RebuildFleet(ctx context.Context, store Store, week fieldmap.Week) (Rebuilt, error) {
	var made Rebuilt
	key, err := OpenKey(ctx, store, "")
	if err != nil {
		return made, fmt.Errorf("rebuild the fleet's index: %w", err)
	}
	names, err := Names(ctx, store, "dealers")
	if err != nil {
		return made, fmt.Errorf("rebuild the fleet's index: %w", err)
	}
	r := rebuild{store: store, key: key, named: map[fieldmap.Week]bool{}}
	for _, name := range names { // a dealer's dealer.json is not before its weeks, but nothing here needs that
		if err := r.object(ctx, name, week); err != nil {
			return made, fmt.Errorf("rebuild the fleet's index from %s: %w", name, err)
		}
	}
	if err := r.indices(ctx, week); err != nil {
		return made, fmt.Errorf("rebuild the fleet's index: %w", err)
	}
	return r.made, nil
}

type rebuild struct {
	store Store
	key   Key
	named map[fieldmap.Week]bool
	made  Rebuilt
}

// object makes the flat object of a dealer's record or manifest. Other names are none of its business.
func (r *rebuild) object(ctx context.Context, name string, only fieldmap.Week) error {
	parts := strings.Split(name, "/")
	dealer := parts[1]
	switch {
	case checkDealer(dealer) != nil:
	case name == dealerFile(dealer) && only.IsZero():
		return r.dealer(ctx, dealer)
	case len(parts) == 4 && parts[3] == "manifest.json":
		week, err := fieldmap.ParseWeek(parts[2])
		if err == nil && (only.IsZero() || week == only) {
			return r.week(ctx, target{dealer: dealer, week: week})
		}
	}
	return nil
}

// dealer takes the time that a heartbeat names for the one when it came, which only the flat object knew.
func (r *rebuild) dealer(ctx context.Context, dealer string) error {
	record, err := readDealer(ctx, r.store, dealer)
	if err != nil {
		r.made.Damaged = append(r.made.Damaged, dealerFile(dealer))
		return nil
	}
	if record == nil || record.Left != nil {
		return nil
	}
	var status []byte
	var told struct {
		At time.Time `json:"at"`
	}
	received, held, err := r.received(ctx, dealer)
	if err != nil {
		return err
	}
	if status, err = r.get(ctx, statusFile(dealer)); err != nil {
		return err
	}
	if len(status) > 0 && json.Unmarshal(status, &told) != nil {
		r.made.Damaged = append(r.made.Damaged, statusFile(dealer))
		status = nil
	}
	if !bytes.Equal(held, status) || received.IsZero() {
		received = told.At
	}
	r.made.Dealers++
	return r.settled(ctx, dealer, statusFile(dealer), status, func() error {
		return putFleetDealer(ctx, r.store, record, received, status, Replace)
	})
}

// get returns nil for what is not there.
func (r *rebuild) get(ctx context.Context, name string) ([]byte, error) {
	data, err := r.store.Get(ctx, name)
	if missing(err) {
		return nil, nil
	}
	return data, err
}

// received returns when the heartbeat came that the flat object has; zero where there is none that can be read.
func (r *rebuild) received(ctx context.Context, dealer string) (time.Time, []byte, error) {
	data, err := r.get(ctx, fleetDealerFile(dealer))
	if err != nil {
		return time.Time{}, nil, err
	}
	var d FleetDealer
	if data == nil || json.Unmarshal(data, &d) != nil {
		return time.Time{}, nil, nil
	}
	return d.ReceivedAt, d.Status, nil
}

func (r *rebuild) week(ctx context.Context, t target) error {
	name := manifestFile(t.dealer, t.week)
	data, err := r.get(ctx, name)
	if err != nil || data == nil {
		return err
	}
	closed, err := storedAt(ctx, r.store, r.key, manifestReceiptFile(t.dealer, t.week, digestOf(data)))
	if err != nil || closed.IsZero() { // a manifest without its receipt closes nothing: its agent sends it again
		return err
	}
	if _, _, err := fleetWeek(data, closed); err != nil {
		r.made.Damaged = append(r.made.Damaged, name)
		return nil
	}
	if !r.named[t.week] {
		if err := nameWeek(ctx, r.store, t.week); err != nil {
			return err
		}
		r.named[t.week] = true
	}
	r.made.Weeks++
	return r.settled(ctx, t.dealer, name, data, func() error { return putFleetWeek(ctx, r.store, t, data, closed) })
}

// settled writes, and then looks whether what it wrote of is still there, for a collector may be at work. If a newer one came,
// its own request has written, maybe before this one: it is made from that, then. A dealer who left meanwhile is forgotten.
func (r *rebuild) settled(ctx context.Context, dealer, source string, was []byte, put func() error) error {
	if err := put(); err != nil {
		return err
	}
	left, err := readRecord(ctx, r.store, dealer, deletionFile(dealer))
	if err != nil {
		return err
	}
	if left != nil {
		return forgetDealer(ctx, r.store, dealer)
	}
	now, err := r.get(ctx, source)
	if err != nil || bytes.Equal(now, was) {
		return err
	}
	if path.Base(source) == "manifest.json" {
		r.made.Weeks--
	} else {
		r.made.Dealers--
	}
	return r.again(ctx, dealer, source)
}

func (r *rebuild) again(ctx context.Context, dealer, source string) error {
	if source == statusFile(dealer) {
		source = dealerFile(dealer)
	}
	return r.object(ctx, source, fieldmap.Week{})
}

// indices refreshes the index objects.
func (r *rebuild) indices(ctx context.Context, only fieldmap.Week) error {
	x := NewFleetIndex(r.store)
	weeks := []fieldmap.Week{only}
	if only.IsZero() {
		read, err := x.Dealers(ctx)
		if err != nil {
			return err
		}
		r.made.Damaged = append(r.made.Damaged, read.Damaged...)
		if weeks, err = x.Weeks(ctx); err != nil {
			return err
		}
	}
	for _, week := range weeks {
		read, err := x.Week(ctx, week)
		if err != nil {
			return err
		}
		r.made.Damaged = append(r.made.Damaged, read.Damaged...)
	}
	slices.Sort(r.made.Damaged)
	return nil
}
