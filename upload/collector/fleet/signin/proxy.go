package signin

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode"
)

// Proxy takes the word of a reverse proxy that has signed a person in, and names that person in a header. Whoever can reach the
// page around the proxy could write that header, so it counts only from the proxy's own addresses.
type Proxy struct {
	Header string         // like X-Forwarded-User; the proxy must remove what clients send under that name
	From   []netip.Prefix // the proxy's addresses
}

const maxUser = 200

// User returns the person whom the proxy names.
func (p *Proxy) User(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.trusts(from.Addr().Unmap()) {
		return ""
	}
	values := r.Header.Values(p.Header)
	// Two are one of the proxy's and one of somebody else's.
	if len(values) != 1 || len(values[0]) > maxUser || strings.ContainsFunc(values[0], unicode.IsControl) {
		return ""
	}
	return strings.TrimSpace(values[0])
}

func (p *Proxy) trusts(address netip.Addr) bool {
	for _, prefix := range p.From {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Refuse says that the way here is the proxy's.
func (p *Proxy) Refuse(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This page is for people who are signed in by the proxy in front of it. Ask whoever runs this collector for its address.", http.StatusForbidden)
}

// Routes returns nil: the proxy signs people in.
func (p *Proxy) Routes() map[string]http.HandlerFunc { return nil }

// SignOutPath returns "": the proxy signs people out.
func (p *Proxy) SignOutPath() string { return "" }
