package collector_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"roagent/upload/collector"
)

func TestTokens(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	token := r.token[dealer]
	for name, test := range map[string]struct {
		authorization string
		status        int
	}{
		"right":                     {"Bearer " + token, 200},
		"any case of the scheme":    {"bearer " + token, 200},
		"none":                      {"", 401},
		"another scheme":            {"Basic " + token, 401},
		"no token":                  {"Bearer ", 401},
		"cut off":                   {"Bearer " + token[:len(token)-1], 401},
		"one letter more":           {"Bearer " + token + "A", 401},
		"another dealer's":          {"Bearer " + r.token[otherDealer], 403},
		"its secret, another's id":  {"Bearer " + otherDealer + token[strings.Index(token, "."):], 401},
		"another's secret, this id": {"Bearer " + dealer + r.token[otherDealer][strings.Index(token, "."):], 401},
		"of nobody":                 {"Bearer 00000" + token[strings.Index(token, "."):], 401},
		"that climbs":               {"Bearer ../04123" + token[strings.Index(token, "."):], 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			w := r.do(r.get().with("Authorization", test.authorization))
			if w.Code != test.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, test.status)
			}
			if got := w.Header().Get("WWW-Authenticate"); (test.status == 401) != strings.HasPrefix(got, "Bearer") {
				t.Errorf("WWW-Authenticate is %q with a %d", got, test.status)
			}
		})
	}
	t.Run("two headers", func(t *testing.T) {
		q := r.get()
		q.header.Add("Authorization", "Bearer "+token)
		r.problem(r.do(q), 401)
	})
}

// Nothing of a request is read before it is known whose it is.
func TestStrangersAreNotReadTo(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	for _, q := range []request{
		r.batch(line("RO1")),
		r.manifest(manifestOf()),
		r.json("/v1/dealers/"+dealer+"/status", struct{}{}),
		r.declaration(dealer, form),
	} {
		h := httptest.NewRequest(q.method, "/", failingReader{t})
		r.serve(h, q.with("Authorization", "Bearer "+r.token[otherDealer]))
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, h)
		r.problem(w, 403)
	}
}

type failingReader struct{ t *testing.T }

func (f failingReader) Read([]byte) (int, error) {
	f.t.Error("the body was read")
	return 0, errors.New("not to be read")
}

func TestCertificates(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	// What a file system does that does not tell one name from the other.
	data, err := r.store.Get(t.Context(), "dealers/04123/dealer.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Put(t.Context(), "dealers/toyota/dealer.json", data, collector.Create); err != nil {
		t.Fatal(err)
	}
	certificate := func(name string, more ...string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: more}
	}
	for name, test := range map[string]struct {
		leaf     *x509.Certificate
		verified bool
		dealer   string
		token    string
		status   int
	}{
		"the common name":                   {certificate(dealer), true, dealer, "", 200},
		"a DNS name":                        {certificate("agent", "x", dealer), true, dealer, "", 200},
		"one that was not verified":         {certificate(dealer), false, dealer, "", 401},
		"of a dealer by another name":       {certificate("toyota"), true, "toyota", "", 403},
		"another dealer's":                  {certificate(otherDealer), true, dealer, "", 403},
		"of a dealer that was never added":  {certificate("05555"), true, "05555", "", 403},
		"with a token, the token decides":   {certificate(otherDealer), true, dealer, r.token[dealer], 200},
		"with a token of another, refused":  {certificate(dealer), true, dealer, r.token[otherDealer], 403},
		"with a token that is wrong, wrong": {certificate(dealer), true, dealer, "04123.x", 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			q := r.get().with("Authorization", "")
			if test.token != "" {
				q = q.with("Authorization", "Bearer "+test.token)
			}
			q.path = "/v1/dealers/" + test.dealer + "/weeks/2026-W46"
			h := httptest.NewRequest(q.method, "/", nil)
			r.serve(h, q)
			h.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{test.leaf}}
			if test.verified {
				h.TLS.VerifiedChains = [][]*x509.Certificate{{test.leaf}}
			}
			w := httptest.NewRecorder()
			r.wire.ServeHTTP(w, h)
			if w.Code != test.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

func TestAddDealer(t *testing.T) {
	store := collector.NewMemStore()
	token, err := collector.AddDealer(t.Context(), store, dealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	if len(token) != len(dealer)+1+43 {
		t.Errorf("the token has %d characters, want the id, a stop and 43 for 256 bits", len(token))
	}
	data, err := store.Get(t.Context(), "dealers/04123/dealer.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, secret, _ := strings.Cut(token, "."); strings.Contains(string(data), secret) || !strings.Contains(string(data), digest(token)) {
		t.Errorf("the store must hold the token's digest and not the token: %s", data)
	}
	if _, err := collector.AddDealer(t.Context(), store, dealer, "Somebody Else"); !errors.Is(err, collector.ErrDealerExists) {
		t.Errorf("a second time: got %v, want ErrDealerExists", err)
	}
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a.b", "-a", "é", "a b", "a\n", strings.Repeat("a", 65)} {
		if _, err := collector.AddDealer(t.Context(), store, id, "Example Toyota"); err == nil {
			t.Errorf("%q was taken as an id", id)
		}
	}
	for _, name := range []string{"", "a\nb", strings.Repeat("a", 201)} {
		if _, err := collector.AddDealer(t.Context(), store, "05000", name); err == nil {
			t.Errorf("%q was taken as a name", name)
		}
	}
}
