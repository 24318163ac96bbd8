package signin

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestProxy(t *testing.T) {
	p := &Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/28"), netip.MustParsePrefix("::1/128")}}
	for name, test := range map[string]struct {
		from   string
		values []string
		want   string
	}{
		"the proxy":               {"10.0.0.7:1234", []string{"a@example.com"}, "a@example.com"},
		"the proxy, as IPv6 maps": {"[::ffff:10.0.0.7]:1234", []string{"a@example.com"}, "a@example.com"},
		"the other one":           {"[::1]:1234", []string{"a@example.com"}, "a@example.com"},
		"beside its network":      {"10.0.0.16:1234", []string{"a@example.com"}, ""},
		"somebody else":           {"192.0.2.1:1234", []string{"a@example.com"}, ""},
		"no address":              {"@", []string{"a@example.com"}, ""},
		"no header":               {"10.0.0.7:1234", nil, ""},
		"an empty one":            {"10.0.0.7:1234", []string{" "}, ""},
		"two of them":             {"10.0.0.7:1234", []string{"a@example.com", "b@example.com"}, ""},
		"a very long one":         {"10.0.0.7:1234", []string{strings.Repeat("a", maxUser+1)}, ""},
		"control characters":      {"10.0.0.7:1234", []string{"a\tb"}, ""},
	} {
		q := httptest.NewRequest(http.MethodGet, "/", nil)
		q.RemoteAddr, q.Header[http.CanonicalHeaderKey("X-Forwarded-User")] = test.from, test.values
		if got := p.User(q); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	w := httptest.NewRecorder()
	p.Refuse(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("nobody gets %d", w.Code)
	}
}
