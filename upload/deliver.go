package upload

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// waiting is a batch that waits to be sent.
type waiting struct {
	at     place
	head   batchHead
	week   fieldmap.Week
	packed []byte // its lines, zstd
}

// errNothingWaits is returned by [Queue.next] where all is sent.
var errNothingWaits = errors.New("nothing waits to be sent")

// next returns the oldest batch that waits, of a week that does not stop, and whose time has come. What is behind it in
// its week waits too: no line of an order overtakes another.
func (q *Queue) next(stops func(week string) bool) (w waiting, err error) {
	now := q.now()
	err = q.view("read next batch", func(tx *bbolt.Tx) error {
		delayed := map[string]bool{}
		c := bucket(tx, bucketPending).Cursor()
		for at, _ := c.First(); ; at, _ = c.Next() {
			if at == nil {
				return errNothingWaits
			}
			if w.head, err = loadHead(tx, at); err != nil {
				return err
			}
			delayed[w.head.Week] = delayed[w.head.Week] || w.head.delayed(q.Hold, now)
			if !stops(w.head.Week) && !delayed[w.head.Week] {
				w.at = bytes.Clone(at)
				break
			}
		}
		if w.week, err = fieldmap.ParseWeek(w.head.Week); err != nil {
			return fmt.Errorf("batch %.12s: %w", w.head.ID, err)
		}
		w.packed, err = q.unseal(tx, w.at, w.head)
		return err
	})
	return w, err
}

// offer notes that the collector may have the batch from now on, also where its answer is lost or the process ends: a
// person can drop nothing of it any more.
func (q *Queue) offer(w *waiting) error {
	if w.head.Offered {
		return nil
	}
	head := w.head
	head.Offered = true
	err := q.update("offer batch", func(tx *bbolt.Tx) error {
		if err := mustWait(tx, w.at, head); err != nil {
			return err
		}
		return putHead(tx, w.at, head)
	})
	if err == nil {
		w.head = head
	}
	return err
}

// deliver takes a batch out of what waits and writes its receipt into the ledger. Its payload stays, for a collector
// that loses it, until [Queue.Purge].
func (q *Queue) deliver(w waiting, receipt Receipt, signed []byte) error {
	return q.update("deliver batch", func(tx *bbolt.Tx) error { return deliverIn(tx, w, receipt, signed) })
}

func deliverIn(tx *bbolt.Tx, w waiting, receipt Receipt, signed []byte) error {
	if err := removePending(tx, w.at, w.head); err != nil {
		return err
	}
	head := w.head
	head.Delivered = receipt.Stored
	if err := putHead(tx, w.at, head); err != nil {
		return err
	}
	if err := touchWeek(tx, head.Week); err != nil {
		return err
	}
	return record(tx, Entry{
		Kind: BatchEntry, Week: head.Week, Fieldmap: head.Fieldmap, ID: head.ID, Orders: head.Orders, Bytes: head.Bytes,
		Receipt: string(signed),
	})
}

// halve replaces a batch that is too large for the collector by its two halves, in its place.
func (q *Queue) halve(w waiting) error {
	return q.update("split batch", func(tx *bbolt.Tx) error {
		lines, err := q.lines(tx, w.at, w.head)
		if err != nil {
			return err
		}
		tags, err := q.tagsOf(tx, w.at)
		if err != nil {
			return err
		}
		if err := removeBatch(tx, w.at, w.head); err != nil {
			return err
		}
		half := len(lines) / 2
		return errors.Join(
			q.putAgain(tx, w.at.child(0), w.head, lines[:half], tags),
			q.putAgain(tx, w.at.child(1), w.head, lines[half:], tags),
		)
	})
}

// putAgain stores lines that come from an earlier batch as a batch. Without lines there is nothing to store.
func (q *Queue) putAgain(tx *bbolt.Tx, at place, from batchHead, lines [][]byte, tags orderTags) error {
	if len(lines) == 0 {
		return nil
	}
	mentions, err := tags.mentionsOf(lines)
	if err != nil {
		return err
	}
	head := batchHead{Week: from.Week, Fieldmap: from.Fieldmap, Orders: len(lines), Made: from.Made, Again: from.Again, Released: from.Released}
	text := joinLines(lines)
	_, _, err = q.putBatch(tx, at, head, text, mentions, nil, nil)
	return err
}

// errNoCopy says that a batch that the collector lost is not here either: it is past its retention, or another data folder
// sent it, or this one before its queue was rebuilt.
var errNoCopy = errors.New("the collector lost a batch of which nothing is kept here")

// requeue puts delivered batches, which the collector says it lost, back into what waits. It fails with errNoCopy where
// there is none, and with *[SendError] where the collector names a batch that this queue never delivered.
func (q *Queue) requeue(week string, ids []string) error {
	return q.update("send lost batches again", func(tx *bbolt.Tx) error {
		places := map[string]place{}
		if err := eachBatch(tx, week, func(at place, head batchHead) error {
			if !head.Delivered.IsZero() {
				places[head.ID] = bytes.Clone(at)
			}
			return nil
		}); err != nil {
			return err
		}
		for _, id := range ids {
			at, ok := places[id]
			if !ok {
				return askedForUnknown(week, id)
			}
			if err := requeueOne(tx, at); err != nil {
				return err
			}
			delete(places, id)
		}
		return nil
	})
}

func requeueOne(tx *bbolt.Tx, at place) error {
	head, err := loadHead(tx, at)
	if err != nil {
		return err
	}
	if payload(tx, bucketPayloads, at) == nil {
		return errNoCopy
	}
	head.Delivered, head.Again = time.Time{}, true
	if err := putHead(tx, at, head); err != nil {
		return err
	}
	if err := addPending(tx, at, head); err != nil {
		return err
	}
	return record(tx, Entry{Kind: RequeuedEntry, Week: head.Week, ID: head.ID, Orders: head.Orders})
}

// headsAtOnce is statesAtOnce for the heads of batches, of which a page holds about ten.
const headsAtOnce = 128

// eachBatch calls fn for the batches of a week, in their order. at must be copied to be kept.
func eachBatch(tx *bbolt.Tx, week string, fn func(at place, head batchHead) error) error {
	prefix := weekPlace(week, nil)
	c, seen := bucket(tx, bucketWeekBatches).Cursor(), 0
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if seen++; seen%headsAtOnce == 0 {
			releaseMemory(tx)
		}
		at := place(k[len(prefix):])
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
