package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"roagent/upload"
	"roagent/upload/collector"
)

// simWorld is one seed's world: a dealership, its agent, the collector, and all that goes wrong.
type simWorld struct {
	t     *testing.T
	seed  uint64
	dir   string
	r     *rand.Rand // of the plan
	weeks int
	swarm *simSwarm
	zone  *time.Location // where the dealership is, whatever the configuration says
	zones *simZones      // nil: the configuration's are never changed
	clock *rand.Rand     // nil: the agent's clock is right
	twins *rand.Rand     // nil: no two edits have one time

	shop   *simShop
	shopMu sync.Mutex
	dms    *simDMS
	net    *simNetwork
	agent  *simAgent
	second *simAgent // on the same data folder; nil: there is none

	receiptKey     note.Verifier
	receiptKeyText string
	config         string
	settings       []any        // of the configuration, besides the zones
	whitelist      simWhitelist // of the file
	steady         bool         // the whitelist is never changed
	pending        bool         // the whitelist waits for an approval
	planned        []simEvent
	lost           bool            // the queue was damaged, or an old one put back
	forgiven       map[string]bool // orders that were parked then
	copied         time.Time       // when an old copy was last put back

	mu     sync.Mutex
	skew   time.Duration // by which the agent's clock is ahead
	log    bytes.Buffer
	faults map[string]int
	wrong  map[string]int
	lines  int
}

// simEvent is something that happens at a time.
type simEvent struct {
	at time.Time
	do func()
}

// newSimWorld draws a world from a seed. Each part has chance of its own, so that the order in which they ask for it
// decides nothing.
func newSimWorld(t *testing.T, dir string, seed uint64, weeks int) *simWorld {
	t.Helper()
	stream := uint64(0)
	chance := func() *rand.Rand {
		stream++
		return rand.New(rand.NewPCG(seed, stream))
	}
	w := &simWorld{t: t, seed: seed, dir: dir, r: chance(), weeks: weeks, faults: map[string]int{}, wrong: map[string]int{}, forgiven: map[string]bool{}}
	w.zone = drawSimZone(t, w.r)
	time.Sleep(time.Until(w.drawStart())) // nobody lives yet: it takes no time
	w.steady = w.r.IntN(2) == 0
	w.whitelist = drawSimWhitelist(w.r)
	w.shop = newSimShop(t, dir, chance(), w.zone)
	w.dms = &simDMS{w: w, r: chance()}
	w.net = newSimNetwork(w, chance())
	w.agent = &simAgent{w: w, r: chance(), name: "agent", data: filepath.Join(dir, "data")}
	t.Cleanup(w.close)
	w.swarm = drawSwarm(chance())
	w.shop.behind = w.swarm.behind
	w.zones = drawSimZones(rand.New(rand.NewPCG(seed, 1001)))
	w.clock = drawSimClock(rand.New(rand.NewPCG(seed, 1002)))
	w.twins = w.drawTwins(rand.New(rand.NewPCG(seed, 1003)))
	w.writeConfig()
	w.approve()
	return w
}

func drawSimZone(t *testing.T, r *rand.Rand) *time.Location {
	t.Helper()
	names := []string{"America/Los_Angeles", "America/New_York", "America/Phoenix", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"}
	zone, err := time.LoadLocation(names[r.IntN(len(names))])
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// drawStart draws when the world begins, on a Sunday at noon: often some weeks before a calendar does what calendars do.
func (w *simWorld) drawStart() time.Time {
	dates := []string{"2004-02-29", "2004-12-27", "2009-12-28", "2011-12-30", "2020-12-28", "2007-03-11", "2007-11-04", "2008-03-30", "2015-04-05", "2016-02-29"}
	at, err := time.ParseInLocation(time.DateOnly, dates[w.r.IntN(len(dates))], w.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.r.IntN(3) == 0 {
		at = time.Date(2000, 2, 1+w.r.IntN(10000), 0, 0, 0, 0, w.zone)
	}
	at = at.AddDate(0, 0, -7*w.r.IntN(max(1, w.weeks*2/3)))
	return time.Date(at.Year(), at.Month(), at.Day()-int(at.Weekday()), 12, 0, 0, 0, w.zone)
}

const simConfig = `dealer: {id: %q, name: Example Toyota, timezone: %s}
dms: {driver: sqlite, path: dms.db%s}
fieldmap: fieldmap.yaml
data_dir: data
status: {listen: off}
schedule: {pull: %q, spread: %dm%s, lookback_weeks: 4}
collector: {url: "http://127.0.0.1:1", token: "file:collector.token", receipt_key: %q}
queue: {batch_orders: %d, max_size: %s}
log: {level: info}
`

func (w *simWorld) writeConfig() {
	token, err := collector.AddDealer(context.Background(), w.net.store, rigDealer, "Example Toyota")
	if err != nil {
		w.t.Fatal(err)
	}
	cron := []string{"30 2 * * MON", "30 2 * * MON", "0 1 * * *", "15 2 * * SUN"}[w.r.IntN(4)]
	stopBy := []string{"", `, stop_by: "06:30"`}[w.r.IntN(2)]
	size := []string{"2GB", "2GB", "1MB"}[w.r.IntN(3)]
	w.settings = []any{cron, w.r.IntN(150), stopBy, w.receiptKeyText, 1 + w.r.IntN(6), size}
	w.write("roagent.yaml", w.configOf(w.zone, w.zone))
	w.write("collector.token", token)
	w.write("fieldmap.yaml", w.whitelist.text())
	key := make([]byte, 32) // from which the site's part of the spread is drawn
	for i := range key {
		key[i] = byte(w.r.IntN(256))
	}
	w.write(filepath.Join("data", "hash.key"), "roagent key 1\n"+base64.StdEncoding.EncodeToString(key)+"\n")
	w.config = filepath.Join(w.dir, "roagent.yaml")
}

func (w *simWorld) write(name, text string) {
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

// program is the agent as a person runs it: nothing fails around it, but for the network.
func (w *simWorld) program(ctx context.Context) *program {
	return &program{ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: simLog{w, nil}, config: w.config, seams: seams{
		transport: simTransport(w.net.collector.RoundTrip), jitter: func(d time.Duration) time.Duration { return d / 2 }, clock: w.agentNow,
	}}
}

// byHand runs a command as a person does, who tries again when the service is at work.
func (w *simWorld) byHand(what string, command interface{ Run(*program) error }) error {
	err := w.between(func() error { return command.Run(w.program(w.t.Context())) })
	w.say("by hand: %s: %v", what, err)
	return err
}

// between does something for which the queue must be free: where the service does not let go of it for long, it is
// stopped.
func (w *simWorld) between(do func() error) error {
	for tries := 0; ; tries++ {
		err := do()
		if !isLocked(err) {
			return err
		}
		if tries == 20 && w.agent.stopping != nil {
			w.leaveSecond()
			w.agent.stop()
			defer w.agent.start()
		}
		time.Sleep(17 * time.Minute)
	}
}

func (w *simWorld) approve() {
	if err := w.byHand("approve", fieldmapApproveCommand{By: "Dana Dealer"}); err != nil {
		w.t.Fatalf("approve: %v", err)
	}
	w.pending = false
}

// simLog is the service's log. A process that has died writes none.
type simLog struct {
	w *simWorld
	l *simLife // nil: a command by hand
}

func (l simLog) Write(b []byte) (int, error) {
	if l.l != nil && l.l.over() {
		return len(b), nil
	}
	if bytes.Contains(b, []byte("queue is full")) {
		l.w.happened("queue: full")
	}
	l.w.say("  %s", bytes.TrimSpace(b))
	return len(b), nil
}

// say tells the story.
func (w *simWorld) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log.Len() > 1<<20 && *simSeed == 0 {
		w.log.Next(w.log.Len() / 2)
	}
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), w.dir, "DIR") // the same in each replay
	fmt.Fprintf(&w.log, "%s %s\n", time.Now().In(w.zone).Format("2006-01-02 Mon 15:04:05"), text)
}

// happened counts a fault.
func (w *simWorld) happened(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[kind]++
}

// shared reports whether two agents live on one data folder: then a crash of one cannot be undone behind the other.
func (w *simWorld) shared() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.second != nil
}

// edit lets somebody edit an order.
func (w *simWorld) edit() string {
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	return w.shop.edit(w.whitelist.changed)
}

// editAgain lets somebody correct what was just edited, mostly.
func (w *simWorld) editAgain() string {
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	if w.shop.r.IntN(3) > 0 {
		return w.shop.again()
	}
	return w.shop.edit(w.whitelist.changed)
}

// live is the story of a world.
func (w *simWorld) live() {
	w.plan(w.quietWeek)
	w.passWeek() // before the agent comes
	w.agent.start()
	w.plan(w.quietWeek) // its first Monday
	w.passWeek()
	for range w.weeks {
		w.plan(w.quietWeek)
		w.plan(w.badWeek)
		w.plan(w.zoneWeek)
		w.plan(w.clockWeek)
		w.plan(w.twinWeek)
		w.passWeek()
	}
	w.settle()
	w.verify()
}

func (w *simWorld) close() {
	w.agent.stop()
	w.leaveSecond()
	if err := w.shop.db.Close(); err != nil {
		w.t.Error(err)
	}
	if !w.t.Failed() && *simSeed == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Logf("\n%s", w.log.String())
	w.t.Logf("to replay: go test ./agent -run '^TestSim$' -v -sim.seed=%d -sim.weeks=%d", w.seed, w.weeks)
}

// plan adds to what happens in the week that begins now.
func (w *simWorld) plan(draw func(monday time.Time)) {
	now := time.Now().In(w.zone)
	draw(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, w.zone))
}

// at plans an event. No two happen at the same nanosecond, nor at one that the agent's timers meet by habit.
func (w *simWorld) at(at time.Time, do func()) {
	w.planned = append(w.planned, simEvent{at.Add(time.Duration(1+len(w.planned)) * 977), do})
}

// passWeek lets a week go by, from Sunday noon to Sunday noon.
func (w *simWorld) passWeek() {
	now := time.Now().In(w.zone)
	end := time.Date(now.Year(), now.Month(), now.Day()+7, 12, 0, 0, 0, w.zone)
	slices.SortStableFunc(w.planned, func(a, b simEvent) int { return a.at.Compare(b.at) })
	later := slices.IndexFunc(w.planned, func(e simEvent) bool { return e.at.After(end) })
	if later < 0 {
		later = len(w.planned)
	}
	events := w.planned[:later]
	w.planned = slices.Clone(w.planned[later:])
	for _, e := range events {
		time.Sleep(time.Until(e.at))
		e.do()
	}
	time.Sleep(time.Until(end))
}

// within draws a time.
func (w *simWorld) within(from time.Time, d time.Duration) time.Time {
	return from.Add(time.Duration(w.r.Int64N(int64(d)))).Truncate(time.Second)
}

// quietWeek is a dealership at work.
func (w *simWorld) quietWeek(monday time.Time) {
	for range 3 + w.r.IntN(6) {
		at := monday.Add(time.Duration(w.r.IntN(6))*day + 8*time.Hour)
		w.at(w.within(at, 10*time.Hour), func() {
			w.shopMu.Lock()
			defer w.shopMu.Unlock()
			w.shop.open(w.shop.now())
		})
	}
	for range w.r.IntN(6 * w.swarm.edits) {
		w.at(w.within(monday, 6*day), func() { w.say("shop: %s", w.edit()) })
	}
}

// settle is the time after the last fault.
func (w *simWorld) settle() {
	for kind := range simRequestFaults() {
		w.net.set(kind, 0)
	}
	w.planned = nil
	w.dms.set(func(d *simDMS) { d.down, d.broken, d.slow, d.edits = false, 0, 0, nil })
	w.agent.kill(simDeath{})
	w.agent.setDiskFull(false)
	w.leaveSecond()
	w.setClock(0)
	if w.pending {
		w.approve()
	}
	w.agent.stop()
	w.agent.start() // off for days, perhaps
	w.passWeek()
	for range 3 { // what is released may be superseded by what is parked behind it
		w.release()
	}
	w.passWeek()
	w.sunday()
	w.agent.stop()
}

// release lets go whatever is parked, as a person does who has read it.
func (w *simWorld) release() {
	for _, item := range w.parked() {
		if err := w.byHand(fmt.Sprintf("release %d", item.Number), parkedReleaseCommand{Number: item.Number}); err != nil {
			w.say("not released: %v", err)
		}
	}
}

func (w *simWorld) parked() (items []upload.ParkedItem) {
	w.look(func(q *upload.Queue) error {
		var err error
		items, err = q.Parked()
		return err
	})
	return items
}

// look opens the queue when nobody else has it, and the service has rebuilt it where it was damaged.
func (w *simWorld) look(fn func(*upload.Queue) error) {
	err := w.between(func() error {
		q := upload.NewQueue(w.agent.data, rigDealer)
		err := q.Open()
		for tries := 0; errors.As(err, new(*upload.CorruptError)) && tries < 3000; tries++ {
			time.Sleep(7 * time.Minute)
			err = q.Open()
		}
		if err != nil {
			return err
		}
		return cmp.Or(fn(q), q.Close())
	})
	if err != nil {
		w.t.Fatalf("seed %d: stuck: look into the queue: %v", w.seed, err)
	}
}

func (a *simAgent) setDiskFull(full bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.diskFull = full
}

func (d *simDMS) set(change func(*simDMS)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}
