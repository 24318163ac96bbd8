package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract/sampledms"
	"roagent/upload"
	"roagent/upload/collector"
)

var cutStates = flag.Int("powercut.states", 40, "how many power cuts TestPowerCut draws")

// What was read is delivered exactly once, whenever the power is cut: complaints 16 (dropped, silently), 18 (power loss
// corrupts the buffer) and 23 (200 before the data is durable). Two real processes, an agent that is approved and pulls
// for the first time and a collector on a new store, are traced: every write, every name and every flush. A power cut
// is then drawn at any of these calls, of either machine or of both: what was flushed is there, and of the rest any part.
// Every receipt that the agent has must be of a batch that the collector has, and going on must end like the run that
// nothing disturbed.
func TestPowerCut(t *testing.T) {
	rec := record(t)
	seed := rand.Uint64()
	t.Logf("%d calls are traced; power cuts of seed %d", len(rec.calls), seed)
	r := rand.New(rand.NewPCG(seed, 0))
	found := 0
	for n := range *cutStates {
		at := 1 + r.IntN(len(rec.calls))
		if n%2 == 0 { // most calls are of the pull: also at each of those that make the folder
			at = 1 + n/2%rec.countUntil(rec.approved)
		}
		agentR, collectorR := r, r
		switch r.IntN(3) {
		case 0:
			agentR = nil
		case 1:
			collectorR = nil
		}
		keep := []float64{0, 0.5, 0.5, 1}[r.IntN(4)]
		name := fmt.Sprintf("cut %d at call %d of %d, agent %v, collector %v, keep %.1f", n, at, len(rec.calls), agentR != nil, collectorR != nil, keep)
		agent, store := rec.disks(t, at)
		dir := simDir(t)
		agent.cut(t, filepath.Join(dir, "agent"), agentR, keep)
		store.cut(t, filepath.Join(dir, "store"), collectorR, keep)
		found += rec.goOn(t, name, dir, rec.calls[at-1].end)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	t.Logf("%d power cuts; %d batches had a receipt by then", *cutStates, found)
	if found == 0 {
		t.Error("at no power cut the agent had a receipt: that proves nothing")
	}
}

// recording is a run of both processes that nothing disturbed.
type recording struct {
	rig      *rig
	agent    func() *cutDisk // as it was before the run
	store    func() *cutDisk
	calls    []*tracedCall
	approved float64 // when the approval was done
	want     string
}

// record traces an agent that is approved and pulls two weeks, and its collector.
func record(t *testing.T) *recording {
	t.Helper()
	program, server := buildRoagent(t), buildCollector(t)
	trace := filepath.Join(t.TempDir(), "trace")
	server.wrap = tracer(t, trace+"-collector")
	// Without hashes: a power cut before the first batch may take their key, and the new one's are others.
	whitelist := strings.ReplaceAll(sampledms.Whitelist, "mask: HASH, ", "")
	r := newRig(t, rigOptions{weeks: 2, orders: 40, batchOrders: 8, whitelist: whitelist, collector: server.serve})
	if err := os.RemoveAll(filepath.Join(r.dir, "data")); err != nil {
		t.Fatal(err)
	}
	agentRoot, storeRoot := copyOf(t, r.dir), copyOf(t, server.dir)
	rec := &recording{rig: r}
	rec.agent = func() *cutDisk { d := newCutDisk(t, agentRoot); d.root = r.dir; return d }
	rec.store = func() *cutDisk { d := newCutDisk(t, storeRoot); d.root = server.dir; return d }
	before := float64(time.Now().UnixMicro()) / 1e6
	traced := func(command ...string) {
		t.Helper()
		args := append(tracer(t, trace+"-agent-"+command[0]), program, "--config", r.config)
		args = append(args, command...)
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	traced("fieldmap", "approve", "--by", "Dana Dealer")
	rec.approved = float64(time.Now().UnixMicro()) / 1e6
	traced("pull", "--from", r.weeks[0].String(), "--to", r.weeks[1].String())
	server.kill()
	for _, part := range []string{"collector", "agent-fieldmap", "agent-pull"} {
		for _, c := range readTrace(t, trace+"-"+part) {
			if c.start > before && rec.ours(c) {
				rec.calls = append(rec.calls, c)
			}
		}
	}
	sortCalls(rec.calls)
	rec.want = r.export(t)
	agent, store := rec.disks(t, len(rec.calls))
	agent.same(t)
	store.same(t)
	return rec
}

// copyOf returns a copy of a folder.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// ours reports whether a call is on one of the two disks and may change it.
func (rec *recording) ours(c *tracedCall) bool {
	agent, store := rec.rig.dir, rec.store().root
	if !strings.HasPrefix(c.path, agent) && !strings.HasPrefix(c.path, store) {
		return false
	}
	return c.name != "openat" || c.has("O_CREAT") || c.has("O_TRUNC")
}

func (rec *recording) countUntil(at float64) (n int) {
	for _, c := range rec.calls {
		if c.end <= at {
			n++
		}
	}
	return n
}

// disks returns both disks after so many calls.
func (rec *recording) disks(t *testing.T, calls int) (agent, store *cutDisk) {
	t.Helper()
	agent, store = rec.agent(), rec.store()
	for _, c := range rec.calls[:calls] {
		agent.apply(c)
		store.apply(c)
	}
	return agent, store
}

// goOn lets both go on with what a power cut left of them, and returns how many receipts the agent had then.
func (rec *recording) goOn(t *testing.T, name, dir string, at float64) (receipts int) {
	t.Helper()
	store, err := collector.OpenDir(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := &rig{options: rec.rig.options, dms: rec.rig.dms, weeks: rec.rig.weeks, dir: filepath.Join(dir, "agent"), store: store, verifier: rec.rig.verifier}
	r.config = filepath.Join(r.dir, "roagent.yaml")
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "  url: ")
	old, _, _ := strings.Cut(rest, "\n")
	r.write(t, "roagent.yaml", strings.Replace(string(text), old, serve(t, store, nil), 1))
	r.heldOnce(t)
	if at >= rec.approved || queueKnown(r) {
		receipts = r.receipted(t)
	}
	if at < rec.approved {
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
	}
	r.mustRun(t, "pull", "--from", r.weeks[0].String(), "--to", r.weeks[1].String())
	if diff := cmp.Diff(rec.want, r.export(t)); diff != "" {
		t.Errorf("%s: delivered something else:\n%s", name, diff)
	}
	r.heldOnce(t)
	r.verify(t)
	r.mustRun(t, "ledger", "verify")
	return receipts
}

func queueKnown(r *rig) bool {
	_, err := os.Stat(filepath.Join(r.dir, "data", "queue.key"))
	return err == nil
}

// receipted holds that the ledger is whole, and that the collector has each batch and each manifest of which the agent has
// a receipt. It returns how many those are.
func (r *rig) receipted(t *testing.T) (receipts int) {
	t.Helper()
	q := r.open(t)
	defer q.Close()
	if _, err := q.VerifyLedger(); err != nil {
		t.Error(err)
	}
	if err := q.Check(); err != nil {
		t.Error(err)
	}
	for e, err := range q.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		name := "dealers/" + rigDealer + "/" + e.Week
		switch e.Kind {
		case upload.BatchEntry:
			name += "/batches/" + e.ID + ".ndjson.zst"
		case upload.ManifestEntry:
			name += "/manifest.json"
		default:
			continue
		}
		receipts++
		if _, err := r.store.Get(t.Context(), name); err != nil {
			t.Errorf("the agent has a receipt for it: %v", err)
		}
	}
	return receipts
}
