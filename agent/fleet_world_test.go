package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"roagent/fieldmap"
	"roagent/upload/collector"
	"roagent/upload/collector/wiretest"
)

// fleet is many dealers' agents and the collector of them all.
type fleet struct {
	t      *testing.T
	dir    string
	r      *rand.Rand
	monday time.Time // 00:00 UTC
	shop   *simShop  // whose DMS all of them read
	reads  simWhitelist
	store  *fleetStore
	key    collector.Key
	outage fleetOutage
	gate   *fleetGate
	agents []*fleetAgent
}

type fleetOutage struct {
	name string
	back time.Duration // when the collector is back, since Monday 00:00 UTC; it is away from before the first pull
}

// fleetAgent is one dealer's service.
type fleetAgent struct {
	dealer string
	config string
	mu     sync.Mutex
	r      *rand.Rand
}

// drawFleetZone draws where a dealer of the United States is.
func drawFleetZone(r *rand.Rand) string {
	switch part := r.IntN(100); {
	case part < 48:
		return "America/New_York"
	case part < 77:
		return "America/Chicago"
	case part < 82:
		return "America/Denver"
	case part < 84:
		return "America/Phoenix"
	}
	return "America/Los_Angeles"
}

const fleetConfig = `dealer: {id: %q, name: Example Toyota, timezone: %s}
dms: {driver: sqlite, path: ../dms.db}
fieldmap: ../fieldmap.yaml
data_dir: data
status: {listen: off}
schedule: {pull: "30 2 * * MON", spread: 2h}
collector: {url: "http://127.0.0.1:1", token: "file:collector.token", receipt_key: %q}
log: {level: error}
`

// newFleet makes a fleet on the Monday, before the first dealer's half past two.
func newFleet(t *testing.T, dir string, agents int, outage fleetOutage) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: dir, r: rand.New(rand.NewPCG(8, uint64(agents))), store: newFleetStore(), outage: outage}
	f.monday = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	time.Sleep(time.Until(f.monday.Add(5 * time.Hour))) // nobody lives yet: it takes no time
	key, err := collector.OpenKey(t.Context(), f.store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	f.key = key
	f.gate = newFleetGate(wiretest.InProcess(collector.New(f.store, key)), f.monday, f.monday.Add(outage.back), agents)
	f.gate.figures.name = outage.name
	f.makeDMS()
	for i := range agents {
		f.agents = append(f.agents, f.makeAgent(i))
	}
	return f
}

// makeDMS makes the week that all of them pull.
func (f *fleet) makeDMS() {
	f.reads = simWhitelist{changed: true}
	f.shop = newSimShop(f.t, f.dir, f.r, time.UTC)
	for i := range 12 {
		f.shop.open(f.monday.AddDate(0, 0, -6+i%6).Add(15 * time.Hour))
	}
	f.shop.exec("PRAGMA journal_mode=DELETE") // one file, which thousands open
	if err := f.shop.db.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.write("fieldmap.yaml", f.reads.text())
}

func (f *fleet) makeAgent(i int) *fleetAgent {
	a := &fleetAgent{dealer: fmt.Sprintf("D%05d", i), r: rand.New(rand.NewPCG(9, uint64(i)))}
	token, err := collector.AddDealer(f.t.Context(), f.store, a.dealer, "Example Toyota")
	if err != nil {
		f.t.Fatal(err)
	}
	key := make([]byte, 32) // from which the site's part of the spread is drawn
	for i := range key {
		key[i] = byte(f.r.IntN(256))
	}
	zone := drawFleetZone(f.r)
	f.write(filepath.Join(a.dealer, "roagent.yaml"), fmt.Sprintf(fleetConfig, a.dealer, zone, f.key.Public))
	f.write(filepath.Join(a.dealer, "collector.token"), token)
	f.write(filepath.Join(a.dealer, "data", "hash.key"), "roagent key 1\n"+base64.StdEncoding.EncodeToString(key)+"\n")
	a.config = filepath.Join(f.dir, a.dealer, "roagent.yaml")
	if err := (fieldmapApproveCommand{By: "Dana Dealer"}).Run(f.program(f.t.Context(), a)); err != nil {
		f.t.Fatalf("approve: %v", err)
	}
	return a
}

func (f *fleet) write(name, text string) {
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) program(ctx context.Context, a *fleetAgent) *program {
	return &program{
		ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, config: a.config,
		seams: seams{transport: f.gate, jitter: a.jitter, calm: true},
	}
}

func (a *fleetAgent) jitter(below time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.r.Int64N(int64(below)))
}

// live lets the fleet live until all weeks are closed, for a day and a half at most.
func (f *fleet) live() *fleetFigures {
	stop := f.start()
	for end := f.monday.Add(36 * time.Hour); time.Now().Before(end) && !f.gate.allClosed(); {
		time.Sleep(time.Minute)
	}
	time.Sleep(10 * time.Minute) // what comes after the last week
	stop()
	return &f.gate.figures
}

// start starts all services.
func (f *fleet) start() (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	var services sync.WaitGroup
	for _, a := range f.agents {
		services.Go(func() {
			if err := (runCommand{}).Run(f.program(ctx, a)); err != nil {
				f.t.Errorf("%s: the service ended: %v", a.dealer, err)
			}
		})
	}
	return func() {
		cancel()
		services.Wait()
	}
}

// verify looks for every order at the collector, for every dealer.
func (f *fleet) verify() {
	week := fieldmap.WeekOf(f.monday).Add(-1)
	want, _ := f.shop.expected(week, f.reads)
	if len(want) == 0 {
		f.t.Fatal("there is nothing to send: this proves nothing")
	}
	for _, a := range f.agents {
		var held bytes.Buffer
		if err := collector.Export(context.Background(), f.store, a.dealer, week, &held); err != nil {
			f.t.Fatal(err)
		}
		for key := range want {
			switch n := bytes.Count(held.Bytes(), []byte(`"document_id":"`+key+`"`)); n {
			case 0:
				f.gate.figures.lost++
			case 1:
				f.gate.figures.orders++
			default:
				f.gate.figures.doubled += n - 1
			}
		}
	}
}

// fleetGate stands before the collector: it takes a limited rate, and is away at first.
type fleetGate struct {
	next http.RoundTripper
	from time.Time // of the figures' first minute
	back time.Time
	rate float64 // requests a second

	mu      sync.Mutex
	bucket  float64 // requests that it takes at once
	at      time.Time
	done    map[string]bool // dealers whose week is closed
	figures fleetFigures
}

// What the collector takes: the requests of the whole fleet, of which a closed week takes fleetRequests, in fleetHours.
// That is somewhat more than a Monday without an outage brings in its busiest hour.
const (
	fleetRequests   = 5 // the week's state, the whitelist, a batch, the manifest, a heartbeat
	fleetHours      = 2
	fleetBurst      = 30 * time.Second // of the rate
	fleetRetryAfter = "60"             // seconds
)

func newFleetGate(next http.RoundTripper, from, back time.Time, agents int) *fleetGate {
	rate := float64(agents*fleetRequests) / (fleetHours * 3600)
	g := &fleetGate{next: next, from: from, back: back, rate: rate, at: back, done: map[string]bool{}}
	g.figures = fleetFigures{agents: agents, rate: rate * 60, back: int(back.Sub(from) / time.Minute)}
	return g
}

func (g *fleetGate) RoundTrip(r *http.Request) (*http.Response, error) {
	switch g.admit() {
	case fleetAway:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case fleetBusy:
		header := http.Header{"Retry-After": {fleetRetryAfter}}
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: header, Body: http.NoBody, Request: r}, nil
	}
	response, err := g.next.RoundTrip(r)
	if err == nil && response.StatusCode < 300 && r.Method == http.MethodPut {
		g.note(strings.Split(strings.Trim(r.URL.Path, "/"), "/"))
	}
	return response, err
}

type fleetAdmission int

const (
	fleetTaken fleetAdmission = iota
	fleetAway
	fleetBusy
)

// admit says what becomes of a request, and counts it.
func (g *fleetGate) admit() fleetAdmission {
	g.mu.Lock()
	defer g.mu.Unlock()
	minute, now := g.minute(), time.Now()
	minute.arrived++
	if now.Before(g.back) {
		minute.away++
		return fleetAway
	}
	g.bucket = min(g.bucket+now.Sub(g.at).Seconds()*g.rate, max(1, fleetBurst.Seconds()*g.rate))
	g.at = now
	if g.bucket < 1 {
		minute.refused++
		return fleetBusy
	}
	g.bucket--
	minute.taken++
	return fleetTaken
}

// minute returns the figures of this minute.
func (g *fleetGate) minute() *fleetMinute {
	i := int(time.Since(g.from) / time.Minute)
	for len(g.figures.minutes) <= i {
		g.figures.minutes = append(g.figures.minutes, fleetMinute{})
	}
	return &g.figures.minutes[i]
}

// note counts a week's manifest: v1/dealers/{dealer}/weeks/{week}.
func (g *fleetGate) note(path []string) {
	if len(path) != 5 || path[3] != "weeks" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if dealer := path[2]; !g.done[dealer] {
		g.done[dealer] = true
		g.minute().closed++
		g.figures.closed++
	}
}

func (g *fleetGate) allClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.figures.closed == g.figures.agents
}

// fleetStore is a store in memory for each dealer: the one in memory looks at every name to list one dealer's.
type fleetStore struct {
	mu     sync.Mutex
	stores map[string]*collector.MemStore
}

func newFleetStore() *fleetStore { return &fleetStore{stores: map[string]*collector.MemStore{}} }

func (s *fleetStore) of(name string) *collector.MemStore {
	folder, _, _ := strings.Cut(name, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stores[folder] == nil {
		s.stores[folder] = collector.NewMemStore()
	}
	return s.stores[folder]
}

func (s *fleetStore) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	return s.of(name).Put(ctx, name, data, mode)
}

func (s *fleetStore) Get(ctx context.Context, name string) ([]byte, error) {
	return s.of(name).Get(ctx, name)
}

func (s *fleetStore) List(ctx context.Context, folder string) ([]collector.Object, error) {
	return s.of(folder).List(ctx, folder)
}

func (s *fleetStore) Remove(ctx context.Context, name string) error {
	return s.of(name).Remove(ctx, name)
}
