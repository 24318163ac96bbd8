package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
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

// departure is the request of a dealer that leaves.
func (r *rig) departure(dealer string) request {
	return request{method: "DELETE", path: "/v1/dealers/" + dealer, header: http.Header{"Authorization": {"Bearer " + r.token[dealer]}}}
}

// deletion reads an answer that must be a deletion receipt.
func (r *rig) deletion(w *httptest.ResponseRecorder) upload.DeletionReceipt {
	r.t.Helper()
	if w.Code != 200 {
		r.t.Fatalf("got %d %s, want 200", w.Code, w.Body)
	}
	receipt, err := upload.OpenDeletionReceipt(w.Body.Bytes(), r.key.Verifier, dealer)
	if err != nil {
		r.t.Fatal(err)
	}
	return receipt
}

// of returns the names of all that the store has of a dealer, also of what tells of all dealers.
func (r *rig) of(dealer string) []string {
	r.t.Helper()
	names, err := collector.Names(r.t.Context(), r.store, "dealers/"+dealer)
	if err != nil {
		r.t.Fatal(err)
	}
	fleet, err := collector.Names(r.t.Context(), r.store, "fleet")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range fleet {
		if path.Base(name) == dealer+".json" || strings.Contains(r.unpacked(name), `"`+dealer+`"`) {
			names = append(names, name)
		}
	}
	return names
}

// elsewhere is another collector of the same dealers.
func (r *rig) elsewhere(store collector.Store) *rig {
	other := *r
	other.store, other.handler = store, collector.New(store, r.key)
	other.wire = other.handler
	return &other
}

// puts are all requests that store something of the dealer.
func (r *rig) puts() map[string]request {
	return map[string]request{
		"batch":       r.batch(line("RO1"), line("RO2")),
		"manifest":    r.manifest(manifestOf()),
		"declaration": r.declaration(dealer, form),
		"status":      r.json("/v1/dealers/"+dealer+"/status", upload.Status{DealerID: dealer, AgentVersion: "1", At: time.Now().UTC(), State: "idle"}),
	}
}

func TestDelete(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.send(line("RO1"), line("RO2"))
	r.send(lineWith("RO1", 2, `{"job":[]}`))
	for _, q := range r.puts() {
		if w := r.do(q); w.Code >= 300 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	others := r.of(otherDealer)

	first := r.do(r.departure(dealer))
	got := r.deletion(first)
	if diff := cmp.Diff(upload.DeletionReceipt{Dealer: dealer, Left: got.Left, Weeks: 1, Batches: 2, Orders: 3}, got); diff != "" {
		t.Errorf("the receipt (-want +got):\n%s", diff)
	}
	if left := r.of(dealer); len(left) > 0 {
		t.Errorf("the receipt was given, and there is %v", left)
	}
	if diff := cmp.Diff(others, r.of(otherDealer)); diff != "" {
		t.Errorf("another dealer's (-before +after):\n%s", diff)
	}
	if again := r.do(r.departure(dealer)); again.Code != 200 || again.Body.String() != first.Body.String() {
		t.Errorf("the same request again is answered %d\n%s\nthe first time it was\n%s", again.Code, again.Body, first.Body)
	}
	refused := r.puts()
	refused["question"] = r.get()
	for name, q := range refused {
		if p := r.problem(r.do(q), 410); p.Type != upload.LeftType {
			t.Errorf("%s: the problem's type is %q", name, p.Type)
		}
	}
	if left := r.of(dealer); len(left) > 0 {
		t.Errorf("of a dealer who left there is %v", left)
	}
}

// Nobody deletes what is another's, and nobody learns who has left.
func TestDeleteIsAuthorized(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	before := r.of(dealer)
	q := r.departure(dealer)
	r.problem(r.do(q.with("Authorization", "")), 401)
	r.problem(r.do(q.with("Authorization", "Bearer "+r.token[dealer]+"x")), 401)
	r.problem(r.do(q.with("Authorization", "Bearer "+r.token[otherDealer])), 403)
	if diff := cmp.Diff(before, r.of(dealer)); diff != "" {
		t.Fatal(diff)
	}
	r.deletion(r.do(q))
	r.problem(r.do(q.with("Authorization", "Bearer "+r.token[dealer]+"x")), 401)
	r.problem(r.do(q.with("Authorization", "Bearer "+r.token[otherDealer])), 403)
	r.problem(r.do(r.get().with("Authorization", "")), 401)
}

// Wherever a collector dies while it deletes, there is no receipt, nothing more is taken once anything is gone, and the
// same request again ends it.
func TestDeleteCrashes(t *testing.T) {
	for name, f := range map[string]faults{
		"before the tombstone":               {before: failAt("deletions/")},
		"after the tombstone":                {after: failAt("deletions/")},
		"before anything is removed":         {removing: failAt("dealers/")},
		"when all is removed, not flushed":   {},
		"when some is removed, its own file": {},
	} {
		t.Run(name, func(t *testing.T) {
			store := collector.NewMemStore()
			r := newRig(t, store)
			r.send(line("RO1"), line("RO2"))
			f.Store = store
			if f.before == nil && f.after == nil && f.removing == nil {
				part := "dealers/" + dealer
				if strings.Contains(name, "own file") {
					part += "/dealer.json"
				}
				f.removing = func(string) error { return errors.Join(store.Remove(t.Context(), part), errCrash) }
			}
			crashing := r.elsewhere(&f)
			crashing.problem(crashing.do(r.departure(dealer)), 500)

			if name != "before the tombstone" {
				r.problem(r.do(r.batch(line("RO3"))), 410)
			} else if len(r.objects()) == 0 {
				t.Error("orders were deleted before it was sure that nothing is taken any more")
			}
			first := r.do(r.departure(dealer))
			if got := r.deletion(first); got.Batches != 1 || got.Orders != 2 {
				t.Errorf("the receipt counts %+v", got)
			}
			if left := r.of(dealer); len(left) > 0 {
				t.Errorf("there is %v", left)
			}
			if again := r.do(r.departure(dealer)); again.Body.String() != first.Body.String() {
				t.Error("the next time there is another receipt")
			}
		})
	}
}

// A request that was let in before the dealer left, and stores what it has after: at each of its writes the dealer
// leaves, at another collector. Nothing of it may stay, and it gets no receipt.
func TestDeleteWhileSomethingIsStored(t *testing.T) {
	for what := range (&rig{t: t, token: map[string]string{}}).puts() {
		for _, moment := range []string{"before", "after"} {
			for at := range 6 {
				t.Run(fmt.Sprintf("%s %s write %d", what, moment, at+1), func(t *testing.T) {
					f := &faults{Store: collector.NewMemStore()}
					r := newRig(t, f)
					writes, receipt := 0, ""
					leave := func(name string) error {
						if writes++; writes == at+1 {
							f.before, f.after = nil, nil
							other := r.elsewhere(f.Store)
							w := other.do(r.departure(dealer))
							other.deletion(w)
							receipt = w.Body.String()
						}
						return nil
					}
					if moment == "before" {
						f.before = leave
					} else {
						f.after = leave
					}
					w := r.do(r.puts()[what])
					if receipt == "" {
						return // it has fewer writes
					}
					if p := r.problem(w, 410); p.Type != upload.LeftType {
						t.Errorf("the problem's type is %q", p.Type)
					}
					if left := r.of(dealer); len(left) > 0 {
						t.Errorf("the deletion receipt was given, and there is %v", left)
					}
					if again := r.do(r.departure(dealer)); again.Body.String() != receipt {
						t.Error("the next time there is another deletion receipt")
					}
				})
			}
		}
	}
}

// The same where the store fails between the two writes, and where the agent hangs up there.
func TestDeleteWhileSomethingFails(t *testing.T) {
	for _, hangsUp := range []bool{false, true} {
		f := &faults{Store: collector.NewMemStore()}
		r := newRig(t, f)
		ctx, hangUp := context.WithCancel(t.Context())
		f.before = func(name string) error {
			if !strings.Contains(name, "/batches/") {
				return nil
			}
			f.before = nil
			other := r.elsewhere(f.Store)
			other.deletion(other.do(r.departure(dealer)))
			return nil
		}
		f.after = func(string) error {
			f.after = nil
			if hangsUp {
				hangUp()
				return ctx.Err()
			}
			return errCrash
		}
		q := r.batch(line("RO1"))
		h := httptest.NewRequestWithContext(ctx, q.method, "https://collector.example.com/", bytes.NewReader(q.body))
		r.serve(h, q)
		w := httptest.NewRecorder()
		r.wire.ServeHTTP(w, h)
		r.problem(w, 410)
		if left := r.of(dealer); len(left) > 0 {
			t.Errorf("the agent hangs up: %v, and there is %v", hangsUp, left)
		}
		hangUp()
	}
}

// A collector that dies between its write and its last look leaves something of a dealer who has the receipt already.
// When it starts again, it is removed; so it is when the dealer is added again.
func TestDeleteLeftovers(t *testing.T) {
	for name, tidy := range map[string]func(*rig) error{
		"start": func(r *rig) error { return collector.FinishDeletions(r.t.Context(), r.store) },
		"again": func(r *rig) error { return collector.Readmit(r.t.Context(), r.store, dealer) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, openDir(t, t.TempDir()))
			r.deletion(r.do(r.departure(dealer)))
			others := r.of(otherDealer)
			if err := r.store.Put(t.Context(), "dealers/"+dealer+"/"+week+"/batches/x", []byte("an order"), collector.Create); err != nil {
				t.Fatal(err)
			}
			if err := tidy(r); err != nil {
				t.Fatal(err)
			}
			if left := r.of(dealer); len(left) > 0 {
				t.Errorf("there is %v", left)
			}
			if diff := cmp.Diff(others, r.of(otherDealer)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A start must not touch a dealer who was added again, nor one who has never left.
func TestStartLeavesTheLivingAlone(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.deletion(r.do(r.departure(dealer)))
	r.again()
	r.send(line("RO1"))
	before := append(r.of(dealer), r.of(otherDealer)...)
	if err := collector.FinishDeletions(t.Context(), r.store); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, append(r.of(dealer), r.of(otherDealer)...)); diff != "" {
		t.Error(diff)
	}
}

// again adds the dealer again.
func (r *rig) again() {
	r.t.Helper()
	if err := collector.Readmit(r.t.Context(), r.store, dealer); err != nil {
		r.t.Fatal(err)
	}
	var err error
	if r.token[dealer], err = collector.AddDealer(r.t.Context(), r.store, dealer, "Example Toyota"); err != nil {
		r.t.Fatal(err)
	}
	if w := r.do(r.declaration(dealer, form)); w.Code != 201 {
		r.t.Fatalf("declare: %d %s", w.Code, w.Body)
	}
}

// listed does something once when a listing is made.
type listed struct {
	collector.Store
	then func()
}

func (l *listed) List(ctx context.Context, folder string) ([]collector.Object, error) {
	objects, err := l.Store.List(ctx, folder)
	l.then()
	return objects, err
}

// Neither must it touch one who is added again just then.
func TestStartWhileADealerIsAddedAgain(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.deletion(r.do(r.departure(dealer)))
	if err := collector.FinishDeletions(t.Context(), &listed{r.store, r.again}); err != nil {
		t.Fatal(err)
	}
	r.send(line("RO1"))
}

// Two collectors are asked at once and count differently: the receipt is the one of the first tombstone.
func TestTwoCollectorsOneDeletion(t *testing.T) {
	f := &faults{Store: collector.NewMemStore()}
	r := newRig(t, f)
	first := ""
	f.before = func(string) error {
		f.before = nil
		other := r.elsewhere(f.Store)
		other.do(r.batch(line("RO1")))
		w := other.do(r.departure(dealer))
		if got := other.deletion(w); got.Batches != 1 {
			t.Errorf("the first receipt counts %+v", got)
		}
		first = w.Body.String()
		return nil
	}
	if w := r.do(r.departure(dealer)); w.Body.String() != first {
		t.Errorf("the second receipt is\n%s\nthe first was\n%s", w.Body, first)
	}
}

// Who left and is added again begins with nothing, under a new token; that it left stays on record.
func TestReadmit(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.send(line("RO1"))
	first := r.deletion(r.do(r.departure(dealer)))
	_, err := collector.AddDealer(t.Context(), r.store, dealer, "Example Toyota")
	if left, ok := errors.AsType[*collector.LeftError](err); !ok || !left.At.Equal(first.Left) {
		t.Fatalf("add a dealer who left: got %v, want a LeftError", err)
	}
	err = collector.Export(t.Context(), r.store, dealer, theWeek(), nil)
	if _, ok := errors.AsType[*collector.LeftError](err); !ok || !strings.Contains(err.Error(), first.Left.Format(time.DateOnly)) {
		t.Errorf("export of a dealer who left: got %v, want a LeftError with the day", err)
	}
	old := r.get()
	r.again()
	r.problem(r.do(old), 401)
	if held := r.held(); len(held.Batches) > 0 {
		t.Errorf("held is %v", held.Batches)
	}
	r.send(line("RO1"))
	if got := r.export(); got != lines(line("RO1")) {
		t.Errorf("exported is %q", got)
	}
	history, err := collector.Names(t.Context(), r.store, "deletions")
	if err != nil || len(history) != 1 || !strings.HasPrefix(history[0], "deletions/"+dealer+"/"+first.Left.Format("20060102T")) {
		t.Errorf("on record is %v, %v", history, err)
	}
	if second := r.deletion(r.do(r.departure(dealer))); second.Batches != 1 || second.Orders != 1 {
		t.Errorf("the second receipt counts %+v", second)
	}
}

// Wherever the program that adds a dealer again dies, it can be run again.
func TestReadmitCrashes(t *testing.T) {
	for name, f := range map[string]*faults{
		"before the history":     {before: failAt("deletions/")},
		"after the history":      {after: failAt("deletions/")},
		"before the tombstone":   {removing: failAt("deletions/")},
		"before what is left":    {removing: failAt("dealers/")},
		"before the dealer file": {before: failAt("dealer.json")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, collector.NewMemStore())
			r.deletion(r.do(r.departure(dealer)))
			f.Store = r.store
			err := collector.Readmit(t.Context(), f, dealer)
			if err == nil {
				_, err = collector.AddDealer(t.Context(), f, dealer, "Example Toyota")
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("got %v", err)
			}
			r.again()
			r.send(line("RO1"))
		})
	}
}

// Many collectors on one store, asked at once, give one receipt, and agents that go on sending leave nothing behind.
func TestManyCollectorsOneDeletion(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, openDir(t, dir))
	r.send(line("RO1"), line("RO2"))
	var group sync.WaitGroup
	var mu sync.Mutex
	receipts := map[string]bool{}
	for i := range 4 {
		other := r.elsewhere(openDir(t, dir))
		group.Go(func() {
			for n := range 10 {
				other.do(r.batch(line(fmt.Sprintf("RO%d-%d", i, n))))
			}
		})
		group.Go(func() {
			for range 20 { // a removal that meets a write may have to be asked for again
				if w := other.do(r.departure(dealer)); w.Code == 200 {
					mu.Lock()
					receipts[w.Body.String()] = true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	if len(receipts) != 1 {
		t.Errorf("got %d receipts, want one: %v", len(receipts), receipts)
	}
	if left := r.of(dealer); len(left) > 0 {
		t.Errorf("there is %v", left)
	}
}

// An agent leaves, its queue is emptied, and it takes part again with a new token: both ends keep to openapi.yaml.
func TestBothSidesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.pull(order("RO1", "a"), order("RO2", "b"))
		s.pull(order("RO1", "A"), order("RO2", "b"))
		if err := s.queue.BeginLeaving("kim", time.Now()); err != nil {
			t.Fatal(err)
		}
		receipt, first, err := s.sender.Leave(t.Context())
		if err != nil || receipt.Batches != 2 || receipt.Orders != 3 {
			t.Fatalf("got %+v, %v", receipt, err)
		}
		time.Sleep(time.Hour)
		if _, second, err := s.sender.Leave(t.Context()); err != nil || string(second) != string(first) {
			t.Errorf("an hour later the receipt is\n%s\nit was\n%s\n%v", second, first, err)
		}
		if _, err := s.queue.Leave("kim", first, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := s.orders.Approve(s.queue); err != nil {
			t.Fatal(err)
		}
		err = s.beat(upload.Status{DealerID: dealer, AgentVersion: "1", At: time.Now().UTC(), State: "idle"})
		if left, ok := errors.AsType[*upload.SendError](err); !ok || left.Class != upload.ClassLeft {
			t.Errorf("a heartbeat got %v", err)
		}
		s.again()
		s.sender.Token = s.token[dealer]
		s.pull(order("RO1", "A"), order("RO2", "b"))
		if got := s.keys(); got != "RO1/1, RO2/1" || !s.held().Closed {
			t.Errorf("held is %s", got)
		}
		if _, err := s.queue.VerifyLedger(s.key.Verifier); err != nil {
			t.Error(err)
		}
	})
}
