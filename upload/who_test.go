package upload_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

func about(key, vin, customer string) uploadtest.Order {
	return uploadtest.Order{Key: key, Text: "oil of " + vin, VIN: vin, Customer: customer}
}

// found is a Disclosure in short: "2026-W46 RO1/2 void".
type found struct{ Sent, Waiting, Held, Refused []string }

func (s *site) about(subject fieldmap.Subject, value string) (found, upload.Disclosure) {
	s.t.Helper()
	d, err := s.queue.About(subject, fieldmap.NewTagger(uploadtest.TagKey()).Tag(subject, []byte(value)))
	if err != nil {
		s.t.Fatal(err)
	}
	short := func(lines []upload.Sending) (texts []string) {
		for _, l := range lines {
			text := fmt.Sprintf("%s %s/%d", l.Week, l.Key, l.Revision)
			if l.Voided {
				text += " void"
			}
			texts = append(texts, text)
		}
		return texts
	}
	return found{short(d.Sent), short(d.Waiting), short(d.Held), short(d.Refused)}, d
}

func (s *site) wantAbout(subject fieldmap.Subject, value string, want found) {
	s.t.Helper()
	got, d := s.about(subject, value)
	if diff := cmp.Diff(want, got); diff != "" || d.Unknown > 0 {
		s.t.Error(value, diff, d.Unknown)
	}
}

// TestAbout follows two cars and a customer through revisions, a move, a void and the purge of all copies.
func TestAbout(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", about("RO1", "A", "7"), about("RO2", "B", "7"), about("RO3", "B", "8"))
	s.wantAbout(fieldmap.Vehicle, "a ", found{Waiting: []string{"2026-W46 RO1/1"}})
	s.send()
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W46 RO1/1"}})
	s.wantAbout(fieldmap.Customer, "7", found{Sent: []string{"2026-W46 RO1/1", "2026-W46 RO2/1"}})

	s.pull("2026-W46", about("RO1", "B", "7"), about("RO2", "B", "7"))                       // RO1 was of the other car, RO3 is gone
	s.pull("2026-W47", uploadtest.Order{Key: "RO2", Text: "moved", VIN: "B", Customer: "7"}) // voided in the old week
	s.send()
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W46 RO1/1"}})
	want := found{Sent: []string{"2026-W46 RO2/1", "2026-W46 RO3/1", "2026-W46 RO1/2", "2026-W46 RO3/2 void", "2026-W46 RO2/2 void", "2026-W47 RO2/3"}}
	s.wantAbout(fieldmap.Vehicle, "B", want)

	if n, err := s.queue.Purge(time.Now().Add(time.Hour)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	s.reopen()
	s.wantAbout(fieldmap.Vehicle, "B", want)
	s.wantAbout(fieldmap.Vehicle, "C", found{})
	_, d := s.about(fieldmap.Customer, "8")
	first := d.Sent[0]
	if first.Fieldmap != s.orders.Digest().String() || time.Since(first.Stored).Abs() > time.Minute || len(first.Batch) != 64 {
		t.Errorf("got %+v", first)
	}
}

// TestAboutRefused holds that what was refused, halved, released and lost by the collector is told apart from what it
// has.
func TestAboutRefused(t *testing.T) {
	s := newSite(t)
	s.collector.MaxOrders = 1 // each batch is halved
	s.collector.Refuse = func(line upload.Line) string {
		if line.Key == "RO2" {
			return "not yet"
		}
		return ""
	}
	s.pull("2026-W46", about("RO1", "A", "7"), about("RO2", "A", "7"), about("RO3", "A", "7"))
	s.send()
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W46 RO1/1", "2026-W46 RO3/1"}, Refused: []string{"2026-W46 RO2/1"}})
	s.collector.Refuse = nil
	if err := s.queue.Release(1, "kim"); err != nil {
		t.Fatal(err)
	}
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W46 RO1/1", "2026-W46 RO3/1"}, Waiting: []string{"2026-W46 RO2/1"}})
	s.send()
	all := found{Sent: []string{"2026-W46 RO1/1", "2026-W46 RO3/1", "2026-W46 RO2/1"}}
	s.wantAbout(fieldmap.Vehicle, "A", all)

	s.collector.Forget("2026-W46")
	s.collector.Refuse = func(upload.Line) string { return "not any more" }
	s.pull("2026-W46", about("RO1", "A", "7"), about("RO2", "A", "7"), about("RO3", "A", "7"), about("RO4", "B", "8"))
	s.send()
	got, _ := s.about(fieldmap.Vehicle, "A")
	if diff := cmp.Diff(all.Sent, got.Sent); diff != "" || len(got.Refused) != 3 {
		t.Errorf("what the collector had once and lost: %s, refused %v", diff, got.Refused)
	}
}

// TestAboutUnknown holds that what a rebuilt queue could not keep, whom batches are about, counts as not known.
func TestAboutUnknown(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", about("RO1", "A", "7"))
	s.send()
	s.pull("2026-W46", about("RO1", "A", "7"), about("RO2", "A", "7"))
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	change(func(tx *bbolt.Tx) error {
		err := tx.DeleteBucket([]byte("mentions"))
		_, made := tx.CreateBucket([]byte("mentions"))
		return errors.Join(err, made)
	})(t, filepath.Join(s.dir, "queue.db"))
	s.collector.MaxOrders = 1
	s.open()
	got, d := s.about(fieldmap.Vehicle, "A")
	if diff := cmp.Diff(found{}, got); diff != "" || d.Unknown != 2 {
		t.Error(diff, d.Unknown)
	}
	s.pull("2026-W47", about("RO3", "A", "7"))
	s.send()
	if got, d := s.about(fieldmap.Vehicle, "A"); cmp.Diff(found{Sent: []string{"2026-W47 RO3/1"}}, got) != "" || d.Unknown != 2 {
		t.Error(got, d.Unknown)
	}
	s.sound()
}

// TestAboutSealed holds that the file tells nothing about who was in an order to whoever lacks its keys.
func TestAboutSealed(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", about("RO1", "4T1BF1FK5CU500001", "777123"))
	s.send()
	tag := fieldmap.NewTagger(uploadtest.TagKey()).Tag(fieldmap.Vehicle, []byte("4T1BF1FK5CU500001"))
	text := string(read(t, filepath.Join(s.dir, "queue.db")))
	for _, secret := range []string{"4T1BF1FK5CU500001", "777123", string(tag[:])} {
		if strings.Contains(text, secret) {
			t.Errorf("the file holds %q", secret)
		}
	}
}
