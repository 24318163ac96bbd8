package extract

import (
	"fmt"
	"time"

	"roagent/fieldmap"
)

// use is what a parameter is for.
type use uint8

const (
	useLimit     use = iota + 1
	useWeekStart     // of the pulled week
	useWeekEnd
	useAfter     // the last page's key, column at
	useLiteral   // a value of in or not_in
	useBefore    // a time that the whitelist gives
	useAfterTime // likewise
	useAge       // the pulled week's end less an age
)

// param is one parameter of a statement, and the column whose type it takes.
type param struct {
	use    use
	level  *fieldmap.Level
	column fieldmap.Column
	text   string
	time   time.Time
	age    fieldmap.Age
	at     int
}

// String says what the parameter is.
func (p param) String() string {
	switch p.use {
	case useLimit:
		return "how many keys a page has"
	case useWeekStart:
		return "the week's start, Monday 00:00 at the dealer"
	case useWeekEnd:
		return "the week's end, Monday 00:00 at the dealer"
	case useAfter:
		return p.column.Name + " of the last key of the page before"
	case useLiteral:
		return fmt.Sprintf("%q, a %s", p.text, p.column)
	case useBefore, useAfterTime:
		return p.time.Format("2006-01-02 15:04:05") + " in the DMS's time"
	default:
		return fmt.Sprintf("the week's end less %d %s", p.age.N, p.age.Unit)
	}
}

// zones are the two time zones of a DMS.
type zones struct {
	dms    *time.Location // of its wall clocks
	dealer *time.Location // in which weeks are counted
}

// at returns a moment of the dealer's calendar.
func (z zones) at(t time.Time) moment {
	dealer, dms := t.In(z.dealer), t.In(z.dms)
	return moment{instant: t, wall: wallOf(dms), date: dateOf(dealer)}
}

// wall returns the moment at which the DMS's clocks show t's fields, for values that are to be before or after it.
func (z zones) wall(t time.Time, after bool) moment {
	instant, _ := fieldmap.Instant(t, z.dms)
	m := moment{instant: instant, wall: wallOf(t), date: dateOf(t), after: after}
	if !after && !m.wall.Equal(m.date) {
		m.date = m.date.AddDate(0, 0, 1) // a date is before noon of its own day
	}
	return m
}

func wallOf(t time.Time) time.Time {
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return time.Date(y, m, d, h, min, s, t.Nanosecond(), time.UTC)
}

func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// request is what the parameters of a statement depend on besides the schema.
type request struct {
	week  fieldmap.Week
	after []any // the last page's key
	limit int
}

// argument returns the value of one parameter, in its column's own type.
func (r *Reader) argument(p param, q request) (any, error) {
	if p.use == useLimit {
		return q.limit, nil
	}
	t := r.schema.typeOf(p.level, p.column)
	switch p.use {
	case useWeekStart:
		return r.dms.dialect.moment(t, r.dms.zones.at(q.week.Start(r.dms.zones.dealer)))
	case useWeekEnd:
		return r.dms.dialect.moment(t, r.dms.zones.at(q.week.End(r.dms.zones.dealer)))
	case useAfter:
		return r.dms.dialect.argument(t, q.after[p.at])
	case useLiteral:
		return r.dms.dialect.argument(t, p.text)
	case useBefore:
		return r.dms.dialect.moment(t, r.dms.zones.wall(p.time, false))
	case useAfterTime:
		return r.dms.dialect.moment(t, r.dms.zones.wall(p.time, true))
	default:
		return r.dms.dialect.moment(t, r.dms.zones.at(p.age.Before(q.week.End(r.dms.zones.dealer))))
	}
}

// arguments returns the values of a statement's own parameters, before those of its list.
func (r *Reader) arguments(s *statement, q request) ([]any, error) {
	args := make([]any, 0, len(s.params))
	for _, p := range s.params {
		v, err := r.argument(p, q)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.name, p, err)
		}
		args = append(args, v)
	}
	return args, nil
}
