package upload_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

const w44, w45, w46 = "2026-W44", "2026-W45", "2026-W46"

// readA reads three weeks in runs of their own, where order A is in this one.
func (s *site) readA(name, text string) {
	s.t.Helper()
	for _, week := range []string{w44, w45, w46} {
		of := orders(order("B in "+week, "lamp"))
		if week == name {
			of = append(of, order("A", text))
		}
		s.pull(week, of...)
	}
}

// wantA holds which revisions of A the collector has, by week.
func (s *site) wantA(want map[string][]string) {
	s.t.Helper()
	got := map[string][]string{}
	for _, line := range s.collector.Taken() {
		if line.Key == "A" {
			got[line.Week] = append(got[line.Week], fmt.Sprint(line.Revision, map[bool]string{true: " void"}[line.Voided]))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Error(diff)
	}
}

// unbroken is sound, and holds that revisions go up by one across weeks.
func (s *site) unbroken() {
	s.t.Helper()
	s.sound()
	for _, problem := range s.collector.Skipped() {
		s.t.Error(problem)
	}
}

// TestMovesBehindRefusal holds that an order's lines in the weeks that it moved to take the numbers of what the collector refused
// of it in the weeks before, and replace what it has; also behind those of several weeks, and back in the first.
func TestMovesBehindRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		sent  []string            // texts of A in W46 that the collector has
		waits [][2]string         // week and text of A that wait then, before the collector is asked
		then  [][2]string         // after it was
		want  map[string][]string // by week: the revisions of A that the collector takes, in the end
	}{
		"at once":             {nil, [][2]string{{w46, "bad"}, {w45, "oil"}}, nil, map[string][]string{w45: {"1"}}},
		"edited":              {nil, [][2]string{{w46, "bad"}, {w45, "oil"}, {w45, "lamp"}}, [][2]string{{w45, "tyres"}}, map[string][]string{w45: {"1", "2", "3"}}},
		"refused in two":      {nil, [][2]string{{w46, "bad"}, {w45, "bad too"}}, [][2]string{{w44, "oil"}}, map[string][]string{w44: {"1"}}},
		"through three":       {nil, [][2]string{{w46, "bad"}, {w45, "oil"}, {w44, "lamp"}}, nil, map[string][]string{w45: {"1", "2 void"}, w44: {"3"}}},
		"and back":            {nil, [][2]string{{w46, "bad"}, {w45, "oil"}, {w46, "lamp"}}, nil, map[string][]string{w45: {"1", "2 void"}, w46: {"3"}}},
		"refused between":     {nil, [][2]string{{w46, "oil"}, {w45, "bad"}, {w46, "oil"}}, nil, map[string][]string{w46: {"1", "2 void", "3"}}},
		"an edit of what is":  {[]string{"oil"}, [][2]string{{w46, "bad"}, {w45, "lamp"}}, nil, map[string][]string{w46: {"1", "2 void"}, w45: {"3"}}},
		"to where it was":     {[]string{"oil"}, [][2]string{{w45, "bad"}, {w44, "lamp"}, {w46, "tyres"}}, nil, map[string][]string{w46: {"1", "2 void", "5"}, w44: {"3", "4 void"}}},
		"away again, edited":  {[]string{"oil"}, [][2]string{{w45, "bad"}, {w46, "oil"}, {w46, "tyres"}}, [][2]string{{w45, "lamp"}}, map[string][]string{w46: {"1", "2 void", "3", "4", "5 void"}, w45: {"6"}}},
		"and what came of it": {nil, [][2]string{{w46, "bad"}, {w45, "oil"}, {w44, "bad"}, {w45, "lamp"}}, [][2]string{{w46, "wash"}}, map[string][]string{w45: {"1", "2 void", "3", "4 void"}, w46: {"5"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.collector.Refuse = refuseBad
			for _, text := range test.sent {
				s.readA(w46, text)
				s.send()
			}
			for _, w := range test.waits {
				s.readA(w[0], w[1])
			}
			s.send()
			for _, w := range test.then {
				s.readA(w[0], w[1])
				s.send()
			}
			s.wantA(test.want)
			s.unbroken()
		})
	}
}

// TestMoveBackBehindRefusal holds that an order which came back to a week as it had left it, since the line that voids it there was
// refused, goes on there behind what the other week has in the end.
func TestMoveBackBehindRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		back string // as what it comes back
		want map[string][]string
	}{
		"as it was": {"oil", map[string][]string{w46: {"1", "3"}}},
		"held":      {"oil, ssn 078-05-1120", map[string][]string{w46: {"1", "5"}}}, // what is parked can be released
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
			s.moveBack(test.back)
			s.releaseAll()
			if s.send(); name == "as it was" {
				s.readA(w46, "tyres")
				s.send()
			}
			s.wantA(test.want)
			s.sound()
		})
	}
}

// moveBack lets A leave W46 and come back before the collector was asked for its line in the other week, which it then refuses, as it did
// the line that voids A in W46.
func (s *site) moveBack(text string) {
	s.t.Helper()
	s.readA(w46, "oil")
	s.send()
	s.collector.Refuse = func(l upload.Line) string {
		if l.Voided {
			return "it is kept"
		}
		return refuseBad(l)
	}
	s.readA(w45, "bad")
	s.sender.Retries = 0
	s.collector.FailQuestions(nil, uploadtest.Down)
	if _, err := s.trySend(); err == nil {
		s.t.Fatal("the collector was there")
	}
	s.collector.FailQuestions()
	s.readA(w46, text)
	s.send()
}

// TestOfferedBeforeRefusal holds that a line which went before its turn, since a person let its week go, keeps its number: the collector may
// have it.
func TestOfferedBeforeRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		fault uploadtest.Fault
		last  string // the week that it is in before the first line's turn
		want  map[string][]string
	}{
		"its answer is lost": {uploadtest.LoseAnswer, w45, map[string][]string{w45: {"3", "4"}}},
		"delivered":          {nil, w45, map[string][]string{w45: {"3", "4"}}},
		"delivered, moved":   {nil, w44, map[string][]string{w45: {"3", "4 void"}, w44: {"5", "6"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.collector.Refuse = refuseBad
			s.queue.Hold, s.sender.Retries = time.Hour, 0
			s.readA(w46, "bad")
			s.readA(w45, "oil")
			if _, err := s.queue.Unhold(w45, "kim"); err != nil {
				t.Fatal(err)
			}
			s.collector.Fail(nil, test.fault) // B goes first
			s.collector.NeverSees(w46, "A")
			if _, err := s.trySend(); (err == nil) != (test.fault == nil) {
				t.Fatal(err)
			}
			s.queue.Hold = 0
			s.readA(test.last, "oil")
			if sent := s.send(); sent.Adopted > 0 {
				t.Error("the collector had something else than the queue knew")
			}
			s.readA(test.last, "tyres")
			s.send()
			s.wantA(test.want)
			s.sound()
		})
	}
}

// TestHeldBeforeRefusal holds that an order that waits for a person in the week that it moved to can be released after what
// it was in the week before is refused.
func TestHeldBeforeRefusal(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	s.collector.Refuse = refuseBad
	s.readA(w46, "bad")
	s.readA(w45, "oil")
	s.readA(w45, "oil, ssn 078-05-1120")
	item, _ := s.heldItem(t)
	s.send()
	if err := s.queue.Release(item.Number, "kim"); err != nil {
		t.Fatal(err)
	}
	s.send()
	s.wantA(map[string][]string{w45: {"3", "4"}})
	s.sound()
}
