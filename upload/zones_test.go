package upload_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// places returns where the collector holds which orders.
func (s *site) places() (places []string) {
	for place := range s.collector.Held() {
		places = append(places, place)
	}
	slices.Sort(places)
	return places
}

func dated(keys ...string) (orders []uploadtest.Order) {
	for _, key := range keys {
		orders = append(orders, uploadtest.Order{Key: key, Changed: "t1", Text: "oil"})
	}
	return orders
}

// comers reads what came into a week.
func (s *site) comers(name string, orders ...uploadtest.Order) upload.Stored {
	s.t.Helper()
	p, err := s.queue.BeginComers(week(s.t, name), s.orders.Digest(), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	stored := s.store(p, nil, orders...)
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		s.t.Fatal(err)
	}
	return stored
}

// A week that was read by other time zones is read anew, every order of it, though no changed value moved (complaint 5). Its
// manifest names the zone by which it was read.
func TestOtherZones(t *testing.T) {
	s := newSite(t)
	berlin := upload.Zones{Weeks: "Europe/Berlin", Times: "Europe/Berlin"}
	s.queue.Zones = berlin
	s.pull("2026-W46", dated("RO1", "RO2")...)
	s.send()
	for _, zones := range []upload.Zones{{Weeks: "Europe/London", Times: "Europe/Berlin"}, {Weeks: "Europe/London", Times: "Europe/London"}} {
		s.queue.Zones = zones
		if m, _ := s.collector.Manifest("2026-W46"); m.Timezone == "" || !slices.ContainsFunc(s.weeks(), func(w upload.WeekStatus) bool { return w.Zones }) {
			t.Errorf("manifest of %q, weeks %+v", m.Timezone, s.weeks())
		}
		p := s.begin("2026-W46")
		if wanted, err := p.Wanted(uploadtest.Keys(dated("RO1", "RO2")...)); err != nil || len(wanted) != 2 {
			t.Errorf("wanted %v: %v", wanted, err)
		}
		s.queue.Zones = berlin // set back before it was read to its end: some may have been sent by the other
		if wanted, err := s.begin("2026-W46").Wanted(uploadtest.Keys(dated("RO1", "RO2")...)); err != nil || len(wanted) != 2 {
			t.Errorf("set back, wanted %v: %v", wanted, err)
		}
		s.queue.Zones = zones
		s.pull("2026-W46", dated("RO1", "RO2")...)
		s.send()
		if m, _ := s.collector.Manifest("2026-W46"); m.Timezone != zones.Weeks {
			t.Errorf("the manifest says that the week is one of %s", m.Timezone)
		}
		if wanted, err := s.begin("2026-W46").Wanted(uploadtest.Keys(dated("RO1", "RO2")...)); err != nil || len(wanted) != 0 {
			t.Errorf("read once more, wanted %v: %v", wanted, err)
		}
	}
	s.sound()
}

func (s *site) weeks() []upload.WeekStatus {
	s.t.Helper()
	weeks, err := s.queue.Weeks()
	if err != nil {
		s.t.Fatal(err)
	}
	return weeks
}

// Of a week beside one that is read by other zones only what came into it is read; what it had stays, seen or not, and so does
// the zone of its manifest. An order that lies in the one for the old zone and in the other for the new one is in one of them.
func TestComers(t *testing.T) {
	s := newSite(t)
	s.queue.Zones = upload.Zones{Weeks: "Europe/Berlin", Times: "Europe/Berlin"}
	s.pull("2026-W45", dated("RO1", "RO2")...)
	s.pull("2026-W46", dated("RO3", "RO4")...)
	s.send()
	s.queue.Zones.Weeks = "America/New_York"
	if stored := s.comers("2026-W45", append(dated("RO1", "RO3"), uploadtest.Order{Key: "RO2", Changed: "t2", Text: "tyres"})...); stored.Moved != 1 || stored.Unchanged != 2 {
		t.Errorf("stored %+v", stored)
	}
	s.comers("2026-W45", dated("RO3")...) // again, as a run that was stopped does; RO1 and RO2 are of 2026-W44 now, which nobody reads
	s.pull("2026-W46", dated("RO4")...)
	s.send()
	if diff := cmp.Diff([]string{"2026-W45/RO1", "2026-W45/RO2", "2026-W45/RO3", "2026-W46/RO4"}, s.places()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"2026-W45": "Europe/Berlin", "2026-W46": "America/New_York"} {
		if m, _ := s.collector.Manifest(name); m.Timezone != want {
			t.Errorf("the manifest of %s says %s", name, m.Timezone)
		}
	}
	got := map[string]bool{}
	for _, w := range s.weeks() {
		if got[w.Week] = w.Zones; !w.Closed || w.Comers || w.Readings != map[string]int{"2026-W45": 1, "2026-W46": 2}[w.Week] {
			t.Errorf("%+v", w)
		}
	}
	if diff := cmp.Diff(map[string]bool{"2026-W45": true, "2026-W46": false}, got); diff != "" {
		t.Error(diff)
	}
	s.pull("2026-W45", dated("RO1", "RO3")...) // read to its end: what is gone is voided
	s.send()
	if diff := cmp.Diff([]string{"2026-W45/RO1", "2026-W45/RO3", "2026-W46/RO4"}, s.places()); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

// A week that a clock that was ahead took for over is due until it is read again, and what that clock queued goes out.
func TestSetBack(t *testing.T) {
	s := newSite(t)
	now := time.Date(2026, 11, 11, 3, 0, 0, 0, time.UTC)
	ahead := now.AddDate(1, 0, 0)
	s.queue.Clock = func() time.Time { return ahead }
	p := s.beginAt("2026-W46", ahead)
	s.store(p, nil, dated("RO1")...)
	if _, err := p.Finish(upload.FinishResult{Now: ahead}); err != nil {
		t.Fatal(err)
	}
	s.queue.Clock = func() time.Time { return now }
	if wanted, err := s.beginAt("2026-W46", now).Wanted(uploadtest.Keys(dated("RO1")...)); err != nil || len(wanted) != 1 {
		t.Errorf("the last reading is still to come, and Since says nothing: wanted %v, %v", wanted, err)
	}
	p = s.beginAt("2026-W46", ahead)
	s.store(p, nil, dated("RO1")...)
	if _, err := p.Finish(upload.FinishResult{Now: ahead}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.queue.SetBack(now, []fieldmap.Week{week(t, "2026-W46")}); err != nil {
			t.Fatal(err)
		}
	}
	if w := s.weeks()[0]; w.Reading == nil || w.Anew || w.Closed {
		t.Errorf("the week is not due: %+v", w)
	}
	if sent := s.send(); sent.Orders != 1 || sent.Manifests != 0 {
		t.Errorf("sent %+v", sent)
	}
	now = now.AddDate(0, 0, 7)
	p = s.beginAt("2026-W46", now)
	s.store(p, nil, dated("RO1", "RO2")...)
	if _, err := p.Finish(upload.FinishResult{Now: now}); err != nil {
		t.Fatal(err)
	}
	if sent := s.send(); sent.Orders != 1 || sent.Manifests != 1 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// The dealer's time to look at a batch that was made by a clock that was ahead begins when the clock is right.
func TestSetBackHolds(t *testing.T) {
	s := newSite(t)
	now := time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)
	s.queue.Clock = func() time.Time { return now.AddDate(1, 0, 0) }
	s.queue.Hold = 24 * time.Hour
	s.pull("2026-W46", order("RO1", "oil"))
	s.queue.Clock = func() time.Time { return now }
	if err := s.queue.SetBack(now, nil); err != nil {
		t.Fatal(err)
	}
	now = now.Add(23 * time.Hour)
	if sent := s.send(); sent.Orders != 0 {
		t.Errorf("before its time: %+v", sent)
	}
	now = now.Add(time.Hour)
	if sent := s.send(); sent.Orders != 1 {
		t.Errorf("after its time: %+v", sent)
	}
	s.queue.Hold = 0
	s.queue.Clock = func() time.Time { return now.AddDate(1, 0, 0) }
	s.pull("2026-W47", order("RO2", "oil"))
	s.queue.Clock = func() time.Time { return now }
	if sent := s.send(); sent.Orders != 1 {
		t.Errorf("what has no time of its own waits: %+v", sent)
	}
}

// A week that the collector closed before it was over, by its own clock, is due until it is read again: that of this machine was
// ahead. It is closed again without a request where nothing came.
func TestClosedEarly(t *testing.T) {
	s := newSite(t)
	s.queue.Zones = upload.Zones{Weeks: "Europe/Berlin", Times: "Europe/Berlin"}
	s.pull("2199-W01", dated("RO1")...)
	s.send()
	if w := s.weeks()[0]; w.Reading == nil || w.Anew {
		t.Errorf("the week is not due: %+v", w)
	}
	requests := len(s.collector.Requests())
	if stored, _ := s.pull("2199-W01", dated("RO1")...); stored.Batches != 0 {
		t.Errorf("stored %+v", stored)
	}
	s.send()
	if w := s.weeks()[0]; w.Reading != nil || !w.Closed || len(s.collector.Requests()) != requests {
		t.Errorf("%+v, %d requests more", w, len(s.collector.Requests())-requests)
	}
	s.sound()
}
