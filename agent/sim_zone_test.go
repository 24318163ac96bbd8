package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"roagent/fieldmap"
)

// simZones is a world in which somebody corrects the configuration's time zones. Its chance is its own, and most worlds have
// none: what their seeds find does not depend on it.
type simZones struct {
	r    *rand.Rand
	used map[string]bool // pairs
}

const simDealerZone, simDMSZone = "dealer: another time zone", "dealer: another time zone of the DMS"

func drawSimZones(r *rand.Rand) *simZones {
	if r.IntN(4) > 0 {
		return nil
	}
	return &simZones{r: r, used: map[string]bool{}}
}

// zoneWeek plans at most one correction.
func (w *simWorld) zoneWeek(monday time.Time) {
	if z := w.zones; z != nil && z.r.IntN(3) == 0 {
		w.at(monday.Add(time.Duration(z.r.Int64N(int64(7*day)))-day).Truncate(time.Second), w.rezone)
	}
}

// rezone edits one of the two time zones in the configuration, or both. An old copy of the data folder does not notice that
// it was read by other zones in between, where those of today are its own: no zones come twice where one may be put back.
func (w *simWorld) rezone() {
	config := w.correctZones()
	if config == "" {
		return
	}
	running := w.agent.stopping != nil && w.zones.r.IntN(2) == 0
	if running {
		w.agent.stop()
	}
	w.write("roagent.yaml", config)
	if running {
		w.agent.start()
	}
}

// correctZones draws the zones and returns the configuration with them; "" where all stays as it is.
func (w *simWorld) correctZones() (config string) {
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	z, s := w.zones, w.shop
	z.used[s.weeks.String()+s.times.String()] = true
	weeks, times := s.weeks, s.times
	kind := simDealerZone
	switch z.r.IntN(3) {
	case 0:
		weeks = w.otherZone(weeks)
	case 1:
		times, kind = w.otherZone(times), simDMSZone
	default:
		weeks = w.otherZone(weeks)
		times = weeks
	}
	copies := slices.ContainsFunc(w.swarm.troubles, func(t simTrouble) bool { return t.kinds[0] == simOldCopy })
	if copies && z.used[weeks.String()+times.String()] {
		return ""
	}
	w.happened(kind)
	w.say("the dealer's zone is %s, the DMS's %s", weeks, times)
	s.rezone(weeks, times)
	return w.configOf(weeks, times)
}

func (w *simWorld) otherZone(zone *time.Location) *time.Location {
	for {
		if other := drawSimZone(w.t, w.zones.r); other.String() != zone.String() {
			return other
		}
	}
}

// rezone is what other zones make of the orders: they may be of other weeks now.
func (s *simShop) rezone(weeks, times *time.Location) {
	s.weeks, s.times, s.rezoned = weeks, times, true
	for _, key := range slices.Sorted(maps.Keys(s.orders)) {
		s.note(s.orders[key])
	}
}

// sunday lets time pass until it is Sunday noon where the configuration says that the dealer is.
func (w *simWorld) sunday() {
	now := time.Now().In(w.shop.weeks)
	noon := time.Date(now.Year(), now.Month(), now.Day()+(7-int(now.Weekday()))%7, 12, 0, 0, 0, w.shop.weeks)
	if noon.Before(now) {
		noon = noon.AddDate(0, 0, 7)
	}
	time.Sleep(time.Until(noon))
}

// once holds that an order is in one week at the collector, and in no other, also where zones have changed since it was last
// read: then it may still be in the week that it was counted in.
func (w *simWorld) once(weeks []fieldmap.Week) {
	places := map[string][]string{}
	first, last := weeks[0], weeks[len(weeks)-1]
	for week := first.Add(-1); week.Before(last.Add(3)); week = week.Next() {
		for key := range w.held(week) {
			places[key] = append(places[key], week.String())
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.shop.orders)) {
		o := w.shop.orders[key]
		text, bad := w.shop.sent(o, w.whitelist)
		week := w.shop.week(o)
		switch n := len(places[key]); {
		case bad || w.forgiven[key]:
		case n > 1:
			w.fault("doubled", "%s is in several weeks at the collector: %v", key, places[key])
		case n == 0 && text != "" && first.Before(week) && week.Before(last.Next()):
			w.fault("lost", "%s, which is of %s now, is in no week at the collector", key, week)
		}
	}
}

// configOf is the configuration with these time zones.
func (w *simWorld) configOf(weeks, times *time.Location) string {
	dms := ""
	if times.String() != weeks.String() {
		dms = fmt.Sprintf(", timezone: %s", times)
	}
	return fmt.Sprintf(simConfig, append([]any{rigDealer, weeks, dms}, w.settings...)...)
}
