package look

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

//go:embed look.css
var stylesheet string

//go:embed icon.svg
var icon string

// Policy is the Content-Security-Policy of a page: its stylesheet and icon come from where it came from, and nothing else does.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// SetHeaders sets the headers of every answer that a page's server gives.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// Paths of what pages load.
const (
	StylesheetPath = "/look.css"
	IconPath       = "/icon.svg"
)

// Stylesheet serves the stylesheet, and Icon the icon. They tell nothing of anyone, so they may be kept.
func Stylesheet() http.Handler { return fixed("text/css; charset=utf-8", stylesheet) }

// Icon serves the icon of a page's tab.
func Icon() http.Handler { return fixed("image/svg+xml", icon) }

func fixed(mediaType, body string) http.Handler {
	sum := sha256.Sum256([]byte(body))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
		w.Header().Set("Etag", tag)
		w.Header().Set("Content-Type", mediaType)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
	})
}

// Funcs are the functions of templates that show times in zone.
func Funcs(zone *time.Location) template.FuncMap {
	return template.FuncMap{
		"number": func(n int) string { return humanize.Comma(int64(n)) },
		"bytes":  func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) },
		"plural": Plural,
		"time":   func(t time.Time) template.HTML { return Time(t, zone) },
		"short":  func(digest string) string { return digest[:min(len(digest), 12)] },
	}
}

// Plural returns "1 store" or "1,200 stores".
func Plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(int64(n)) + " " + more
}

// Time shows a moment to the minute, for machines in UTC; a dash for none.
func Time(t time.Time, zone *time.Location) template.HTML {
	if t.IsZero() {
		return `<span class="none">–</span>`
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), // formats of ours: nothing to escape
		template.HTMLEscapeString(t.In(zone).Format("Mon 2 Jan 2006, 15:04 MST"))))
}

// Age is a duration in its largest unit that makes at least two: "3 days", "50 hours", "5 minutes".
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "no time"
	case d < 2*time.Minute:
		return "a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d < 72*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
