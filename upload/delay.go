package upload

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// What this file calls delayed waits for the time that [Queue.Hold] gives the dealer. An order that a rule of the
// whitelist holds until a person releases it is another thing: see hold.go.

// from returns when the batch may be sent, under a hold of this length. What left once, or was offered, is not
// delayed any more.
func (h *batchHead) from(hold time.Duration) time.Time {
	if h.Again || h.Offered || !h.Released.IsZero() {
		return h.Made
	}
	return h.Made.Add(hold)
}

// delayed reports whether the dealer's time is not over. What has none goes at any time, also where it was made later than
// now: clocks are set back.
func (h *batchHead) delayed(hold time.Duration, now time.Time) bool {
	from := h.from(hold)
	return from.After(h.Made) && from.After(now)
}

// WaitingBatch is a batch that waits to be sent.
type WaitingBatch struct {
	ID       string    `json:"id"`
	Week     string    `json:"week"`
	Orders   int       `json:"orders"` // lines
	Bytes    int64     `json:"bytes"`  // of its lines
	Made     time.Time `json:"made"`
	From     time.Time `json:"from"`              // it is sent from then on
	Released time.Time `json:"released,omitzero"` // when a person let it go before its time
	Offered  bool      `json:"offered"`           // the collector may have it: nothing of it can be dropped
}

// Waiting returns what waits to be sent, in the order of sending.
func (q *Queue) Waiting() (batches []WaitingBatch, err error) {
	batches = []WaitingBatch{}
	err = q.view("list what waits", func(tx *bbolt.Tx) error {
		return eachPending(tx, func(_ place, head batchHead) error {
			batches = append(batches, WaitingBatch{
				ID: head.ID, Week: head.Week, Orders: head.Orders, Bytes: head.Bytes, Made: head.Made, From: head.from(q.Hold),
				Released: head.Released, Offered: head.left(),
			})
			return nil
		})
	})
	return batches, err
}

// left reports whether the collector has the batch, had it, or may have it.
func (h *batchHead) left() bool { return h.Offered || h.Again }

// eachPending calls fn for the batches that wait, in the order of sending. at must be copied to be kept, and fn must
// not change what waits.
func eachPending(tx *bbolt.Tx, fn func(at place, head batchHead) error) error {
	c := bucket(tx, bucketPending).Cursor()
	for at, _ := c.First(); at != nil; at, _ = c.Next() {
		head, err := loadHead(tx, at)
		if err != nil {
			return err
		}
		if err := fn(at, head); err != nil {
			return err
		}
	}
	return nil
}

// WaitingLine is a line that waits to be sent.
type WaitingLine struct {
	Week    string
	Text    []byte // with its line break
	Offered bool   // the collector may have it
}

// WaitingLines yields the lines that wait, of one week or of all (""), as they will be sent and in that order. It stops
// after an error. The loop must not write to the queue: it reads in one transaction.
func (q *Queue) WaitingLines(week string) iter.Seq2[WaitingLine, error] {
	return func(yield func(WaitingLine, error) bool) {
		err := q.view("show what waits", func(tx *bbolt.Tx) error {
			return eachPending(tx, func(at place, head batchHead) error {
				if week != "" && head.Week != week {
					return nil
				}
				lines, err := q.lines(tx, at, head)
				if err != nil {
					return err
				}
				for _, text := range lines {
					if !yield(WaitingLine{Week: head.Week, Text: text, Offered: head.left()}, nil) {
						return errStop
					}
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(WaitingLine{}, err)
		}
	}
}

// Unhold lets what waits for the dealer's time go now, of one week or of all (""), and returns how many lines that are.
// What is queued later waits its own time.
func (q *Queue) Unhold(week, who string) (orders int, err error) {
	err = q.update("let what waits go", func(tx *bbolt.Tx) error {
		orders = 0
		now := q.now().UTC()
		heads := map[string]batchHead{} // by place
		weeks := map[string]int{}
		if err := eachPending(tx, func(at place, head batchHead) error {
			if (week == "" || head.Week == week) && head.from(q.Hold).After(now) {
				head.Released = now
				heads[string(at)] = head
				weeks[head.Week] += head.Orders
			}
			return nil
		}); err != nil {
			return err
		}
		for at, head := range heads {
			if err := putHead(tx, place(at), head); err != nil {
				return err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(weeks)) {
			orders += weeks[name]
			if err := record(tx, Entry{Kind: UnheldEntry, At: now, Who: who, Week: name, Orders: weeks[name]}); err != nil {
				return err
			}
		}
		return nil
	})
	return orders, err
}
