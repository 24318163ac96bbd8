package collector_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

const (
	fleetDealerName = "fleet/dealers/" + dealer + ".json"
	fleetWeekName   = "fleet/weeks/" + week + "/" + dealer + ".json"
	fleetIndexName  = "fleet/index/weeks/" + week + ".ndjson.zst"
)

// unpacked returns an object's text.
func (r *rig) unpacked(name string) string {
	r.t.Helper()
	data, err := r.store.Get(context.Background(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".zst") || len(data) == 0 {
		return string(data)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer z.Close()
	text, err := z.DecodeAll(data, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func heartbeat() upload.Status {
	return upload.Status{DealerID: dealer, AgentVersion: "1.2", At: time.Date(2026, 11, 16, 11, 5, 0, 0, time.UTC), State: "idle"}
}

// closeWeek closes the week with one batch of that many orders.
func (r *rig) closeWeek(orders, readings int) request {
	r.t.Helper()
	var lines []string
	for n := range orders {
		lines = append(lines, line(fmt.Sprintf("RO%d", n+1)))
	}
	q := r.batch(lines...)
	if w := r.do(q); w.Code >= 300 {
		r.t.Fatal(w.Code, w.Body)
	}
	m := manifestOf(upload.ManifestBatch{ID: path.Base(q.path), Orders: orders})
	m.Readings = readings
	q = r.manifest(m)
	r.receipt(r.do(q), 201)
	return q
}

func (r *rig) fleetWeek() collector.FleetWeek {
	r.t.Helper()
	var w collector.FleetWeek
	if err := json.Unmarshal([]byte(r.unpacked(fleetWeekName)), &w); err != nil {
		r.t.Fatal(err)
	}
	return w
}

func TestFleetObjects(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	x := collector.NewFleetIndex(r.store)
	x.Life = 0
	added := r.dealers(x)[dealer]
	if added.Name != "Example Toyota" || added.Added.IsZero() || !added.ReceivedAt.IsZero() || added.Status != nil {
		t.Errorf("a dealer who was just added is %+v", added)
	}
	before := time.Now().Truncate(time.Second)
	if w := r.do(r.json("/v1/dealers/"+dealer+"/status", heartbeat())); w.Code != 204 {
		t.Fatal(w.Code, w.Body)
	}
	q := r.closeWeek(3, 2)

	got := r.dealers(x)[dealer]
	if got.ReceivedAt.Before(before) || got.Name != added.Name || !got.Added.Equal(added.Added) {
		t.Errorf("after a heartbeat it is %+v", got)
	}
	var status upload.Status
	if err := json.Unmarshal(got.Status, &status); err != nil || status != heartbeat() {
		t.Errorf("the heartbeat is %s, %v", got.Status, err)
	}
	read, err := x.Week(t.Context(), theWeek())
	if err != nil {
		t.Fatal(err)
	}
	held := read.Entries[dealer]
	if held.ClosedAt.Before(before) {
		t.Errorf("closed at %s", held.ClosedAt)
	}
	want := collector.FleetWeek{
		DealerID: dealer, Week: week, ClosedAt: held.ClosedAt, Timezone: "America/Los_Angeles", ReadAt: manifestOf().ReadAt, Readings: 2,
		Batches: 1, Lines: 3, Held: 3, Skipped: 3, Withheld: 2, FieldmapDigest: whitelist, ManifestID: digest(string(q.body)),
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("the week (-want +got):\n%s", diff)
	}
}

func (r *rig) dealers(x *collector.FleetIndex) map[string]collector.FleetDealer {
	r.t.Helper()
	read, err := x.Dealers(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return read.Entries
}

// A heartbeat as large as the wire allows is not kept in everybody's memory.
func TestFleetLargeHeartbeat(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.json("/v1/dealers/"+dealer+"/status", heartbeat())
	q.body = append(q.body, strings.Repeat(" ", collector.MaxFleetStatus)...)
	if w := r.do(q.sealed()); w.Code != 204 {
		t.Fatal(w.Code, w.Body)
	}
	if got := r.dealers(collector.NewFleetIndex(r.store))[dealer]; got.Status != nil || got.ReceivedAt.IsZero() {
		t.Errorf("it is %+v", got)
	}
}

// A manifest that comes again must not undo what a newer one says; the last one may write what could not be written before.
func TestFleetWeekOfTheLastManifest(t *testing.T) {
	f := &faults{Store: collector.NewMemStore()}
	r := newRig(t, f)
	first := r.closeWeek(2, 1)
	f.before = failAt("fleet/weeks/")
	var m upload.Manifest
	if err := json.Unmarshal(first.body, &m); err != nil {
		t.Fatal(err)
	}
	m.Readings = 2
	second := r.manifest(m)
	r.problem(r.do(second), 500) // its receipt is in the store, but the agent does not have it
	f.before = nil
	if got := r.fleetWeek().Readings; got != 1 {
		t.Fatalf("readings %d: the test's fault was none", got)
	}
	r.receipt(r.do(second), 200)
	if got := r.fleetWeek().Readings; got != 2 {
		t.Errorf("the same manifest again left %d", got)
	}
	r.receipt(r.do(first), 200)
	if got := r.fleetWeek().Readings; got != 2 {
		t.Errorf("an older manifest again made %d of it", got)
	}
}

// What did not change is not read again: neither by the same process, nor by the next one.
func TestFleetIndexReadsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		for n := range 20 {
			if _, err := collector.AddDealer(t.Context(), r.store, fmt.Sprintf("1%d", n), "Example"); err != nil {
				t.Fatal(err)
			}
		}
		c := &counted{Store: r.store}
		x := collector.NewFleetIndex(c)
		steps := []struct {
			name  string
			do    func()
			reads []string // of the flat folder
			puts  int
		}{
			{"first", func() {}, nil, 1},
			{"at once", func() {}, []string{}, 0},
			{"later", func() { time.Sleep(time.Hour) }, []string{}, 0},
			{"after a heartbeat", func() {
				r.do(r.json("/v1/dealers/"+dealer+"/status", heartbeat()))
				time.Sleep(time.Hour)
			}, []string{fleetDealerName}, 1},
			{"in another process", func() { x = collector.NewFleetIndex(c) }, []string{}, 0},
			{"its index is damaged", func() {
				if err := r.store.Put(t.Context(), "fleet/index/dealers.ndjson.zst", []byte("nonsense"), collector.Replace); err != nil {
					t.Fatal(err)
				}
				x = collector.NewFleetIndex(c)
			}, nil, 1},
		}
		for _, step := range steps {
			step.do()
			c.reads, c.puts = []string{}, 0
			if got := len(r.dealers(x)); got != 22 {
				t.Errorf("%s: %d dealers", step.name, got)
			}
			flat := slices.DeleteFunc(c.reads, func(n string) bool { return !strings.HasPrefix(n, "fleet/dealers/") })
			if step.reads == nil && len(flat) != 22 || step.reads != nil && !slices.Equal(flat, step.reads) || c.puts != step.puts {
				t.Errorf("%s: it read %v and wrote %d", step.name, flat, c.puts)
			}
		}
	})
}

// A damaged object is named and hides nobody else; an index that cannot be written is no reason to show nothing.
func TestFleetIndexOfADamagedStore(t *testing.T) {
	f := &faults{Store: collector.NewMemStore()}
	r := newRig(t, f)
	if err := r.store.Put(t.Context(), fleetDealerName, []byte("{"), collector.Replace); err != nil {
		t.Fatal(err)
	}
	f.before = failAt("fleet/index/")
	x := collector.NewFleetIndex(f)
	read, err := x.Dealers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := read.Entries[otherDealer]; !ok || len(read.Entries) != 1 || !slices.Equal(read.Damaged, []string{fleetDealerName}) {
		t.Errorf("it read %+v", read)
	}
	f.before = nil
	made, err := collector.RebuildFleet(t.Context(), f, fieldmap.Week{})
	if err != nil || made.Dealers != 2 || len(made.Damaged) > 0 || len(r.dealers(collector.NewFleetIndex(f))) != 2 {
		t.Errorf("rebuilt: %+v, %v", made, err)
	}
}

// A dealer who leaves while another collector refreshes an index that it has read before: nothing of it stays there.
func TestDeleteWhileAnIndexIsWritten(t *testing.T) {
	for _, moment := range []string{"before", "after"} {
		f := &faults{Store: collector.NewMemStore()}
		r := newRig(t, f)
		r.closeWeek(2, 1)
		leave := func(name string) error {
			if name == fleetIndexName {
				f.before, f.after = nil, nil
				other := r.elsewhere(f.Store)
				other.deletion(other.do(r.departure(dealer)))
			}
			return nil
		}
		if moment == "before" {
			f.before = leave
		} else {
			f.after = leave
		}
		if _, err := collector.NewFleetIndex(f).Week(t.Context(), theWeek()); err != nil {
			t.Fatal(err)
		}
		if f.before != nil || f.after != nil {
			t.Fatal("no index was written")
		}
		if left := r.of(dealer); len(left) > 0 {
			t.Errorf("%s the write: the deletion receipt was given, and there is %v", moment, left)
		}
	}
}

// What a collector that died left behind in the fleet's objects is removed at the next start, or by whoever looks at it.
func TestFinishDeletionsOfTheFleet(t *testing.T) {
	for name, finish := range map[string]func(*rig) error{
		"start": func(r *rig) error { return collector.FinishDeletions(t.Context(), r.store) },
		"look": func(r *rig) error {
			x := collector.NewFleetIndex(r.store)
			read, err := x.Week(t.Context(), theWeek())
			if _, there := read.Entries[dealer]; there {
				t.Error("a dealer who left is shown")
			}
			_, again := x.Dealers(t.Context())
			return errors.Join(err, again)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, collector.NewMemStore())
			r.closeWeek(2, 1)
			x := collector.NewFleetIndex(r.store)
			if _, err := x.Week(t.Context(), theWeek()); err != nil {
				t.Fatal(err)
			}
			kept := map[string]string{fleetWeekName: "", fleetDealerName: "", fleetIndexName: ""}
			for name := range kept {
				data, err := r.store.Get(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				kept[name] = string(data)
			}
			r.deletion(r.do(r.departure(dealer)))
			for name, data := range kept {
				if err := r.store.Put(t.Context(), name, []byte(data), collector.Replace); err != nil {
					t.Fatal(err)
				}
			}
			if err := finish(r); err != nil {
				t.Fatal(err)
			}
			if left := r.of(dealer); len(left) > 0 {
				t.Errorf("there is %v", left)
			}
			if others := r.of(otherDealer); !slices.Contains(others, "fleet/dealers/"+otherDealer+".json") {
				t.Errorf("of the other dealer there is %v", others)
			}
		})
	}
}

// A store that an older collector filled has no fleet; rebuilt, it has the same as one that was filled by this one.
func TestRebuildFleet(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.do(r.json("/v1/dealers/"+dealer+"/status", heartbeat()))
	r.closeWeek(2, 1)
	made, err := collector.RebuildFleet(t.Context(), r.store, fieldmap.Week{})
	if diff := cmp.Diff(collector.Rebuilt{Dealers: 2, Weeks: 1}, made); diff != "" || err != nil {
		t.Errorf("rebuilt (-want +got): %v\n%s", err, diff)
	}
	before := r.fleet()
	if err := r.store.Remove(t.Context(), "fleet"); err != nil {
		t.Fatal(err)
	}
	if _, err := collector.RebuildFleet(t.Context(), r.store, fieldmap.Week{}); err != nil {
		t.Fatal(err)
	}
	after := r.fleet()
	// When the heartbeat came was in the flat object only: the time that it names stands for it.
	received := time.Date(2026, 11, 16, 11, 5, 0, 0, time.UTC).Format(time.RFC3339)
	if !strings.Contains(after[fleetDealerName], `"received_at":"`+received+`"`) {
		t.Errorf("the dealer is %s", after[fleetDealerName])
	}
	for _, name := range []string{fleetDealerName, "fleet/index/dealers.ndjson.zst"} {
		delete(before, name)
		delete(after, name)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the fleet (-before +rebuilt):\n%s", diff)
	}
}

// fleet returns all that tells of the dealers, by name.
func (r *rig) fleet() map[string]string {
	r.t.Helper()
	names, err := collector.Names(r.t.Context(), r.store, "fleet")
	if err != nil {
		r.t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		all[name] = r.unpacked(name)
	}
	return all
}

// A manifest that comes while the fleet is rebuilt is the one that counts; a manifest without its receipt closes nothing.
func TestRebuildFleetWhileWeeksClose(t *testing.T) {
	f := &faults{Store: collector.NewMemStore()}
	r := newRig(t, f)
	r.closeWeek(2, 1)
	f.before = func(name string) error {
		if name == fleetWeekName {
			f.before = nil
			r.closeWeek(2, 7)
		}
		return nil
	}
	if _, err := collector.RebuildFleet(t.Context(), f, theWeek()); err != nil {
		t.Fatal(err)
	}
	if f.before != nil {
		t.Fatal("nothing came between")
	}
	if got := r.fleetWeek().Readings; got != 7 {
		t.Errorf("the week is of reading %d", got)
	}
	if err := r.store.Remove(t.Context(), "fleet/weeks"); err != nil {
		t.Fatal(err)
	}
	receipts, err := collector.Names(t.Context(), r.store, "dealers/"+dealer+"/"+week+"/receipts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range receipts {
		if strings.Contains(name, "/manifest-") {
			if err := r.store.Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if made, err := collector.RebuildFleet(t.Context(), f, theWeek()); err != nil || made.Weeks != 0 {
		t.Errorf("a manifest without a receipt: %+v, %v", made, err)
	}
}

// All collectors on a store seal cookies with one key; a damaged one is told without what it holds.
func TestFleetKey(t *testing.T) {
	store := collector.NewMemStore()
	first, err := collector.OpenFleetKey(t.Context(), store, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := collector.OpenFleetKey(t.Context(), store, []byte("fedcba9876543210fedcba9876543210"))
	if err != nil || string(second) != string(first) {
		t.Errorf("the second has %q, %v", second, err)
	}
	if err := store.Put(t.Context(), "fleet.key", []byte("c0ffee"), collector.Replace); err != nil {
		t.Fatal(err)
	}
	if _, err := collector.OpenFleetKey(t.Context(), store, first); err == nil || strings.Contains(err.Error(), "c0ffee") {
		t.Errorf("a damaged one: %v", err)
	}
}
