package upload

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// closing is a manifest that is to be sent.
type closing struct {
	week     string
	of       fieldmap.Week
	changes  uint64 // weekState.Changes it was made of
	manifest Manifest
	body     []byte
	id       string
	content  string
}

// openWeeks returns the weeks whose manifest may be due, in their order.
func (q *Queue) openWeeks() (weeks []string, err error) {
	err = q.view("list weeks", func(tx *bbolt.Tx) error {
		waits, err := weeksWithPending(tx)
		if err != nil {
			return err
		}
		return bucket(tx, bucketWeeks).ForEach(func(k, _ []byte) error {
			week := string(k)
			w, err := loadWeek(tx, week)
			if err != nil {
				return err
			}
			closed := w.Closed != nil && w.Closed.Changes == w.Changes
			if w.Last != nil && w.Reading == nil && !closed && !waits[week] {
				weeks = append(weeks, week)
			}
			return nil
		})
	})
	return weeks, err
}

func weeksWithPending(tx *bbolt.Tx) (map[string]bool, error) {
	weeks := map[string]bool{}
	return weeks, bucket(tx, bucketPending).ForEach(func(at, _ []byte) error {
		head, err := loadHead(tx, at)
		weeks[head.Week] = true
		return err
	})
}

// makeManifest makes the manifest of a week. ok is false where the collector's receipt is held for one that says the
// same, so that reading a week again that has not changed sends nothing.
func (q *Queue) makeManifest(week, timezone string) (c closing, ok bool, err error) {
	err = q.view("make manifest of "+week, func(tx *bbolt.Tx) error {
		w, err := loadWeek(tx, week)
		if err != nil {
			return err
		}
		if w.Last == nil {
			return fmt.Errorf("the week was never read to its end")
		}
		c = closing{week: week, changes: w.Changes, manifest: Manifest{
			DealerID: q.dealer, Week: week, Timezone: cmp.Or(w.Last.Zones.Weeks, timezone), FieldmapDigest: w.Last.Fieldmap, ReadAt: w.Last.Ended,
			Readings: w.Readings, Batches: []ManifestBatch{}, Skipped: append([]fieldmap.SkipCount{}, w.Last.Skipped...), Left: w.Last.Left, Keyless: w.Last.Keyless,
			Dropped: w.Dropped,
		}}
		if w.Last.Profile != nil && len(w.Dropped) == 0 {
			c.manifest.Profile = w.Last.Profile.Public()
		}
		if c.of, err = fieldmap.ParseWeek(week); err != nil {
			return err
		}
		if err := c.count(tx); err != nil {
			return err
		}
		if err := c.encode(); err != nil {
			return err
		}
		ok = w.Closed == nil || w.Closed.Content != c.content
		return nil
	})
	return c, ok, err
}

// count fills in what the collector has, and what waits for a person.
func (c *closing) count(tx *bbolt.Tx) error {
	m := &c.manifest
	if err := eachBatch(tx, c.week, func(_ place, head batchHead) error {
		if !head.Delivered.IsZero() {
			m.Batches = append(m.Batches, ManifestBatch{ID: head.ID, Orders: head.Orders})
			m.Orders += head.Orders
		}
		return nil
	}); err != nil {
		return err
	}
	if err := eachParked(tx, func(_ uint64, head parkedHead) error {
		if head.Week == c.week {
			m.Parked += max(1, head.Lines)
		}
		return nil
	}); err != nil {
		return err
	}
	held, err := countHeld(tx, c.week)
	m.Held = held
	return err
}

func countHeld(tx *bbolt.Tx, week string) (held int, err error) {
	orders, err := weekOrders(tx, week)
	if err != nil || orders == nil {
		return 0, err
	}
	err = eachState(orders, nil, func(_ []byte, state orderState) bool {
		if state.held() {
			held++
		}
		return true
	})
	return held, err
}

// encode makes the manifest's bytes and id.
func (c *closing) encode() error {
	var err error
	if c.body, err = json.Marshal(c.manifest); err != nil {
		return fmt.Errorf("encode manifest of %s: %w", c.week, err)
	}
	c.id = batchID(c.body)
	same := c.manifest
	same.ReadAt, same.Readings = time.Time{}, 0 // every reading changes these
	text, err := json.Marshal(same)
	if err != nil {
		return fmt.Errorf("encode manifest of %s: %w", c.week, err)
	}
	c.content = batchID(text)
	return nil
}

// closeWeek notes that the collector has the manifest; without a receipt, that it has one that says the same.
func (q *Queue) closeWeek(c closing, receipt Receipt, signed []byte) error {
	return q.update("close week "+c.week, func(tx *bbolt.Tx) error {
		w, err := loadWeek(tx, c.week)
		if err != nil {
			return err
		}
		if signed == nil {
			w.Closed.Changes = c.changes
			return w.save(tx, c.week)
		}
		w.TakenOver = 0
		if q.isEarly(c.of, receipt.Stored) && w.Reading == nil {
			w.readEarly(q.now())
		}
		w.Closed = &closedState{Manifest: c.id, Content: c.content, Changes: c.changes, At: receipt.Stored}
		if err := w.save(tx, c.week); err != nil {
			return err
		}
		return record(tx, Entry{
			Kind: ManifestEntry, Week: c.week, Fieldmap: c.manifest.FieldmapDigest, ID: c.id, Orders: c.manifest.Orders,
			Bytes: int64(len(c.body)), Receipt: string(bytes.Clone(signed)),
		})
	})
}
