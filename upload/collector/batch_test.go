package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
	"roagent/upload/collector"
)

func TestPutBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		q := r.batch(line("RO1"), line("RO2"), voidedLine("RO3", 2))
		id := path.Base(q.path)

		first := r.do(q)
		want := upload.Receipt{Dealer: dealer, Week: theWeek(), What: upload.BatchReceipt, ID: id, Orders: 3, Stored: time.Now().UTC()}
		if diff := cmp.Diff(want, r.receipt(first, 201)); diff != "" {
			t.Errorf("receipt (-want +got):\n%s", diff)
		}
		stored, err := r.store.Get(t.Context(), "dealers/04123/2026-W46/batches/"+id+".ndjson.zst")
		if err != nil || !bytes.Equal(stored, q.body) {
			t.Errorf("stored is not what was sent: %d bytes, %v", len(stored), err)
		}

		time.Sleep(time.Hour)
		if again := r.do(q); again.Code != 200 || again.Body.String() != first.Body.String() {
			t.Errorf("a batch sent again got %d and another receipt:\n%s\nfirst was:\n%s", again.Code, again.Body, first.Body)
		}
	})
}

// Complaint 23: duplicates after a partial retry. The same lines are the same batch, however they were compressed.
func TestTheSameLinesAreTheSameBatch(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.batch(line("RO1"))
	first := r.do(q)
	r.receipt(first, 201)
	again := r.do(q.gzipped(t, line("RO1")+"\n"))
	r.receipt(again, 200)
	if first.Body.String() != again.Body.String() {
		t.Error("the same lines as gzip got another receipt")
	}
	if got := r.objects(); len(got) != 2 {
		t.Errorf("the store holds %v, want a batch and a receipt", got)
	}
}

func TestGzipIsStoredAsZstd(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.handler.RefuseZstd = true
	q := r.batch(line("RO1"))
	if w := r.do(q); w.Code != 415 || w.Header().Get("Accept-Encoding") != "gzip" {
		t.Fatalf("got %d, Accept-Encoding %q, want 415 and gzip", w.Code, w.Header().Get("Accept-Encoding"))
	}
	r.receipt(r.do(q.gzipped(t, line("RO1")+"\n")), 201)
	var b strings.Builder
	if err := collector.Export(t.Context(), r.store, dealer, theWeek(), &b); err != nil {
		t.Fatal(err)
	}
	if b.String() != line("RO1")+"\n" {
		t.Errorf("export is %q", b.String())
	}
}

// Complaint 21: one poisoned record blocks or drops its batch. All bad lines are named at once, so that the others can
// be sent without them, and until then nothing is stored.
func TestRefusedLines(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.batch(line("RO1"), `{"week":"Jane Doe"}`, line("RO2"), line("RO1"), "")
	p := r.problem(r.do(q), 422)
	want := []upload.LineProblem{
		{Line: 2, Detail: "dealer_id is not a string"},
		{Line: 4, Detail: "line 1 has the same key"},
		{Line: 5, Detail: "the line is not a JSON object"},
	}
	if diff := cmp.Diff(want, p.Lines); diff != "" {
		t.Errorf("refused lines (-want +got):\n%s", diff)
	}
	if got := r.objects(); len(got) > 0 {
		t.Errorf("stored although refused: %v", got)
	}
	r.receipt(r.do(r.batch(line("RO1"), line("RO2"))), 201)
}

func TestAtMostAThousandLinesAreNamed(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	p := r.problem(r.do(r.batch(strings.Repeat("{}\n", 1500))), 422)
	if len(p.Lines) != 1000 {
		t.Errorf("got %d lines, want 1000", len(p.Lines))
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	long := lineWith("RO2", 1, `{"order_notes":"`+strings.Repeat("x", upload.MaxLine)+`"}`)
	p := r.problem(r.do(r.batch(line("RO1"), long, line("RO3"), "{}")), 422)
	want := []upload.LineProblem{
		{Line: 2, Detail: "the line has more than 16777216 bytes"},
		{Line: 4, Detail: "dealer_id is not a string"},
	}
	if diff := cmp.Diff(want, p.Lines); diff != "" {
		t.Errorf("refused lines (-want +got):\n%s", diff)
	}
	longest := lineWith("RO2", 1, `{"order_notes":"`+strings.Repeat("x", upload.MaxLine-len(lineWith("RO2", 1, `{"order_notes":""}`)))+`"}`)
	r.receipt(r.do(r.batch(longest, line("RO3"))), 201)
}

// faults is a store in which Put fails, or a process dies, at chosen names.
type faults struct {
	collector.Store
	before, after func(name string) error // of a Put
	removing      func(name string) error // before a Remove; nil: it is done
}

func (f *faults) Remove(ctx context.Context, name string) error {
	if f.removing != nil {
		if err := f.removing(name); err != nil {
			return err
		}
	}
	return f.Store.Remove(ctx, name)
}

func (f *faults) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	if f.before != nil {
		if err := f.before(name); err != nil {
			return err
		}
	}
	if err := f.Store.Put(ctx, name, data, mode); err != nil {
		return err
	}
	if f.after != nil {
		return f.after(name)
	}
	return nil
}

var errCrash = errors.New("the power is gone")

func failAt(part string) func(string) error {
	return func(name string) error {
		if strings.Contains(name, part) {
			return errCrash
		}
		return nil
	}
}

// Complaint 23: 200 before the data is durable. Wherever a collector dies, the agent has no receipt, and the batch sent
// again gets one.
func TestCrashes(t *testing.T) {
	for name, f := range map[string]faults{
		"before the batch":               {before: failAt("/batches/")},
		"after the batch":                {after: failAt("/batches/")},
		"between batch and receipt":      {before: failAt("/receipts/")},
		"after the receipt, not flushed": {after: failAt("/receipts/")},
	} {
		t.Run(name, func(t *testing.T) {
			store := collector.NewMemStore()
			r := newRig(t, store)
			f.Store = store
			q := r.batch(line("RO1"), line("RO2"))

			crashing := *r
			crashing.handler = collector.New(&f, r.key)
			crashing.wire = crashing.handler
			p := crashing.problem(crashing.do(q), 500)
			if strings.Contains(p.Detail, "power") {
				t.Errorf("the answer tells strangers what is wrong inside: %q", p.Detail)
			}

			again := r.do(q)
			if again.Code != 200 && again.Code != 201 {
				t.Fatalf("got %d %s", again.Code, again.Body)
			}
			if got := r.receipt(again, again.Code); got.Orders != 2 {
				t.Errorf("the receipt is for %d orders, want 2", got.Orders)
			}
			if third := r.do(q); third.Code != 200 || third.Body.String() != again.Body.String() {
				t.Error("a third time got another receipt")
			}
		})
	}
}

// The receipt is the last thing to be stored, and stored it is before it is answered.
func TestTheOrderOfThings(t *testing.T) {
	var events []string
	mem := collector.NewMemStore()
	f := &faults{Store: mem}
	r := newRig(t, f)
	f.after = func(name string) error {
		events = append(events, path.Base(path.Dir(name)))
		return nil
	}
	r.receipt(r.do(r.batch(line("RO1"))), 201)
	if diff := cmp.Diff([]string{"batches", "receipts"}, events); diff != "" {
		t.Errorf("what was put by the time of the answer (-want +got):\n%s", diff)
	}
}

func TestDamagedObjectsAreRepaired(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.batch(line("RO1"))
	id := path.Base(q.path)
	first := r.do(q)
	r.receipt(first, 201)
	other := r.batch(line("RO2"))
	for name, damage := range map[string][]byte{
		"batches/" + id + ".ndjson.zst": other.body,
		"receipts/" + id:                r.do(other).Body.Bytes(),
	} {
		name = "dealers/04123/2026-W46/" + name
		good, err := r.store.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]byte{damage, good[:len(good)/2], {}, []byte("garbage")} {
			if err := r.store.Put(t.Context(), name, bad, collector.Replace); err != nil {
				t.Fatal(err)
			}
			again := r.do(q)
			r.receipt(again, 200)
			repaired, err := r.store.Get(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "batches") && !bytes.Equal(repaired, good) {
				t.Errorf("%s is not repaired: %q", name, repaired)
			}
			if strings.Contains(name, "receipts") && !bytes.Equal(repaired, again.Body.Bytes()) {
				t.Errorf("%s is not what was answered: %q", name, repaired)
			}
		}
	}
}

func TestManyCollectorsOneBatch(t *testing.T) {
	dir := t.TempDir()
	stores := []collector.Store{openDir(t, dir), openDir(t, dir)}
	rigs := []*rig{newRig(t, stores[0])}
	second := *rigs[0]
	second.handler = collector.New(stores[1], second.key)
	second.wire = second.handler
	rigs = append(rigs, &second)

	for round := range 5 {
		q := rigs[0].batch(line(fmt.Sprintf("RO%d", round)))
		answers := make([]*httptest.ResponseRecorder, 8)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i] = rigs[i%2].do(q) })
		}
		group.Wait()
		created := 0
		for _, a := range answers {
			if a.Code == 201 {
				created++
			} else if a.Code != 200 {
				t.Fatalf("got %d %s", a.Code, a.Body)
			}
			if a.Body.String() != answers[0].Body.String() {
				t.Errorf("one batch got two receipts:\n%s\n%s", a.Body, answers[0].Body)
			}
		}
		if created != 1 {
			t.Errorf("%d of %d answers were 201, want one", created, len(answers))
		}
	}
}
