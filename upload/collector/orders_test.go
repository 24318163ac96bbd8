package collector_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"roagent/upload"
	"roagent/upload/collector"
)

func (r *rig) ask(path string, into any) {
	r.t.Helper()
	w := r.do(request{method: "GET", path: path, header: r.header()})
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != 200 {
		r.t.Fatalf("got %d %s: %v", w.Code, w.Body, err)
	}
}

func (r *rig) ordersHeld() (held upload.OrdersHeld) {
	r.t.Helper()
	r.ask(weekPath()+"/orders", &held)
	return held
}

// TestOrdersHeld holds that an agent is told all that it must know to go on: of each order the newest revision, and a
// receipt for every batch.
func TestOrdersHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		if got := r.ordersHeld(); len(got.Batches)+len(got.Orders) > 0 || got.Closed {
			t.Errorf("before anything came: %+v", got)
		}
		first := r.send(line("RO2"), line("RO10"), line("RO3"))
		time.Sleep(time.Minute)
		second := r.send(lineWith("RO3", 3, `{"a":3}`), voidedLine("RO2", 2))
		time.Sleep(time.Minute)
		third := r.send(lineWith("RO3", 2, `{"a":2}`), line("ro1|é\\u0022"))
		r.receipt(r.do(r.manifest(manifestOf(first, second, third))), 201)
		got := r.ordersHeld()
		content := `{"job":[{"job_number_string":"1"}]}`
		want := upload.OrdersHeld{DealerID: dealer, Week: week, Closed: true, Orders: []upload.HeldOrder{
			{Key: "RO10", Revision: 1, SHA256: digest(content)},
			{Key: "RO2", Revision: 2, SHA256: digest("RO2"), Voided: true},
			{Key: "RO3", Revision: 3, SHA256: digest(`{"a":3}`)},
			{Key: `ro1|é\u0022`, Revision: 1, SHA256: digest(content)},
		}}
		for _, b := range []upload.ManifestBatch{first, second, third} {
			want.Batches = append(want.Batches, upload.HeldBatch{ID: b.ID, Orders: b.Orders})
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(upload.HeldBatch{}, "Receipt")); diff != "" {
			t.Errorf("orders held (-want +got):\n%s", diff)
		}
		for _, b := range got.Batches {
			receipt, err := upload.OpenReceipt([]byte(b.Receipt), r.key.Verifier)
			if err != nil || receipt.Proves(upload.Receipt{Dealer: dealer, Week: theWeek(), What: upload.BatchReceipt, ID: b.ID, Orders: b.Orders}) != nil {
				t.Errorf("batch %.12s: %v %+v", b.ID, err, receipt)
			}
		}
	})
}

// A batch that was stored by a collector that ended before it signed is told with its receipt: what is exported must
// be known to the agent.
func TestOrdersHeldWithoutAReceipt(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	b := r.send(line("RO1"), line("RO2"))
	if err := r.store.Put(t.Context(), "dealers/04123/2026-W46/receipts/"+b.ID, nil, collector.Replace); err != nil {
		t.Fatal(err)
	}
	if len(r.held().Batches) > 0 {
		t.Fatal("it counts as held")
	}
	if got := r.ordersHeld(); len(got.Batches) != 1 || got.Batches[0].Orders != 2 || len(got.Orders) != 2 {
		t.Errorf("got %+v", got)
	}
	if got := r.held().Batches; len(got) != 1 || got[0] != b {
		t.Errorf("held is now %+v", got)
	}
}

// What does not count in an export is not told either: an agent would name it in its manifests again.
func TestOrdersHeldAfterAQueueWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		old := r.send(line("RO1"), lineWith("RO2", 5, `{"old":1}`))
		r.receipt(r.do(r.manifest(manifestOf(old))), 201)
		time.Sleep(time.Hour)
		again := r.send(lineWith("RO2", 1, `{"new":1}`))
		time.Sleep(time.Hour)
		m := manifestOf(again)
		m.ReadAt = time.Now().UTC()
		r.receipt(r.do(r.manifest(m)), 201)
		got := r.ordersHeld()
		if len(got.Batches) != 1 || got.Batches[0].ID != again.ID || !got.Closed {
			t.Errorf("batches: %+v", got.Batches)
		}
		want := []upload.HeldOrder{{Key: "RO2", Revision: 1, SHA256: digest(`{"new":1}`)}}
		if diff := cmp.Diff(want, got.Orders); diff != "" {
			t.Errorf("orders held (-want +got):\n%s", diff)
		}
	})
}

func TestOrdersHeldOfWhatIsDamaged(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	b := r.send(line("RO1"))
	if err := r.store.Put(t.Context(), "dealers/04123/2026-W46/batches/"+b.ID+".ndjson.zst", []byte("x"), collector.Replace); err != nil {
		t.Fatal(err)
	}
	r.problem(r.do(request{method: "GET", path: weekPath() + "/orders", header: r.header()}), 500)
}

func TestWeeksHeld(t *testing.T) {
	for name, store := range map[string]collector.Store{"memory": collector.NewMemStore(), "folder": openDir(t, t.TempDir())} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, store)
			var got upload.WeeksHeld
			r.ask("/v1/dealers/"+dealer+"/weeks", &got)
			if len(got.Weeks) > 0 {
				t.Errorf("before anything came: %v", got.Weeks)
			}
			for _, name := range []string{"2026-W46", "2025-W52"} {
				if err := store.Put(t.Context(), "dealers/"+dealer+"/"+name+"/batches/"+digest(name)+".ndjson.zst", nil, collector.Create); err != nil {
					t.Fatal(err)
				}
			}
			if err := store.Put(t.Context(), "dealers/"+dealer+"/2024-W01/batches/README", nil, collector.Create); err != nil {
				t.Fatal(err)
			}
			r.ask("/v1/dealers/"+dealer+"/weeks", &got)
			want := upload.WeeksHeld{DealerID: dealer, Weeks: []string{"2025-W52", "2026-W46"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("weeks held (-want +got):\n%s", diff)
			}
			r.problem(r.do(request{method: "GET", path: "/v1/dealers/" + otherDealer + "/weeks", header: r.header()}), 403)
			r.problem(r.do(request{method: "GET", path: "/v1/dealers/" + otherDealer + "/weeks/" + week + "/orders", header: r.header()}), 403)
			r.problem(r.do(request{method: "GET", path: "/v1/dealers/" + dealer + "/weeks"}), 401)
		})
	}
}
