package main

import (
	"math/rand/v2"
	"time"
)

const (
	simClockAhead  = "process: its clock is ahead"
	simClockBehind = "process: its clock is behind"
	simOffForWeeks = "process: off for weeks"
)

// drawSimClock draws whether somebody, or a dead battery, sets the clock of the agent's computer in this world. It has chance
// of its own, as simZones has.
func drawSimClock(r *rand.Rand) *rand.Rand {
	if r.IntN(4) > 0 {
		return nil
	}
	return r
}

// clockWeek plans that the clock is set, and set right again some days later. The DMS and the collector have clocks of their
// own.
func (w *simWorld) clockWeek(monday time.Time) {
	r := w.clock
	if r == nil || r.IntN(3) > 0 {
		return
	}
	most := []time.Duration{time.Hour, 12 * time.Hour, 6 * day, 400 * day}[r.IntN(4)]
	skew := time.Minute + time.Duration(r.Int64N(int64(most)))
	if r.IntN(3) == 0 {
		skew = max(-skew, -60*day)
	}
	from := monday.Add(time.Duration(r.Int64N(int64(7*day))) - 2*day).Truncate(time.Second)
	until := from.Add(time.Duration(1+r.IntN(6*24*60)) * time.Minute / time.Duration(1+r.IntN(10)))
	off := time.Duration(r.IntN(90)-30) * time.Minute
	w.at(from, func() { w.setClock(skew) })
	w.at(until, func() { w.setClock(0) })
	if r.IntN(3) == 0 && off > -until.Sub(from) { // switched off shortly before that or after it
		w.at(until.Add(off), func() { w.happened(simOffForWeeks); w.say("switched off for weeks"); w.agent.stop() })
		w.at(until.Add(off+time.Duration(5+r.IntN(4))*7*day), w.restart)
	}
}

// setClock sets the clock of the agent's computer so far ahead of the true one.
func (w *simWorld) setClock(skew time.Duration) {
	w.mu.Lock()
	was := w.skew
	w.skew = skew
	w.mu.Unlock()
	switch {
	case skew > 0:
		w.happened(simClockAhead)
	case skew < 0:
		w.happened(simClockBehind)
	}
	if skew != was {
		w.say("the agent's clock is ahead by %v", skew)
	}
}

// agentNow is what the clock of the agent's computer says.
func (w *simWorld) agentNow() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}
