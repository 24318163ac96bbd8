package main

import (
	"slices"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// weeksBy returns the weeks that the queue knows. Where one was read later than it is now, or is not over, the queue is told that
// the clock was set back. Either the clock was ahead, and weeks that it took for over are due once they are; or it is wrong now.
// The collector's clock decides: a week that was over when the collector closed it is none of them.
func (s *site) weeksBy(schedule Schedule, now time.Time) ([]upload.WeekStatus, error) {
	known, err := s.queue.Weeks()
	if err != nil {
		return nil, err
	}
	ended := schedule.Ended(now)
	later := weeksWhere(known, func(w upload.WeekStatus) bool { return w.ReadAt.After(now) })
	early := weeksWhere(known, func(w upload.WeekStatus) bool { return w.Readings > 0 && w.Reading == nil })
	early = slices.DeleteFunc(early, func(week fieldmap.Week) bool {
		return !ended.Before(week) || slices.ContainsFunc(known, func(w upload.WeekStatus) bool {
			return w.Week == week.String() && !w.ClosedAt.Before(week.End(schedule.Zone))
		})
	})
	if len(later)+len(early) == 0 {
		return known, nil
	}
	s.log.Warn("the clock was set back since weeks were read", "weeks", len(later), "due_again", len(early))
	if err := s.queue.SetBack(now, early); err != nil {
		return nil, err
	}
	return s.queue.Weeks()
}
