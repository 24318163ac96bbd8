package upload

import (
	"bytes"
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
	ApprovalEntry    EntryKind = "approval"     // a person approved a whitelist: Who, Second, Fieldmap, Text
	NarrowedEntry    EntryKind = "narrowed"     // a whitelist that is only narrower than the approved one is in force: Fieldmap, Text
	AccessEntry      EntryKind = "access"       // a person approved what the DMS's login may read beyond the whitelist: Who, Names, ID their digest
	AccessProofEntry EntryKind = "access_proof" // columns were tried that must not be read: Tried, Refused and their Names, Readable
	ReadingEntry     EntryKind = "reading"      // a week was read: Week, Fieldmap, Tally
	BatchEntry       EntryKind = "batch"        // a batch is at the collector: Week, Fieldmap, ID, Orders, Bytes, Receipt
	ManifestEntry    EntryKind = "manifest"     // a week is closed: Week, ID, Orders, Receipt
	ParkedEntry      EntryKind = "parked"       // Orders of a week wait for a person: Week, Key where it is one, Why
	SupersededEntry  EntryKind = "superseded"   // the collector refused a line of which a later one waits: Week, Key
	ReleasedEntry    EntryKind = "released"     // a person released what was parked: Who, Week, Key, ID of the new batch
	DroppedEntry     EntryKind = "dropped"      // a person dropped what was parked: Who, Week, Key, Orders
	VetoedEntry      EntryKind = "vetoed"       // a person dropped what waited: Who, Week, Key or Field or neither, Orders, Why
	UnheldEntry      EntryKind = "unheld"       // a person let what waited go before its time: Who, Week, Orders
	RequeuedEntry    EntryKind = "requeued"     // the collector lost a batch, which is sent again: Week, ID
	AdoptedEntry     EntryKind = "adopted"      // a week became what the collector holds of it: Week, Orders, Why
	RebuiltEntry     EntryKind = "rebuilt"      // the queue was damaged: Names the file set aside, Why; entries behind the one before may be lost
	PurgedEntry      EntryKind = "purged"       // payloads older than the retention were deleted: Orders, Bytes
	LeavingEntry     EntryKind = "leaving"      // a person decided that the dealer leaves: Who
	LeftEntry        EntryKind = "left"         // the queue was emptied, of which Orders waited: Who, Receipt where the collector deleted all
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
	Field    string    `json:"field,omitempty"` // a sent path
	Orders   int       `json:"orders,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"` // uncompressed
	Tally    *Tally    `json:"tally,omitempty"`
	Why      string    `json:"why,omitempty"`
	Receipt  string    `json:"receipt,omitempty"` // the signed note
	Who      string    `json:"who,omitempty"`
	Second   string    `json:"second,omitempty"`   // who approved with Who what takes two
	Names    []string  `json:"names,omitempty"`    // of roles, tables and columns
	Tried    int       `json:"tried,omitempty"`    // columns
	Refused  int       `json:"refused,omitempty"`  // of those tried
	Readable []string  `json:"readable,omitempty"` // of those tried
	Text     string    `json:"text,omitempty"`     // the canonical whitelist that was approved or narrowed
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
	head := ledgerKey(number)
	b.FillPercent = 1
	if err := b.Put(head, text); err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return bucket(tx, bucketMeta).Put([]byte(metaLedger), append(head, linkOf(text)...))
}

func ledgerKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// linkOf returns the digest by which the next entry names this one; of nothing, for the first entry.
func linkOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// StoredEntry is an entry of the ledger with the very bytes that are hashed. Raw is valid until the next step.
type StoredEntry struct {
	Entry
	Raw []byte // JSON, without a line break
}

// Digest returns the SHA-256 of the entry's bytes in lower-case hex: what the next entry names as its previous.
func (e *StoredEntry) Digest() string { return linkOf(e.Raw) }

// Entries yields the ledger from the oldest entry on. It stops after an error. The loop must not write to the queue:
// it reads in one transaction.
func (q *Queue) Entries() iter.Seq2[StoredEntry, error] {
	return func(yield func(StoredEntry, error) bool) {
		stopped := false
		err := q.view("read ledger", func(tx *bbolt.Tx) error {
			return bucket(tx, bucketLedger).ForEach(func(key, text []byte) error {
				e, err := decodeEntry(text)
				if err != nil {
					return fmt.Errorf("entry %x: %w", key, err)
				}
				if !yield(StoredEntry{e, text}, nil) {
					stopped = true
					return errStop
				}
				return nil
			})
		})
		if err != nil && !stopped {
			yield(StoredEntry{}, err)
		}
	}
}

// LedgerEntry returns one entry by its number; ok is false where there is none.
func (q *Queue) LedgerEntry(number uint64) (e StoredEntry, ok bool, err error) {
	err = q.view("read ledger", func(tx *bbolt.Tx) error {
		text := bytes.Clone(bucket(tx, bucketLedger).Get(ledgerKey(number)))
		if ok = text != nil; !ok {
			return nil
		}
		entry, err := decodeEntry(text)
		e = StoredEntry{entry, text}
		return err
	})
	return e, ok, err
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
