package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const simTwins = "shop: two edits at one time, a reading between them"

// drawTwins draws whether orders are edited twice at one time, as the DMS notes it: by two transactions that began together, of
// which one was open until after a reading. Only the overlap of readings finds the second. It has chance of its own, as simZones has.
// A clock of the agent's that is days off may miss such an edit, so there is none in those worlds: see DESIGN.md.
func (w *simWorld) drawTwins(r *rand.Rand) *rand.Rand {
	if w.clock != nil || w.zones != nil || r.IntN(2) == 0 {
		return nil
	}
	return r
}

// twinWeek plans that an order is edited in the night before the week's run, and again in the morning after it.
func (w *simWorld) twinWeek(monday time.Time) {
	r := w.twins
	if r == nil || r.IntN(2) == 0 {
		return
	}
	var twin *simOrder
	var noted time.Time
	first := monday.Add(time.Duration(r.IntN(9*60)-8*60) * time.Minute)
	second := monday.Add(time.Duration(4*60+r.IntN(7*60)) * time.Minute)
	edit := func(o *simOrder, text string) {
		if len(o.jobs) == 0 {
			o.jobs = append(o.jobs, simJob{pay: "C"})
		}
		o.jobs[0].work = fmt.Sprintf("TURNED PART %s %d", text, r.IntN(1_000_000))
		w.shop.write(o)
	}
	w.at(first, func() {
		w.shopMu.Lock()
		defer w.shopMu.Unlock()
		if list := w.shop.editable(); len(list) > 0 {
			twin = list[r.IntN(len(list))]
			twin.updated, noted = w.shop.stamp(), w.shop.stamp()
			edit(twin, "ONCE")
		}
	})
	w.at(second, func() {
		w.shopMu.Lock()
		defer w.shopMu.Unlock()
		s := w.shop
		if twin == nil || s.orders[twin.key] != twin || !twin.updated.Equal(noted) || !twin.closed.IsZero() && s.week(twin).Before(s.oldest()) {
			return // somebody else has edited it since
		}
		edit(twin, "TWICE")
		w.happened(simTwins)
		w.say("shop: reword %s again, at the time of the edit before the run", twin.key)
	})
}
