package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"roagent/fieldmap"
)

const simOldCopy = "disk: an old copy of the data folder"

// simTrouble is a fault that a week can bring. It plans when the trouble begins and when it ends.
type simTrouble struct {
	kinds []string // under which it is counted
	plan  func(w *simWorld, monday time.Time)
}

// simTroubles are all faults but those of single requests.
func simTroubles() []simTrouble {
	return []simTrouble{
		{[]string{"dms: down", "dms: broken connection"}, func(w *simWorld, monday time.Time) {
			w.dmsTrouble(monday, func(d *simDMS) { d.down = true }, func(d *simDMS) { d.down = false })
		}},
		{[]string{"dms: broken connection", "dms: broken within a page"}, func(w *simWorld, monday time.Time) {
			p := 0.02 + w.r.Float64()*0.3
			w.dmsTrouble(monday, func(d *simDMS) { d.broken = p }, func(d *simDMS) { d.broken = 0 })
		}},
		{[]string{"dms: slow"}, func(w *simWorld, monday time.Time) {
			wait := time.Duration(1+w.r.IntN(400)) * time.Second
			w.dmsTrouble(monday, func(d *simDMS) { d.slow = wait }, func(d *simDMS) { d.slow = 0 })
		}},
		{[]string{"shop: edit while a pull runs"}, func(w *simWorld, monday time.Time) {
			var after []int
			for range 1 + w.r.IntN(6) {
				after = append(after, 1+w.r.IntN(80))
			}
			slices.Sort(after)
			w.at(monday.Add(-6*time.Hour), func() { w.dms.set(func(d *simDMS) { d.edits = after }) })
		}},
		{[]string{"process: killed"}, func(w *simWorld, monday time.Time) { w.planKill(monday, false) }},
		{[]string{"process: killed"}, func(w *simWorld, monday time.Time) { w.planKill(monday, false) }},
		{[]string{"process: power cut"}, func(w *simWorld, monday time.Time) { w.planKill(monday, true) }},
		{[]string{"process: restarted"}, func(w *simWorld, monday time.Time) {
			from := w.within(monday.Add(-time.Hour), 6*time.Hour)
			off := time.Duration(w.r.IntN(9*24*60)) * time.Minute / time.Duration(1+w.r.IntN(20))
			w.at(from, func() { w.happened("process: restarted"); w.say("service stopped for %v", off); w.agent.stop() })
			w.at(from.Add(off), w.restart)
		}},
		{[]string{"process: the machine sleeps"}, func(w *simWorld, monday time.Time) {
			w.at(w.within(monday.Add(-time.Hour), 6*time.Hour), func() { w.happened("process: the machine sleeps"); w.agent.stop() })
			w.at(w.within(monday.Add(day), 12*day), w.restart)
		}},
		{[]string{simTwoAgents}, func(w *simWorld, monday time.Time) {
			w.at(w.within(monday.Add(-3*time.Hour), 6*time.Hour), w.bringSecond)
			w.at(w.within(monday.Add(4*time.Hour), 3*day), w.leaveSecond)
		}},
		{[]string{simOldCopy}, func(w *simWorld, monday time.Time) {
			var copied map[string][]byte
			from := w.within(monday.Add(-6*time.Hour), 3*day)
			w.at(from, func() { copied = w.agent.readData() })
			w.at(w.within(from.Add(time.Hour), 15*day), func() { w.putBack(copied) })
		}},
		{[]string{"disk: the queue's file is damaged"}, func(w *simWorld, monday time.Time) {
			w.at(w.within(monday.Add(-6*time.Hour), 3*day), w.damage)
		}},
		{[]string{"network: away for weeks"}, func(w *simWorld, monday time.Time) {
			from := w.within(monday.Add(-day), 2*day)
			w.at(from, func() { w.happened("network: away for weeks"); w.net.set("network: down", 1) })
			w.at(from.Add(time.Duration(2+w.r.IntN(25))*7*day), func() { w.net.set("network: down", 0) })
		}},
		{[]string{"disk: full"}, func(w *simWorld, monday time.Time) {
			from := w.within(monday.Add(-time.Hour), 6*time.Hour)
			w.at(from, func() { w.agent.setDiskFull(true) })
			w.at(w.within(from, 3*day), func() { w.agent.setDiskFull(false) })
		}},
		{[]string{"dealer: whitelist changed"}, func(w *simWorld, monday time.Time) {
			if w.steady {
				return
			}
			edited := w.within(monday.Add(-12*time.Hour), 5*day)
			w.at(edited, w.changeWhitelist)
			w.at(w.within(edited, 4*day), func() {
				if w.pending {
					w.approve()
				}
			})
		}},
		{[]string{"dealer: parked released"}, func(w *simWorld, monday time.Time) {
			w.at(w.within(monday, 6*day), func() {
				if len(w.parked()) > 0 {
					w.happened("dealer: parked released")
					w.release()
				}
			})
		}},
		{[]string{"collector: forgot a week's batches"}, func(w *simWorld, monday time.Time) { w.at(w.within(monday, 2*day), w.forget) }},
		{[]string{"collector: forgot a declaration"}, func(w *simWorld, monday time.Time) {
			w.at(w.within(monday.Add(-6*time.Hour), 2*day), func() {
				if w.net.store.forget("dealers/"+rigDealer+"/fieldmaps") > 0 {
					w.happened("collector: forgot a declaration")
				}
			})
		}},
	}
}

// simKinds are the names of all faults.
func simKinds() []string {
	kinds := append(slices.Collect(maps.Keys(simRequestFaults())), simDealerZone, simDMSZone, simClockAhead, simClockBehind, simOffForWeeks)
	for _, trouble := range simTroubles() {
		kinds = append(kinds, trouble.kinds...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

const simTwoAgents = "process: two agents on one folder"

// simLate is no part of what else takes time: the queue's lock is tried every 50 ms, the DMS and the network take whole seconds.
const simLate = 13 * time.Microsecond

// simSwarm is what goes wrong in a world that knows only some of the faults, and those often: what takes two or three of one
// kind in a row is rare where all kinds take turns.
type simSwarm struct {
	troubles []simTrouble
	requests []string      // kinds
	most     int           // of each, in a week
	deaths   int           // in a row, at most
	edits    int           // by how much there are more of them
	writes   bool          // the collector's store fails when it writes, not also when it reads
	behind   time.Duration // by which the DMS's clock is
}

// drawSwarm draws the faults of a world: all of them at even rates, or a few.
func drawSwarm(r *rand.Rand) *simSwarm {
	s := &simSwarm{troubles: simTroubles(), requests: slices.Sorted(maps.Keys(simRequestFaults())), most: 4, edits: 1}
	if r.IntN(2) == 0 {
		s.requests = slices.DeleteFunc(s.requests, func(kind string) bool { return kind == simCollectorPowerCut })
		return s
	}
	s.most, s.deaths, s.edits, s.writes = 2+r.IntN(6), r.IntN(8), 1+r.IntN(4), true
	r.Shuffle(len(s.troubles), func(i, j int) { s.troubles[i], s.troubles[j] = s.troubles[j], s.troubles[i] })
	r.Shuffle(len(s.requests), func(i, j int) { s.requests[i], s.requests[j] = s.requests[j], s.requests[i] })
	s.troubles, s.requests = s.troubles[:1+r.IntN(6)], s.requests[:1+r.IntN(6)]
	s.behind = time.Duration(r.IntN(3600)) * time.Second
	return s
}

// badWeek draws what goes wrong in a week: often nothing, sometimes everything at once.
func (w *simWorld) badWeek(monday time.Time) {
	if w.r.IntN(4) == 0 {
		return
	}
	troubles, kinds := w.swarm.troubles, w.swarm.requests
	for range w.r.IntN(w.swarm.most) {
		troubles[w.r.IntN(len(troubles))].plan(w, monday)
	}
	for range w.r.IntN(w.swarm.most) {
		kind := kinds[w.r.IntN(len(kinds))]
		p := []float64{0.1, 0.3, 0.7, 1}[w.r.IntN(4)]
		from := w.within(monday.Add(-2*time.Hour), 5*time.Hour)
		until := from.Add(time.Duration(1+w.r.IntN(100)) * time.Hour / time.Duration(1+w.r.IntN(10)))
		w.at(from, func() { w.say("%s: %.0f %% of requests", kind, 100*p); w.net.set(kind, p) })
		w.at(until, func() { w.say("%s: over", kind); w.net.set(kind, 0) })
	}
}

func (w *simWorld) dmsTrouble(monday time.Time, begin, end func(*simDMS)) {
	from := w.within(monday.Add(-time.Hour), 5*time.Hour)
	until := from.Add(time.Duration(1+w.r.IntN(100)) * time.Hour / time.Duration(1+w.r.IntN(20)))
	w.at(from, func() { w.say("the DMS has trouble"); w.dms.set(begin) })
	w.at(until, func() { w.say("the DMS is well"); w.dms.set(end) })
}

func (w *simWorld) planKill(monday time.Time, power bool) {
	writing := w.r.IntN(2) == 0
	points := 1 + w.r.IntN(10+w.r.IntN(1000))
	if writing {
		points = 1 + points/10
	}
	w.at(monday.Add(-2*time.Hour), func() { w.agent.kill(simDeath{points, writing, power, w.swarm.deaths}) })
}

// restart switches the computer on, if it is off.
func (w *simWorld) restart() {
	if w.agent.stopping == nil {
		w.say("service started")
		w.agent.start()
	}
}

func (w *simWorld) bringSecond() {
	if w.shared() {
		return
	}
	w.happened(simTwoAgents)
	w.say("a second agent is started on the same folder")
	w.mu.Lock()
	w.second = &simAgent{w: w, r: rand.New(rand.NewPCG(w.seed, 100+uint64(w.faults[simTwoAgents]))), name: "second agent", data: w.agent.data}
	w.mu.Unlock()
	[]*simAgent{w.agent, w.second}[w.second.r.IntN(2)].setLate(simLate)
	w.second.start()
}

func (w *simWorld) leaveSecond() {
	if w.shared() {
		w.second.stop()
		w.agent.setLate(0)
		w.say("the second agent is gone")
		w.mu.Lock()
		w.second = nil
		w.mu.Unlock()
	}
}

// putBack makes the data folder an old copy of itself, as a restore from a backup does. What the dealer approved since is
// unknown to it, and must be approved again.
func (w *simWorld) putBack(copied map[string][]byte) {
	if w.shared() {
		return
	}
	w.forgive()
	w.happened(simOldCopy)
	w.say("an old copy of the data folder is put back")
	w.agent.stop()
	w.agent.writeData(copied)
	w.copied = time.Now()
	w.pending = true
	w.agent.start()
	if w.steady {
		w.approve()
	}
}

// damage changes the head of a page of the queue's file, or cuts it there. Where a byte within a value changes, not all that
// it may mean is found: upload's DESIGN.md says so.
func (w *simWorld) damage() {
	if w.shared() {
		return
	}
	w.forgive()
	w.happened("disk: the queue's file is damaged")
	w.agent.stop()
	files := w.agent.readData()
	text, size := layOut(w.t, files["queue.db"]), os.Getpagesize()
	at := w.r.IntN(len(text)/size) * size
	if w.r.IntN(4) == 0 && at > 0 {
		w.say("the queue's file is cut at page %d", at/size)
		text = text[:at]
	} else {
		i := at + w.r.IntN(16)
		w.say("byte %d of the queue's file is damaged", i)
		text[i] ^= byte(1 << w.r.IntN(8))
	}
	files["queue.db"] = text
	w.agent.writeData(files)
	w.pending = true
	w.agent.start()
}

// forgive notes which orders were ever parked: a queue that is lost, or an old one, does not know it. Where they stay away
// from the collector until somebody looks, it is not the queue's fault.
func (w *simWorld) forgive() {
	keys, weeks := w.everRefused() // who holds the shop must not wait for the agent, which may want to edit
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	maps.Copy(w.forgiven, w.partOf(keys, weeks))
	w.lost = true
}

// changeWhitelist edits the file. What is only narrower needs nobody; all else waits for an approval.
func (w *simWorld) changeWhitelist() {
	w.shopMu.Lock()
	w.whitelist = drawSimWhitelist(w.r)
	w.shopMu.Unlock()
	w.happened("dealer: whitelist changed")
	w.say("whitelist edited: %+v", w.whitelist)
	w.write("fieldmap.yaml", w.whitelist.text())
	w.pending = true
}

// forget lets the collector lose a week's batches; and somebody edits an order of that week, so that it is looked at.
func (w *simWorld) forget() {
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	week := w.shop.oldest().Add(1 + w.r.IntN(3))
	key := slices.IndexFunc(w.shop.editable(), func(o *simOrder) bool { return !o.closed.IsZero() && !o.internal && w.shop.week(o) == week })
	if key < 0 {
		return
	}
	if w.net.store.forget(simFolder(week)+"/batches") == 0 {
		return
	}
	o := w.shop.editable()[key]
	o.miles++
	if len(o.jobs) == 0 {
		o.jobs = append(o.jobs, simJob{pay: "C"})
	}
	o.jobs[0] = simJob{pay: "W", work: w.shop.work()}
	o.closed = o.closed.Add(time.Second)
	if w.shop.week(o) != week {
		o.closed = o.closed.Add(-2 * time.Second)
	}
	o.updated = w.shop.stamp()
	w.shop.write(o)
	w.happened("collector: forgot a week's batches")
	w.say("the collector forgot the batches of %s; %s was edited", week, o.key)
}

func simFolder(week fieldmap.Week) string { return fmt.Sprintf("dealers/%s/%s", rigDealer, week) }
