package main

import (
	"database/sql"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roagent/extract/sampledms"
	"roagent/upload/collector"
)

// A week of which most is missing is told to the dealer before it is sent, and sent all the same; so is a field that turned empty.
func TestUnusualWeekIsTold(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 7, orders: 60, batchOrders: 50})
	last := r.weeks[len(r.weeks)-1]
	r.change(t, func(db *sql.DB) {
		sent, err := sampledms.Numbers(t.Context(), db, "sqlite", last)
		if err != nil || len(sent) < 40 {
			t.Fatalf("%d orders: %v", len(sent), err)
		}
		for _, number := range sent[4:] {
			if _, err := db.ExecContext(t.Context(), "DELETE FROM RepairOrder WHERE RONumber = ?", number); err != nil {
				t.Fatal(err)
			}
		}
	})
	empty := r.weeks[5]
	if out := r.mustRun(t, "pull", "--from", r.weeks[0].String(), "--to", r.weeks[4].String()); strings.Contains(out, "looks unusual") {
		t.Fatalf("weeks of which nothing is wrong are told:\n%s", out)
	}
	r.exec(t, "UPDATE Vehicle SET VIN = NULL")
	out := r.mustRun(t, "preview", "--week", empty.String(), "--limit", "0")
	const lacks = "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id has a value in 0 %; this store's last 5 weeks had it in 100 % to 100 % (median 100 %)"
	if !strings.Contains(out, empty.String()+" looks unusual") || !strings.Contains(out, lacks) {
		t.Errorf("the preview does not say that a field is empty:\n%s", out[max(0, len(out)-1500):])
	}
	if out := r.mustRun(t, "preview", "--week", last.String(), "--limit", "2"); strings.Contains(out, "looks unusual") {
		t.Errorf("a part of a week is compared:\n%s", out)
	}
	reconfigureFile(t, r.config, "level: error", "level: warn")
	out = r.mustRun(t, "pull", "--from", empty.String(), "--to", last.String())
	found, told := strings.Contains(out, "week looks unusual"), strings.Index(out, last.String()+" looks unusual")
	if !found || told < 0 || !strings.Contains(out[told:], "4 orders; this store's last 6 weeks had ") || !strings.Contains(out, lacks) {
		t.Errorf("the pull does not say what looks wrong:\n%s", out)
	}
	if out := r.mustRun(t, "status"); !strings.Contains(out, last.String()+" looks unusual") || !strings.Contains(out, "4 orders; this store's last 6 weeks had ") {
		t.Errorf("status does not say it:\n%s", out)
	}
	if out := r.mustRun(t, "status", "--json"); !strings.Contains(out, `"kind": "orders"`) || !strings.Contains(out, `"value": 4,`) {
		t.Errorf("status --json does not say it:\n%s", out)
	}
	weeks := 0
	for _, week := range r.weeks {
		manifest, err := r.store.Get(t.Context(), simFolder(week)+"/manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(manifest), `"profile":{"orders":`) {
			weeks++
		}
	}
	if weeks != len(r.weeks) {
		t.Errorf("%d of %d manifests have a profile", weeks, len(r.weeks))
	}
}

// The service tells it in its log before anything of the week is sent: with queue.hold there is time to drop it.
func TestServiceTellsUnusualWeekBeforeSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := collector.NewMemStore()
		p, _, dms := bubbleStoreOn(t, store, 12, "{spread: 0s}")
		reconfigure(t, p, "queue: {", "queue: {hold: 2d, ")
		reconfigure(t, p, "level: error", "level: warn")
		log := &lockedBuffer{}
		p.stderr = log
		stop := startService(t, p)
		defer stop()
		time.Sleep(toMonday + 4*7*24*time.Hour + 24*time.Hour) // five weeks are read
		if strings.Contains(log.String(), "week looks unusual") {
			t.Fatalf("weeks of which nothing is wrong are told:\n%s", log)
		}
		db, err := sql.Open("sqlite", dms)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "UPDATE Job SET Amount = Amount * 100"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6*24*time.Hour + 2*time.Hour) // the sixth is read, and may not be sent yet
		if !strings.Contains(log.String(), "week looks unusual") || !strings.Contains(log.String(), "charge_amount is ") {
			t.Errorf("it is not told:\n%s", log)
		}
		if _, err := store.Get(t.Context(), "dealers/"+rigDealer+"/2000-W05/manifest.json"); err == nil {
			t.Error("the week was sent before there was time to look")
		}
		time.Sleep(3 * 24 * time.Hour)
		if got := strings.Join(closed(t, p), " "); !strings.HasSuffix(got, "2000-W05") {
			t.Errorf("closed: %s: a finding must hold nothing back", got)
		}
	})
}
