package upload_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

func (s *site) veto(t *testing.T, v upload.Veto) upload.Vetoed {
	t.Helper()
	v.Who, v.Why = "kim", "asked for"
	done, err := s.queue.Veto(v)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// newest returns what the collector has of an order.
func (s *site) newest(key string) upload.Line { return s.collector.Held()["2026-W46/"+key] }

// TestVetoStays holds that what was dropped does not come back with the next reading, whatever the collector and a
// person do meanwhile, and that an edit is queued anew.
func TestVetoStays(t *testing.T) {
	tests := map[string]struct {
		veto upload.Veto
		sent string // of RO1
	}{
		"order": {upload.Veto{What: upload.DropOrder, Key: "RO1"}, ""},
		"week":  {upload.Veto{What: upload.DropWeek, Week: "2026-W46"}, ""},
		"field": {upload.Veto{What: upload.DropField, Field: notes}, `{"repair_order_header":{"document_id":"RO1"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", order("RO1", "private"))
			done := s.veto(t, tt.veto)
			if diff := cmp.Diff(upload.Vetoed{Weeks: map[string]int{"2026-W46": 1}}, done); diff != "" {
				t.Error(diff)
			}
			s.collector.Refuse = func(upload.Line) string { return "not now" }
			s.send() // what is left of it is parked
			s.collector.Refuse = nil
			for _, item := range s.parkedItems(t) {
				if err := s.queue.Release(item.Number, "kim"); err != nil {
					t.Error(err)
				}
			}
			s.send()
			if stored, _ := s.pull("2026-W46", order("RO1", "private")); stored.Unchanged != 1 || stored.Batches != 0 {
				t.Errorf("read again: %+v", stored)
			}
			s.send()
			if got := string(s.newest("RO1").RepairOrder); got != tt.sent {
				t.Errorf("the collector has %s", got)
			}
			m, _ := s.collector.Manifest("2026-W46")
			want := []upload.DropCount{{What: tt.veto.What, Field: tt.veto.Field, Why: "asked for", Count: 1}}
			if diff := cmp.Diff(want, m.Dropped); diff != "" {
				t.Error(diff)
			}
			s.pull("2026-W46", order("RO1", "public"))
			s.send()
			if !strings.Contains(string(s.newest("RO1").RepairOrder), "public") {
				t.Error("the edit was not sent")
			}
			s.sound()
		})
	}
}

// TestVetoTwice holds that a second veto does not forget how the order read when the first dropped something.
func TestVetoTwice(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "private"))
	s.veto(t, upload.Veto{What: upload.DropField, Field: notes})
	s.veto(t, upload.Veto{What: upload.DropOrder, Key: "RO1"})
	if stored, _ := s.pull("2026-W46", order("RO1", "private")); stored.Unchanged != 1 {
		t.Errorf("read again: %+v", stored)
	}
	if sent := s.send(); sent.Orders != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestVetoOfRevisions holds that a later line takes the place of one that was dropped, and that a void is never
// dropped.
func TestVetoOfRevisions(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "one"), order("RO2", "one"), order("RO3", "one"))
	s.send()
	s.pull("2026-W46", order("RO1", "two"), order("RO2", "two"), order("RO3", "one"), order("RO4", "one"))
	s.pull("2026-W46", order("RO1", "three"), order("RO3", "one")) // RO2 and RO4 are gone
	done := s.veto(t, upload.Veto{What: upload.DropWeek, Week: "2026-W46"})
	if done.Orders() != 3 {
		t.Errorf("dropped %+v", done)
	}
	s.send()
	if got := s.newest("RO1"); got.Revision != 1 {
		t.Errorf("the collector has %+v", got)
	}
	if got := s.newest("RO2"); got.Revision != 0 {
		t.Errorf("RO2 is not voided: %+v", got)
	}
	s.pull("2026-W46", order("RO1", "four"), order("RO3", "one"))
	if s.send(); s.newest("RO1").Revision != 2 {
		t.Errorf("the collector has %+v", s.newest("RO1"))
	}
	s.sound()
}

// TestVetoTooLate holds that a line whose answer was lost is left alone: the collector has it.
func TestVetoTooLate(t *testing.T) {
	s := newSite(t)
	s.sender.Retries = 0
	s.pull("2026-W46", order("RO1", "private"))
	s.collector.Fail(uploadtest.LoseAnswer)
	if _, err := s.trySend(); err == nil {
		t.Fatal("the answer was not lost")
	}
	s.reopen()
	s.queue.Hold = time.Hour // a later hold does not make it droppable
	if diff := cmp.Diff(upload.Vetoed{Offered: 1}, s.veto(t, upload.Veto{What: upload.DropOrder, Key: "RO1"})); diff != "" {
		t.Error(diff)
	}
	s.send()
	if s.newest("RO1").Revision != 1 || s.collector.Lines() != 1 {
		t.Error("the line was not sent again as it was")
	}
	s.sound()
}

// TestVetoBesideHeldOrder holds that what a rule holds of an order is not lost when an earlier line of it is dropped.
func TestVetoBesideHeldOrder(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	secret := uploadtest.Order{Key: "RO1", Changed: "2", Text: "ssn 078-05-1120"}
	s.pull("2026-W46", uploadtest.Order{Key: "RO1", Changed: "1", Text: "oil"})
	s.pull("2026-W46", secret)
	s.veto(t, upload.Veto{What: upload.DropOrder, Key: "RO1"})
	s.pull("2026-W46", secret)
	item, _ := s.heldItem(t)
	if err := s.queue.Release(item.Number, "kim"); err != nil {
		t.Fatal(err)
	}
	if s.send(); s.newest("RO1").Revision != 1 {
		t.Errorf("the collector has %+v", s.newest("RO1"))
	}
	s.sound()
}

// TestUnhold holds that a batch waits for its time, and that a release lets one week go and nothing that comes later.
func TestUnhold(t *testing.T) {
	s := newSite(t)
	s.queue.Hold = time.Hour
	s.pull("2026-W45", order("RO1", "one"))
	s.pull("2026-W46", order("RO2", "one"))
	if sent := s.send(); sent.Batches != 0 {
		t.Fatalf("sent %+v", sent)
	}
	if n, err := s.queue.Unhold("2026-W46", "kim"); n != 1 || err != nil {
		t.Errorf("%d lines may go, %v", n, err)
	}
	s.pull("2026-W46", order("RO2", "two"))
	if sent := s.send(); sent.Batches != 1 || s.newest("RO2").Revision != 1 {
		t.Errorf("sent %+v", sent)
	}
	if n, err := s.queue.Unhold("", "kim"); n != 2 || err != nil {
		t.Errorf("%d lines may go, %v", n, err)
	}
	if sent := s.send(); sent.Batches != 2 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestHeldBatchHoldsBackItsWeek holds that what a person released, whose own time has come, does not overtake a batch of
// its week that still waits; another week does not wait for it.
func TestHeldBatchHoldsBackItsWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.queue.Hold = time.Hour
		s.collector.Refuse = refuseBad
		s.pull("2026-W45", order("RO9", "bad"))
		s.pull("2026-W46", order("RO1", "bad"))
		time.Sleep(time.Hour)
		s.send()
		s.collector.Refuse = nil
		time.Sleep(30 * time.Minute)
		s.pull("2026-W46", order("RO1", "bad"), order("RO2", "oil"))
		time.Sleep(45 * time.Minute)
		for _, item := range s.parkedItems(t) { // was parked more than an hour ago
			if err := s.queue.Release(item.Number, "kim"); err != nil {
				t.Fatal(err)
			}
		}
		if sent := s.send(); sent.Batches != 1 || s.collector.Held()["2026-W45/RO9"].Revision != 1 {
			t.Errorf("sent %+v", sent)
		}
		waiting, err := s.queue.Waiting()
		if err != nil || len(waiting) != 2 || !waiting[1].From.Before(waiting[0].From) {
			t.Fatalf("waiting: %+v, %v", waiting, err)
		}
		time.Sleep(15 * time.Minute)
		s.send()
		var sent []string
		for _, r := range s.collector.Requests() {
			if _, id, ok := strings.Cut(r.Path, "/batches/"); ok {
				sent = append(sent, id)
			}
		}
		if diff := cmp.Diff([]string{waiting[0].ID, waiting[1].ID}, sent[max(0, len(sent)-2):]); diff != "" {
			t.Error(diff)
		}
		s.sound()
	})
}

func TestDropCountProblem(t *testing.T) {
	good := upload.DropCount{What: upload.DropField, Field: notes, Why: "why", Count: 1}
	if problem := good.Problem(); problem != "" {
		t.Error(problem)
	}
	for name, change := range map[string]func(*upload.DropCount){
		"what":          func(d *upload.DropCount) { d.What = "all" },
		"no field":      func(d *upload.DropCount) { d.Field = "" },
		"field of week": func(d *upload.DropCount) { d.What = upload.DropWeek },
		"long field":    func(d *upload.DropCount) { d.Field = strings.Repeat("a", upload.MaxDropField+1) },
		"no reason":     func(d *upload.DropCount) { d.Why = "" },
		"long reason":   func(d *upload.DropCount) { d.Why = strings.Repeat("a", upload.MaxDropWhy+1) },
		"two lines":     func(d *upload.DropCount) { d.Why = "a\nb" },
		"no UTF-8":      func(d *upload.DropCount) { d.Why = "\xff" },
		"none":          func(d *upload.DropCount) { d.Count = 0 },
	} {
		bad := good
		if change(&bad); bad.Problem() == "" {
			t.Errorf("%s: no problem", name)
		}
	}
}

// TestVetoThenRefused holds that what was dropped of a line stays so when the collector refuses the one before it.
func TestVetoThenRefused(t *testing.T) {
	s := newSite(t)
	s.sender.Retries = 0
	s.pull("2026-W46", order("RO1", "bad"))
	s.collector.Fail(uploadtest.Reset)
	if _, err := s.trySend(); err == nil {
		t.Fatal("it was sent")
	}
	s.pull("2026-W46", order("RO1", "private"))
	if done := s.veto(t, upload.Veto{What: upload.DropField, Field: notes}); done.Orders() != 1 || done.Offered != 1 {
		t.Errorf("dropped %+v", done)
	}
	s.collector.Refuse = refuseBad
	if s.send(); s.newest("RO1").Revision != 1 {
		t.Errorf("the collector has %+v", s.newest("RO1"))
	}
	if stored, _ := s.pull("2026-W46", order("RO1", "private")); stored.Unchanged != 1 {
		t.Errorf("read again: %+v", stored)
	}
	s.sound()
}

// TestUnholdSplit holds that the halves of a batch that was let go are let go too.
func TestUnholdSplit(t *testing.T) {
	s := newSite(t)
	s.queue.Hold, s.collector.MaxOrders = time.Hour, 1
	s.pull("2026-W46", order("RO1", "one"), order("RO2", "one"))
	if n, err := s.queue.Unhold("", "kim"); n != 2 || err != nil {
		t.Errorf("%d lines may go, %v", n, err)
	}
	if sent := s.send(); sent.Batches != 2 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}
