package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// row is a store on the page.
type row struct {
	Entry   Entry
	State   State
	Overdue bool
	Why     string
	Notes   []string
	Past    []cell // the weeks before and the one that is looked at, oldest first

	rank int    // of its state
	key  string // by which names are sorted
	now  time.Time
}

// Skew is how far the agent's clock is ahead of the collector's, as its last heartbeat showed; what that took on its way counts.
func (v *row) Skew() time.Duration {
	if v.Entry.Beat.At.IsZero() || v.Entry.Dealer.ReceivedAt.IsZero() {
		return 0
	}
	return v.Entry.Beat.At.Sub(v.Entry.Dealer.ReceivedAt)
}

// cell is one store's week on a map.
type cell struct {
	Week  fieldmap.Week
	State State // "": nothing is held of it, or awaited
	Text  string
}

// view is what is known of all stores at a moment.
type view struct {
	now     time.Time
	at      time.Time // when the store was asked, at the earliest
	rows    []*row
	damaged []string
	weeks   []fieldmap.Week // oldest first, up to the one that is looked at

	dealers  collector.Reading[collector.FleetDealer]
	readings []collector.Reading[collector.FleetWeek] // of weeks
}

// beats are the heartbeats of one reading, parsed.
type beats struct {
	of time.Time
	by map[string]upload.Status
}

// look reads what a page about a week and some before it needs, of all stores.
func (p *Page) look(ctx context.Context, week fieldmap.Week, weeks int) (*view, error) {
	v, err := p.load(ctx, week, weeks)
	if err != nil {
		return nil, err
	}
	parsed := p.parse(v.dealers)
	v.rows = make([]*row, 0, len(v.dealers.Entries))
	for _, d := range v.dealers.Entries {
		v.rows = append(v.rows, p.row(d, parsed, v))
	}
	return v, nil
}

// load reads it, and makes no rows of it yet. The folders are asked at the same time: of an object store each takes some 20 requests,
// one after the other.
func (p *Page) load(ctx context.Context, week fieldmap.Week, weeks int) (*view, error) {
	v := &view{now: p.now(), readings: make([]collector.Reading[collector.FleetWeek], weeks)}
	failed := make([]error, weeks+1)
	var asked sync.WaitGroup
	asked.Go(func() { v.dealers, failed[weeks] = p.Index.Dealers(ctx) })
	for i := range v.readings {
		name := week.Add(i + 1 - weeks)
		v.weeks = append(v.weeks, name)
		asked.Go(func() { v.readings[i], failed[i] = p.Index.Week(ctx, name) })
	}
	asked.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	v.at, v.damaged = v.dealers.At, slices.Clone(v.dealers.Damaged)
	for _, reading := range v.readings {
		v.damaged = append(v.damaged, reading.Damaged...)
		if reading.At.Before(v.at) {
			v.at = reading.At
		}
	}
	return v, nil
}

// parse reads all heartbeats of a reading once.
func (p *Page) parse(dealers collector.Reading[collector.FleetDealer]) beats {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beats.of.Equal(dealers.At) && p.beats.by != nil {
		return p.beats
	}
	p.beats = beats{of: dealers.At, by: make(map[string]upload.Status, len(dealers.Entries))}
	for id, d := range dealers.Entries {
		if h, ok := parseHeartbeat(d.Status); ok {
			p.beats.by[id] = h
		}
	}
	return p.beats
}

func (p *Page) row(d collector.FleetDealer, parsed beats, v *view) *row {
	last := len(v.readings) - 1
	r := &row{now: v.now, key: strings.ToLower(d.Name) + "\x00" + d.DealerID, Entry: Entry{Dealer: d, Name: v.weeks[last], Zone: p.Rules.Zone}}
	r.Entry.Beat, r.Entry.HasBeat = parsed.by[d.DealerID]
	for i := range v.readings {
		w, ok := v.readings[i].Entries[d.DealerID]
		if !ok {
			continue
		}
		if zone := p.zone(w.Timezone); zone != nil {
			r.Entry.Zone = zone
		}
		if i == last {
			r.Entry.Week = &w
			r.Entry.Findings = findings(&w)
		}
	}
	r.State, r.Overdue = p.Rules.State(&r.Entry, v.now), p.Rules.Overdue(&r.Entry, v.now)
	r.rank = slices.IndexFunc(p.states, func(d definition) bool { return d.State == r.State })
	return r
}

// explain adds the words and the past of rows. Only those that are shown need them.
func (p *Page) explain(v *view, rows []*row) []*row {
	for _, r := range rows {
		r.Why, r.Notes = p.Rules.why(r), p.Rules.notes(r)
		r.Past = r.Past[:0]
		for i := range v.readings {
			r.Past = append(r.Past, p.cell(r, v.weeks[i], v.readings[i]))
		}
	}
	return rows
}

// cell says how a week before stands. What the agent tells now explains nothing of it, so one that is not in is late.
func (p *Page) cell(r *row, week fieldmap.Week, reading collector.Reading[collector.FleetWeek]) cell {
	c := cell{Week: week}
	if week == r.Entry.Name {
		c.State = r.State
	} else if w, ok := reading.Entries[r.Entry.Dealer.DealerID]; ok {
		c.State = In
		if len(findings(&w)) > 0 {
			c.State = Wrong
		}
	} else if r.Entry.Dealer.Added.Before(week.End(r.Entry.Zone)) {
		c.State = Late
	}
	name := "nothing awaited"
	if i := slices.IndexFunc(p.states, func(d definition) bool { return d.State == c.State }); i >= 0 {
		name = p.states[i].Name
	}
	c.Text = fmt.Sprintf("%s: %s", week, name)
	if w, ok := reading.Entries[r.Entry.Dealer.DealerID]; ok {
		c.Text += fmt.Sprintf(", %d orders", w.Held)
	}
	return c
}

// zone returns the location of that name, or nil. There are some hundred names in the world, so each is loaded once.
func (p *Page) zone(name string) *time.Location {
	p.mu.Lock()
	defer p.mu.Unlock()
	if zone, ok := p.zones[name]; ok {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		zone = nil
	}
	if len(p.zones) < 1000 {
		p.zones[name] = zone
	}
	return zone
}

// SinceBeat is the age of the last heartbeat.
func (v *row) SinceBeat() time.Duration { return v.now.Sub(v.Entry.Dealer.ReceivedAt) }
