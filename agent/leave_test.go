package main

import (
	"database/sql"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract/sampledms"
	"roagent/upload"
	"roagent/upload/collector"
)

// pullAll pulls all weeks of the rig.
func (r *rig) pullAll(t *testing.T, flags ...string) {
	t.Helper()
	r.mustRun(t, append([]string{"pull", "--from", r.weeks[0].String(), "--to", r.weeks[len(r.weeks)-1].String()}, flags...)...)
}

// readmit does what the collector's operator does for a dealer who takes part again.
func (r *rig) readmit(t *testing.T) {
	t.Helper()
	if err := collector.Readmit(t.Context(), r.store, rigDealer); err != nil {
		t.Fatal(err)
	}
	token, err := collector.AddDealer(t.Context(), r.store, rigDealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "collector.token", token)
}

// entries returns the ledger's entries of one kind.
func (r *rig) entries(t *testing.T, kind upload.EntryKind) []upload.Entry {
	t.Helper()
	q := r.open(t)
	defer q.Close()
	var found []upload.Entry
	for e, err := range q.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == kind {
			found = append(found, e.Entry)
		}
	}
	return found
}

// Who takes part again begins anew: what the collector holds then is what it holds of a store that was never there before,
// whatever had been revised, voided and dropped before.
func TestTakingPartAgainIsLikeANewStore(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 3, orders: 40, batchOrders: 10})
	r.pullAll(t)
	edit := func(text string) {
		r.change(t, func(db *sql.DB) {
			if err := sampledms.Edit(t.Context(), db, "sqlite", rigOrder, text, time.Now()); err != nil {
				t.Fatal(err)
			}
		})
	}
	edit("the first word")
	r.pullAll(t)
	who := r.mustRun(t, "ledger", "who", "--customer", "1")
	edit("the second word")
	r.pullAll(t, "--no-send")
	r.mustRun(t, "leave", "--yes")
	if out := r.mustRun(t, "ledger", "who", "--customer", "1"); out != who {
		t.Errorf("what was sent about a customer is told otherwise (-before +after):\n%s", cmp.Diff(who, out))
	}

	r.readmit(t)
	r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
	r.pullAll(t)
	got := r.export(t)
	if strings.Contains(got, `"revision":2`) || !strings.Contains(got, "the second word") {
		t.Error("revisions go on counting, or the last edit is not there")
	}
	fresh := r.again(t)
	fresh.pullAll(t)
	if diff := cmp.Diff(fresh.export(t), got); diff != "" {
		t.Errorf("a new store delivers something else (-new +again):\n%s", diff)
	}
	r.mustRun(t, "ledger", "verify")
}

// Whenever the process dies, leave can be run again, and ends with one receipt for the deletion, an empty queue and a
// ledger that holds.
func TestKilledLeaveEndsLikeAnUndisturbedOne(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes: not with -short")
	}
	program := buildRoagent(t)
	first := newRig(t, rigOptions{weeks: 2, orders: 60, batchOrders: 5})
	first.prepare(t)
	start := time.Now()
	if code, killed := first.start(t, program, time.Hour, "leave", "--yes"); code != 0 || killed {
		t.Fatalf("the undisturbed leave ended with %d", code)
	}
	whole := time.Since(start)
	first.hasLeft(t)
	done := 0
	for site := 1; done < 25; site++ {
		r := first.again(t)
		r.prepare(t)
		for {
			code, killed := r.start(t, program, time.Duration(rand.Int64N(int64(whole)*5/4)), "leave", "--yes")
			if killed {
				done++
				continue
			}
			if code != 0 {
				t.Fatalf("site %d: leave ended with %d", site, code)
			}
			break
		}
		r.hasLeft(t)
	}
}

// prepare makes a store of which one week is sent and one waits.
func (r *rig) prepare(t *testing.T) {
	t.Helper()
	r.mustRun(t, "pull", "--week", r.weeks[0].String())
	r.mustRun(t, "pull", "--week", r.weeks[1].String(), "--no-send")
}

// hasLeft holds that a store of prepare has left, and that each end says the same.
func (r *rig) hasLeft(t *testing.T) {
	t.Helper()
	left := r.entries(t, upload.LeftEntry)
	if n := len(r.entries(t, upload.LeavingEntry)); n != 1 || len(left) != 1 {
		t.Fatalf("the ledger says %d times that leaving began, and %d times that it ended", n, len(left))
	}
	deletion, err := upload.OpenDeletionReceipt([]byte(left[0].Receipt), r.verifier, rigDealer)
	if err != nil || deletion.Weeks != 1 || deletion.Orders < 50 || left[0].Orders < 50 {
		t.Errorf("%+v with %+v, %v", left[0], deletion, err)
	}
	if names, err := collector.Names(t.Context(), r.store, "dealers"); err != nil || len(names) > 0 {
		t.Errorf("the collector has %v, %v", names, err)
	}
	r.mustRun(t, "ledger", "verify")
	q := r.open(t)
	defer q.Close()
	pending, err := q.Pending()
	weeks, weeksErr := q.Weeks()
	if err != nil || weeksErr != nil || pending.Batches > 0 || len(weeks) > 0 {
		t.Errorf("the queue has %v %v, %v %v", pending, weeks, err, weeksErr)
	}
	if err := q.Check(); err != nil {
		t.Error(err)
	}
}

// An answer that is lost on the way costs nothing: asked again, the collector gives the same receipt.
func TestLeaveWithALostAnswer(t *testing.T) {
	var lost atomic.Pointer[string]
	r := newRig(t, rigOptions{weeks: 2, orders: 60, batchOrders: 20, wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method != http.MethodDelete || lost.Load() != nil {
				next.ServeHTTP(w, q)
				return
			}
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, q)
			body := recorder.Body.String()
			lost.Store(&body)
			panic(http.ErrAbortHandler)
		})
	}})
	r.prepare(t)
	r.mustRun(t, "leave", "--yes")
	r.hasLeft(t)
	if got := r.entries(t, upload.LeftEntry)[0].Receipt; got != *lost.Load() {
		t.Errorf("the receipt on record is\n%s\nthe one that was lost was\n%s", got, *lost.Load())
	}
	dir := filepath.Join(t.TempDir(), "evidence")
	r.mustRun(t, "ledger", "export", "--evidence", dir)
	receipts, err := filepath.Glob(filepath.Join(dir, "receipts", "deletion-*.txt"))
	if err != nil || len(receipts) != 1 {
		t.Fatalf("the evidence has %v, %v", receipts, err)
	}
	if text, err := os.ReadFile(receipts[0]); err != nil || string(text) != *lost.Load() {
		t.Errorf("the evidence has %s, %v", text, err)
	}
}

// The service of a store that left stays, so that no service manager starts it again and again, and does nothing; once the
// store takes part again, so does the service, from the week that has just ended.
func TestServiceOfAStoreThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, store, _ := bubbleStore(t, "{spread: 0s}")
		stop := startService(t, p)
		time.Sleep(3 * 24 * time.Hour) // its first Monday
		if err := (leaveCommand{Yes: true}).Run(p); err != nil {
			t.Fatal(err)
		}
		stop()
		asked := atomic.Int32{}
		inner := transport.handler
		transport.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			inner.ServeHTTP(w, r)
		})
		stop = startService(t, p)
		time.Sleep(14 * 24 * time.Hour)
		if n := asked.Load(); n > 0 {
			t.Errorf("the collector was asked %d times", n)
		}
		if got := closed(t, p); len(got) > 0 {
			t.Errorf("closed is %v", got)
		}
		if err := collector.Readmit(t.Context(), store, rigDealer); err != nil {
			t.Fatal(err)
		}
		token, err := collector.AddDealer(t.Context(), store, rigDealer, "Example Toyota")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(p.config), "collector.token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (fieldmapApproveCommand{By: "Dana Dealer"}).Run(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		if got := strings.Join(closed(t, p), " "); got != "2000-W03" {
			t.Errorf("a week after it came back: %q", got)
		}
		stop()
	})
}
