package upload

import (
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
// digest and canonical form.
func (q *Queue) RecordApproval(who, second string, digest fieldmap.Digest, text string, at time.Time) error {
	return q.update("record approval", func(tx *bbolt.Tx) error {
		return record(tx, Entry{Kind: ApprovalEntry, At: at, Who: who, Second: second, Fieldmap: digest.String(), Text: text})
	})
}

// Approved returns the latest approval; ok is false where there is none.
func (q *Queue) Approved() (a Approval, ok bool, err error) {
	err = q.view("read approval", func(tx *bbolt.Tx) error {
		c := bucket(tx, bucketLedger).Cursor()
		for key, text := c.Last(); key != nil; key, text = c.Prev() {
			e, err := decodeEntry(text)
			if err != nil {
				return err
			}
			if e.Kind == ApprovalEntry {
				a, ok = Approval{Who: e.Who, Second: e.Second, Digest: e.Fieldmap, Text: e.Text, At: e.At}, true
				return nil
			}
		}
		return nil
	})
	return a, ok, err
}
