package upload

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"
)

// EntryKind says what an entry of the ledger records.
type EntryKind string

// What the ledger records.
const (
	ApprovalEntry   EntryKind = "approval"   // a person approved a whitelist: Who, Fieldmap, Text
	NarrowedEntry   EntryKind = "narrowed"   // a whitelist that is only narrower than the approved one is in force: Fieldmap, Text
	ReadingEntry    EntryKind = "reading"    // a week was read: Week, Fieldmap, Tally
	BatchEntry      EntryKind = "batch"      // a batch is at the collector: Week, Fieldmap, ID, Orders, Bytes, Receipt
	ManifestEntry   EntryKind = "manifest"   // a week is closed: Week, ID, Orders, Receipt
	ParkedEntry     EntryKind = "parked"     // Orders of a week wait for a person: Week, Key where it is one, Why
	SupersededEntry EntryKind = "superseded" // the collector refused a line of which a later one waits: Week, Key
	ReleasedEntry   EntryKind = "released"   // a person released what was parked: Who, Week, Key, ID of the new batch
	DroppedEntry    EntryKind = "dropped"    // a person dropped what was parked: Who, Week, Key, Orders
	RequeuedEntry   EntryKind = "requeued"   // the collector lost a batch, which is sent again: Week, ID
	PurgedEntry     EntryKind = "purged"     // payloads older than the retention were deleted: Orders, Bytes
)

// Entry is one entry of the ledger. It holds no customer's value. Each entry names the digest of the one before, so
// that none can be changed, taken out or put in without all that follow showing it.
type Entry struct {
	Number   uint64    `json:"number"` // 1, 2, …
	Previous string    `json:"previous"`
	At       time.Time `json:"at"`
	Kind     EntryKind `json:"kind"`
	Week     string    `json:"week,omitempty"`
	Fieldmap string    `json:"fieldmap,omitempty"`
	ID       string    `json:"id,omitempty"`
	Key      string    `json:"key,omitempty"`
	Orders   int       `json:"orders,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"` // uncompressed
	Tally    *Tally    `json:"tally,omitempty"`
	Why      string    `json:"why,omitempty"`
	Receipt  string    `json:"receipt,omitempty"` // the signed note
	Who      string    `json:"who,omitempty"`
	Text     string    `json:"text,omitempty"` // the canonical whitelist that was approved or narrowed
}

const metaLedger = "ledger" // in bucketMeta: number and digest of the last entry

// record appends an entry, in the transaction of what it records.
func record(tx *bbolt.Tx, e Entry) error {
	b := bucket(tx, bucketLedger)
	number, err := b.NextSequence()
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	e.Number = number
	_, last := b.Cursor().Last()
	e.Previous = linkOf(last)
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC()
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	head := binary.BigEndian.AppendUint64(nil, number)
	b.FillPercent = 1
	if err := b.Put(head, text); err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return bucket(tx, bucketMeta).Put([]byte(metaLedger), append(head, linkOf(text)...))
}

// linkOf returns the digest by which the next entry names this one; of nothing, for the first entry.
func linkOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Entries yields the ledger from the oldest entry on. It stops after an error. The loop must not write to the queue:
// it reads in one transaction.
func (q *Queue) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		stopped := false
		err := q.view("read ledger", func(tx *bbolt.Tx) error {
			return bucket(tx, bucketLedger).ForEach(func(key, text []byte) error {
				e, err := decodeEntry(text)
				if err != nil {
					return fmt.Errorf("entry %x: %w", key, err)
				}
				if !yield(e, nil) {
					stopped = true
					return errStop
				}
				return nil
			})
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

// errStop ends a walk whose reader has seen enough.
var errStop = errors.New("stopped")

func decodeEntry(text []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return e, damaged(err, "an entry of the ledger is damaged")
	}
	return e, nil
}

// LedgerError names the first entry of the ledger that does not hold.
type LedgerError struct {
	Number  uint64
	Problem string
}

// Error says which entry it is and what that means.
func (e *LedgerError) Error() string {
	return fmt.Sprintf("entry %d of the ledger %s: it, or one before it, was changed or removed after it was written", e.Number, e.Problem)
}

// VerifyLedger walks the ledger and returns how many entries it has. It fails with *[LedgerError] at the first that
// does not follow from the one before.
func (q *Queue) VerifyLedger() (entries int, err error) {
	err = q.view("verify ledger", func(tx *bbolt.Tx) error {
		var last []byte
		var number uint64
		c := bucket(tx, bucketLedger).Cursor()
		for key, text := c.First(); key != nil; key, text = c.Next() {
			number++
			if err := verifyEntry(number, key, text, linkOf(last)); err != nil {
				return err
			}
			last = text
		}
		entries = int(number)
		head := bucket(tx, bucketMeta).Get([]byte(metaLedger))
		if number == 0 && head == nil {
			return nil
		}
		if want := append(binary.BigEndian.AppendUint64(nil, number), linkOf(last)...); string(want) != string(head) {
			return &LedgerError{Number: number, Problem: "is not the one that was written last"}
		}
		return nil
	})
	return entries, err
}

func verifyEntry(number uint64, key, text []byte, previous string) error {
	e, err := decodeEntry(text)
	switch {
	case err != nil:
		return &LedgerError{Number: number, Problem: "cannot be read"}
	case string(key) != string(binary.BigEndian.AppendUint64(nil, number)), e.Number != number:
		return &LedgerError{Number: number, Problem: "is missing"}
	case e.Previous != previous:
		return &LedgerError{Number: number, Problem: "does not follow from the one before"}
	}
	return nil
}
