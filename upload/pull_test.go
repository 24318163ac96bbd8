package upload_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

func TestPullAndSend(t *testing.T) {
	s := newSite(t)
	stored, _ := s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
	if diff := cmp.Diff(upload.Stored{New: 2, Batches: 1, Bytes: stored.Bytes}, stored); diff != "" {
		t.Error(diff)
	}
	sent := s.send()
	if diff := cmp.Diff(upload.Sent{Batches: 1, Orders: 2, Bytes: sent.Bytes, Manifests: 1}, sent); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

// TestPullAgain holds what a second reading of a week sends: exactly what changed, and nothing where nothing did.
func TestPullAgain(t *testing.T) {
	first := []uploadtest.Order{order("RO1", "oil"), order("RO2", "tyres"), order("RO3", "wash")}
	tests := map[string]struct {
		second []uploadtest.Order
		lines  int
		held   int
		newest map[string]int // revisions
	}{
		"nothing changed":   {second: first, lines: 0, held: 3, newest: map[string]int{"RO1": 1, "RO2": 1, "RO3": 1}},
		"one edited":        {second: []uploadtest.Order{first[0], order("RO2", "four tyres"), first[2]}, lines: 1, held: 3, newest: map[string]int{"RO1": 1, "RO2": 2, "RO3": 1}},
		"one deleted":       {second: first[:2], lines: 1, held: 2, newest: map[string]int{"RO1": 1, "RO2": 1}},
		"all deleted":       {second: nil, lines: 3, held: 0, newest: map[string]int{}},
		"one added":         {second: append(slices.Clone(first), order("RO4", "lamp")), lines: 1, held: 4, newest: map[string]int{"RO1": 1, "RO2": 1, "RO3": 1, "RO4": 1}},
		"read in any order": {second: []uploadtest.Order{first[2], first[0], first[1]}, lines: 0, held: 3, newest: map[string]int{"RO1": 1, "RO2": 1, "RO3": 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", first...)
			s.send()
			requests, lines := len(s.collector.Requests()), s.collector.Lines()
			s.pull("2026-W46", tt.second...)
			s.send()
			if got := s.collector.Lines() - lines; got != tt.lines {
				t.Errorf("%d lines came", got)
			}
			if got := len(s.collector.Requests()) - requests; tt.lines == 0 && got != 0 {
				t.Errorf("%d requests came", got)
			}
			newest := map[string]int{}
			for _, line := range s.collector.Held() {
				newest[line.Key] = line.Revision
			}
			if diff := cmp.Diff(tt.newest, newest); diff != "" {
				t.Error(diff)
			}
			if m, _ := s.collector.Manifest("2026-W46"); m.Held != tt.held {
				t.Errorf("the manifest says that %d are held", m.Held)
			}
			s.sound()
		})
	}
}

// TestOrderMoves holds that an order that falls into another week is voided in the one and sent in the other.
func TestOrderMoves(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"), order("RO2", "tyres"))
	stored, _ := s.pull("2026-W46", order("RO1", "oil"))
	if stored.Moved != 1 || stored.Batches != 2 {
		t.Errorf("stored %+v", stored)
	}
	s.send()
	got := map[string]int{}
	for name, line := range s.collector.Held() {
		got[name] = line.Revision
	}
	if diff := cmp.Diff(map[string]int{"2026-W45/RO2": 1, "2026-W46/RO1": 3}, got); diff != "" {
		t.Error(diff)
	}
	s.pull("2026-W45", order("RO2", "tyres")) // nothing is left to void
	if sent := s.send(); sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestWanted (complaints 1, 2, 7) holds which orders are read again: by the equality of their changed value, never by
// comparing it with a time.
func TestWanted(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46",
		uploadtest.Order{Key: "RO1", Changed: "t1", Text: "oil"}, uploadtest.Order{Key: "RO2", Changed: "t1", Text: "oil"},
		uploadtest.Order{Key: "RO3", Text: "oil"}, uploadtest.Order{Key: "RO4", Changed: "t1", Text: "oil"})
	s.pull("2026-W46",
		uploadtest.Order{Key: "RO1", Changed: "t1", Text: "oil"}, uploadtest.Order{Key: "RO2", Changed: "t1", Text: "oil"}, uploadtest.Order{Key: "RO3", Text: "oil"})
	keys := []fieldmap.OrderKey{
		{Text: "RO1", Changed: "t1"},               // as it was
		{Text: "RO2", Changed: "t0"},               // changed, backwards
		{Text: "RO3"},                              // no value to tell by
		{Text: "RO4", Changed: "t1"},               // voided since
		{Text: "RO5", Changed: "t1"},               // not known
		{Text: "RO1", Changed: "t1", Recent: true}, // too young to trust
	}
	p := s.begin("2026-W46")
	got, err := p.Wanted(keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, got); diff != "" {
		t.Error(diff)
	}
	s.orders = uploadtest.NewOrders(t, "another recipient")
	got, err = s.begin("2026-W46").Wanted(keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5}, got); diff != "" {
		t.Errorf("under another whitelist: %s", diff)
	}
	s.orders = uploadtest.NewOrders(t, "maker") // back again: but the reading under the other one may have sent some
	if got, err = s.begin("2026-W46").Wanted(keys); err != nil || len(got) != len(keys) {
		t.Errorf("back under the first whitelist: %v %v", got, err)
	}
}

// TestSince (complaints 1, 2) holds that the look-back starts a day before the last finished reading began.
func TestSince(t *testing.T) {
	s := newSite(t)
	w := week(t, "2026-W46")
	at := time.Date(2026, 11, 16, 2, 30, 0, 0, time.UTC)
	for i, want := range []time.Time{{}, at.Add(-24 * time.Hour)} {
		p, err := s.queue.Begin(w, s.orders.Digest(), at.Add(time.Duration(i)*168*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if !p.Since().Equal(want) {
			t.Errorf("since %v, want %v", p.Since(), want)
		}
		s.store(p, []byte("RO1"), order("RO1", "oil"))
		s.reopen() // a reading that was resumed began when it began
		if p, err = s.queue.Begin(w, s.orders.Digest(), at.Add(999*time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.store(p, nil)
		if _, err := p.Finish(upload.FinishResult{Now: at.Add(1000 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResume (complaints 4, 17) ends the process after every step of a pull: it goes on from there, and nothing is sent
// twice.
func TestResume(t *testing.T) {
	s := newSite(t)
	p := s.begin("2026-W46")
	s.store(p, []byte("RO2"), order("RO1", "oil"), order("RO2", "tyres"))
	s.reopen()
	p = s.begin("2026-W46")
	if string(p.After()) != "RO2" || p.Done() {
		t.Fatalf("it goes on after %q, done %v", p.After(), p.Done())
	}
	if _, err := p.Finish(upload.FinishResult{}); err == nil {
		t.Error("a reading that is not done was finished")
	}
	s.store(p, nil, order("RO3", "wash"))
	s.reopen()
	p = s.begin("2026-W46")
	if !p.Done() {
		t.Fatal("it is not done")
	}
	if diff := cmp.Diff(upload.Tally{New: 3}, p.Tally()); diff != "" {
		t.Error(diff)
	}
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	resumed := func() bool {
		weeks, err := s.queue.Weeks()
		if err != nil || len(weeks) != 1 {
			t.Fatalf("weeks %+v: %v", weeks, err)
		}
		return weeks[0].Resumed
	}
	if !resumed() {
		t.Error("nobody can tell that some of its pages are older than the run that finished it")
	}
	if sent := s.send(); sent.Batches != 2 || sent.Orders != 3 {
		t.Errorf("sent %+v", sent)
	}
	s.reopen()
	if sent := s.send(); sent.Batches != 0 || sent.Manifests != 0 {
		t.Errorf("sent again %+v", sent)
	}
	if s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"), order("RO3", "wash")); resumed() {
		t.Error("read again as a whole, it still counts as resumed")
	}
	s.sound()
}

// TestParkedOrder (complaint 21) holds that an order that cannot be read waits visibly, is not voided, and leaves the
// list when it can.
func TestParkedOrder(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
	s.send()
	parkRO1 := func() upload.Finished {
		p := s.begin("2026-W46")
		page := s.page(p, nil, order("RO2", "tyres"))
		page.Parked = []fieldmap.Parked{{Week: p.Week(), Key: fieldmap.OrderKey{Text: "RO1"}, Reason: "the code X is not in the map"}}
		if _, err := p.Store(page); err != nil {
			t.Fatal(err)
		}
		finished, err := p.Finish(upload.FinishResult{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return finished
	}
	for range 2 {
		if finished := parkRO1(); finished.Voided != 0 {
			t.Errorf("finished: %+v", finished)
		}
	}
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 || items[0].Refused || items[0].Reason != "the code X is not in the map" {
		t.Fatalf("parked: %+v %v", items, err)
	}
	if err := s.queue.Release(items[0].Number, "kim"); err == nil || !strings.Contains(err.Error(), "nothing to send") {
		t.Errorf("released: %v", err)
	}
	s.send()
	if m, _ := s.collector.Manifest("2026-W46"); m.Parked != 1 || m.Held != 2 {
		t.Errorf("manifest: %+v", m)
	}
	s.pull("2026-W46", order("RO1", "oil again"), order("RO2", "tyres"))
	if s.send(); s.parkedOrders() != 0 {
		t.Error("it is still parked")
	}
	if m, _ := s.collector.Manifest("2026-W46"); m.Parked != 0 || m.Orders != 3 {
		t.Errorf("manifest: %+v", m)
	}
	parkRO1()
	s.pull("2026-W46", order("RO2", "tyres")) // gone from the DMS
	if s.parkedOrders() != 0 {
		t.Error("an order that is gone is still parked")
	}
	s.send()
	s.sound()
}

// TestBadKeys holds that orders that cannot be told apart are parked, and stop no other.
func TestBadKeys(t *testing.T) {
	s := newSite(t)
	p := s.begin("2026-W46")
	stored := s.store(p, []byte("x"), order("", "no key"), order(strings.Repeat("K", 3000), "long key"), order("RO1", "oil"))
	if stored.New != 1 || stored.Parked != 2 {
		t.Errorf("stored %+v", stored)
	}
	stored = s.store(p, nil, order("RO1", "another oil"), order("RO2", "tyres"))
	if stored.New != 1 || stored.Parked != 1 {
		t.Errorf("stored %+v", stored)
	}
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.send()
	if held := s.collector.Held(); len(held) != 2 || !strings.Contains(string(held["2026-W46/RO1"].RepairOrder), `"oil"`) {
		t.Errorf("held %+v", held)
	}
	s.sound()
}

// TestLargeOrders holds that a page is cut where its bytes demand it.
func TestLargeOrders(t *testing.T) {
	s := newSite(t)
	large := strings.Repeat("oil ", 5<<18) // 5 MiB
	stored, _ := s.pull("2026-W46", order("RO1", large), order("RO2", large), order("RO3", large), order("RO4", "wash"))
	if stored.Batches != 2 || stored.New != 4 {
		t.Errorf("stored %+v", stored)
	}
	if sent := s.send(); sent.Orders != 4 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestManifest holds what a manifest says.
func TestManifest(t *testing.T) {
	s := newSite(t)
	p := s.begin("2026-W46")
	page := s.page(p, nil, order("RO1", "oil"), order("RO2", "tyres"))
	page.Counts = fieldmap.Counts{Withheld: map[string]int{"phone": 1}, Redacted: map[string]int{"ssn": 2}, InvalidText: 2}
	if _, err := p.Store(page); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 16, 10, 0, 0, 0, time.UTC)
	skipped := []fieldmap.SkipCount{{Why: "internal", Count: 3}}
	if _, err := p.Finish(upload.FinishResult{Skipped: skipped, Keyless: 1, Now: now}); err != nil {
		t.Fatal(err)
	}
	s.send()
	got, _ := s.collector.Manifest("2026-W46")
	want := upload.Manifest{
		DealerID: dealer, Week: "2026-W46", Timezone: "America/Los_Angeles", FieldmapDigest: s.orders.Digest().String(), ReadAt: now,
		Readings: 1, Batches: got.Batches, Orders: 2, Held: 2, Skipped: skipped, Left: page.Counts, Keyless: 1,
		Profile: page.Profile,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(got.Batches) != 1 {
		t.Error(diff)
	}
	weeks, err := s.queue.Weeks()
	if err != nil {
		t.Fatal(err)
	}
	wantWeek := upload.WeekStatus{Week: "2026-W46", Readings: 1, ReadAt: now, Held: 2, Sent: 2, Skipped: 3, Withheld: 1, Closed: true}
	wantWeek.ClosedAt = weeks[0].ClosedAt
	if diff := cmp.Diff([]upload.WeekStatus{wantWeek}, weeks); diff != "" {
		t.Error(diff)
	}
}

// A database that was emptied, restored or mistaken must not void what was sent.
func TestVanished(t *testing.T) {
	many := make([]uploadtest.Order, 60)
	for i := range many {
		many[i] = order(fmt.Sprintf("RO%02d", i), "oil")
	}
	for _, tt := range []struct {
		name    string
		left    int // orders that the DMS still has
		digest  bool
		void    bool
		doubted bool
		voided  int
	}{
		{name: "half", left: 30, voided: 30},
		{name: "more than half", left: 29, doubted: true},
		{name: "all", left: 0, doubted: true},
		{name: "all, on a person's word", left: 0, void: true, voided: 60},
		{name: "all, under another whitelist", left: 0, digest: true, voided: 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W45", many...)
			if tt.digest {
				s.orders = uploadtest.NewOrders(t, "another recipient")
			}
			p := s.begin("2026-W45")
			if _, err := p.Store(upload.PageResult{Records: s.orders.Records(p.Week(), many[:tt.left]...)}); err != nil {
				t.Fatal(err)
			}
			finished, err := p.Finish(upload.FinishResult{Now: time.Now(), Void: tt.void})
			vanished, doubted := errors.AsType[*upload.VanishedError](err)
			if doubted != tt.doubted || !doubted && err != nil || finished.Voided != tt.voided {
				t.Fatalf("%d voided: %v", finished.Voided, err)
			}
			if doubted && (vanished.Held != 60 || vanished.Gone != 60-tt.left) {
				t.Errorf("%+v", vanished)
			}
			if again := s.begin("2026-W45"); again.Done() || again.After() != nil {
				t.Error("the next reading does not begin anew")
			}
		})
	}
}

// Of a few orders all may be deleted.
func TestVanishedFew(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"), order("RO2", "oil"))
	if _, finished := s.pull("2026-W45"); finished.Voided != 2 {
		t.Errorf("%d voided", finished.Voided)
	}
}
