package main

import (
	"slices"

	"roagent/fieldmap"
	"roagent/upload"
)

// besideWeeks returns the weeks that are not to be read, and beside one that is read by other time zones than before. Orders at
// its ends may belong to them now: they are taken in there before this one is read, or nothing would hold them any more.
// So is what a run left half taken in.
func besideWeeks(queue *upload.Queue, weeks []fieldmap.Week) ([]fieldmap.Week, error) {
	known, err := queue.Weeks()
	if err != nil {
		return nil, err
	}
	same := weeksWhere(known, func(w upload.WeekStatus) bool { return w.Readings > 0 && !w.Zones })
	shifts := func(w fieldmap.Week) bool { return slices.Contains(weeks, w) && !slices.Contains(same, w) }
	halfway := weeksWhere(known, func(w upload.WeekStatus) bool { return w.Comers })
	beside := weeksWhere(known, func(w upload.WeekStatus) bool { return w.Comers || w.Zones && w.Reading == nil })
	return slices.DeleteFunc(beside, func(w fieldmap.Week) bool {
		return slices.Contains(weeks, w) || !shifts(w.Next()) && !shifts(w.Add(-1)) && !slices.Contains(halfway, w)
	}), nil
}
