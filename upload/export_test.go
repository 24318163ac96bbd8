package upload

import (
	"errors"
	"os"

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

// Migrate gives the queue a format that was never released, or several.
func (q *Queue) Migrate(next ...func(*bbolt.Tx) error) {
	for _, m := range next {
		q.migrations = append(q.migrations, m)
	}
}

// Format is the newest format that the queue's program knows.
func (q *Queue) Format() int { return q.format() }

// View looks at the open file.
func (q *Queue) View(fn func(*bbolt.Tx) error) error { return q.db.View(fn) }

// WriteKey keeps a key as this machine does, so that a folder of another one can be opened.
func WriteKey(path string, key []byte) error {
	protected, err := protect(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, keyText(protected), 0o600)
}
