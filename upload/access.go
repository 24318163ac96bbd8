package upload

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// AccessApproval is a person's consent to what the DMS's login may read beyond the whitelist.
type AccessApproval struct {
	Who   string
	Names []string // of what was approved, sorted
	At    time.Time
}

// RecordAccess notes in the ledger that a person approved what the login may read beyond the whitelist, each by its name.
func (q *Queue) RecordAccess(who string, names []string, at time.Time) error {
	names = slices.Sorted(slices.Values(names))
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return q.update("record access", func(tx *bbolt.Tx) error {
		return record(tx, Entry{Kind: AccessEntry, At: at, Who: who, Names: names, ID: hex.EncodeToString(sum[:])})
	})
}

// ApprovedAccess returns the latest approval of access; ok is false where there is none, or where the dealer left after it.
func (q *Queue) ApprovedAccess() (a AccessApproval, ok bool, err error) {
	err = q.view("read access", func(tx *bbolt.Tx) error {
		var e Entry
		e, ok, err = lastEntry(tx, AccessEntry, LeavingEntry)
		if e.Kind == LeavingEntry {
			e, ok = Entry{}, false
		}
		a = AccessApproval{Who: e.Who, Names: e.Names, At: e.At}
		return err
	})
	return a, ok, err
}

// AccessProof is what came of trying to read columns that the login must not read.
type AccessProof struct {
	Tried    int
	Names    []string // of the columns that were refused
	Readable []string // of those that were not: then it is no proof
	At       time.Time
}

// RecordProof notes in the ledger which columns the DMS refused.
func (q *Queue) RecordProof(p AccessProof) error {
	return q.update("record access proof", func(tx *bbolt.Tx) error {
		return record(tx, Entry{Kind: AccessProofEntry, At: p.At, Tried: p.Tried, Refused: len(p.Names), Names: p.Names, Readable: p.Readable})
	})
}

// LastProof returns the latest proof; ok is false where there is none.
func (q *Queue) LastProof() (p AccessProof, ok bool, err error) {
	err = q.view("read access proof", func(tx *bbolt.Tx) error {
		var e Entry
		e, ok, err = lastEntry(tx, AccessProofEntry)
		p = AccessProof{Tried: e.Tried, Names: e.Names, Readable: e.Readable, At: e.At}
		return err
	})
	return p, ok, err
}

// Covers reports whether a name was approved: itself, or the whole table of a column.
func (a AccessApproval) Covers(name string) bool {
	return slices.ContainsFunc(a.Names, func(approved string) bool {
		table, whole := strings.CutPrefix(approved, "table ")
		column, single := strings.CutPrefix(name, "column ")
		return strings.EqualFold(approved, name) || whole && single && len(column) > len(table) && column[len(table)] == '.' && strings.EqualFold(column[:len(table)], table)
	})
}
