package upload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// run reads both weeks as one run of the agent does, and sends.
func (s *site) run(at time.Time, w45, w46 []uploadtest.Order) upload.Stored {
	s.t.Helper()
	var all upload.Stored
	for i, orders := range [][]uploadtest.Order{w45, w46} {
		p := s.beginAt([]string{"2026-W45", "2026-W46"}[i], at)
		stored := s.store(p, nil, orders...)
		all.Parked += stored.Parked
		all.Moved += stored.Moved
		if _, err := p.Finish(upload.FinishResult{Now: at}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.send()
	return all
}

func (s *site) held() map[string]int {
	held := map[string]int{}
	for name, line := range s.collector.Held() {
		held[name] = line.Revision
	}
	return held
}

func (s *site) wantHeld(want map[string]int) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.held()); diff != "" {
		s.t.Error(diff)
	}
}

func (s *site) releaseAll() {
	s.t.Helper()
	items, err := s.queue.Parked()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range items {
		if err := s.queue.Release(item.Number, "kim"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// quiet fails the test where another run with the same orders sends anything.
func (s *site) quiet(at time.Time, w45, w46 []uploadtest.Order) {
	s.t.Helper()
	before := len(s.collector.Requests())
	for i := range 2 {
		s.run(at.Add(time.Duration(i+1)*time.Hour), w45, w46)
	}
	for _, r := range s.collector.Requests()[before:] {
		s.t.Error("nothing changed, and then came ", r.Path)
	}
	s.sound()
}

func orders(orders ...uploadtest.Order) []uploadtest.Order { return orders }

// TestMoveVoidRefused holds that an order which moves arrives in its new week, whatever the collector says to the line
// that voids it in the old one; that line stays parked until a person releases it.
func TestMoveVoidRefused(t *testing.T) {
	s := newSite(t)
	at := time.Now()
	s.run(at, orders(order("C", "wash")), orders(order("A", "oil"), order("B", "lamp")))
	s.collector.Refuse = func(l upload.Line) string {
		if l.Voided {
			return "it is kept"
		}
		return ""
	}
	w45, w46 := orders(order("A", "oil"), order("C", "wash")), orders(order("B", "lamp"))
	s.run(at.Add(time.Hour), w45, w46)
	s.wantHeld(map[string]int{"2026-W45/A": 3, "2026-W45/C": 1, "2026-W46/A": 1, "2026-W46/B": 1})
	s.quiet(at.Add(2*time.Hour), w45, w46)
	for name, want := range map[string][]int{"2026-W45": {2, 0}, "2026-W46": {2, 1}} {
		if m, _ := s.collector.Manifest(name); m.Held != want[0] || m.Parked != want[1] {
			t.Errorf("%s: %d held, %d parked", name, m.Held, m.Parked)
		}
	}
	s.collector.Refuse = nil
	s.releaseAll()
	s.send()
	s.wantHeld(map[string]int{"2026-W45/A": 3, "2026-W45/C": 1, "2026-W46/B": 1})
	s.quiet(at.Add(6*time.Hour), w45, w46)
}

// TestMoveBackVoidRefused holds that a refused void says nothing any more once the order is back in its week.
func TestMoveBackVoidRefused(t *testing.T) {
	s := newSite(t)
	at := time.Now()
	s.run(at, nil, orders(order("A", "oil")))
	s.collector.Refuse = func(l upload.Line) string {
		if l.Voided && l.Week == "2026-W46" {
			return "it is kept"
		}
		return ""
	}
	s.run(at.Add(time.Hour), orders(order("A", "oil")), nil)
	s.run(at.Add(2*time.Hour), nil, orders(order("A", "oil")))
	s.wantHeld(map[string]int{"2026-W46/A": 1})
	if n := s.parkedOrders(); n != 0 {
		t.Errorf("%d are parked", n)
	}
	s.quiet(at.Add(3*time.Hour), nil, orders(order("A", "oil")))
	s.run(at.Add(9*time.Hour), nil, orders(order("A", "oil and filter")))
	s.wantHeld(map[string]int{"2026-W46/A": 5})
	s.sound()
}

// TestMoveAfterRefusal holds that what one week's line was refused for is nothing to another week: the order is sent
// there.
func TestMoveAfterRefusal(t *testing.T) {
	s := newSite(t)
	at := time.Now()
	s.run(at, nil, orders(order("A", "oil"), order("B", "lamp")))
	s.collector.Refuse = func(l upload.Line) string {
		if l.Week == "2026-W46" {
			return refuseBad(l)
		}
		return ""
	}
	s.run(at.Add(time.Hour), nil, orders(order("A", "bad"), order("B", "lamp"), order("D", "bad")))
	if n := s.parkedOrders(); n != 2 {
		t.Errorf("%d are parked", n)
	}
	w45, w46 := orders(order("A", "bad"), order("D", "bad")), orders(order("B", "lamp"))
	s.run(at.Add(2*time.Hour), w45, w46)
	s.wantHeld(map[string]int{"2026-W45/A": 3, "2026-W45/D": 1, "2026-W46/B": 1})
	if n := s.parkedOrders(); n != 0 {
		t.Errorf("%d are still parked", n)
	}
	s.quiet(at.Add(3*time.Hour), w45, w46)
}

// TestMoveBeforeRefusal holds the same where the refusal comes only when the order has moved.
func TestMoveBeforeRefusal(t *testing.T) {
	s := newSite(t)
	s.collector.Refuse = func(l upload.Line) string {
		if l.Week == "2026-W46" {
			return refuseBad(l)
		}
		return ""
	}
	s.pull("2026-W46", order("A", "bad"), order("B", "lamp"))
	s.pull("2026-W45", order("A", "bad"))
	s.send()
	s.wantHeld(map[string]int{"2026-W45/A": 1, "2026-W46/B": 1})
	if n := s.parkedOrders(); n != 0 {
		t.Errorf("%d are parked", n)
	}
	s.pull("2026-W46", order("B", "lamp"))
	s.send()
	s.wantHeld(map[string]int{"2026-W45/A": 1, "2026-W46/B": 1})
	s.unbroken()
}

// TestReleaseSuperseded holds that a release sends no line that later ones have replaced.
func TestReleaseSuperseded(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "bad"))
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	s.collector.Forget("2026-W46")
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
	s.send()
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 {
		t.Fatalf("parked: %+v %v", items, err)
	}
	if err := s.queue.Release(items[0].Number, "kim"); !errors.Is(err, upload.ErrSuperseded) {
		t.Errorf("got %v", err)
	}
	if pending, err := s.queue.Pending(); err != nil || pending.Batches != 0 || s.parkedOrders() != 0 {
		t.Errorf("waiting: %+v %v", pending, err)
	}
	s.send()
	s.sound()
}

// TestKeyInTwoWeeks holds that a key which the DMS has twice, in two weeks, is parked in one of them and stays so.
func TestKeyInTwoWeeks(t *testing.T) {
	s := newSite(t)
	at := time.Now()
	first := orders(order("A", "oil"))
	s.run(at, first, nil)
	w46 := orders(order("A", "tyres"), order("B", "lamp"))
	if stored := s.run(at.Add(time.Hour), first, w46); stored.Parked != 1 || stored.Moved != 0 {
		t.Errorf("stored %+v", stored)
	}
	s.wantHeld(map[string]int{"2026-W45/A": 1, "2026-W46/B": 1})
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 || items[0].Week != "2026-W46" || !strings.Contains(items[0].Reason, "2026-W45 too") {
		t.Errorf("parked: %+v %v", items, err)
	}
	number := items[0].Number
	s.quiet(at.Add(2*time.Hour), first, w46)
	if items, err = s.queue.Parked(); err != nil || len(items) != 1 || items[0].Number != number {
		t.Errorf("parked: %+v %v", items, err)
	}
	s.run(at.Add(9*time.Hour), nil, w46) // the one in W45 was the mistake
	s.run(at.Add(10*time.Hour), nil, w46)
	s.wantHeld(map[string]int{"2026-W46/A": 3, "2026-W46/B": 1})
	if s.parkedOrders() != 0 {
		t.Error("it is still parked")
	}
	s.sound()
}
