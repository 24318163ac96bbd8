package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"roagent/fieldmap"
)

// Complaints 20 and 25: a clock that was ahead for some hours, and read weeks that were not over, keeps nothing back once it is
// set right, without a restart: what was read is read again at once, and the weeks are due when they are over. So it is
// where the collector closed them, and where it was away.
func TestServiceClockSetBack(t *testing.T) {
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprintf("collector away %v", away), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, collector, _, _ := bubbleStore(t, "{spread: 0s}")
				var ahead atomic.Int64
				p.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				stop := startService(t, p)
				time.Sleep(4 * 24 * time.Hour) // Tuesday: it has run once
				collector.down.Store(away)
				ahead.Store(int64(40 * 24 * time.Hour))
				time.Sleep(3 * time.Hour)
				if later, _ := readLater(t, p); len(later) != 6 {
					t.Fatalf("the clock that is ahead has read %v: this proves nothing", later)
				}
				ahead.Store(0)
				time.Sleep(time.Hour)
				collector.down.Store(false)
				for _, want := range []string{"2000-W01 2000-W02 2000-W03 2000-W04 2000-W05", "2000-W03 2000-W04 2000-W05"} {
					if later, due := readLater(t, p); strings.Join(later, " ") != want || strings.Join(due, " ") != want {
						t.Errorf("read before they were over: %v, due again: %v; want %s", later, due, want)
					}
					time.Sleep(14 * 24 * time.Hour)
				}
				stop()
			})
		})
	}
}

// readLater returns the weeks that were last read to their end before they were over, or later than it is, by the true clock;
// and those of them that are due again.
func readLater(t *testing.T, p *program) (later, due []string) {
	t.Helper()
	known, zone := knownWeeks(t, p)
	for _, w := range known {
		week, err := fieldmap.ParseWeek(w.Week)
		if err != nil {
			t.Fatal(err)
		}
		over := week.End(zone)
		if w.Readings == 0 || !w.ReadAt.Before(over) && !w.ReadAt.After(time.Now()) {
			continue
		}
		later = append(later, w.Week)
		if w.Reading != nil {
			due = append(due, w.Week)
		}
	}
	return later, due
}
