package upload

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// WeekStatus is what the queue knows of a week.
type WeekStatus struct {
	Week     string    `json:"week"`
	Readings int       `json:"readings"`          // finished
	ReadAt   time.Time `json:"read_at,omitzero"`  // when the last one ended
	Resumed  bool      `json:"resumed,omitempty"` // the last one was stopped and gone on with by a later run: some pages are older than that
	Reading  *Progress `json:"reading,omitempty"` // the unfinished one
	Zones    bool      `json:"zones,omitempty"`   // it was last read by other zones than today's, or it is not known by which
	Comers   bool      `json:"comers,omitempty"`  // what came into it from weeks beside it is being read
	Early    bool      `json:"early,omitempty"`   // it was read before it was over, and is to be read again
	Anew     bool      `json:"anew,omitempty"`    // it was taken over from the collector, and is to be read from its beginning
	Held     int       `json:"held"`              // orders that are sent, or queued, and not voided
	Sent     int       `json:"sent"`              // lines with a receipt
	Waiting  int       `json:"waiting"`           // lines queued
	Parked   int       `json:"parked"`            // orders
	Skipped  int       `json:"skipped"`           // rows that a rule left out, of the last reading
	Withheld int       `json:"withheld"`          // values that a rule left out, of the last reading that read every order
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Closed   bool      `json:"closed"` // the collector's receipt for the manifest is held, and it still says all
}

// Progress is how far an unfinished reading is.
type Progress struct {
	Started time.Time `json:"started"`
	Tally   Tally     `json:"tally"`
}

// Weeks returns the weeks that were ever read, oldest first.
func (q *Queue) Weeks() (weeks []WeekStatus, err error) {
	weeks = []WeekStatus{}
	err = q.view("list weeks", func(tx *bbolt.Tx) error {
		waits, err := weeksWithPending(tx)
		if err != nil {
			return err
		}
		awaits := bucket(tx, bucketMeta).Get([]byte(metaAwaits)) != nil // until the collector has told what it holds
		parked := map[string]int{}
		if err := eachParked(tx, func(_ uint64, head parkedHead) error {
			parked[head.Week] += max(1, head.Lines)
			return nil
		}); err != nil {
			return err
		}
		return bucket(tx, bucketWeeks).ForEach(func(name, _ []byte) error {
			w, err := q.weekStatus(tx, string(name))
			w.Parked = parked[w.Week]
			w.Closed = w.Closed && !waits[w.Week] && !awaits
			weeks = append(weeks, w)
			return err
		})
	})
	return weeks, err
}

func (q *Queue) weekStatus(tx *bbolt.Tx, name string) (WeekStatus, error) {
	w := WeekStatus{Week: name}
	state, err := loadWeek(tx, name)
	if err != nil {
		return w, err
	}
	w.Readings = state.Readings
	w.Zones = state.Last == nil && state.Readings > 0 || state.Last != nil && state.Last.Zones != q.Zones
	if state.Last != nil {
		w.ReadAt, w.Resumed = state.Last.Ended, state.Last.Resumed
		for _, s := range state.Last.Skipped {
			w.Skipped += s.Count
		}
		for _, n := range state.Last.Left.Withheld {
			w.Withheld += n
		}
	}
	if r := state.Reading; r != nil && r.Comers {
		w.Comers = true
	} else if r != nil {
		w.Reading, w.Anew, w.Early = &Progress{Started: r.Started, Tally: r.Tally}, r.anew(), r.Early
	}
	if state.Closed != nil {
		w.ClosedAt, w.Closed = state.Closed.At, state.Closed.Changes == state.Changes
	}
	if state.Adopted && state.Last == nil && state.Reading == nil {
		w.Closed = true // as the collector told, and nothing of it is known to have changed
	}
	if w.Held, err = countHeld(tx, name); err != nil {
		return w, err
	}
	err = eachBatch(tx, name, func(_ place, head batchHead) error {
		if head.Delivered.IsZero() {
			w.Waiting += head.Orders
		} else {
			w.Sent += head.Orders
		}
		return nil
	})
	return w, err
}

// PendingStatus is what waits to be sent.
type PendingStatus struct {
	Batches int       `json:"batches"`
	Orders  int       `json:"orders"`
	Bytes   int64     `json:"bytes"`           // as they are stored
	Oldest  time.Time `json:"oldest,omitzero"` // when the oldest was queued
}

// Pending returns what waits to be sent.
func (q *Queue) Pending() (p PendingStatus, err error) {
	err = q.view("count what waits", func(tx *bbolt.Tx) error {
		total, err := loadPending(tx)
		if err != nil {
			return err
		}
		p = PendingStatus{Batches: total.Batches, Orders: total.Orders, Bytes: total.Bytes}
		at, _ := bucket(tx, bucketPending).Cursor().First()
		if at == nil {
			return nil
		}
		head, err := loadHead(tx, at)
		p.Oldest = head.Made
		return err
	})
	return p, err
}

// Check reads the whole file and reports the first thing in it that is damaged. It must not run beside what writes.
func (q *Queue) Check() error {
	return q.view("check queue", func(tx *bbolt.Tx) error {
		if err := q.checkFile(q.file); err != nil {
			return err
		}
		return checkNumbers(tx)
	})
}

// Purge deletes the payloads of batches delivered before a time. What the ledger and the manifests say stays; a batch
// that the collector loses later cannot be sent again. Copies of older formats go after their time.
func (q *Queue) Purge(before time.Time) (batches int, err error) {
	err = q.update("purge payloads", func(tx *bbolt.Tx) error {
		batches = 0
		var places []place
		var size int64
		orders := 0
		if err := bucket(tx, bucketPayloads).ForEachBucket(func(at []byte) error {
			if bytes.HasPrefix(at, []byte(parkedStem)) {
				return nil
			}
			head, err := loadHead(tx, at)
			if err == nil && !head.Delivered.IsZero() && head.Delivered.Before(before) {
				places = append(places, bytes.Clone(at))
				size += head.Bytes
				orders += head.Orders
			}
			return err
		}); err != nil {
			return err
		}
		for _, at := range places {
			if err := bucket(tx, bucketPayloads).DeleteBucket(at); err != nil {
				return fmt.Errorf("delete payload: %w", err)
			}
		}
		if batches = len(places); batches == 0 {
			return nil
		}
		return record(tx, Entry{Kind: PurgedEntry, Orders: orders, Bytes: size})
	})
	return batches, errors.Join(err, q.dropCopies(time.Now().Add(-copyKept)))
}
