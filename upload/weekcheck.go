package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// errAdopted says that a week was taken over from the collector: nothing of it is to be sent before it is read again.
var errAdopted = errors.New("the week was taken over from the collector")

// checkWeek holds, once a run and before anything of a week is sent, that the collector has nothing of that week that
// this queue does not know. Else another queue has sent it: one that this one is an old copy of, or that was moved
// away. Then the week becomes what the collector holds, and errAdopted is returned. So does one that follows from a week
// that was taken over.
func (r *sending) checkWeek(ctx context.Context, week string) error {
	if err, checked := r.weeks[week]; checked {
		return err
	}
	state, err := r.Queue.weekState(week)
	if err != nil {
		return err
	}
	if state.Undercut {
		r.Logger.Warn("orders of the week came from a week that was taken over: it is taken over and read again, too", "week", week)
		return r.askTakeOver(ctx, week, undercutWeek(week))
	}
	held, err := r.getWeek(ctx, week)
	if holdsNothing(err) {
		r.Logger.Warn("the collector does not say what it holds of the week", "week", week, "error", err)
		r.weeks[week] = nil
		return nil
	}
	if err != nil {
		return err
	}
	known, err := r.Queue.batchesOf(week)
	if err != nil {
		return err
	}
	foreign := foreignTo(known, held.Batches)
	if foreign == 0 {
		r.weeks[week] = nil
		return nil
	}
	orders, err := r.getOrders(ctx, week)
	switch {
	case isNoAnswer(err):
		r.weeks[week] = foreignBatches(week, foreign)
		return r.weeks[week]
	case err != nil:
		return err
	case foreignTo(known, orders.manifestBatches()) == 0: // what is foreign does not count any more
		r.weeks[week] = nil
		return nil
	}
	r.Logger.Warn("the collector holds batches that this data folder does not know: the week is taken over and read again", "week", week, "batches", foreign)
	return r.takeOver(orders)
}

// askTakeOver asks the collector what it holds of a week and takes that over; untold stops the week of which it does not tell.
func (r *sending) askTakeOver(ctx context.Context, week string, untold error) error {
	orders, err := r.getOrders(ctx, week)
	switch {
	case isNoAnswer(err):
		r.weeks[week] = untold
		return untold
	case err != nil:
		return err
	}
	return r.takeOver(orders)
}

// takeOver makes a week what the collector holds of it, and returns errAdopted; or what stops the week, where it was taken
// over too often.
func (r *sending) takeOver(held *heldWeek) error {
	if err := r.Queue.mayTakeOver(held.Week, r.Queue.now()); err != nil {
		r.weeks[held.Week] = err
		return err
	}
	behind, err := r.Queue.adopt(held, true)
	if err != nil {
		return err
	}
	for _, week := range behind {
		if r.weeks[week] == nil {
			delete(r.weeks, week) // it may have been checked before
		}
	}
	r.sent.Adopted++
	r.weeks[held.Week] = nil
	return errAdopted
}

// A week is taken over, and so read again, this often before it is closed; from then on once in so long. Else a collector
// that tells something else each time would have the DMS read for ever.
const (
	takeOversMost = 3
	takeOverPause = 24 * time.Hour
)

// mayTakeOver returns the error that says that a week was taken over too often.
func (q *Queue) mayTakeOver(week string, now time.Time) error {
	w, err := q.weekState(week)
	if err != nil {
		return err
	}
	if w.TakenOver < takeOversMost || now.Sub(w.TakenOverAt).Abs() >= takeOverPause {
		return nil
	}
	return &SendError{
		Class: ClassRefused, Status: http.StatusOK,
		Message: fmt.Sprintf("the collector holds something else of %s than it was sent, again after the week was read anew %d times", week, w.TakenOver),
		Hint:    "Nothing of that week is sent, and it is read anew once a day at most. Look whether a second agent sends for this dealer; else tell the collector's operator.",
	}
}

// lost does what a collector calls for that says that it lost batches of a week: they wait again, or the week is taken
// over and read again where there is nothing to send of them.
func (r *sending) lost(ctx context.Context, week string, ids []string) (again bool, err error) {
	r.Logger.Warn("the collector lost batches, which are sent again", "week", week, "batches", len(ids))
	if err := r.Queue.requeue(week, ids); !errors.Is(err, errNoCopy) {
		return err == nil, err
	}
	r.Logger.Warn("of some that the collector lost no copy is kept: the week is taken over and read again", "week", week)
	if err := r.askTakeOver(ctx, week, goneBatches(week)); !errors.Is(err, errAdopted) {
		return false, err
	}
	return false, nil
}

// goneBatches is for a collector that lost batches and does not tell what it holds of each order: an older one.
func goneBatches(week string) error {
	return &SendError{
		Class: ClassRefused, Status: http.StatusConflict,
		Message: fmt.Sprintf("the collector lost batches of %s of which no copy is kept here, and does not tell which orders it still has", week),
		Hint:    "Ask the collector's operator to restore them from a backup, or to bring the collector up to date.",
	}
}

// askedForUnknown is for a collector that asks for a batch that it was never sent.
func askedForUnknown(week, id string) error {
	return &SendError{
		Class: ClassRefused, Status: http.StatusConflict,
		Message: fmt.Sprintf("the collector asks for batch %.12q of %s, which was never delivered", id, week),
		Hint:    "Tell the collector's operator.",
	}
}

// holdsNothing reports whether the collector itself answered, with a problem, that it holds nothing of what it is asked, or does
// not know such a question. Whatever else answers may stand before a collector that holds newer revisions.
func holdsNothing(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && e.Class == ClassRefused && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed)
}

// isNoAnswer reports whether something answered, and not with what it holds of a week.
func isNoAnswer(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && (e.Class == ClassRefused || e.Class == ClassNotCollector)
}

// foreignTo counts the batches that are not known.
func foreignTo(known map[string]bool, held []ManifestBatch) (foreign int) {
	for _, batch := range held {
		if !known[batch.ID] {
			foreign++
		}
	}
	return foreign
}

// foreignBatches is for a collector that does not tell what it holds of each order: an older one.
func foreignBatches(week string, foreign int) error {
	return &SendError{
		Class: ClassRefused, Status: http.StatusOK,
		Message: fmt.Sprintf("the collector holds %d batches of %s that this data folder never sent, and does not tell which orders: what is sent from here would be taken for older than they are", foreign, week),
		Hint:    "Ask the collector's operator to bring the collector up to date, or restore the data folder from a backup.",
	}
}

// undercutWeek is for a collector that told what it holds of one week and not of another.
func undercutWeek(week string) error {
	return &SendError{
		Class: ClassRefused, Status: http.StatusOK,
		Message: fmt.Sprintf("orders of %s came from a week that was taken over from the collector, and it does not tell what it holds of %s", week, week),
		Hint:    "Nothing of that week is sent until it does. Tell the collector's operator.",
	}
}

// weekState returns the state of a week.
func (q *Queue) weekState(week string) (w weekState, err error) {
	err = q.view("look at "+week, func(tx *bbolt.Tx) error {
		w, err = loadWeek(tx, week)
		return err
	})
	return w, err
}

// batchesOf returns the ids of a week's batches.
func (q *Queue) batchesOf(week string) (ids map[string]bool, err error) {
	ids = map[string]bool{}
	err = q.view("list batches of "+week, func(tx *bbolt.Tx) error {
		return eachBatch(tx, week, func(_ place, head batchHead) error {
			ids[head.ID] = true
			return nil
		})
	})
	return ids, err
}

// getWeek asks the collector what it holds of a week.
func (r *sending) getWeek(ctx context.Context, week string) (WeekHeld, error) {
	var held WeekHeld
	answer, err := r.ask(ctx, "question about "+week, "weeks", week)
	if err == nil && (json.Unmarshal(answer.body, &held) != nil || held.DealerID != r.Queue.dealer || held.Week != week) {
		err = notCollector(answer)
	}
	return held, err
}

// getWeeks asks the collector of which weeks it holds anything.
func (r *sending) getWeeks(ctx context.Context) ([]string, error) {
	var held WeeksHeld
	answer, err := r.ask(ctx, "question about all weeks", "weeks")
	if err == nil && (json.Unmarshal(answer.body, &held) != nil || held.DealerID != r.Queue.dealer || held.Weeks == nil || !slices.IsSorted(held.Weeks)) {
		err = notCollector(answer)
	}
	return held.Weeks, err
}

// getOrders asks the collector what it holds of each order of a week.
func (r *sending) getOrders(ctx context.Context, week string) (*heldWeek, error) {
	answer, err := r.ask(ctx, "question about the orders of "+week, "weeks", week, "orders")
	if err != nil {
		return nil, err
	}
	held, err := parseHeld(answer.body, r.Queue.dealer, week)
	if err != nil {
		r.Logger.Warn("what the collector holds of the week cannot be read", "week", week, "error", err)
		return nil, notCollector(answer)
	}
	if err := held.prove(r); err != nil {
		return nil, unproven(answer, err)
	}
	return held, nil
}

// ask returns the collector's answer to a question, if it is JSON.
func (r *sending) ask(ctx context.Context, what string, path ...string) (answer, error) {
	a, err := r.request(ctx, http.MethodGet, what, nil, http.Header{"Accept": {"application/json"}}, path...)
	if err != nil {
		return a, err
	}
	switch action, err := manifestAction(a); {
	case action != accept && err != nil:
		return a, err
	case action != accept, a.mediaType != "application/json":
		return a, notCollector(a)
	}
	return a, nil
}

// parseHeld reads what a collector says that it holds of a dealer's week. Its errors repeat nothing of it.
func parseHeld(body []byte, dealer, week string) (*heldWeek, error) {
	h := &heldWeek{byID: map[string]int{}, byKey: map[string]int{}}
	if err := json.Unmarshal(body, &h.OrdersHeld); err != nil {
		return nil, errors.New("it is no JSON of the right form")
	}
	if h.DealerID != dealer || h.Week != week {
		return nil, errors.New("it is about another dealer or week")
	}
	var err error
	if h.week, err = fieldmap.ParseWeek(week); err != nil {
		return nil, err
	}
	for i, b := range h.Batches {
		if _, err := decodeDigest(b.ID); err != nil || b.Orders < 1 || len(b.Receipt) > MaxReceipt {
			return nil, fmt.Errorf("batch %d is not well formed", i+1)
		}
		if _, twice := h.byID[b.ID]; twice {
			return nil, fmt.Errorf("batch %d is named twice", i+1)
		}
		h.byID[b.ID] = i
	}
	for i, o := range h.Orders {
		d, err := decodeDigest(o.SHA256)
		if err != nil || o.Key == "" || len(o.Key) > MaxKey || o.Revision < 1 || o.Revision > 1<<31-1 || o.Voided && o.Revision == 1 {
			return nil, fmt.Errorf("order %d is not well formed", i+1)
		}
		if i > 0 && o.Key <= h.Orders[i-1].Key {
			return nil, fmt.Errorf("order %d does not come behind the one before", i+1)
		}
		h.digests = append(h.digests, d)
		h.byKey[o.Key] = i
	}
	if len(h.Orders) > 0 && len(h.Batches) == 0 {
		return nil, errors.New("it has orders and no batch")
	}
	return h, nil
}

// prove holds that every batch has its receipt.
func (h *heldWeek) prove(r *sending) error {
	for _, b := range h.Batches {
		receipt, err := OpenReceipt([]byte(b.Receipt), r.ReceiptKey)
		if err != nil {
			return err
		}
		if err := receipt.Proves(Receipt{Dealer: r.Queue.dealer, Week: h.week, What: BatchReceipt, ID: b.ID, Orders: b.Orders}); err != nil {
			return err
		}
		h.receipts = append(h.receipts, receipt)
	}
	return nil
}

func (h *heldWeek) manifestBatches() []ManifestBatch {
	batches := make([]ManifestBatch, 0, len(h.Batches))
	for _, b := range h.Batches {
		batches = append(batches, ManifestBatch{ID: b.ID, Orders: b.Orders})
	}
	return batches
}

// Weeks asks the collector of which weeks it holds anything, and so whether it is there and takes this dealer's credentials.
// The queue need not be open. An error is a *[SendError].
func (s *Sender) Weeks(ctx context.Context) ([]string, error) { return s.begin(&Sent{}).getWeeks(ctx) }
