package fieldmap

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Week is an ISO 8601 week, Monday 00:00 to the next Monday 00:00, half open. It has bounds in a time zone only.
type Week struct{ Year, Number int }

var weekName = regexp.MustCompile(`^(\d{4})-W(\d{2})$`)

// WeekOf returns the week in which t falls, in t's own location.
func WeekOf(t time.Time) Week {
	y, n := t.ISOWeek()
	return Week{y, n}
}

// ParseWeek reads 2026-W46. It refuses weeks that the year does not have.
func ParseWeek(s string) (Week, error) {
	m := weekName.FindStringSubmatch(s)
	if m == nil {
		return Week{}, fmt.Errorf("%q is not a week; write it like 2026-W46", s)
	}
	year, _ := strconv.Atoi(m[1])
	number, _ := strconv.Atoi(m[2])
	w := Week{year, number}
	if year == 0 || number == 0 || WeekOf(w.Start(time.UTC)) != w {
		return Week{}, fmt.Errorf("the year %d has no week %d", year, number)
	}
	return w, nil
}

// String returns the week's ISO 8601 name, 2026-W46.
func (w Week) String() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// IsZero reports whether w names no week.
func (w Week) IsZero() bool { return w == Week{} }

// Start returns Monday 00:00 of the week in loc; where daylight saving skips that hour, the first instant after it.
func (w Week) Start(loc *time.Location) time.Time {
	// 4 January is always in week 1 (ISO 8601).
	jan4 := time.Date(w.Year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := jan4.AddDate(0, 0, -(int(jan4.Weekday())+6)%7+7*(w.Number-1))
	t, _ := Instant(monday, loc)
	return t
}

// End returns the next week's start.
func (w Week) End(loc *time.Location) time.Time { return w.Next().Start(loc) }

// Next returns the week after w.
func (w Week) Next() Week { return w.Add(1) }

// Add returns the week n weeks after w, or before it where n is negative.
func (w Week) Add(n int) Week { return WeekOf(w.Start(time.UTC).AddDate(0, 0, 7*n)) }

// Before reports whether w is earlier than v.
func (w Week) Before(v Week) bool {
	return w.Year < v.Year || w.Year == v.Year && w.Number < v.Number
}

// Shift says what daylight saving did to a wall-clock time.
type Shift uint8

// What can happen to a wall-clock time when clocks change.
const (
	ShiftNone     Shift = iota
	ShiftRepeated       // the time comes twice that day: the first is taken
	ShiftSkipped        // the time does not come that day: moved forward by the gap
)

// Instant returns the instant at which clocks in loc show the wall-clock fields of wall (whose own location is
// ignored). An hour that daylight saving repeats takes the first; one that it skips moves forward.
func Instant(wall time.Time, loc *time.Location) (time.Time, Shift) {
	y, mo, d := wall.Date()
	h, mi, s := wall.Clock()
	t := time.Date(y, mo, d, h, mi, s, wall.Nanosecond(), loc)
	// time.Date leaves open which of two offsets it takes. Both candidates come from the offsets a day either side.
	_, before := t.AddDate(0, 0, -1).Zone()
	_, after := t.AddDate(0, 0, 1).Zone()
	if before == after {
		return t, ShiftNone
	}
	asUTC := time.Date(y, mo, d, h, mi, s, wall.Nanosecond(), time.UTC)
	first := asUTC.Add(-time.Duration(before) * time.Second).In(loc)
	second := asUTC.Add(-time.Duration(after) * time.Second).In(loc)
	firstHolds, secondHolds := sameClock(first, asUTC), sameClock(second, asUTC)
	switch {
	case firstHolds && secondHolds:
		return first, ShiftRepeated // the clock went back: the earlier instant still has the old offset
	case firstHolds:
		return first, ShiftNone
	case secondHolds:
		return second, ShiftNone
	default:
		return first, ShiftSkipped // the old offset counted on into the gap: forward by its length
	}
}

func sameClock(a, b time.Time) bool {
	ah, am, as := a.Clock()
	bh, bm, bs := b.Clock()
	return ah == bh && am == bm && as == bs && a.Day() == b.Day()
}
