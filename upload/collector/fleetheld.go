package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// HeldWeek is what is held of one dealer's week: its last manifest, and the batches that are there. It holds no order.
type HeldWeek struct {
	Manifest upload.Manifest // zero where there is none
	ClosedAt time.Time       // when the manifest was stored; zero where its receipt does not verify
	Batches  []StoredBatch   // in the order in which they were stored
}

// StoredBatch is a batch with what its receipt says.
type StoredBatch struct {
	ID     string
	Orders int
	Stored time.Time // zero: there is no receipt that verifies, so it counts as not held
	Named  bool      // by the manifest
}

// ReadHeldWeek reads a week: a read for each batch. Its error wraps [ErrNoDealer] where there is no such dealer (any more).
func ReadHeldWeek(ctx context.Context, store Store, dealer string, week fieldmap.Week) (HeldWeek, error) {
	held, err := readHeldWeek(ctx, store, dealer, week)
	if err != nil {
		return HeldWeek{}, fmt.Errorf("read %s of dealer %s: %w", week, dealer, err)
	}
	return held, nil
}

func readHeldWeek(ctx context.Context, store Store, dealer string, week fieldmap.Week) (held HeldWeek, err error) {
	if checkDealer(dealer) != nil {
		return held, ErrNoDealer
	}
	record, err := readDealer(ctx, store, dealer)
	if err != nil {
		return held, err
	}
	if record == nil || record.Left != nil {
		return held, ErrNoDealer
	}
	key, err := OpenKey(ctx, store, "")
	if err != nil {
		return held, err
	}
	named, closed, err := lastManifest(ctx, store, key, dealer, week)
	if err != nil {
		return held, err
	}
	held.ClosedAt = closed
	if data, err := store.Get(ctx, manifestFile(dealer, week)); err == nil {
		if err := json.Unmarshal(data, &held.Manifest); err != nil {
			return held, fmt.Errorf("%s is damaged: %w", manifestFile(dealer, week), err)
		}
	} else if !missing(err) {
		return held, err
	}
	held.Batches, err = storedBatches(ctx, store, key, dealer, week, named)
	return held, err
}

func storedBatches(ctx context.Context, store Store, key Key, dealer string, week fieldmap.Week, named map[string]bool) ([]StoredBatch, error) {
	ids, err := batchIDs(ctx, store, dealer, week)
	if err != nil {
		return nil, err
	}
	batches := make([]StoredBatch, len(ids))
	places := make([]int, len(ids))
	for i := range places {
		places[i] = i
	}
	err = each(ctx, 32, places, func(ctx context.Context, i int) error {
		batches[i] = StoredBatch{ID: ids[i], Named: named[ids[i]]}
		signed, err := store.Get(ctx, receiptFile(dealer, week, ids[i]))
		if err != nil {
			if missing(err) {
				return nil
			}
			return err
		}
		want := upload.Receipt{Dealer: dealer, Week: week, What: upload.BatchReceipt, ID: ids[i]}
		if receipt, err := upload.OpenReceipt(signed, key.Verifier); err == nil {
			want.Orders = receipt.Orders
			if receipt.Proves(want) == nil {
				batches[i].Orders, batches[i].Stored = receipt.Orders, receipt.Stored
			}
		}
		return nil
	})
	slices.SortStableFunc(batches, func(a, b StoredBatch) int { return a.Stored.Compare(b.Stored) })
	return batches, err
}
