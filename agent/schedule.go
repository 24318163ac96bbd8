package main

import (
	"fmt"
	"time"

	"github.com/adhocore/gronx"

	"roagent/fieldmap"
)

// Schedule says when a site pulls: a cron expression in the dealer's time, and the site's own part of the spread.
type Schedule struct {
	Cron   string
	Zone   *time.Location
	Spread time.Duration  // this site's own part, the same at every run
	StopBy *time.Duration // since midnight, dealer time; nil: a pull runs until it is done
	Settle time.Duration
}

// Next returns the first run later than after. The expression is read against the clock on the dealer's wall: a time
// that daylight saving repeats runs once, one that it skips runs when the clock has jumped (complaint 25).
func (s Schedule) Next(after time.Time) (time.Time, error) {
	// A run's start lies up to Spread after its tick, so ticks before after may still be to come.
	from := after.Add(-s.Spread).In(s.Zone)
	// The day before: an hour that repeats has wall-clock times that come after later ones.
	wall := time.Date(from.Year(), from.Month(), from.Day(), from.Hour(), from.Minute(), from.Second(), 0, time.UTC).Add(-24 * time.Hour)
	for {
		tick, err := gronx.NextTickAfter(s.Cron, wall, false)
		if err != nil {
			return time.Time{}, fmt.Errorf("next run of %q: %w", s.Cron, err)
		}
		instant, _ := fieldmap.Instant(tick, s.Zone)
		if run := instant.Add(s.Spread); run.After(after) {
			return run, nil
		}
		wall = tick
	}
}

// Due returns when the next run is, given when the last one began; at once where a run was missed since, or where the last
// one is still to come: then the clock was set back. A site that has never run waits for its first time.
func (s Schedule) Due(last, now time.Time) (time.Time, error) {
	if last.IsZero() {
		return s.Next(now)
	}
	next, err := s.Next(last)
	if err != nil || next.After(now) && !last.After(now) {
		return next, err
	}
	return now, nil
}

// Deadline returns when a pull that begins at start pauses; the zero time where it need not.
func (s Schedule) Deadline(start time.Time) time.Time {
	if s.StopBy == nil {
		return time.Time{}
	}
	day := start.In(s.Zone)
	for range 2 {
		wall := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC).Add(*s.StopBy)
		if stop, _ := fieldmap.Instant(wall, s.Zone); stop.After(start) {
			return stop
		}
		day = day.AddDate(0, 0, 1)
	}
	return start.Add(24 * time.Hour)
}

// Ended returns the latest week that is over and settled at now.
func (s Schedule) Ended(now time.Time) fieldmap.Week {
	return fieldmap.WeekOf(now.Add(-s.Settle).In(s.Zone)).Add(-1)
}

// Weeks returns the weeks that a run at now reads, oldest first: those since the last week read, of which the latest
// ended one always is, and before them the known weeks of the look-back. known are the weeks read before, oldest first. A
// clock that is behind finds no week due from before the first of them, with which the site began.
func (s Schedule) Weeks(now time.Time, lookback int, known []fieldmap.Week) []fieldmap.Week {
	ended := s.Ended(now)
	if len(known) > 0 && ended.Before(known[0]) {
		return nil
	}
	last := ended.Add(-1) // a new site begins with the latest ended week
	seen := map[fieldmap.Week]bool{}
	for i, w := range known {
		seen[w] = true
		if i == 0 || last.Before(w) {
			last = w
		}
	}
	first := last.Next()
	if ended.Before(first) {
		first = ended
	}
	var weeks []fieldmap.Week
	for w := first.Add(-lookback); w.Before(first); w = w.Next() {
		if seen[w] {
			weeks = append(weeks, w)
		}
	}
	for w := first; !ended.Before(w); w = w.Next() {
		weeks = append(weeks, w)
	}
	return weeks
}
