package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

// damageQueue changes the file of a program's queue.
func damageQueue(t *testing.T, p *program, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(filepath.Dir(p.config), "data", "queue.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flipFreelists changes the headers of all lists of free pages.
func flipFreelists(text []byte) []byte {
	for at := 2 * 4096; at < len(text); at += 4096 {
		if text[at+8] == 0x10 {
			text[at]++
		}
	}
	return text
}

func heldOf(t *testing.T, store collector.Store, week fieldmap.Week) string {
	t.Helper()
	var held bytes.Buffer
	if err := collector.Export(context.Background(), store, rigDealer, week, &held); err != nil {
		t.Fatal(err)
	}
	return held.String()
}

// Complaint 18: a loss of power corrupts the buffer, and only deleting it helps. Nobody has to do anything, and nothing
// is sent twice; while the collector is away the service waits for it.
func TestServiceRebuilds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, store, _ := bubbleStore(t, "{spread: 0s}")
		first := fieldmap.Week{Year: 1999, Number: 52}
		stop := startService(t, p)
		time.Sleep(3 * 24 * time.Hour)
		before := heldOf(t, store, first)
		damageQueue(t, p, flipFreelists)
		transport.down.Store(true)
		time.Sleep(7 * 24 * time.Hour)
		aside, err := filepath.Glob(filepath.Join(filepath.Dir(p.config), "data", "queue.db.damaged-*"))
		if err != nil || len(aside) != 1 {
			t.Fatalf("set aside: %v %v", aside, err)
		}
		if got := closed(t, p); len(got) != 0 {
			t.Errorf("without a collector, closed: %v", got)
		}
		transport.down.Store(false)
		time.Sleep(3 * time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01"; got != want {
			t.Errorf("after the rebuild: %q, want %q", got, want)
		}
		stop()
		if before == "" || heldOf(t, store, first) != before {
			t.Error("the first week has changed at the collector")
		}

		damageQueue(t, p, flipFreelists) // found at the start
		stop = startService(t, p)
		time.Sleep(3 * time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01"; got != want {
			t.Errorf("after the other rebuild: %q, want %q", got, want)
		}
		stop()
		if heldOf(t, store, first) != before {
			t.Error("the first week has changed at the collector")
		}
	})
}

// A damaged value in a file whose structure is sound shows only in use: the work is done again after the rebuild.
func TestDamageFoundInUse(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 2, orders: 20, batchOrders: 7})
	r.mustRun(t, "pull", "--from", r.weeks[0].String(), "--to", r.weeks[1].String())
	before := r.export(t)
	db, err := bbolt.Open(filepath.Join(r.dir, "data", "queue.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("weeks")).Put([]byte(r.weeks[1].String()), []byte("[]"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	out := r.mustRun(t, "pull")
	if !strings.Contains(out, "the state of week "+r.weeks[1].String()+" is damaged") || !strings.Contains(out, "set aside") {
		t.Errorf("pull: %s", out)
	}
	if r.export(t) != before {
		t.Error("something was sent again")
	}
	r.verify(t)
	q := r.open(t)
	defer q.Close()
	if _, ok, err := q.Approved(); !ok || err != nil {
		t.Errorf("the approval is lost: %v", err)
	}
	if aside, err := q.Aside(); err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v %v", aside, err)
	}
}

// TestRebuildNeedsTheKey holds that nothing is set aside where the key that would open the new queue is missing.
func TestRebuildNeedsTheKey(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 5, batchOrders: 7})
	r.mustRun(t, "pull")
	r.write(t, "data/queue.db", "damaged")
	if err := os.Remove(filepath.Join(r.dir, "data", "queue.key")); err != nil {
		t.Fatal(err)
	}
	code, out := r.run(t, "pull")
	if code != exitFailed || !strings.Contains(out, "queue.key") {
		t.Errorf("pull ended with %d: %s", code, out)
	}
	if text, err := os.ReadFile(filepath.Join(r.dir, "data", "queue.db")); err != nil || string(text) != "damaged" {
		t.Errorf("the file was changed: %q %v", text, err)
	}
}
