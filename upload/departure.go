package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.etcd.io/bbolt"
)

// A dealer leaves in three steps, each of which may be the last before the process ends: [Queue.BeginLeaving] notes it,
// and nothing is read or sent any more; [Sender.Leave] has all deleted that the collector holds; [Queue.Leave] empties the
// queue, and writes the collector's receipt into the ledger in the same transaction. Each can be done again.

// metaDeparture is the key of bucketMeta under which the number of the ledger's entry is kept that says that the dealer leaves
// or has left. A new approval removes it.
const metaDeparture = "departure"

// Departure is the leaving of a dealer, as the ledger has it.
type Departure struct {
	Entry   uint64    `json:"entry"` // its number
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Done    bool      `json:"done"`              // the queue is empty; else the leaving has only begun
	Receipt string    `json:"receipt,omitempty"` // the collector's, signed; "" where it was not asked, or not yet
}

// LeftError refuses what a dealer who leaves, or has left, does no more.
type LeftError struct{ Departure }

// Error says how it stands and what to do.
func (e *LeftError) Error() string {
	on := e.At.Format(time.DateOnly)
	if !e.Done {
		return fmt.Sprintf("this store began to leave on %s, and has not ended it: nothing is read or sent any more\n  'roagent leave' ends it", on)
	}
	again := "if it is to take part again: 'roagent fieldmap approve --by NAME'"
	if e.Receipt != "" {
		again += ", and a new token from the collector's operator"
	}
	return fmt.Sprintf("this store left on %s: nothing is read or sent any more\n  %s", on, again)
}

// Departure returns how the dealer leaves or has left; ok is false where it takes part.
func (q *Queue) Departure() (d Departure, ok bool, err error) {
	err = q.view("read departure", func(tx *bbolt.Tx) error {
		d, ok, err = departure(tx)
		return err
	})
	return d, ok, err
}

func departure(tx *bbolt.Tx) (d Departure, ok bool, err error) {
	number := bucket(tx, bucketMeta).Get([]byte(metaDeparture))
	if number == nil {
		return d, false, nil
	}
	text := bucket(tx, bucketLedger).Get(number)
	if text == nil {
		return d, false, damaged(nil, "the entry %x of the ledger is missing, by which the dealer left", number)
	}
	e, err := decodeEntry(text)
	return Departure{Entry: e.Number, At: e.At, Who: e.Who, Done: e.Kind == LeftEntry, Receipt: e.Receipt}, err == nil, err
}

// mustTakePart refuses with *[LeftError] what only a dealer who takes part may do.
func mustTakePart(tx *bbolt.Tx) error {
	d, gone, err := departure(tx)
	if err == nil && gone {
		err = &LeftError{d}
	}
	return err
}

// takesPart is mustTakePart in a transaction of its own.
func (q *Queue) takesPart() error {
	d, gone, err := q.Departure()
	if err == nil && gone {
		err = &LeftError{d}
	}
	return err
}

// mustLeave fails where leaving has not begun: nothing must be deleted by mistake.
func mustLeave(tx *bbolt.Tx) error {
	_, gone, err := departure(tx)
	if err == nil && !gone {
		err = errors.New("the dealer has not begun to leave")
	}
	return err
}

// recordDeparture appends an entry, which says from now on how the dealer leaves.
func recordDeparture(tx *bbolt.Tx, e Entry) error {
	if err := record(tx, e); err != nil {
		return err
	}
	return bucket(tx, bucketMeta).Put([]byte(metaDeparture), ledgerKey(bucket(tx, bucketLedger).Sequence()))
}

// BeginLeaving notes in the ledger that a person decided that the dealer leaves. All approvals are void from then on. It does nothing
// where that is noted already.
func (q *Queue) BeginLeaving(who string, at time.Time) error {
	return q.update("begin to leave", func(tx *bbolt.Tx) error {
		if _, gone, err := departure(tx); err != nil || gone {
			return err
		}
		return recordDeparture(tx, Entry{Kind: LeavingEntry, At: at, Who: who})
	})
}

// Leave asks the collector to delete all that it holds of the dealer, and returns the receipt for that and its signed form. It may be
// called again: the answer is the same. It fails where leaving has not begun.
func (s *Sender) Leave(ctx context.Context) (receipt DeletionReceipt, signed []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Queue.view("read departure", mustLeave); err != nil {
		return receipt, nil, err
	}
	r := &sending{Sender: s, client: s.newClient(), sent: &Sent{}}
	answer, err := r.request(ctx, http.MethodDelete, "request to delete all", nil, http.Header{})
	if err != nil {
		return receipt, nil, err
	}
	if action, err := manifestAction(answer); action != accept {
		if refused, ok := errors.AsType[*SendError](err); ok && refused.Class == ClassRefused {
			refused.Hint = "Tell the collector's operator, who may have to bring it up to date, or to delete by hand: then 'roagent leave --keep-remote' ends it here."
		}
		return receipt, nil, err
	}
	receipt, err = OpenDeletionReceipt(answer.body, s.ReceiptKey, s.Queue.dealer)
	if err != nil {
		return receipt, nil, unproven(answer, err)
	}
	s.Logger.Info("the collector deleted all", "weeks", receipt.Weeks, "batches", receipt.Batches, "orders", receipt.Orders)
	return receipt, answer.body, nil
}

// Emptied is what a queue held when its dealer left.
type Emptied struct {
	Batches int `json:"batches"` // that waited
	Orders  int `json:"orders"`  // lines in them
	Offered int `json:"offered"` // of Orders: the collector may have them, since its answer is missing
	Parked  int `json:"parked"`  // orders that waited for a person
}

// Leave empties the queue: what waits, what is parked, the copies of what was delivered, what is known of each order and
// week, and copies of the file in older formats. The ledger stays, with a new entry that has the collector's signed receipt (nil: it was not asked), and so does
// whom the sent orders are about. A dealer who takes part again begins anew, with revision 1. It fails where leaving has
// not begun.
func (q *Queue) Leave(who string, receipt []byte, at time.Time) (e Emptied, err error) {
	err = q.update("empty queue", func(tx *bbolt.Tx) error {
		if err := mustLeave(tx); err != nil {
			return err
		}
		e = Emptied{}
		if err := e.dropWaiting(tx); err != nil {
			return err
		}
		if err := eachParked(tx, func(_ uint64, head parkedHead) error {
			e.Parked += max(1, head.Lines)
			return nil
		}); err != nil {
			return err
		}
		if err := emptyBuckets(tx); err != nil {
			return err
		}
		return recordDeparture(tx, Entry{Kind: LeftEntry, At: at, Who: who, Orders: e.Orders, Receipt: string(receipt)})
	})
	if err == nil {
		err = q.dropCopies(time.Now()) // all of them
	}
	return e, err
}

// dropWaiting removes each batch that waits by itself: what those are about that never left is forgotten with them.
func (e *Emptied) dropWaiting(tx *bbolt.Tx) error {
	var places []place
	if err := bucket(tx, bucketPending).ForEach(func(at, _ []byte) error {
		places = append(places, bytes.Clone(at))
		return nil
	}); err != nil {
		return err
	}
	for _, at := range places {
		head, err := loadHead(tx, at)
		if err != nil {
			return err
		}
		if err := removeBatch(tx, at, head); err != nil {
			return err
		}
		e.Batches++
		e.Orders += head.Orders
		if head.Offered {
			e.Offered += head.Orders
		}
	}
	return nil
}

// emptyBuckets empties all but the ledger and what the sent orders are about. Numbers go on where they were: the places
// of batches are those of what they are about, too.
func emptyBuckets(tx *bbolt.Tx) error {
	for _, name := range []string{
		bucketWeeks, bucketOrders, bucketIndex, bucketBatches, bucketPayloads, bucketPending, bucketWeekBatches, bucketParked, bucketParkedKeys,
	} {
		sequence := bucket(tx, name).Sequence()
		if err := deleteNested(bucket(tx, name)); err != nil {
			return fmt.Errorf("empty %s: %w", name, err)
		}
		if err := tx.DeleteBucket([]byte(name)); err != nil {
			return fmt.Errorf("empty %s: %w", name, err)
		}
		b, err := tx.CreateBucket([]byte(name))
		if err != nil {
			return fmt.Errorf("empty %s: %w", name, err)
		}
		if err := b.SetSequence(sequence); err != nil {
			return fmt.Errorf("empty %s: %w", name, err)
		}
	}
	return forgetDeclared(tx)
}

// deleteNested deletes the buckets in a bucket one by one. bbolt does that too when the bucket itself is deleted, but it loses
// pages where the same transaction has changed the bucket: it deletes while it walks.
func deleteNested(b *bbolt.Bucket) error {
	var names [][]byte
	if err := b.ForEachBucket(func(name []byte) error {
		names = append(names, bytes.Clone(name))
		return nil
	}); err != nil {
		return err
	}
	for _, name := range names {
		if err := b.DeleteBucket(name); err != nil {
			return err
		}
	}
	return nil
}
