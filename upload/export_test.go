package upload

import (
	"errors"

	"go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/note"
)

// VerifyTampered verifies the ledger as it would be after tamper, which is undone.
func (q *Queue) VerifyTampered(tamper func(*bbolt.Tx) error, keys ...note.Verifier) error {
	tx, err := q.db.Begin(true)
	if err != nil {
		return err
	}
	if err := tamper(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	v := &ledgerVerifier{q: q, tx: tx, keys: keys, head: linkOf(nil), noted: map[string]bool{}}
	return errors.Join(v.walk(), tx.Rollback())
}
