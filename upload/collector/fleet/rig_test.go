package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/fleet/signin"
)

// rig is a collector with stores, and the page about them, at a moment of its own: Monday 16 November 2026, 18:00 UTC, which is after nine in California. What agents
// do goes through the collector's real handler.
type rig struct {
	t      testing.TB
	store  collector.Store
	wire   *collector.Handler
	page   *Page
	server *httptest.Server
	now    time.Time
	tokens map[string]string
}

const form = `{"fieldmap":1,"recipient":"Example Motor Sales","purpose":"tests","agreement":"none","orders":{"from":{"name":"RepairOrder"},` +
	`"key":["RONumber"],"week":"ClosedAt","fields":[{"send":"repair_order_header.document_id","column":{"name":"RONumber"},"why":"names the visit"}]}}`

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, store: collector.NewMemStore(), now: time.Date(2026, 11, 16, 18, 0, 0, 0, time.UTC), tokens: map[string]string{}}
	key, err := collector.OpenKey(t.Context(), r.store, "")
	if err != nil {
		t.Fatal(err)
	}
	r.wire = collector.New(r.store, key)
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.Header.Set("X-Forwarded-User", "a.operator@example.com") // as the proxy does
		r.page.Handler().ServeHTTP(w, q)
	}))
	t.Cleanup(r.server.Close)
	address, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	gate := &signin.Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	rules := DefaultRules()
	if rules.Zone, err = time.LoadLocation("America/New_York"); err != nil {
		t.Fatal(err)
	}
	if r.page, err = New(r.store, gate, address, rules); err != nil {
		t.Fatal(err)
	}
	r.page.now = func() time.Time { return r.now }
	r.page.Index.Life, r.page.Index.PastLife = 0, 0
	r.page.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	return r
}

// add lets a store send. It was added a year ago.
func (r *rig) add(id, name string) {
	r.t.Helper()
	token, err := collector.AddDealer(r.t.Context(), r.store, id, name)
	if err != nil {
		r.t.Fatal(err)
	}
	r.tokens[id] = token
	record := r.get("dealers/" + id + "/dealer.json")
	record["added"] = r.now.AddDate(-1, 0, 0)
	r.set("dealers/"+id+"/dealer.json", record)
	r.set("fleet/dealers/"+id+".json", collector.FleetDealer{DealerID: id, Name: name, Added: r.now.AddDate(-1, 0, 0)})
	if w := r.put(id, "/fieldmaps/"+sum(form), "application/json", "", form); w != 201 {
		r.t.Fatalf("declaration: %d", w)
	}
}

func (r *rig) get(name string) map[string]any {
	r.t.Helper()
	data, err := r.store.Get(context.Background(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) set(name string, v any) {
	r.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.store.Put(context.Background(), name, data, collector.Replace); err != nil {
		r.t.Fatal(err)
	}
}

// beat is a heartbeat that came so long ago; members are JSON, also of versions that this collector's wire does not know yet.
func (r *rig) beat(id string, ago time.Duration, members string) {
	r.t.Helper()
	at := r.now.Add(-ago)
	d := r.get("fleet/dealers/" + id + ".json")
	d["received_at"] = at
	d["status"] = json.RawMessage(fmt.Sprintf(`{"dealer_id":%q,"agent_version":"1.4.0","at":%q,"next_run":%q,"fieldmap_digest":%q,"queued_batches":0,"queued_bytes":0,"parked":0%s}`,
		id, at.Format(time.RFC3339), r.now.AddDate(0, 0, 7).Format(time.RFC3339), sum(form), members))
	r.set("fleet/dealers/"+id+".json", d)
}

// close sends a batch and a manifest through the collector's handler.
func (r *rig) close(id, week string, orders int, edit func(*upload.Manifest)) {
	r.t.Helper()
	m := upload.Manifest{
		DealerID: id, Week: week, Timezone: "America/Los_Angeles", FieldmapDigest: sum(form), ReadAt: r.now.Add(-time.Hour), Readings: 1, Batches: []upload.ManifestBatch{},
		Skipped: []fieldmap.SkipCount{{Why: "internal work is never surveyed", Count: 31}},
		Left:    fieldmap.Counts{Withheld: map[string]int{"repair_order_header.owner_party.party_id": 12}, Redacted: map[string]int{"ssn": 2}},
	}
	if orders > 0 {
		var lines strings.Builder
		for n := range orders {
			fmt.Fprintf(&lines, `{"dealer_id":%q,"week":%q,"key":"RO%d","revision":1,"repair_order":{"repair_order_header":{}}}`+"\n", id, week, n+1)
		}
		batch := sum(lines.String())
		z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			r.t.Fatal(err)
		}
		if got := r.put(id, "/weeks/"+week+"/batches/"+batch, upload.BatchType, "zstd", string(z.EncodeAll([]byte(lines.String()), nil))); got >= 300 {
			r.t.Fatalf("batch: %d", got)
		}
		m.Batches, m.Orders, m.Held = []upload.ManifestBatch{{ID: batch, Orders: orders}}, orders, orders
	}
	if edit != nil {
		edit(&m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := r.put(id, "/weeks/"+week, "application/json", "", string(body)); got >= 300 {
		r.t.Fatalf("manifest: %d", got)
	}
}

func (r *rig) put(id, path, media, coding, body string) int {
	digest := sha256.Sum256([]byte(body))
	q := httptest.NewRequest(http.MethodPut, "/v1/dealers/"+id+path, strings.NewReader(body))
	q.Header.Set("Authorization", "Bearer "+r.tokens[id])
	q.Header.Set("Content-Type", media)
	q.Header.Set("Content-Encoding", coding)
	q.Header.Set(upload.FieldmapHeader, sum(form))
	q.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
	if coding == "" {
		q.Header.Del("Content-Encoding")
	}
	w := httptest.NewRecorder()
	r.wire.ServeHTTP(w, q)
	return w.Code
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// ask gets a path of the page.
func (r *rig) ask(path string) (int, string, http.Header) {
	r.t.Helper()
	answer, err := r.server.Client().Get(r.server.URL + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

const week = "2026-W46"

// town are stores in every state, with eight weeks behind them.
func (r *rig) town() {
	r.t.Helper()
	for i, s := range []struct{ id, name string }{
		{"04101", "Bay Toyota"},
		{"04102", "Carson Toyota"},
		{"04103", "Downey Motors"},
		{"04104", "Elm Street Toyota"},
		{"04105", "Fremont Toyota"},
		{"04106", "Glendale Lexus"},
		{"04107", "Harbor Toyota"},
		{"04108", "Inland Toyota"},
		{"04109", "Jackson Toyota"},
		{"04110", "Kern County Toyota"},
		{"04111", "Lakewood Toyota"},
		{"04112", "Mission Toyota"},
		{"04113", "Norwalk Lexus"},
		{"04114", "Oxnard Toyota"},
	} {
		r.add(s.id, s.name)
		w, err := fieldmap.ParseWeek(week)
		if err != nil {
			r.t.Fatal(err)
		}
		for back := 8; back > 0; back-- {
			if (i+back)%11 != 3 {
				r.close(s.id, w.Add(-back).String(), 60+(i*37+back*53)%90, nil)
			}
		}
		r.beat(s.id, 20*time.Minute, `,"state":"idle"`)
	}
	for i, id := range []string{"04101", "04102", "04103", "04106", "04107"} {
		r.close(id, week, 80+13*i, nil)
	}
	r.close("04104", week, 4, func(m *upload.Manifest) { m.Parked = 3 })
	r.beat("04102", 30*time.Hour, `,"state":"idle"`)
	r.beat("04105", 20*time.Minute, `,"state":"sending","queued_batches":2,"queued_bytes":240000,"queue_limit":2000000000`)
	r.beat("04108", 40*time.Minute, `,"state":"idle","last_error":"dms"`)
	r.beat("04109", 4*24*time.Hour, `,"state":"idle"`)
	r.beat("04110", time.Hour, `,"state":"full","queued_batches":4000,"queued_bytes":1990000000,"queue_limit":2000000000`)
	r.beat("04111", time.Hour, `,"state":"unapproved"`)
	r.beat("04112", time.Hour, `,"state":"stopped"`)
	r.beat("04113", time.Hour, `,"state":"idle","delayed":2,"delayed_until":"2026-11-17T10:00:00Z"`)
	r.add("04115", "Pasadena Toyota")
	d := r.get("fleet/dealers/04115.json")
	d["added"] = r.now.Add(-time.Hour)
	r.set("fleet/dealers/04115.json", d)
}
