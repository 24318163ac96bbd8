package look

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "no time", 0: "a minute", 2 * time.Minute: "2 minutes", 2*time.Hour - 1: "119 minutes", 2 * time.Hour: "2 hours", 72*time.Hour - 1: "71 hours", 72 * time.Hour: "3 days",
	} {
		if got := Age(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 stores", 1: "1 store", 1200: "1,200 stores"} {
		if got := Plural(n, "store", "stores"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestTime(t *testing.T) {
	zone := time.FixedZone("<b>", -8*3600)
	if got, want := string(Time(time.Date(2026, 11, 16, 11, 5, 0, 0, time.UTC), zone)), `<time datetime="2026-11-16T11:05:00Z">Mon 16 Nov 2026, 03:05 &lt;b&gt;</time>`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(Time(time.Time{}, zone)); !strings.Contains(got, "–") {
		t.Errorf("no time is %s", got)
	}
}

// A drawing says in words what it shows, and a label is never a part of it. One store of many is seen.
func TestCharts(t *testing.T) {
	parts := []Part{{"in", "19,999 stores In", 19_999}, {"late", `1 store <script>"`, 1}, {"due", "none", 0}}
	share := string(Share("Stores by state", parts))
	for _, want := range []string{`role="img"`, `aria-label="Stores by state: 19,999 stores In; 1 store &lt;script&gt;&#34;; none"`, `<rect class="in" x="0.0" y="0" width="1000.0"`, `<rect class="late" x="997.0" y="0" width="3.0"`} {
		if !strings.Contains(share, want) {
			t.Errorf("there is no %s in %s", want, share)
		}
	}
	if strings.Contains(share, `"due"`) {
		t.Error("what is zero is drawn")
	}
	bars := string(Bars("Orders", []Part{{"in", "W1: 50", 50}, {"void", "W2: <nothing>", -1}, {"in", "W3: 100", 100}}))
	for _, want := range []string{`y="45" width="18" height="45"`, `height="3" rx="2"><title>W2: &lt;nothing&gt;</title>`, `y="0" width="18" height="90"`} {
		if !strings.Contains(bars, want) {
			t.Errorf("there is no %s in %s", want, bars)
		}
	}
	if empty := string(Share("x", nil)) + string(Bars("x", nil)); strings.Contains(empty, "NaN") || strings.Contains(empty, "Inf") {
		t.Errorf("of nothing it draws %s", empty)
	}
}

func TestServed(t *testing.T) {
	for mediaType, h := range map[string]http.Handler{"text/css; charset=utf-8": Stylesheet(), "image/svg+xml": Icon()} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != 200 || w.Header().Get("Content-Type") != mediaType || w.Body.Len() < 100 {
			t.Errorf("%s: %d, %d bytes of %s", mediaType, w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
		}
		again := httptest.NewRequest(http.MethodGet, "/", nil)
		again.Header.Set("If-None-Match", w.Header().Get("Etag"))
		w = httptest.NewRecorder()
		if h.ServeHTTP(w, again); w.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", mediaType, w.Code)
		}
	}
	if strings.Contains(stylesheet, "url(") || strings.Contains(stylesheet, "@import") {
		t.Error("the stylesheet loads something")
	}
}
