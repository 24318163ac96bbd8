package collector

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// A dealer leaves in three steps: its tombstone ([deletionFile]) is put, all that is held of it is removed, also from what tells of all dealers, the receipt is
// signed. From the first step on nothing is taken of it. A crash between them leaves the tombstone, and the same request
// again goes on from there. The receipt is made of nothing but the tombstone and the key, so it is the same each time.

// deletion is when a dealer left, and what was held of it then.
type deletion struct {
	At      time.Time `json:"at"`
	Weeks   int       `json:"weeks"`
	Batches int       `json:"batches"`
	Orders  int       `json:"orders"`
}

// deleteDealer deletes all that is held of a dealer, and answers with the receipt for that.
func (h *Handler) deleteDealer(r *http.Request, t target) (answer, error) {
	ctx := r.Context()
	left, err := h.bury(ctx, t.dealer)
	if err != nil {
		return answer{}, err
	}
	if err := forgetDealer(ctx, h.store, t.dealer); err != nil {
		return answer{}, err
	}
	signed, err := upload.DeletionReceipt{
		Dealer: t.dealer, Left: left.At, Weeks: left.Weeks, Batches: left.Batches, Orders: left.Orders,
	}.Sign(h.key.Signer)
	if err != nil {
		return answer{}, fmt.Errorf("sign deletion receipt of dealer %s: %w", t.dealer, err)
	}
	h.Logger.InfoContext(ctx, "dealer deleted", "dealer", t.dealer, "weeks", left.Weeks, "batches", left.Batches, "orders", left.Orders)
	return answer{http.StatusOK, upload.ReceiptType, signed}, nil
}

// bury puts the dealer's tombstone where there is none, and returns what the one says that is there then.
func (h *Handler) bury(ctx context.Context, dealer string) (deletion, error) {
	record, err := readDealer(ctx, h.store, dealer)
	switch {
	case err != nil:
		return deletion{}, err
	case record == nil: // it was removed by hand since it was let in
		return deletion{}, unauthorized("this dealer was removed from this collector")
	case record.Left != nil:
		return *record.Left, nil
	}
	left, err := h.count(ctx, dealer)
	if err != nil {
		return deletion{}, err
	}
	record.Left = &left
	err = record.put(ctx, h.store, deletionFile(dealer), Create)
	if exists(err) {
		return h.bury(ctx, dealer) // another collector was first
	}
	return left, err
}

// count counts what is held of a dealer. What comes at this very moment is deleted with the rest, and may not be counted.
func (h *Handler) count(ctx context.Context, dealer string) (deletion, error) {
	d := deletion{At: time.Now().UTC().Truncate(time.Second)}
	names, err := Names(ctx, h.store, dealerFolder(dealer))
	if err != nil {
		return d, err
	}
	weeks := map[fieldmap.Week]bool{}
	for _, name := range names {
		folder, _, _ := strings.Cut(strings.TrimPrefix(name, dealerFolder(dealer)+"/"), "/")
		if week, err := fieldmap.ParseWeek(folder); err == nil {
			weeks[week] = true
		}
	}
	for week := range weeks {
		held, err := h.held(ctx, dealer, week)
		if err != nil {
			return d, err
		}
		d.Batches += len(held)
		for _, batch := range held {
			d.Orders += batch.Orders
		}
	}
	d.Weeks = len(weeks)
	return d, nil
}

// gone is the answer to a dealer who left.
func gone(left *deletion) error {
	e := refuse(http.StatusGone, "this dealer left on %s, and all that was held of it was deleted; it can send again once it is added again, with a new token",
		left.At.Format(time.DateOnly))
	e.Type, e.Title = upload.LeftType, "the dealer has left"
	return e
}

// withdraw removes what a request has stored of a dealer who left while it was served, maybe by another collector. It is
// asked after the last write, and the tombstone is put before anything is removed: whichever of the two comes last sees
// what the other has done.
func (h *Handler) withdraw(ctx context.Context, dealer string) error {
	ctx = context.WithoutCancel(ctx) // the agent need not wait for it
	record, err := readRecord(ctx, h.store, dealer, deletionFile(dealer))
	if err != nil || record == nil || record.Left == nil {
		return err
	}
	if err := forgetDealer(ctx, h.store, dealer); err != nil {
		return err
	}
	return gone(record.Left)
}

// FinishDeletions removes what is left of dealers who left: a collector that was cut off may have stored something of them
// after all was removed. It is to be called before requests are served.
func FinishDeletions(ctx context.Context, store Store) error {
	names, err := Names(ctx, store, "deletions")
	if err != nil {
		return fmt.Errorf("finish deletions: %w", err)
	}
	swept := map[string]bool{}
	for _, name := range names {
		dealer, ok := strings.CutSuffix(path.Base(name), ".json")
		if !ok || name != deletionFile(dealer) {
			continue
		}
		if left, err := readRecord(ctx, store, dealer, name); err != nil {
			return fmt.Errorf("finish deletions: %w", err)
		} else if left == nil { // it was added again this very moment
			continue
		}
		if err := store.Remove(ctx, dealerFolder(dealer)); err != nil {
			return fmt.Errorf("finish deletions: %w", err)
		}
		swept[dealer] = true
	}
	if len(swept) == 0 {
		return nil
	}
	if err := sweepFleet(ctx, store, swept); err != nil {
		return fmt.Errorf("finish deletions: %w", err)
	}
	return nil
}

// Readmit lets a dealer send again that left: what may still be there of it is removed, and the tombstone becomes history.
// The dealer is then as one that was never added; see [AddDealer]. It does nothing for a dealer who has not left.
func Readmit(ctx context.Context, store Store, id string) error {
	if err := checkDealer(id); err != nil {
		return fmt.Errorf("readmit dealer: %w", err)
	}
	record, err := readDealer(ctx, store, id)
	if err != nil || record == nil || record.Left == nil {
		return err
	}
	if err := forgetDealer(ctx, store, id); err != nil {
		return fmt.Errorf("readmit dealer %s: %w", id, err)
	}
	if err := record.put(ctx, store, pastDeletionFile(id, record.Left.At), Create); err != nil && !exists(err) {
		return fmt.Errorf("readmit dealer %s: %w", id, err)
	}
	if err := store.Remove(ctx, deletionFile(id)); err != nil {
		return fmt.Errorf("readmit dealer %s: %w", id, err)
	}
	return nil
}
