package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// A reading that was stopped is gone on with by the next run, also where its week has left the look-back and later weeks were
// read to their end meanwhile: so it is with one that was taken over from the collector while the DMS was away.
func TestStoppedReadingIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, _ := bubbleStore(t, "{spread: 0s}")
		s, err := p.openSite()
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		time.Sleep(100 * 24 * time.Hour)
		schedule, err := s.schedule()
		if err != nil {
			t.Fatal(err)
		}
		ended := schedule.Ended(time.Now())
		stopped := ended.Add(-9)
		begin := func(week fieldmap.Week) *upload.Pull {
			pull, err := s.queue.Begin(week, s.plan.Digest, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return pull
		}
		for week := stopped; !ended.Before(week); week = week.Next() {
			pull := begin(week)
			if _, err := pull.Store(upload.PageResult{Records: slices.Values([]fieldmap.Record(nil))}); err != nil {
				t.Fatal(err)
			}
			if _, err := pull.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		due := func() []fieldmap.Week {
			weeks, err := s.dueWeeks(schedule, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return weeks
		}
		if slices.Contains(due(), stopped) {
			t.Fatal("the week is due before anything was stopped: this proves nothing")
		}
		begin(stopped)
		if weeks := due(); !slices.Contains(weeks, stopped) || weeks[0] != stopped {
			t.Errorf("%s, whose reading was stopped, is not due: %v", stopped, weeks)
		}
	})
}
