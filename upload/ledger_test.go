package upload_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
)

func TestLedger(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	if err := s.queue.RecordApproval("kim", "", fieldmap.Digest{1}, "the old whitelist", at); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.RecordApproval("kim", "lee", s.orders.Digest(), s.orders.Text(), at.Add(time.Hour)); err != nil {
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
	if diff := cmp.Diff(upload.Approval{Who: "kim", Second: "lee", Digest: s.orders.Digest().String(), Text: s.orders.Text(), At: at.Add(time.Hour)}, approval); diff != "" || !ok {
		t.Error(diff)
	}
	sum, err := s.queue.VerifyLedger(s.collector.Verifier)
	if err != nil || sum.Entries != 5 || sum.Receipts != 2 || !sum.First.Equal(at) {
		t.Errorf("verified %+v: %v", sum, err)
	}
	if n, ok, err := s.queue.LedgerHas(sum.Head); n != 5 || !ok || err != nil {
		t.Errorf("the head is entry %d %v: %v", n, ok, err)
	}
	s.pull("2026-W47", order("RO2", "oil"))
	if n, ok, err := s.queue.LedgerHas(sum.Head); n != 5 || !ok || err != nil {
		t.Errorf("later the head is entry %d %v: %v", n, ok, err)
	}
}

// TestLedgerNotesNarrowingOnce holds that each text in force is in the ledger, and that a pull under the same one adds nothing.
func TestLedgerNotesNarrowingOnce(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	if err := s.queue.RecordApproval("kim", "", fieldmap.Digest{1}, "wide", at); err != nil {
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
