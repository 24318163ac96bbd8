package collector_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"roagent/upload"
	"roagent/upload/collector"
)

func (r *rig) export() string {
	r.t.Helper()
	var b strings.Builder
	if err := collector.Export(r.t.Context(), r.store, dealer, theWeek(), &b); err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

func TestExport(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	if got := r.export(); got != "" {
		t.Errorf("before anything came: %q", got)
	}
	r.send(line("RO2"), line("RO10"), line("RO3"))
	r.send(lineWith("RO3", 3, `{"a":3}`), voidedLine("RO2", 2))
	r.send(lineWith("RO3", 2, `{"a":2}`), line("ro1|é"))
	want := lines(line("RO10"), voidedLine("RO2", 2), lineWith("RO3", 3, `{"a":3}`), line("ro1|é"))
	if diff := cmp.Diff(want, r.export()); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
}

// All revisions come in their order, however they came; of one that came twice the last counts, as it does for the newest.
func TestAllRevisions(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.send(lineWith("RO1", 3, `{"a":3}`), line("RO2"))
	r.send(line("RO1"))
	r.send(lineWith("RO1", 2, `{"a":2}`), voidedLine("RO2", 2))
	r.send(voidedLine("RO1", 4))
	var got []string
	if err := collector.Lines(t.Context(), r.store, dealer, theWeek(), collector.AllRevisions, func(line []byte) error {
		got = append(got, string(line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{line("RO1"), lineWith("RO1", 2, `{"a":2}`), lineWith("RO1", 3, `{"a":3}`), voidedLine("RO1", 4), line("RO2"), voidedLine("RO2", 2)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stop := errors.New("enough")
	if err := collector.Lines(t.Context(), r.store, dealer, theWeek(), collector.AllRevisions, func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want what the caller returned", err)
	}
}

// The bytes of an export do not depend on the order in which batches came or how they were cut.
func TestExportIsDeterministic(t *testing.T) {
	var all []string
	for i := range 400 {
		all = append(all, lineWith(fmt.Sprintf("RO%d", i), 1, `{"order_notes":"`+strings.Repeat("x", 1<<10)+`"}`))
		if i%3 == 0 {
			all = append(all, lineWith(fmt.Sprintf("RO%d", i), 2, `{}`))
		}
	}
	var want string
	for round := range 3 {
		r := newRig(t, collector.NewMemStore())
		random := rand.New(rand.NewPCG(1, uint64(round)))
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for rest := all; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(9)) // so few that hardly a key comes twice
			q := r.batch(rest[:n]...)
			if w := r.do(q); w.Code == 422 {
				n = 1
				r.receipt(r.do(r.batch(rest[0])), 201)
			}
			rest = rest[n:]
		}
		got := r.export()
		if want == "" {
			want = got
		}
		if got != want || strings.Count(got, "\n") != 400 {
			t.Fatalf("round %d: the same lines gave another export (%d lines)", round, strings.Count(got, "\n"))
		}
	}
}

// An agent that lost its queue begins again at revision 1. Its manifest names its own batches; what the lost queue had
// sent before does not count beside them.
func TestExportAfterAQueueWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		old := r.send(line("RO1"), lineWith("RO2", 5, `{"old":1}`))
		r.receipt(r.do(r.manifest(manifestOf(old))), 201)
		time.Sleep(time.Hour)

		again := r.send(lineWith("RO2", 1, `{"new":1}`))
		if diff := cmp.Diff(lines(line("RO1"), lineWith("RO2", 5, `{"old":1}`)), r.export()); diff != "" {
			t.Errorf("before the week is closed again (-want +got):\n%s", diff)
		}
		time.Sleep(time.Hour)
		m := manifestOf(again)
		m.ReadAt = time.Now().UTC()
		r.receipt(r.do(r.manifest(m)), 201)
		if diff := cmp.Diff(lines(lineWith("RO2", 1, `{"new":1}`)), r.export()); diff != "" {
			t.Errorf("after it was closed again (-want +got):\n%s", diff)
		}

		time.Sleep(time.Hour)
		r.send(lineWith("RO2", 2, `{"newer":1}`))
		if diff := cmp.Diff(lines(lineWith("RO2", 2, `{"newer":1}`)), r.export()); diff != "" {
			t.Errorf("with a revision that came after the manifest (-want +got):\n%s", diff)
		}
	})
}

// Of two lines with one revision the one that was stored last counts.
func TestExportOfTheSameRevisionTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, orders := range [][2]string{{`{"a":1}`, `{"b":1}`}, {`{"b":1}`, `{"a":1}`}} {
			r := newRig(t, collector.NewMemStore())
			r.send(lineWith("RO1", 1, orders[0]))
			time.Sleep(time.Minute)
			r.send(lineWith("RO1", 1, orders[1]))
			if diff := cmp.Diff(lines(lineWith("RO1", 1, orders[1])), r.export()); diff != "" {
				t.Errorf("export (-want +got):\n%s", diff)
			}
		}
	})
}

func TestExportOfWhatIsDamaged(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	b := r.send(line("RO1"))
	name := "dealers/04123/2026-W46/batches/" + b.ID + ".ndjson.zst"
	for what, bad := range map[string][]byte{
		"cut off": r.batch(line("RO1")).body[:10],
		"another": r.batch(line("RO2")).body,
		"empty":   {},
		"a bomb":  pack(t, strings.Repeat("\n", upload.MaxBatch+1)),
	} {
		if err := r.store.Put(t.Context(), name, bad, collector.Replace); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		err := collector.Export(t.Context(), r.store, dealer, theWeek(), &got)
		if err == nil || !strings.Contains(err.Error(), b.ID) || got.Len() > 0 {
			t.Errorf("%s: got %q and %v, want an error that names the batch", what, got.String(), err)
		}
		if what == "a bomb" && !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			t.Errorf("the bomb was decompressed to its end: %v", err)
		}
	}
}

// A receipt that is damaged or missing costs nobody his order.
func TestExportWithoutAReceipt(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	first := r.send(line("RO1"))
	r.receipt(r.do(r.manifest(manifestOf(first))), 201)
	second := r.send(line("RO2"))
	for _, b := range []upload.ManifestBatch{first, second} {
		if err := r.store.Put(t.Context(), "dealers/04123/2026-W46/receipts/"+b.ID, []byte("x"), collector.Replace); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(lines(line("RO1"), line("RO2")), r.export()); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
}

// reads counts how often batches are read.
type reads struct {
	collector.Store
	n int
}

func (r *reads) Get(ctx context.Context, name string) ([]byte, error) {
	if strings.Contains(name, "/batches/") {
		r.n++
	}
	return r.Store.Get(ctx, name)
}

// Orders that lie in turns in two batches do not make an export read a batch for each of them.
func TestExportReadsBatchesOnce(t *testing.T) {
	store := &reads{Store: collector.NewMemStore()}
	r := newRig(t, store)
	var even, odd []string
	for i := range 100 {
		even = append(even, line(fmt.Sprintf("RO%03d", 2*i)))
		odd = append(odd, line(fmt.Sprintf("RO%03d", 2*i+1)))
	}
	r.send(even...)
	r.send(odd...)
	store.n = 0
	if got := r.export(); strings.Count(got, "\n") != 200 || store.n != 2 {
		t.Errorf("%d lines out of 2 batches took %d reads", strings.Count(got, "\n"), store.n)
	}
}

func TestExportOfNobody(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	for _, id := range []string{"05555", "../04123", ""} {
		var b strings.Builder
		err := collector.Export(t.Context(), r.store, id, theWeek(), &b)
		if err == nil || id == "05555" && !errors.Is(err, collector.ErrNoDealer) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}
