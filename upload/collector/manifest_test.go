package collector_test

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

func manifestOf(batches ...upload.ManifestBatch) upload.Manifest {
	m := upload.Manifest{
		DealerID: dealer, Week: week, Timezone: "America/Los_Angeles", FieldmapDigest: whitelist,
		ReadAt: time.Date(2026, 11, 16, 11, 0, 0, 0, time.UTC), Readings: 1, Batches: batches,
		Skipped: []fieldmap.SkipCount{{Why: "internal work", Count: 3}},
		Left:    fieldmap.Counts{Withheld: map[string]int{"repair_order_header.owner_party.party_id": 2}, Redacted: map[string]int{"ssn": 3, "birth_date": 1}, Exposed: map[string]int{"phone": 1}},
	}
	if m.Batches == nil {
		m.Batches = []upload.ManifestBatch{}
	}
	for _, b := range batches {
		m.Orders += b.Orders
	}
	m.Held = m.Orders
	return m
}

// send sends a batch and returns what a manifest says of it.
func (r *rig) send(lines ...string) upload.ManifestBatch {
	r.t.Helper()
	q := r.batch(lines...)
	r.receipt(r.do(q), 201)
	return upload.ManifestBatch{ID: path.Base(q.path), Orders: len(lines)}
}

func (r *rig) held() upload.WeekHeld {
	r.t.Helper()
	w := r.do(r.get())
	var held upload.WeekHeld
	if err := json.Unmarshal(w.Body.Bytes(), &held); err != nil || w.Code != 200 {
		r.t.Fatalf("got %d %s: %v", w.Code, w.Body, err)
	}
	return held
}

func TestAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		if got := r.held(); got.Closed || len(got.Batches) > 0 {
			t.Errorf("before anything came: %+v", got)
		}
		first, second := r.send(line("RO1"), line("RO2")), r.send(line("RO3"))
		q := r.manifest(manifestOf(first, second))
		closed := r.do(q)
		want := upload.Receipt{Dealer: dealer, Week: theWeek(), What: upload.ManifestReceipt, ID: digest(string(q.body)), Orders: 3, Stored: time.Now().UTC()}
		if diff := cmp.Diff(want, r.receipt(closed, 201)); diff != "" {
			t.Errorf("receipt (-want +got):\n%s", diff)
		}
		if got := r.held(); !got.Closed || len(got.Batches) != 2 || got.Batches[0].ID > got.Batches[1].ID {
			t.Errorf("once closed: %+v", got)
		}

		time.Sleep(time.Hour)
		if again := r.do(q); again.Code != 200 || again.Body.String() != closed.Body.String() {
			t.Errorf("the manifest sent again got %d and another receipt", again.Code)
		}
		third := r.send(lineWith("RO3", 2, `{}`))
		if r.held().Closed {
			t.Error("a week with a batch that its manifest does not name is not closed")
		}
		later := manifestOf(first, second, third)
		later.Readings, later.ReadAt = 2, time.Now().UTC()
		r.receipt(r.do(r.manifest(later)), 201)
		if !r.held().Closed {
			t.Error("the later manifest does not close the week")
		}
		// A replay: whoever repeats an old request changes nothing.
		if again := r.do(q); again.Code != 200 || again.Body.String() != closed.Body.String() {
			t.Errorf("the first manifest sent again got %d and another receipt", again.Code)
		}
		if !r.held().Closed {
			t.Error("an old manifest undid a newer one")
		}
	})
}

func TestAnEmptyWeekCanBeClosed(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.receipt(r.do(r.manifest(manifestOf())), 201)
	if !r.held().Closed {
		t.Error("it is not closed")
	}
}

func TestAManifestNamesWhatIsMissing(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	held := r.send(line("RO1"))
	lost := upload.ManifestBatch{ID: strings.Repeat("0", 64), Orders: 5}
	p := r.problem(r.do(r.manifest(manifestOf(lost, held))), 409)
	if diff := cmp.Diff([]string{lost.ID}, p.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	held.Orders = 2
	if p := r.problem(r.do(r.manifest(manifestOf(held))), 409); len(p.Missing) > 0 {
		t.Errorf("a wrong number of orders is not a missing batch: %v", p.Missing)
	}
	if r.held().Closed {
		t.Error("a refused manifest closed the week")
	}
}

// A batch counts only with its receipt: without one, the agent has no proof and must send it again.
func TestABatchWithoutItsReceiptIsMissing(t *testing.T) {
	store := collector.NewMemStore()
	r := newRig(t, store)
	b := r.send(line("RO1"))
	for name, damage := range map[string][]byte{
		"damaged": []byte("garbage"),
		"another": r.do(r.batch(line("RO2"))).Body.Bytes(),
	} {
		if err := store.Put(t.Context(), "dealers/04123/2026-W46/receipts/"+b.ID, damage, collector.Replace); err != nil {
			t.Fatal(err)
		}
		p := r.problem(r.do(r.manifest(manifestOf(b))), 409)
		if diff := cmp.Diff([]string{b.ID}, p.Missing); diff != "" {
			t.Errorf("%s: missing (-want +got):\n%s", name, diff)
		}
	}
	r.receipt(r.do(r.batch(line("RO1"))), 200)
	r.receipt(r.do(r.manifest(manifestOf(b))), 201)
}

// The same after a crash between the two.
func TestABatchThatHasNoReceiptYet(t *testing.T) {
	f := &faults{Store: collector.NewMemStore()}
	r := newRig(t, f)
	f.before = failAt("/receipts/")
	q := r.batch(line("RO1"))
	r.problem(r.do(q), 500)
	f.before = nil
	if got := r.held(); len(got.Batches) > 0 {
		t.Errorf("held is %v, but no receipt was given", got.Batches)
	}
	id := path.Base(q.path)
	p := r.problem(r.do(r.manifest(manifestOf(upload.ManifestBatch{ID: id, Orders: 1}))), 409)
	if diff := cmp.Diff([]string{id}, p.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// A collector that forgot one batch and got another has not what the manifest names.
func TestAWeekIsClosedByTheBatchesItNames(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	b := r.send(line("RO1"))
	r.receipt(r.do(r.manifest(manifestOf(b))), 201)
	r.send(line("RO2"))
	if err := r.store.Put(t.Context(), "dealers/04123/2026-W46/receipts/"+b.ID, nil, collector.Replace); err != nil {
		t.Fatal(err)
	}
	if got := r.held(); got.Closed || len(got.Batches) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestManifestsRefused(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	b := r.send(line("RO1"))
	for name, spoil := range map[string]func(m *upload.Manifest){
		"another dealer's":        func(m *upload.Manifest) { m.DealerID = otherDealer },
		"another week's":          func(m *upload.Manifest) { m.Week = "2026-W45" },
		"no time zone":            func(m *upload.Manifest) { m.Timezone = "" },
		"no time":                 func(m *upload.Manifest) { m.ReadAt = time.Time{} },
		"no reading":              func(m *upload.Manifest) { m.Readings = 0 },
		"no whitelist":            func(m *upload.Manifest) { m.FieldmapDigest = "" },
		"another whitelist":       func(m *upload.Manifest) { m.FieldmapDigest = digest("another") },
		"orders that do not add":  func(m *upload.Manifest) { m.Orders++ },
		"a batch twice":           func(m *upload.Manifest) { m.Batches = append(m.Batches, b); m.Orders *= 2 },
		"a batch with no id":      func(m *upload.Manifest) { m.Batches[0].ID = "../../receipt.key" },
		"a batch of nothing":      func(m *upload.Manifest) { m.Batches[0].Orders = 0; m.Orders = 0; m.Held = 0 },
		"more valid than sent":    func(m *upload.Manifest) { m.Held = 2 },
		"fewer than none":         func(m *upload.Manifest) { m.Parked = -1 },
		"a kind nobody wrote of":  func(m *upload.Manifest) { m.Left.Redacted = map[string]int{"078-05-1120": 1} },
		"a drop of nothing named": func(m *upload.Manifest) { m.Dropped = []upload.DropCount{{What: upload.DropField, Why: "w", Count: 1}} },
		"a drop of none":          func(m *upload.Manifest) { m.Dropped = []upload.DropCount{{What: upload.DropWeek, Why: "w"}} },
		"none of a kind":          func(m *upload.Manifest) { m.Left.Exposed = map[string]int{"ssn": 0} },
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			m := manifestOf(b)
			spoil(&m)
			r.problem(r.do(r.manifest(m)), 400)
			if r.held().Closed {
				t.Error("it closed the week")
			}
		})
	}
}

func TestJSONBodies(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	good, err := json.Marshal(manifestOf())
	if err != nil {
		t.Fatal(err)
	}
	body := func(s string) request {
		q := r.manifest(manifestOf())
		q.body = []byte(s)
		return q.sealed()
	}
	r.receipt(r.do(body(string(good))), 201)
	for name, test := range map[string]struct {
		q      request
		status int
	}{
		"as it is":               {body(string(good)), 200},
		"as gzip":                {body("").gzipped(t, string(good)), 200},
		"identity":               {body(string(good)).with("Content-Encoding", "identity"), 200},
		"no JSON":                {body("<html>"), 400},
		"nothing":                {body(""), 400},
		"something behind it":    {body(string(good) + "{}"), 400},
		"a member too many":      {body(`{"ledger":1,` + string(good[1:])), 400},
		"a member of wrong type": {body(`{"readings":"1"}`), 400},
		"another coding":         {body(string(good)).with("Content-Encoding", "br"), 415},
		"another type":           {body(string(good)).with("Content-Type", "text/html"), 415},
		"no digest of its body":  {body(string(good)).with("Content-Digest", ""), 400},
		"no digest of whitelist": {body(string(good)).with("Fieldmap-Digest", ""), 400},
		"too large":              {body(strings.Repeat(" ", upload.MaxManifest+1)), 413},
		"too large within":       {body("").gzipped(t, strings.Repeat(" ", upload.MaxManifest+1)), 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			if w := r.do(test.q); w.Code != test.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

// A manifest's profile is held against the wire: counts, bounded, and no totals of few orders.
func TestManifestProfile(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	good := func() *fieldmap.Profile {
		return &fieldmap.Profile{
			Orders: 5, Lines: map[string]int{"job": 9}, Present: map[string]int{"header.id": 5, "job.pay": 9},
			Codes: map[string]map[string]int{"job.pay": {"WARRANTY": 4, "other": 5}}, Sums: map[string]string{"job.amount": "-129.9000"},
		}
	}
	many := func(n int) map[string]int {
		counts := map[string]int{}
		for i := range n {
			counts[fmt.Sprint("field", i)] = 1
		}
		return counts
	}
	for name, test := range map[string]struct {
		spoil  func(*fieldmap.Profile)
		status int
	}{
		"good":                   {func(*fieldmap.Profile) {}, 201},
		"of no orders":           {func(p *fieldmap.Profile) { *p = fieldmap.Profile{} }, 201},
		"fewer than none":        {func(p *fieldmap.Profile) { *p = fieldmap.Profile{Orders: -1} }, 400},
		"more than could have":   {func(p *fieldmap.Profile) { p.Present["job.pay"] = 10 }, 400},
		"lines below none":       {func(p *fieldmap.Profile) { p.Lines["x"] = -1 }, 400},
		"lists without end":      {func(p *fieldmap.Profile) { p.Lines = many(21) }, 400},
		"fields without end":     {func(p *fieldmap.Profile) { p.Present = many(2001) }, 400},
		"codes without end":      {func(p *fieldmap.Profile) { p.Orders, p.Codes["a"] = 50, many(21) }, 400},
		"more codes than lines":  {func(p *fieldmap.Profile) { p.Codes["job.pay"]["C"] = 1 }, 400},
		"a code of lines":        {func(p *fieldmap.Profile) { p.Codes["job.pay"] = map[string]int{"a\nb": 1} }, 400},
		"a long code":            {func(p *fieldmap.Profile) { p.Codes["job.pay"] = map[string]int{strings.Repeat("C", 101): 1} }, 400},
		"a field without a name": {func(p *fieldmap.Profile) { p.Present[""] = 1 }, 400},
		"a total in words":       {func(p *fieldmap.Profile) { p.Sums["job.amount"] = "about 12" }, 400},
		"a total without end":    {func(p *fieldmap.Profile) { p.Sums["job.amount"] = strings.Repeat("9", 19) }, 400},
		"a total of four orders": {func(p *fieldmap.Profile) { *p = fieldmap.Profile{Orders: 4, Sums: map[string]string{"a": "1"}} }, 400},
	} {
		p := good()
		test.spoil(p)
		m := manifestOf()
		m.Profile = p
		if w := r.do(r.manifest(m)); w.Code != test.status {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, test.status)
		}
	}
}

// fullStatus is a heartbeat that says all that one can.
func fullStatus() upload.Status {
	at := time.Date(2026, 11, 16, 11, 0, 0, 0, time.UTC)
	return upload.Status{
		DealerID: dealer, AgentVersion: "1.2.3-0.20261116110000-0123456789ab", At: at, State: "idle", StartedAt: at, NextRun: at, LastWeek: "2026-W46", LastPullAt: at,
		FieldmapDigest: strings.Repeat("0a", 32), QueuedBatches: 2, QueuedBytes: 1 << 30, QueueLimit: 2_000_000_000, OldestQueued: at, Delayed: 3, DelayedUntil: at,
		CertificateEnds: at, Parked: 4, LastError: "dms", LastErrorAt: at,
	}
}

func TestStatus(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	const path = "/v1/dealers/" + dealer + "/status"
	status := upload.Status{DealerID: dealer, AgentVersion: "1", At: time.Now(), State: "idle", QueuedBatches: 2}
	for range 2 {
		q := r.json(path, status)
		if w := r.do(q); w.Code != 204 || w.Body.Len() > 0 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		if held, err := r.store.Get(t.Context(), "dealers/04123/status.json"); err != nil || string(held) != string(q.body) {
			t.Errorf("held is %s, %v", held, err)
		}
		status = fullStatus()
	}
	status.DealerID = otherDealer
	r.problem(r.do(r.json(path, status)), 400)
	r.problem(r.do(r.json(path, struct {
		SSN string `json:"ssn"`
	}{"078-05-1120"})), 400)
	status.DealerID, status.LastError = dealer, strings.Repeat("x", upload.MaxStatus)
	r.problem(r.do(r.json(path, status)), 413)
}

// What a heartbeat says is held against the wire, member by member, and the last good one stays.
func TestStatusRefused(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	const path = "/v1/dealers/" + dealer + "/status"
	if w := r.do(r.json(path, fullStatus())); w.Code != 204 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	kept, err := r.store.Get(t.Context(), "dealers/04123/status.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*upload.Status){
		"no version":            func(s *upload.Status) { s.AgentVersion = "" },
		"a long version":        func(s *upload.Status) { s.AgentVersion = strings.Repeat("1", 65) },
		"a version of lines":    func(s *upload.Status) { s.AgentVersion = "1\n2" },
		"no time":               func(s *upload.Status) { s.At = time.Time{} },
		"a time before all":     func(s *upload.Status) { s.NextRun = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no state":              func(s *upload.Status) { s.State = "" },
		"another state":         func(s *upload.Status) { s.State = "asleep" },
		"another class":         func(s *upload.Status) { s.LastError = "John Smith" },
		"a time of no error":    func(s *upload.Status) { s.LastError = "" },
		"a time of no delay":    func(s *upload.Status) { s.Delayed = 0 },
		"no digest":             func(s *upload.Status) { s.FieldmapDigest = "x" },
		"no week":               func(s *upload.Status) { s.LastWeek = "2026-W54" },
		"a count below none":    func(s *upload.Status) { s.Parked = -1 },
		"bytes below none":      func(s *upload.Status) { s.QueuedBytes = -1 },
		"a limit below none":    func(s *upload.Status) { s.QueueLimit = -1 },
		"a count beyond reason": func(s *upload.Status) { s.QueuedBatches = 1 << 50 },
	} {
		status := fullStatus()
		spoil(&status)
		w := r.do(r.json(path, status))
		if r.problem(w, 400); strings.Contains(w.Body.String(), "Smith") {
			t.Errorf("%s: the refusal repeats it: %s", name, w.Body)
		}
	}
	if held, err := r.store.Get(t.Context(), "dealers/04123/status.json"); err != nil || string(held) != string(kept) {
		t.Errorf("held is %s, %v", held, err)
	}
}
