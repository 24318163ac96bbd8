package upload_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// profile returns what the queue knows of a week.
func (s *site) profile(name string) *fieldmap.Profile {
	s.t.Helper()
	weeks, err := s.queue.Profiles()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, w := range weeks {
		if w.Week == name {
			return w.Profile
		}
	}
	return nil
}

// sentProfile returns the profile of the last manifest that came.
func (s *site) sentProfile(name string) *fieldmap.Profile {
	s.t.Helper()
	m, ok := s.collector.Manifest(name)
	if !ok {
		s.t.Fatal(name, "has no manifest")
	}
	return m.Profile
}

// The profile of a week is of all pages of a reading that read every order, also where the process ended between two of them, and stays
// that one when a look-back reads only what changed.
func TestProfileOfAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var orders []uploadtest.Order
		for i := range 8 {
			orders = append(orders, uploadtest.Order{Key: fmt.Sprintf("RO%d", i+1), Text: "oil", Changed: "1"})
		}
		orders[7].Text = ""
		p := s.begin("1999-W50")
		s.store(p, []byte("RO6"), orders[:5]...)
		if s.profile("1999-W50") != nil {
			t.Error("half a week has a profile")
		}
		s.reopen()
		p = s.begin("1999-W50")
		s.store(p, nil, orders[5:]...)
		if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
		whole := s.profile("1999-W50")
		if whole == nil || whole.Orders != 8 || len(whole.Present) == 0 {
			t.Fatalf("the profile is %+v", whole)
		}
		s.send()
		if diff := cmp.Diff(whole, s.sentProfile("1999-W50")); diff != "" {
			t.Errorf("the manifest's profile (-want +got):\n%s", diff)
		}
		time.Sleep(48 * time.Hour)
		orders[0].Text, orders[0].Changed = "oil and filter", "2"
		if stored, _ := s.pull("1999-W50", orders...); stored.Unchanged != 7 {
			t.Fatalf("the look-back: %+v", stored)
		}
		if diff := cmp.Diff(whole, s.profile("1999-W50")); diff != "" {
			t.Errorf("after a look-back that read one order (-want +got):\n%s", diff)
		}
		s.send()
		s.sound()
	})
}

// Of a week of which a person dropped something no profile leaves: it would tell what they took out.
func TestNoProfileOfADroppedWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.queue.Hold = 24 * time.Hour
		s.pull("2026-W46", order("RO1", "oil"), order("RO2", "brakes"))
		if _, err := s.queue.Veto(upload.Veto{What: upload.DropOrder, Key: "RO1", Why: "private", Who: "kim"}); err != nil {
			t.Fatal(err)
		}
		if s.profile("2026-W46") == nil {
			t.Error("the store itself does not know what the week looks like")
		}
		time.Sleep(25 * time.Hour)
		s.send()
		if p := s.sentProfile("2026-W46"); p != nil {
			t.Errorf("the manifest's profile is %+v", p)
		}
	})
}
