package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/upload"
	"roagent/upload/collector"
)

// fewShops are enough for every run of the tests: each lives through some thirty commands.
const fewShops = 20

// TestNothingElseLeaves holds, for drawn whitelists, rules and rows, that exactly what the whitelist lets through is sent,
// and that no other value stands in any byte that is queued, sent, printed, logged or kept on disk in clear.
//
// The orders' keys are looked up by and shown to people: they may stand in the queue, and
// where something is said of one order.
func TestNothingElseLeaves(t *testing.T) {
	week := Schedule{Zone: zone(t, "America/Los_Angeles"), Settle: 10 * time.Minute}.Ended(time.Now())
	door := &door{}
	server := httptest.NewServer(door)
	defer server.Close()
	checks, drawn := flag.Lookup("rapid.checks"), 0
	rapid.Check(t, func(rt *rapid.T) {
		if drawn++; drawn > fewShops && checks.Value.String() == checks.DefValue {
			return // -rapid.checks asks for more
		}
		s := &canarySite{T: rt, ctx: t.Context(), canaryShop: drawShop(rt, week), dir: t.TempDir(), door: door, held: map[string]string{}, dropped: map[string]string{}}
		if err := s.open(server.URL); err != nil {
			rt.Fatal(err)
		}
		s.story()
	})
}

// canarySite is a store on a drawn DMS.
type canarySite struct {
	*rapid.T
	*canaryShop
	ctx     context.Context
	dir     string
	door    *door
	store   *collector.MemStore
	orders  []*drawnRow
	judged  map[string]verdict // by key, of the orders as they are
	stopped bool               // the last pull was, at some page
	delayed bool               // what is queued waits for the dealer: queue.hold
	dropped map[string]string  // by key: orders of which a person dropped something, as they read then
	held    map[string]string  // what the collector should have, by key
	keys    string             // all keys
	lines   string             // what may be sent
	waiting string             // what may be seen of orders that are held, and not be sent before they are released
}

// door stands before the collector and keeps what comes.
type door struct {
	mu      sync.Mutex
	next    http.Handler
	batches bytes.Buffer // the bodies of batches
	others  bytes.Buffer // all else, with every line and header of all requests
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(&d.others, r.Method, r.URL, r.Header)
	if strings.Contains(r.URL.Path, "/batches/") {
		d.batches.Write(body)
	} else {
		d.others.Write(body)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.next.ServeHTTP(w, r)
}

func (s *canarySite) open(url string) error {
	s.store = collector.NewMemStore()
	key, err := collector.OpenKey(s.ctx, s.store, "collector.test")
	if err != nil {
		return err
	}
	token, err := collector.AddDealer(s.ctx, s.store, rigDealer, "Example Toyota")
	if err != nil {
		return err
	}
	s.door.next = collector.New(s.store, key)
	s.door.batches.Reset()
	s.door.others.Reset()
	config := fmt.Sprintf(rigConfig, rigDealer, "dms.db", url, key.Public, rapid.IntRange(1, 3).Draw(s.T, "batch"))
	config = strings.Replace(config, "level: error", "level: debug", 1)
	if s.delayed = !s.blocks && rapid.Bool().Draw(s.T, "hold"); s.delayed {
		config = strings.Replace(config, "queue: {", "queue: {hold: 1h, ", 1)
	}
	return errors.Join(s.file("fieldmap.yaml", s.whitelist()), s.file("collector.token", token), s.file("roagent.yaml", config))
}

func (s *canarySite) file(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)
}

// story is the life of a store: two readings of a week whose orders change in between, and all that people ask.
func (s *canarySite) story() {
	none, keys := "", &s.keys
	s.change(s.drawOrders(s.T))
	s.run(&none, &none, exitDone, "fieldmap", "approve", "--by", "Dana Dealer")
	s.judge()
	s.run(&s.lines, keys, -1, "preview", "--limit", "0")
	s.pull()
	s.look()
	s.release()
	s.change(s.edited(s.T, s.orders))
	s.judge()
	s.pull()
	for _, args := range [][]string{{"show"}, {"sql"}, {"diff"}, {"review", "--out", filepath.Join(s.dir, "bare.html")}} {
		s.run(&none, &none, -1, append([]string{"fieldmap"}, args...)...)
	}
	s.run(&none, &none, -1, "fieldmap", "review", "--samples", "--out", filepath.Join(s.dir, "samples.html"))
	s.look()
	s.files()
}

// change makes the DMS hold these orders.
func (s *canarySite) change(orders []*drawnRow) {
	s.orders = orders
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "dms.db"))
	if err != nil {
		s.Fatal(err)
	}
	if err := errors.Join(s.write(s.ctx, db, orders), db.Close()); err != nil {
		s.Fatal(err)
	}
}

// judge notes what becomes of the orders as they are now, and what may be seen of them from now on.
func (s *canarySite) judge() {
	hashKey, err := upload.LoadOrCreateKey(filepath.Join(s.dir, "data", "hash.key"))
	if err != nil {
		s.Fatal(err)
	}
	s.judged = map[string]verdict{}
	for _, o := range s.orders {
		key, v := s.keyOf(o), s.canaryShop.judge(o, hashKey)
		s.judged[key] = v
		s.keys += key + "\n"
		switch {
		case v.skipped || v.failed || v.blocked:
		case v.held, s.isDropped(key, v):
			s.waiting += plain(v.order) + "\n"
		default:
			s.lines += key + " " + plain(v.order) + "\n"
		}
	}
}

func (s *canarySite) blocked() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(s.judged)), func(v verdict) bool { return v.blocked })
}

// isDropped reports whether a person dropped something of the order, which reads the same since.
func (s *canarySite) isDropped(key string, v verdict) bool {
	read, ok := s.dropped[key]
	return ok && read == v.read
}

// pull reads the week and holds what is sent against what the whitelist lets through.
func (s *canarySite) pull() {
	blocked, resumed := s.blocked(), s.stopped
	s.stopped = s.pullOnce() == exitRefused
	if resumed && !s.stopped { // it went on where the other was stopped: what changed before that place is found by another
		s.stopped = s.pullOnce() == exitRefused
	}
	if blocked != s.stopped {
		s.Fatalf("BLOCK stopped the pull: %v", s.stopped)
	}
	if s.stopped {
		s.adopt()
		return
	}
	before := maps.Clone(s.held)
	for key := range s.held {
		if _, still := s.judged[key]; !still || s.judged[key].skipped {
			delete(s.held, key)
		}
	}
	for key, v := range s.judged {
		if !v.skipped && !v.failed && !v.held && !s.isDropped(key, v) {
			s.held[key] = plain(v.order)
		}
	}
	s.veto(before)
	s.compare()
}

func (s *canarySite) pullOnce() (code int) {
	none := ""
	code, _ = s.run(&none, &s.keys, -1, "pull", "--week", s.week.String())
	if code != exitDone && code != exitParked && code != exitRefused {
		s.Fatalf("the pull ended with %d", code)
	}
	return code
}

// adopt takes what the collector has after a pull that BLOCK stopped for what it should have: which pages came before
// depends on their order. Each order of it is as the whitelist lets it through, or as it was before.
func (s *canarySite) adopt() {
	got := s.export()
	for key, order := range got {
		v := s.judged[key]
		sent := v.order != nil && !v.held && !v.blocked && !v.failed && order == plain(v.order)
		if before, ok := s.held[key]; !sent && (!ok || order != before) {
			s.Errorf("a pull that was stopped sent %s: %s\n%s", key, order, s.whitelist())
		}
	}
	s.held = got
	s.compare()
}

// compare holds what the collector has, and all that it ever got, against what may leave.
func (s *canarySite) compare() {
	if diff := gocmp.Diff(s.held, s.export()); diff != "" {
		s.Errorf("sent (-want +got):\n%s\n%s", diff, s.whitelist())
	}
	s.clean("a batch", s.door.batches.Bytes(), s.lines)
	s.clean("a request", s.door.others.Bytes(), s.keys)
}

// export returns the orders that the collector has, by key.
func (s *canarySite) export() map[string]string {
	var b bytes.Buffer
	if err := collector.Export(s.ctx, s.store, rigDealer, s.week, &b); err != nil {
		s.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(b.String()) {
		var held struct {
			Key    string
			Voided bool
			Order  json.RawMessage `json:"repair_order"`
		}
		if err := json.Unmarshal([]byte(line), &held); err != nil {
			s.Fatal(err)
		}
		if held.Voided {
			continue
		}
		var order any
		d := json.NewDecoder(bytes.NewReader(held.Order))
		d.UseNumber()
		if err := d.Decode(&order); err != nil {
			s.Fatal(err)
		}
		got[held.Key] = plain(order)
	}
	return got
}

// look runs what people look with.
func (s *canarySite) look() {
	none := ""
	for _, args := range [][]string{
		{"list"}, {"list", "--json"}, {"show", "1"}, {"export"}, {"export", "--format", "json"}, {"verify"},
	} {
		s.run(&s.keys, &none, exitDone, append([]string{"ledger"}, args...)...)
	}
	s.run(&none, &none, exitDone, "status")
	s.run(&none, &none, exitDone, "status", "--json")
	s.run(&s.keys, &none, exitDone, "parked", "list")
	for _, o := range s.orders {
		if v, given := o.value(s.canaryShop.orders.fields[0].column); given && v.secrets == nil {
			s.run(&s.keys, &none, -1, "ledger", "who", "--vin", v.text)
			return
		}
	}
}

// release looks at what is parked, and lets what is held go.
func (s *canarySite) release() {
	none := ""
	_, out := s.run(&s.keys, &none, exitDone, "parked", "list", "--json")
	var items []upload.ParkedItem
	if err := json.Unmarshal([]byte(out), &items); err != nil {
		s.Fatal(err)
	}
	seen := s.lines + s.waiting + s.keys
	for _, item := range items {
		s.run(&seen, &none, exitDone, "parked", "show", fmt.Sprint(item.Number))
		if v := s.judged[item.Key]; item.Held && rapid.Bool().Draw(s.T, "release") {
			s.run(&none, &none, exitDone, "parked", "release", fmt.Sprint(item.Number))
			s.held[item.Key] = plain(v.order)
			s.lines += item.Key + " " + plain(v.order) + "\n"
		}
	}
	s.letGo()
	s.run(&none, &s.keys, -1, "send")
	s.compare()
}

// run runs a command, and holds what it prints against what may be seen there. It demands the exit code, unless that is -1.
func (s *canarySite) run(seen, logged *string, want int, args ...string) (code int, out string) {
	var stdout, stderr bytes.Buffer
	code = run(s.ctx, append([]string{"--config", filepath.Join(s.dir, "roagent.yaml")}, args...), bytes.NewReader(nil), &stdout, &stderr)
	name := strings.Join(args, " ")
	if want >= 0 && code != want || code == exitUsage || code == exitFailed {
		s.Fatalf("%s ended with %d:\n%s%s\n%s", name, code, &stdout, &stderr, s.whitelist())
	}
	s.clean(name, stdout.Bytes(), *seen)
	s.clean(name+" (log)", stderr.Bytes(), *logged)
	return code, stdout.String()
}

// files looks into everything that was left on disk, and into the collector's store.
func (s *canarySite) files() {
	if _, err := os.Stat(filepath.Join(s.dir, "samples.html")); err != nil && !s.blocked() {
		s.Error(err)
	}
	root := os.DirFS(s.dir)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "dms.db" {
			return err
		}
		data, err := fs.ReadFile(root, name)
		seen := map[string]string{"samples.html": s.lines + s.waiting, filepath.Join("data", "queue.db"): s.keys}[name]
		s.clean(name, data, seen)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	names, err := collector.Names(s.ctx, s.store, "dealers/"+rigDealer+"/"+s.week.String())
	if err != nil {
		s.Fatal(err)
	}
	for _, name := range names {
		data, err := s.store.Get(s.ctx, name)
		if err != nil {
			s.Fatal(err)
		}
		s.clean(name, data, map[string]string{"batches": s.lines}[path.Base(path.Dir(name))])
	}
}

func (s *canarySite) clean(where string, data []byte, seen string) {
	if leak := s.leaks(data, seen); leak != "" {
		s.Errorf("%s shows %s\n%s", where, leak, s.whitelist())
	}
}
