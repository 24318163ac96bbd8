package main

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing/synctest"
	"time"

	"roagent/extract/extracttest"
)

// simAgent is a computer on which the service runs: the real one, whose process ends when it is told to, and is started
// again by its service manager.
type simAgent struct {
	w    *simWorld
	r    *rand.Rand // only of this computer
	name string
	data string // its data folder

	mu       sync.Mutex
	late     time.Duration // what a look at its clock takes
	death    simDeath
	diskFull bool
	moment   time.Time // of the last point
	spins    int       // points since, all at that moment
	stopping context.CancelFunc
	stopped  chan struct{}
}

// simDeath is how a process ends.
type simDeath struct {
	points  int  // after which it dies; 0: it lives
	writing bool // only points around transactions count
	power   bool // with the computer: what was not flushed is gone
	more    int  // how many processes after it die, too, in no more points
}

// next makes the next process die, after it was this one's turn.
func (d *simDeath) next(r *rand.Rand, most int) {
	d.points = 0
	if d.more > 0 {
		d.more--
		d.points = 1 + r.IntN(most)
	}
}

// simLife is one process of the service, from its start to its end.
type simLife struct {
	a    *simAgent
	ctx  context.Context
	end  context.CancelFunc
	mu   sync.Mutex
	dead map[string][]byte // the data folder as the process left it when it died; nil: it lives
}

// errSimDead is what everything answers to a process that has died: it can do nothing any more but unwind.
var errSimDead = errors.New("this process has died")

// start switches the computer on. The shop must not be held: a bubble in which somebody waits for a mutex stands still.
func (a *simAgent) start() {
	ctx, cancel := context.WithCancel(a.w.t.Context())
	a.stopping, a.stopped = cancel, make(chan struct{})
	go a.manage(ctx, a.stopped)
	synctest.Wait() // it is first to the queue, whoever else wants it now
}

// stop ends the service as a service manager does, and switches the computer off.
func (a *simAgent) stop() {
	if a.stopping != nil {
		a.stopping()
		<-a.stopped
		a.stopping = nil
	}
}

// manage is the service manager.
func (a *simAgent) manage(ctx context.Context, stopped chan<- struct{}) {
	defer close(stopped)
	for failures := 0; ctx.Err() == nil; {
		life := &simLife{a: a}
		err := life.live(ctx)
		pause := time.Minute
		switch {
		case a.spins > simSpins:
			a.w.fault("stuck", "%s works on and on, and no time passes", a.name)
			return
		case life.dead != nil:
			a.writeData(life.dead)
			pause = a.downtime()
		case err != nil:
			a.w.say("%s: the service ended: %v", a.name, err)
			if failures++; failures == 20 {
				a.w.fault("stuck", "the service ends again and again: %v", err)
				return
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// downtime is how long a computer is off after a crash: mostly a minute, sometimes for days.
func (a *simAgent) downtime() time.Duration {
	if a.r.IntN(6) == 0 {
		return time.Duration(a.r.IntN(10*24)) * time.Hour
	}
	return time.Duration(1+a.r.IntN(90)) * time.Minute
}

// live is the service from its start to its end, with everything around it that can fail.
func (l *simLife) live(ctx context.Context) error {
	l.ctx, l.end = context.WithCancel(ctx)
	defer l.end()
	w := l.a.w
	faults := &extracttest.Faults{
		Connect:   func() error { return cmp.Or(l.point("before a connection"), w.dms.connect()) },
		Statement: func(int, string) error { return cmp.Or(l.point("before a statement"), w.dms.statement(l)) },
		Row:       func(int, string) error { return cmp.Or(l.point("before a row"), w.dms.row()) },
	}
	p := w.program(l.ctx)
	p.wrap, p.transact, p.jitter, p.clock, p.calm = faults.Wrap, l.transact, l.a.jitter, l.a.clock, true
	p.transport = simTransport(func(r *http.Request) (*http.Response, error) { return w.net.roundTrip(l, r) })
	p.stderr = simLog{w, l}
	return runCommand{}.Run(p)
}

type simTransport func(*http.Request) (*http.Response, error)

func (f simTransport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (a *simAgent) jitter(below time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.r.Int64N(int64(below)))
}

// clock is the clock of the computer. Two agents on it wake at the same moment, and which of them is then first to the queue no seed decides:
// so a look at it takes one of them a while.
func (a *simAgent) clock() time.Time {
	a.mu.Lock()
	late := a.late
	a.mu.Unlock()
	time.Sleep(late)
	return a.w.agentNow()
}

func (a *simAgent) setLate(late time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.late = late
}

// kill ends the process at one of its next points, or of those around its transactions; with the power, the computer's.
func (a *simAgent) kill(death simDeath) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.death = death
}

// deathsWithin is the most points that a process lives through that dies after another.
const deathsWithin = 30

// point is a place where the process may die. It fails where it has.
func (l *simLife) point(where string) error { return l.pass(where, false) }

func (l *simLife) pass(where string, writing bool) error {
	if l.over() {
		return errSimDead
	}
	if l.a.spinning() {
		return l.die("process: spins", where, l.a.readData())
	}
	due, power := l.a.step(writing)
	if !due {
		return nil
	}
	return l.die(deathKind(power), where, l.a.readData())
}

// simSpins is how many points no work passes at one moment.
const simSpins = 50_000

func (a *simAgent) spinning() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); !now.Equal(a.moment) {
		a.moment, a.spins = now, 0
	}
	a.spins++
	return a.spins > simSpins
}

func deathKind(power bool) string {
	if power {
		return "process: power cut"
	}
	return "process: killed"
}

// step reports whether the process dies here.
func (a *simAgent) step(writing bool) (due, power bool) {
	shared := a.w.shared()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.death.writing && !writing {
		return false, false
	}
	due = a.death.points == 1 && !shared
	if a.death.points = max(0, a.death.points-1); due {
		a.death.next(a.r, deathsWithin)
	}
	return due, a.death.power
}

func (l *simLife) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead != nil
}

// die ends the process: what it does to the data folder from here on is undone, and nobody else hears of it.
func (l *simLife) die(kind, where string, data map[string][]byte) error {
	l.a.w.happened(kind)
	l.a.w.say("%s: %s %s", l.a.name, kind, where)
	l.mu.Lock()
	l.dead = data
	l.mu.Unlock()
	l.end()
	return errSimDead
}

// transact stands around a transaction of the queue.
func (l *simLife) transact(what string, transact func() error) error {
	if err := l.pass("before: "+what, true); err != nil {
		return err
	}
	if l.a.full() {
		l.a.w.happened("disk: full")
		return syscall.ENOSPC
	}
	if l.a.cuts() {
		before := l.a.readData()
		_ = transact() // what is left of it is drawn
		return l.die(deathKind(true), "within: "+what, l.a.torn(before, l.a.readData()))
	}
	return cmp.Or(transact(), l.pass("after: "+what, true))
}

func (a *simAgent) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.diskFull
}

// cuts reports whether the power is cut within the transaction that comes.
func (a *simAgent) cuts() bool {
	if a.w.shared() {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	cut := a.death.power && a.death.points == 1
	if cut {
		a.death.next(a.r, deathsWithin)
	}
	return cut
}

// torn returns what a power cut within a transaction leaves: some of what was being written, or all of it.
func (a *simAgent) torn(before, after map[string][]byte) map[string][]byte {
	if a.r.IntN(4) == 0 {
		return after
	}
	const file = "queue.db"
	before[file] = tear(a.r, before[file], after[file])
	return before
}

func (a *simAgent) readData() map[string][]byte {
	files := map[string][]byte{}
	entries, err := os.ReadDir(a.data)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(a.data, e.Name())); err != nil {
			panic(err)
		}
	}
	return files
}

func (a *simAgent) writeData(files map[string][]byte) {
	entries, err := os.ReadDir(a.data)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(a.data, e.Name())); err != nil {
			panic(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(a.data, name), text, 0o600); err != nil {
			panic(err)
		}
	}
}

// simDMS is what goes wrong in the DMS, and what people do to it while it is read.
type simDMS struct {
	w *simWorld
	r *rand.Rand

	mu     sync.Mutex
	down   bool
	broken float64 // how likely a statement meets a broken connection; a row, a tenth of it
	slow   time.Duration
	edits  []int // after how many statements somebody edits an order
}

func (d *simDMS) connect() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		d.w.happened("dms: down")
		return extracttest.Broken()
	}
	return nil
}

func (d *simDMS) statement(l *simLife) error {
	d.mu.Lock()
	slow, broken := d.slow, d.down || d.r.Float64() < d.broken
	d.edit()
	d.mu.Unlock()
	if slow > 0 {
		d.w.happened("dms: slow")
		select {
		case <-l.ctx.Done():
		case <-time.After(slow):
		}
	}
	if broken {
		d.w.happened("dms: broken connection")
		return extracttest.Broken()
	}
	return nil
}

func (d *simDMS) row() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.r.Float64() < d.broken/10 {
		d.w.happened("dms: broken within a page")
		return extracttest.Broken()
	}
	return nil
}

// edit lets people work while a pull runs.
func (d *simDMS) edit() {
	for i := range d.edits {
		d.edits[i]--
	}
	for len(d.edits) > 0 && d.edits[0] <= 0 {
		d.edits = d.edits[1:]
		d.w.happened("shop: edit while a pull runs")
		d.w.say("during a pull: %s", d.w.editAgain())
	}
}
