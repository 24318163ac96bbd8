package upload

import (
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// Approval is a person's consent to a whitelist.
type Approval struct {
	Who    string
	Second string // who approved it with Who; "" where nobody did
	Digest string // of the whitelist, lower-case hex
	Text   string // its canonical form
	At     time.Time
}

// RecordApproval notes in the ledger that a person, and a second one where it takes two, approved a whitelist, given by its
// digest and canonical form. With it a dealer who left takes part again; one who is about to leave is refused with *[LeftError].
func (q *Queue) RecordApproval(who, second string, digest fieldmap.Digest, text string, at time.Time) error {
	return q.update("record approval", func(tx *bbolt.Tx) error {
		if d, gone, err := departure(tx); err != nil {
			return err
		} else if gone && !d.Done {
			return &LeftError{d}
		}
		if err := bucket(tx, bucketMeta).Delete([]byte(metaDeparture)); err != nil {
			return err
		}
		return record(tx, Entry{Kind: ApprovalEntry, At: at, Who: who, Second: second, Fieldmap: digest.String(), Text: text})
	})
}

// RecordNarrowing notes in the ledger that a whitelist is in force that is only narrower than the approved one, so that
// its digest, which goes with every batch, has a text to look up. It does nothing where the ledger says so last.
func (q *Queue) RecordNarrowing(digest fieldmap.Digest, text string, at time.Time) error {
	return q.update("record narrowing", func(tx *bbolt.Tx) error {
		last, ok, err := lastEntry(tx, ApprovalEntry, NarrowedEntry)
		if err != nil || ok && last.Fieldmap == digest.String() {
			return err
		}
		return record(tx, Entry{Kind: NarrowedEntry, At: at, Fieldmap: digest.String(), Text: text})
	})
}

// Approved returns the latest approval; ok is false where there is none, or where the dealer left after it.
func (q *Queue) Approved() (a Approval, ok bool, err error) {
	err = q.view("read approval", func(tx *bbolt.Tx) error {
		if _, gone, err := departure(tx); err != nil || gone {
			return err
		}
		var e Entry
		e, ok, err = lastEntry(tx, ApprovalEntry)
		a = Approval{Who: e.Who, Second: e.Second, Digest: e.Fieldmap, Text: e.Text, At: e.At}
		return err
	})
	return a, ok, err
}

// lastEntry returns the ledger's latest entry of any of these kinds; ok is false where there is none.
func lastEntry(tx *bbolt.Tx, kinds ...EntryKind) (e Entry, ok bool, err error) {
	c := bucket(tx, bucketLedger).Cursor()
	for key, text := c.Last(); key != nil; key, text = c.Prev() {
		e, err := decodeEntry(text)
		if err != nil {
			return Entry{}, false, err
		}
		if slices.Contains(kinds, e.Kind) {
			return e, true, nil
		}
	}
	return Entry{}, false, nil
}
