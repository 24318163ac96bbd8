package upload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/note"
)

// LedgerSummary is what a ledger says of itself that holds.
type LedgerSummary struct {
	Entries  int       `json:"entries"`
	First    time.Time `json:"first,omitzero"` // when the first entry was written
	Last     time.Time `json:"last,omitzero"`
	Receipts int       `json:"receipts"` // that verify
	// Rebuilt names the places where the queue was damaged and rebuilt: what was noted between the entry before and that
	// one may be lost.
	Rebuilt []LedgerGap `json:"rebuilt,omitempty"`
	Head    string      `json:"head"` // the digest of the last entry: who keeps it can tell later that nothing was rewritten
}

// LedgerGap is where a ledger goes on that lost its end.
type LedgerGap struct {
	Number uint64    `json:"number"` // of the entry that says so
	At     time.Time `json:"at"`
	File   string    `json:"file"` // that was set aside, beside the queue
	Why    string    `json:"why"`
}

// LedgerError names the first entry of the ledger that does not hold.
type LedgerError struct {
	Number  uint64
	Problem string
	Err     error // may be nil
}

// Error says which entry it is, and what that means.
func (e *LedgerError) Error() string {
	return fmt.Sprintf("entry %d of the ledger %s. What it says from there on proves nothing; keep this data folder as it is, and compare it with a backup or with what the collector holds", e.Number, e.Problem)
}

func (e *LedgerError) Unwrap() error { return e.Err }

// VerifyLedger reads the ledger from its first entry to its last. It fails with *[LedgerError] at the first that was
// changed, removed, put in or moved, as far as the rest of the file tells, or whose receipt verifies by none of the
// collector's keys or is for something else. Without keys receipts are not looked at.
func (q *Queue) VerifyLedger(keys ...note.Verifier) (LedgerSummary, error) {
	var s LedgerSummary
	err := q.view("verify ledger", func(tx *bbolt.Tx) error {
		v := &ledgerVerifier{q: q, tx: tx, keys: keys, head: linkOf(nil), noted: map[string]bool{}}
		if err := v.walk(); err != nil {
			return err
		}
		s = v.sum
		s.Head = v.head
		return nil
	})
	return s, err
}

// ledgerVerifier is one walk along the ledger.
type ledgerVerifier struct {
	q    *Queue
	tx   *bbolt.Tx
	keys []note.Verifier

	sum    LedgerSummary
	number uint64          // of the last entry that was read
	head   string          // its digest
	noted  map[string]bool // ids of batches and manifests that the ledger says were delivered
}

func (v *ledgerVerifier) walk() error {
	c := bucket(v.tx, bucketLedger).Cursor()
	for key, text := c.First(); key != nil; {
		next, after := c.Next()
		if err := v.entry(key, text, after); err != nil {
			return err
		}
		key, text = next, after
	}
	if err := v.end(); err != nil {
		return err
	}
	return v.missing()
}

// entry verifies one entry; after is the text of the next one, nil for the last.
func (v *ledgerVerifier) entry(key, text, after []byte) error {
	v.number++
	e, err := decodeEntry(text)
	switch {
	case !bytes.Equal(key, ledgerKey(v.number)):
		return &LedgerError{Number: v.number, Problem: "is missing"}
	case err != nil:
		return &LedgerError{Number: v.number, Problem: "was changed after it was written: it cannot be read", Err: err}
	case e.Number != v.number:
		return &LedgerError{Number: v.number, Problem: fmt.Sprintf("is another one: it says that it is entry %d", e.Number)}
	case e.Previous != v.head && v.number > 1 && v.vouched(text, after):
		return &LedgerError{Number: v.number - 1, Problem: "was changed after it was written"}
	case e.Previous != v.head:
		return &LedgerError{Number: v.number, Problem: "was changed after it was written: it does not follow from the one before"}
	}
	if err := v.receipt(&e); err != nil {
		return &LedgerError{Number: v.number, Problem: "has no receipt that proves it: " + err.Error(), Err: err}
	}
	if e.Kind == RebuiltEntry && len(e.Names) == 1 {
		v.sum.Rebuilt = append(v.sum.Rebuilt, LedgerGap{Number: e.Number, At: e.At, File: e.Names[0], Why: e.Why})
	}
	v.head = linkOf(text)
	v.sum.Entries++
	v.sum.Last = e.At
	if v.sum.First.IsZero() {
		v.sum.First = e.At
	}
	return nil
}

// vouched reports whether an entry is as it was written, by what comes after it. Then an entry that it does not follow
// from is the one that was changed.
func (v *ledgerVerifier) vouched(text, after []byte) bool {
	if after == nil {
		return bytes.Equal(v.noteOfEnd(), append(ledgerKey(v.number), linkOf(text)...))
	}
	e, err := decodeEntry(after)
	return err == nil && e.Previous == linkOf(text)
}

func (v *ledgerVerifier) noteOfEnd() []byte { return bucket(v.tx, bucketMeta).Get([]byte(metaLedger)) }

// receipt verifies the receipt of an entry that must have one.
func (v *ledgerVerifier) receipt(e *Entry) error {
	var what ReceiptKind
	switch e.Kind {
	case BatchEntry:
		what = BatchReceipt
	case ManifestEntry:
		what = ManifestReceipt
	case LeftEntry:
		return v.deletion(e)
	default:
		return nil
	}
	v.noted[e.ID] = true
	if len(v.keys) == 0 {
		return nil
	}
	r, err := openByAny([]byte(e.Receipt), v.keys)
	if err != nil {
		return err
	}
	if r.Week.String() != e.Week {
		return fmt.Errorf("%w: it is for %s, the entry for %s", ErrReceipt, r.Week, e.Week)
	}
	v.sum.Receipts++
	return r.Proves(Receipt{Dealer: v.q.dealer, Week: r.Week, What: what, ID: e.ID, Orders: e.Orders})
}

// deletion verifies the receipt of an entry that says that the dealer left; without one the collector was not asked.
func (v *ledgerVerifier) deletion(e *Entry) (err error) {
	if e.Receipt == "" || len(v.keys) == 0 {
		return nil
	}
	for _, key := range v.keys {
		if _, err = OpenDeletionReceipt([]byte(e.Receipt), key, v.q.dealer); err == nil {
			v.sum.Receipts++
			return nil
		}
	}
	return err
}

// openByAny opens a receipt that one of several keys signed: a collector's key changes once in a while.
func openByAny(signed []byte, keys []note.Verifier) (r Receipt, err error) {
	for _, key := range keys {
		if r, err = OpenReceipt(signed, key); err == nil {
			return r, nil
		}
	}
	return r, err
}

// end finds entries that were taken from the end, or put there, by what the file notes of its end in two other places.
func (v *ledgerVerifier) end() error {
	last := bucket(v.tx, bucketLedger).Sequence()
	noted := v.noteOfEnd()
	if noted != nil {
		if len(noted) < 8 {
			return &LedgerError{Number: max(1, v.number), Problem: "cannot be told from the last: the note of the ledger's end was changed"}
		}
		last = max(last, binary.BigEndian.Uint64(noted))
	}
	switch {
	case v.number < last:
		return &LedgerError{Number: v.number + 1, Problem: "is missing"}
	case v.number > bucket(v.tx, bucketLedger).Sequence():
		return &LedgerError{Number: v.number, Problem: "was put in: the agent never wrote so many"}
	case v.number > 0 && !bytes.Equal(noted, append(ledgerKey(v.number), v.head...)):
		return &LedgerError{Number: v.number, Problem: "was changed after it was written: it is not the one that was written last"}
	}
	return nil
}

// missing finds what the rest of the queue says was delivered, and the ledger does not: then its end was cut off and
// the notes of it were changed too.
func (v *ledgerVerifier) missing() error {
	gone := func(what string, args ...any) error {
		return &LedgerError{Number: v.number + 1, Problem: "is missing: " + fmt.Sprintf(what, args...)}
	}
	if err := bucket(v.tx, bucketBatches).ForEach(func(at, _ []byte) error {
		head, err := loadHead(v.tx, at)
		if err == nil && (head.Again || !head.Delivered.IsZero()) && !v.noted[head.ID] {
			err = gone("batch %.12s of %s was delivered, and no entry says so", head.ID, head.Week)
		}
		return err
	}); err != nil {
		return err
	}
	return bucket(v.tx, bucketWeeks).ForEach(func(week, _ []byte) error {
		w, err := loadWeek(v.tx, string(week))
		if err == nil && w.Closed != nil && !v.noted[w.Closed.Manifest] {
			err = gone("the manifest of %s was delivered, and no entry says so", week)
		}
		return err
	})
}

// LedgerHas returns the number of the entry with a digest, which somebody may have kept as the ledger's end at an
// earlier time; ok is false where the ledger has none: then it is not the one of that time with what came later.
func (q *Queue) LedgerHas(digest string) (number uint64, ok bool, err error) {
	for e, err := range q.Entries() {
		if err != nil {
			return 0, false, err
		}
		if e.Digest() == digest {
			return e.Number, true, nil
		}
	}
	return 0, false, nil
}
