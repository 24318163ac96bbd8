package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"roagent/extract/sampledms"
	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// rig is a store as its IT has it, in a folder: a DMS, a configuration, an approved whitelist; and a collector.
type rig struct {
	options  rigOptions
	dir      string
	config   string // path of roagent.yaml
	dms      string // path of the SQLite file
	weeks    []fieldmap.Week
	store    collector.Store
	verifier note.Verifier
}

type rigOptions struct {
	weeks       int // that have ended
	orders      int // a week
	batchOrders int
	whitelist   string                          // "": the sample's
	wrap        func(http.Handler) http.Handler // stands before the collector
	collector   func(*testing.T) rigCollector   // nil: in this process, in memory
}

// rigCollector is a collector that runs.
type rigCollector struct {
	store collector.Store
	url   string
}

const (
	rigDealer = "04123"
	rigOrder  = "RO1000001" // of the first week: tests change it
)

func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	dms := filepath.Join(t.TempDir(), "dms.db")
	last := Schedule{Zone: zone(t, "America/Los_Angeles"), Settle: 10 * time.Minute}.Ended(time.Now())
	var weeks []fieldmap.Week
	for i := range o.weeks {
		weeks = append(weeks, last.Add(i+1-o.weeks))
	}
	sample := sampledms.Options{First: weeks[0], Weeks: o.weeks, OrdersPerWeek: o.orders, Seed: 8}
	if err := sampledms.CreateFile(t.Context(), dms, sample); err != nil {
		t.Fatal(err)
	}
	r := &rig{options: o, dms: dms, weeks: weeks}
	r.change(t, func(db *sql.DB) {
		sent, err := sampledms.Numbers(t.Context(), db, "sqlite", weeks[0])
		if err != nil || o.orders > 1 && !slices.Contains(sent, rigOrder) {
			t.Fatalf("%s is no order that is sent, choose another seed: %v", rigOrder, err)
		}
	})
	return r.again(t)
}

// again returns a new store with a new collector on the same DMS.
func (r *rig) again(t *testing.T) *rig {
	t.Helper()
	n := &rig{options: r.options, dms: r.dms, weeks: r.weeks, dir: t.TempDir()}
	var c rigCollector
	if r.options.collector != nil {
		c = r.options.collector(t)
	} else {
		c.store = collector.NewMemStore()
		c.url = serve(t, c.store, r.options.wrap)
	}
	n.store = c.store
	key, err := collector.OpenKey(t.Context(), n.store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	token, err := collector.AddDealer(t.Context(), n.store, rigDealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	n.verifier = key.Verifier
	whitelist := r.options.whitelist
	if whitelist == "" {
		whitelist = sampledms.Whitelist
	}
	if key, err := os.ReadFile(filepath.Join(r.dir, "data", "hash.key")); err == nil && r.dir != "" {
		n.write(t, "data/hash.key", string(key)) // the same hashes, so that stores can be compared
	}
	n.config = filepath.Join(n.dir, "roagent.yaml")
	n.write(t, "fieldmap.yaml", whitelist)
	n.write(t, "collector.token", token)
	n.write(t, "roagent.yaml", fmt.Sprintf(rigConfig, rigDealer, r.dms, c.url, key.Public, max(1, r.options.batchOrders)))
	if code, out := n.run(t, "fieldmap", "approve", "--by", "Dana Dealer"); code != exitDone {
		t.Fatalf("approve: %d\n%s", code, out)
	}
	return n
}

// serve starts a collector on loopback.
func serve(t *testing.T, store collector.Store, wrap func(http.Handler) http.Handler) (url string) {
	t.Helper()
	key, err := collector.OpenKey(t.Context(), store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = collector.New(store, key)
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

const rigConfig = `dealer: {id: %q, name: Example Toyota, timezone: America/Los_Angeles}
dms: {driver: sqlite, path: %q}
fieldmap: fieldmap.yaml
data_dir: data
status: {listen: off}
collector:
  url: %s
  token: file:collector.token
  receipt_key: %q
queue: {batch_orders: %d}
log: {level: error}
`

func (r *rig) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in this process and returns its exit code and all that it printed.
func (r *rig) run(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	return r.runContext(t.Context(), args...)
}

func (r *rig) runContext(ctx context.Context, args ...string) (code int, out string) {
	var b bytes.Buffer
	code = run(ctx, append([]string{"--config", r.config}, args...), bytes.NewReader(nil), &b, &b)
	return code, b.String()
}

// mustRun is run for a command that ends well.
func (r *rig) mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out := r.run(t, args...)
	if code != exitDone {
		t.Fatalf("%v ended with %d:\n%s", args, code, out)
	}
	return out
}

// export returns what the collector holds of all weeks.
func (r *rig) export(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	for _, week := range r.weeks {
		if err := collector.Export(t.Context(), r.store, rigDealer, week, &b); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// open opens the store's queue.
func (r *rig) open(t *testing.T) *upload.Queue {
	t.Helper()
	q := upload.NewQueue(filepath.Join(r.dir, "data"), rigDealer)
	if err := q.Open(); err != nil {
		t.Fatal(err)
	}
	return q
}

// verify checks that the ledger holds, that all its receipts do, and that nothing waits.
func (r *rig) verify(t *testing.T) {
	t.Helper()
	q := r.open(t)
	defer q.Close()
	if _, err := q.VerifyLedger(); err != nil {
		t.Error(err)
	}
	receipts := 0
	for e, err := range q.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Receipt == "" {
			continue
		}
		receipt, err := upload.OpenReceipt([]byte(e.Receipt), r.verifier)
		if err != nil || receipt.ID != e.ID {
			t.Errorf("ledger entry %d: %v", e.Number, err)
		}
		receipts++
	}
	if receipts == 0 {
		t.Error("the ledger holds no receipt")
	}
	pending, err := q.Pending()
	if err != nil || pending.Batches > 0 {
		t.Errorf("%d batches wait: %v", pending.Batches, err)
	}
}

// change writes to the DMS, as the dealership's own programs do.
func (r *rig) change(t *testing.T, fn func(*sql.DB)) {
	t.Helper()
	db, err := sql.Open("sqlite", r.dms)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fn(db)
}

// exec runs a statement on the DMS.
func (r *rig) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	r.change(t, func(db *sql.DB) {
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	})
}

// storedLines returns every line of the batches with these names, and the ids of each week's batches. It fails where one is
// not, from end to end, what its name says.
func storedLines(t *testing.T, store collector.Store, names []string) (lines []upload.Line, batches map[string][]string) {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	batches = map[string][]string{}
	for _, name := range names {
		packed, err := store.Get(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := decoder.DecodeAll(packed, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parts := strings.Split(name, "/")
		id := strings.TrimSuffix(parts[4], ".ndjson.zst")
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != id {
			t.Errorf("%s holds other bytes", name)
		}
		batches[parts[2]] = append(batches[parts[2]], id)
		for line := range bytes.Lines(text) {
			var l upload.Line
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
	}
	return lines, batches
}

// heldOnce holds that each batch of the store is whole, and each line in it once.
func (r *rig) heldOnce(t *testing.T) {
	t.Helper()
	var names []string
	for _, week := range r.weeks {
		list, err := collector.Names(t.Context(), r.store, simFolder(week)+"/batches")
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, list...)
	}
	lines, _ := storedLines(t, r.store, names)
	seen := map[string]bool{}
	for _, l := range lines {
		name := fmt.Sprintf("revision %d of %s", l.Revision, l.Key)
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
}

// lockedBuffer takes what a process prints to both of its outputs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
