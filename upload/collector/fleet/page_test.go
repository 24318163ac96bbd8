package fleet

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/fleet/signin"
)

// ids are the stores that a page lists, in its order.
func ids(body string) string {
	var found []string
	for _, m := range regexp.MustCompile(`<span class="(?:sub|soft)">(\w+)</span>`).FindAllStringSubmatch(body, -1) {
		found = append(found, m[1])
	}
	return strings.Join(found, " ")
}

func TestGlance(t *testing.T) {
	r := newRig(t)
	r.town()
	for path, want := range map[string]string{
		"/":                             "04114 04105 04108 04109 04110 04111 04112 04113 04104 04115 04101 04102 04103 04106 04107",
		"/?state=paused":                "04112 04113",
		"/?state=wrong":                 "04104",
		"/?q=LEXUS":                     "04113 04106",
		"/?q=04108":                     "04108",
		"/?q=1.4":                       "04114 04105 04108 04109 04110 04111 04112 04113 04104 04101 04102 04103 04106 04107",
		"/?q=" + sum(form)[:12]:         "04114 04105 04108 04109 04110 04111 04112 04113 04104 04101 04102 04103 04106 04107",
		"/?q=nobody":                    "",
		"/?overdue=yes":                 "04114 04105 04108 04109 04110 04111 04112 04113",
		"/?overdue=yes&sort=name&q=toy": "04105 04108 04109 04110 04111 04112 04114",
		"/?sort=heartbeat&q=Motors":     "04103",
		"/weeks?state=silent":           "04109",
	} {
		// By state, and then by name: Fremont is 04105, Oxnard is 04114.
		want = strings.Replace(want, "04114 04105", "04105 04114", 1)
		status, body, _ := r.ask(path)
		if got := ids(body); status != 200 || got != want {
			t.Errorf("%s: %d, it lists %q, want %q", path, status, got, want)
		}
	}
}

// A page of results follows another; beyond the last there is the last.
func TestPaging(t *testing.T) {
	r := newRig(t)
	for n := range 120 {
		id := fmt.Sprintf("S%03d", n)
		r.set("fleet/dealers/"+id+".json", collector.FleetDealer{DealerID: id, Name: "Store " + id, Added: r.now.AddDate(-1, 0, 0)})
	}
	for path, want := range map[string]string{"/?page=2": "51–100 of 120 stores", "/?page=9": "101–120 of 120 stores", "/weeks?page=3": "101–120 of 120 stores"} {
		if _, body, _ := r.ask(path); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	_, body, _ := r.ask("/?page=2&q=store")
	for _, link := range []string{`href="/?page=3&amp;q=store&amp;week=2026-W46"`, `href="/?q=store&amp;week=2026-W46"`} {
		if !strings.Contains(body, link) {
			t.Errorf("there is no %s", link)
		}
	}
}

// A query is the same after it went through an address, and what is no query is told as one.
func TestQuery(t *testing.T) {
	w := fieldmap.Week{Year: 2026, Number: 46}
	for _, q := range []Query{
		{Week: w, Page: 1, Weeks: 13},
		{Week: w, Text: `a&b="<é`, State: Silent, Overdue: true, Sort: "name", Page: 7, Weeks: 26},
	} {
		got, err := parseQuery(q.Values(), fieldmap.Week{Year: 2000, Number: 1})
		if diff := cmp.Diff(q, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	r := newRig(t)
	for _, path := range []string{
		"/?week=2026-W60", "/?state=nonsense", "/?sort=up", "/?page=0", "/?page=x", "/weeks?weeks=27", "/weeks?weeks=-1", "/?q=" + strings.Repeat("x", 101), "/stores.csv?state=%00",
		"/stores/04101/2026-W60",
	} {
		if status, body, _ := r.ask(path); status != 400 || !strings.Contains(body, "This address asks for nothing") {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("week=2026-W46&q=a&state=late&page=2&weeks=8&sort=name&overdue=yes")
	f.Add("week=9999-W52&page=999999")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := parseQuery(values, fieldmap.Week{Year: 2026, Number: 46})
		if err != nil {
			return
		}
		again, err := parseQuery(q.Values(), fieldmap.Week{})
		if err != nil || again != q {
			t.Errorf("%+v became %+v, %v", q, again, err)
		}
	})
}

func TestStorePage(t *testing.T) {
	r := newRig(t)
	r.town()
	r.beat("04108", 40*time.Minute, `,"state":"idle","last_error":"dms","last_error_at":"2026-11-16T11:00:00Z","queued_batches":3,"queued_bytes":5000000,"queue_limit":10000000,`+
		`"oldest_queued":"2026-11-14T18:00:00Z","certificate_ends":"2026-12-01T00:00:00Z"`)
	_, body, _ := r.ask("/stores/04108")
	for _, want := range []string{
		"Inland Toyota", "dms", "run roagent check: server, network, login", "Mon 16 Nov 2026, 06:00 EST", "3 batches, the oldest for 48 hours; 50 % full", "4.8 MiB", sum(form),
		"Its client certificate ends on 30 November 2026", "America/Los_Angeles", `href="/stores/04108/2026-W45"`, "right, to within 10 minutes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for path, wants := range map[string][]string{
		"/stores/04104/2026-W46": {"Looks wrong", "3 orders or lines are parked", "internal work is never surveyed", "repair_order_header.owner_party.party_id", "ssn", "names it", "stored "},
		"/stores/04108/2026-W46": {"No manifest is held of it.", "No batch is held"},
	} {
		_, body, _ := r.ask(path)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
	}
	for _, path := range []string{"/stores/nobody", "/stores/nobody/2026-W46", "/nothing", "/stores/", "/stores/04108/2026-W46/more"} {
		if status, _, _ := r.ask(path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// What a dealer is called, and what an agent tells, is text and never part of the page; nor a formula in a spreadsheet.
func TestHostileNames(t *testing.T) {
	r := newRig(t)
	name := `=HYPERLINK("https://evil.example")<script>alert(1)</script>`
	r.add("04101", name)
	r.beat("04101", time.Minute, `,"state":"<img src=x>","last_error":"<b>@x"`)
	r.add("04102", "\u200b@SUM(1)")
	for _, path := range []string{"/", "/weeks", "/stores/04101", "/stores/04101/" + week} {
		_, body, _ := r.ask(path)
		if strings.Contains(body, "<script") || strings.Contains(body, "<img src=x") || strings.Contains(body, "<b>") {
			t.Errorf("%s has a name as a part of the page", path)
		}
	}
	status, body, header := r.ask("/stores.csv")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") || header.Get("Content-Disposition") != `attachment; filename="stores-2026-W46.csv"` {
		t.Errorf("%d %v", status, header)
	}
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%v %v", lines, err)
	}
	for _, line := range lines[1:] {
		if strings.HasPrefix(line[0], "04101") && line[1] != "'"+name {
			t.Errorf("the name is %q", line[1])
		}
		for _, field := range line {
			if field != "" && strings.ContainsRune("=+-@\t\r", rune(field[0])) {
				t.Errorf("%q is a formula", field)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "a=1": "a=1"} {
		if got := plain(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What is exported is what is filtered.
func TestCSV(t *testing.T) {
	r := newRig(t)
	r.town()
	_, body, _ := r.ask("/stores.csv?state=wrong")
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v, %v", lines, err)
	}
	line := map[string]string{}
	for i, name := range lines[0] {
		line[name] = lines[1][i]
	}
	for name, want := range map[string]string{"dealer_id": "04104", "state": "wrong", "held": "4", "parked": "3", "skipped": "31", "overdue": "false", "fieldmap_digest": sum(form)} {
		if line[name] != want {
			t.Errorf("%s is %q, want %q", name, line[name], want)
		}
	}
}

// What Prometheus is told is what the page shows.
func TestCounts(t *testing.T) {
	r := newRig(t)
	r.town()
	r.beat("04101", time.Minute, `,"state":"idle","queue_limit":1000,"queued_bytes":501,"parked":2,"certificate_ends":"`+r.now.Add(20*24*time.Hour).Format(time.RFC3339)+`"`)
	r.beat("04103", time.Minute, `,"state":"idle","at":"`+r.now.Add(2*time.Hour).Format(time.RFC3339)+`"`)
	got, err := r.page.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, state := range []State{In, Wrong, Due, Late, Silent, Failing, Paused, Unapproved, Full} {
		_, body, _ := r.ask("/?state=" + string(state))
		if want := len(strings.Fields(ids(body))); got.ByState[string(state)] != want {
			t.Errorf("%s: %d stores, and the page shows %d", state, got.ByState[string(state)], want)
		}
		total += got.ByState[string(state)]
	}
	if total < 10 || len(got.ByState) < 6 {
		t.Errorf("the town says too little: %v", got.ByState)
	}
	if got.Parked != 2 || got.QueueFilling != 2 || got.CertificateEnding != 1 || got.ClockSkew != 1 {
		t.Errorf("got %+v", got)
	}
}

// A week that is unlike the store's weeks before it looks wrong, and the page says how.
func TestUnlikeItsWeeks(t *testing.T) {
	r := newRig(t)
	r.add("04300", "Example Lexus")
	w, err := fieldmap.ParseWeek(week)
	if err != nil {
		t.Fatal(err)
	}
	for back := 8; back >= 0; back-- {
		orders := 100 + back
		if back == 0 {
			orders = 4
		}
		r.close("04300", w.Add(-back).String(), orders, func(m *upload.Manifest) { m.Profile = &fieldmap.Profile{Orders: orders} })
	}
	r.beat("04300", 20*time.Minute, `,"state":"idle"`)
	_, body, _ := r.ask("/?state=wrong")
	if got := ids(body); got != "04300" || !strings.Contains(body, "4 orders; this store&#39;s last 8 weeks had") {
		t.Errorf("%s: %s", got, body)
	}
}

// Each route is in DESIGN.md, shows nothing to nobody, and carries the headers that a page must have.
func TestRoutes(t *testing.T) {
	design, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, there []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:GET|POST) [^`]+)` ").FindAllStringSubmatch(string(design), -1) {
		told = append(told, m[1])
	}
	r := newRig(t)
	r.town()
	for _, route := range routes() {
		there = append(there, strings.TrimSuffix(route.pattern, "{$}"))
	}
	for pattern := range open() {
		there = append(there, pattern)
	}
	pages := slices.Clone(there)
	provider, err := signin.NewOIDC(signin.OIDCConfig{
		Issuer: "https://accounts.example.com", ClientID: "a", ClientSecret: "b", URL: &url.URL{Scheme: "https", Host: "fleet.example.com"}, Key: signin.NewKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	there = slices.AppendSeq(there, maps.Keys(provider.Routes()))
	slices.Sort(told)
	slices.Sort(there)
	if diff := cmp.Diff(there, told); diff != "" {
		t.Errorf("the routes (-there +told in DESIGN.md):\n%s", diff)
	}
	for _, pattern := range pages {
		path := strings.NewReplacer("GET ", "", "{dealer}", "04104", "{week}", week).Replace(pattern)
		public := open()[pattern] != nil
		for _, who := range []string{"", "a.operator@example.com"} {
			q := httptest.NewRequest(http.MethodGet, path, nil)
			q.Host, q.RemoteAddr = r.page.url.Host, "127.0.0.1:4000"
			if who != "" {
				q.Header.Set("X-Forwarded-User", who)
			}
			w := httptest.NewRecorder()
			r.page.Handler().ServeHTTP(w, q)
			want := 200
			if who == "" && !public {
				want = 403
			}
			if w.Code != want {
				t.Errorf("%s as %q: %d, want %d", path, who, w.Code, want)
			}
			if who == "" && !public && strings.Contains(w.Body.String(), "04104") {
				t.Errorf("%s tells somebody who is not signed in: %s", path, w.Body)
			}
			for name, part := range map[string]string{
				"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			} {
				if !strings.Contains(w.Header().Get(name), part) {
					t.Errorf("%s as %q: %s is %q", path, who, name, w.Header().Get(name))
				}
			}
			if got := w.Header().Get("Cache-Control"); !public && got != "no-store" {
				t.Errorf("%s: Cache-Control is %q", path, got)
			}
		}
	}
}

// A page has no script and no style of its own, which its policy would refuse.
func TestPagesKeepToTheirPolicy(t *testing.T) {
	r := newRig(t)
	r.town()
	for _, path := range []string{"/", "/weeks", "/stores/04104", "/stores/04104/" + week, "/nothing"} {
		_, body, _ := r.ask(path)
		if found := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son\w+=|javascript:|https?://(?:[^w]|w[^w])`).FindString(body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		if strings.Count(body, "<h1") != 1 || !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, `<main id="main"`) {
			t.Errorf("%s lacks a heading, its language or its main part", path)
		}
	}
}

// Another name, another method, another site's form: nothing.
func TestRequestsRefused(t *testing.T) {
	r := newRig(t)
	r.town()
	for name, test := range map[string]struct {
		edit   func(*http.Request)
		status int
	}{
		"as it should be":    {func(*http.Request) {}, 200},
		"another host":       {func(q *http.Request) { q.Host = "rebound.example.com" }, 421},
		"the host's port":    {func(q *http.Request) { q.Host = "127.0.0.1" }, 421},
		"no proxy":           {func(q *http.Request) { q.RemoteAddr = "10.0.0.1:4000" }, 403},
		"no name":            {func(q *http.Request) { q.Header.Del("X-Forwarded-User") }, 403},
		"a post":             {func(q *http.Request) { q.Method = http.MethodPost }, 404},
		"a delete":           {func(q *http.Request) { q.Method = http.MethodDelete }, 404},
		"another site's":     {func(q *http.Request) { q.Method = http.MethodPost; q.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"dots":               {func(q *http.Request) { q.URL.Path = "/stores/../look.css" }, 404},
		"a very long query":  {func(q *http.Request) { q.URL.RawQuery = strings.Repeat("x", 1001) }, 404},
		"a wire's path":      {func(q *http.Request) { q.URL.Path = "/v1/dealers/04104/status" }, 404},
		"a head":             {func(q *http.Request) { q.Method = http.MethodHead }, 200},
		"the wire's own put": {func(q *http.Request) { q.Method, q.URL.Path = http.MethodPut, "/v1/dealers/04104/weeks/2026-W46" }, 404},
	} {
		q := httptest.NewRequest(http.MethodGet, "/", nil)
		q.Host, q.RemoteAddr = r.page.url.Host, "127.0.0.1:4000"
		q.Header.Set("X-Forwarded-User", "a.operator@example.com")
		test.edit(q)
		w := httptest.NewRecorder()
		r.page.Handler().ServeHTTP(w, q)
		if w.Code != test.status {
			t.Errorf("%s: %d, want %d", name, w.Code, test.status)
		}
	}
}

// The wire's own address never serves the page.
func TestWireDoesNotServeThePage(t *testing.T) {
	r := newRig(t)
	for _, route := range routes() {
		path := strings.NewReplacer("GET ", "", "{$}", "", "{dealer}", "04104", "{week}", week).Replace(route.pattern)
		w := httptest.NewRecorder()
		r.wire.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != 404 || w.Header().Get("Content-Type") != upload.ProblemType {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

// An object that cannot be read is named on the page, and hides no other store.
func TestDamagedIsNamed(t *testing.T) {
	r := newRig(t)
	r.town()
	if err := r.store.Put(t.Context(), "fleet/dealers/04108.json", []byte("{"), collector.Replace); err != nil {
		t.Fatal(err)
	}
	_, body, _ := r.ask("/")
	if !strings.Contains(body, "fleet/dealers/04108.json") || !strings.Contains(body, "rocollector index") || !strings.Contains(ids(body), "04109") {
		t.Error("it is not named")
	}
}

// A dealer who leaves is off the page at the next look.
func TestLeaverIsGone(t *testing.T) {
	r := newRig(t)
	r.town()
	r.ask("/")
	q := httptest.NewRequest(http.MethodDelete, "/v1/dealers/04104", nil)
	q.Header.Set("Authorization", "Bearer "+r.tokens["04104"])
	w := httptest.NewRecorder()
	r.wire.ServeHTTP(w, q)
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	for _, path := range []string{"/", "/weeks", "/stores.csv"} {
		if _, body, _ := r.ask(path); strings.Contains(body, "04104") || strings.Contains(body, "Elm Street") {
			t.Errorf("%s names who left", path)
		}
	}
	if status, _, _ := r.ask("/stores/04104/" + week); status != 404 {
		t.Errorf("its week: %d", status)
	}
}

// TestLargeFleet shows pages of 20,000 stores in a time that a person waits; see the log for how long.
func TestLargeFleet(t *testing.T) {
	r := newRig(t)
	const stores = 20_000
	for n := range stores {
		id := fmt.Sprintf("%05d", n)
		at := r.now.Add(-time.Duration(n%80) * time.Minute)
		r.set("fleet/dealers/"+id+".json", collector.FleetDealer{
			DealerID: id, Name: fmt.Sprintf("Example Toyota %d", n*7919%stores), Added: r.now.AddDate(-1, 0, 0), ReceivedAt: at,
			Status: fmt.Appendf(nil, `{"dealer_id":%q,"agent_version":"1.4.0","at":%q,"state":"idle"}`, id, at.Format(time.RFC3339)),
		})
		if n%20 != 0 {
			r.set("fleet/weeks/"+week+"/"+id+".json", collector.FleetWeek{DealerID: id, Week: week, Timezone: "America/Chicago", Held: 100 + n%50, Lines: 160})
		}
	}
	r.page.Index.Life, r.page.Index.PastLife = time.Hour, time.Hour
	r.ask("/weeks?weeks=26") // from here on all is in memory
	for _, path := range []string{"/", "/weeks", "/weeks?weeks=26", "/?q=toyota+77&sort=name", "/stores/00420", "/stores.csv"} {
		began := time.Now()
		status, body, _ := r.ask(path)
		took := time.Since(began)
		t.Logf("%-28s %4d ms %7d bytes", path, took.Milliseconds(), len(body))
		if status != 200 || took > 10*time.Second {
			t.Errorf("%s: %d after %s", path, status, took)
		}
	}
	if _, body, _ := r.ask("/"); !strings.Contains(body, "<strong>19,000</strong> of 20,000 stores are in.") || !strings.Contains(body, "1,000 are overdue") {
		t.Error("the headline is another")
	}
}
