package upload_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
	"roagent/upload"
)

func TestLedger(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	if err := s.queue.RecordApproval("kim", fieldmap.Digest{1}, "the old whitelist", at); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.RecordApproval("kim", s.orders.Digest(), "the whitelist", at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	var kinds []upload.EntryKind
	for e, err := range s.queue.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind)
		if e.Kind == upload.BatchEntry || e.Kind == upload.ManifestEntry {
			if _, err := upload.OpenReceipt([]byte(e.Receipt), s.collector.Verifier); err != nil {
				t.Error(err)
			}
		}
	}
	want := []upload.EntryKind{upload.ApprovalEntry, upload.ApprovalEntry, upload.ReadingEntry, upload.BatchEntry, upload.ManifestEntry}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	approval, ok, err := s.queue.Approved()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(upload.Approval{Who: "kim", Digest: s.orders.Digest().String(), Text: "the whitelist", At: at.Add(time.Hour)}, approval); diff != "" || !ok {
		t.Error(diff)
	}
	if n, err := s.queue.VerifyLedger(); err != nil || n != 5 {
		t.Errorf("verified %d: %v", n, err)
	}
}

// TestLedgerNotesNarrowingOnce holds that each text in force is in the ledger, and that a pull under the same one adds nothing.
func TestLedgerNotesNarrowingOnce(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	if err := s.queue.RecordApproval("kim", fieldmap.Digest{1}, "wide", at); err != nil {
		t.Fatal(err)
	}
	for _, digest := range []byte{1, 2, 2, 3, 2} {
		if err := s.queue.RecordNarrowing(fieldmap.Digest{digest}, "narrow", at); err != nil {
			t.Fatal(err)
		}
		s.pull("2026-W46", order("RO1", "oil"))
	}
	var noted []string
	for e, err := range s.queue.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == upload.NarrowedEntry {
			noted = append(noted, e.Fieldmap[:2]+" "+e.Text)
		}
	}
	if diff := cmp.Diff([]string{"02 narrow", "03 narrow", "02 narrow"}, noted); diff != "" {
		t.Error(diff)
	}
	if approval, ok, err := s.queue.Approved(); err != nil || !ok || approval.Text != "wide" {
		t.Errorf("approved is %v, %t: %v", approval, ok, err)
	}
}

func TestLedgerStopsEarly(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.pull("2026-W46", order("RO1", "oil"))
	for e, err := range s.queue.Entries() {
		if err != nil || e.Number != 1 {
			t.Errorf("the first entry is %+v, %v", e, err)
		}
		break
	}
	if _, ok, err := s.queue.Approved(); ok || err != nil {
		t.Errorf("approved: %v %v", ok, err)
	}
}

// TestLedgerTampered holds that the first entry that does not hold is named.
func TestLedgerTampered(t *testing.T) {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	tests := map[string]struct {
		tamper func(*bbolt.Bucket) error
		first  uint64
	}{
		"changed": {first: 4, tamper: func(b *bbolt.Bucket) error {
			text := strings.Replace(string(b.Get(number(3))), `"new":1`, `"new":2`, 1)
			return b.Put(number(3), []byte(text))
		}},
		"last one changed": {first: 5, tamper: func(b *bbolt.Bucket) error {
			text := strings.Replace(string(b.Get(number(5))), `"new":1`, `"new":2`, 1)
			return b.Put(number(5), []byte(text))
		}},
		"one removed":      {first: 2, tamper: func(b *bbolt.Bucket) error { return b.Delete(number(2)) }},
		"last one removed": {first: 4, tamper: func(b *bbolt.Bucket) error { return b.Delete(number(5)) }},
		"first removed":    {first: 1, tamper: func(b *bbolt.Bucket) error { return b.Delete(number(1)) }},
		"one put in":       {first: 6, tamper: func(b *bbolt.Bucket) error { return b.Put(number(6), b.Get(number(5))) }},
		"unreadable":       {first: 3, tamper: func(b *bbolt.Bucket) error { return b.Put(number(3), []byte("{")) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for _, name := range []string{"2026-W42", "2026-W43", "2026-W44", "2026-W45", "2026-W46"} {
				s.pull(name, order("RO"+name, "oil"))
			}
			if err := s.queue.Close(); err != nil {
				t.Fatal(err)
			}
			change(func(tx *bbolt.Tx) error { return tt.tamper(tx.Bucket([]byte("ledger"))) })(t, filepath.Join(s.dir, "queue.db"))
			s.open()
			_, err := s.queue.VerifyLedger()
			var bad *upload.LedgerError
			if !errors.As(err, &bad) || bad.Number != tt.first {
				t.Errorf("got %v", err)
			}
		})
	}
}
