package signin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// site is a page behind the gate, with a browser before it.
type site struct {
	t       *testing.T
	issuer  *issuer
	gate    *OIDC
	server  *httptest.Server
	browser *http.Client
	log     *bytes.Buffer
}

func newSite(t *testing.T, allow ...string) *site {
	t.Helper()
	s := &site{t: t, issuer: newIssuer(t), log: &bytes.Buffer{}}
	mux := http.NewServeMux()
	s.server = httptest.NewTLSServer(mux)
	t.Cleanup(s.server.Close)
	address, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseAllow(allow)
	if err != nil {
		t.Fatal(err)
	}
	s.gate, err = NewOIDC(OIDCConfig{Issuer: s.issuer.server.URL, ClientID: clientID, ClientSecret: clientSecret, URL: address, Allow: a, Key: NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	s.gate.client.Transport = limited{s.issuer.server.Client().Transport}
	s.gate.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	for pattern, h := range s.gate.Routes() {
		mux.HandleFunc(pattern, h)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		user := s.gate.User(r)
		if user == "" {
			s.gate.Refuse(w, r)
			return
		}
		_, _ = io.WriteString(w, "hello "+user+" at "+r.URL.RequestURI())
	})
	s.browser = s.newBrowser()
	return s
}

func (s *site) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: s.server.Client().Transport.(*http.Transport).Clone()}
}

func (s *site) get(path string) (int, string) {
	s.t.Helper()
	transport := s.browser.Transport.(*http.Transport)
	transport.TLSClientConfig.InsecureSkipVerify = true // two servers of this test, each with its own authority
	answer, err := s.browser.Get(s.server.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestOIDC(t *testing.T) {
	s := newSite(t, "@example.com")
	status, body := s.get("/weeks?q=a%26b")
	if status != 200 || body != "hello A.Operator@Example.com at /weeks?q=a%26b" {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := s.get("/signin?back=https%3A%2F%2Fevil.example%2F"); status != 200 || body != "hello A.Operator@Example.com at /" {
		t.Errorf("a link that leads elsewhere: %d %s", status, body)
	}
	s.issuer.server.Close() // it is not asked again
	if status, body := s.get("/"); status != 200 || !strings.HasPrefix(body, "hello") {
		t.Errorf("%d %s", status, body)
	}
	answer, err := s.browser.Post(s.server.URL+"/signout", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	u, _ := url.Parse(s.server.URL)
	if cookies := s.browser.Jar.Cookies(u); answer.StatusCode != 200 || len(cookies) != 0 {
		t.Errorf("signed out: %d, %v", answer.StatusCode, cookies)
	}
	if strings.Contains(s.log.String(), clientSecret) {
		t.Error("the log has the client's secret")
	}
}

// Whatever is wrong with what the provider says: nobody is signed in.
func TestOIDCRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	say := func(name string, value any) func(*issuer) {
		return func(i *issuer) {
			i.claims = func(asked url.Values) any {
				c := i.person(asked)
				c[name] = value
				return c
			}
		}
	}
	for name, spoil := range map[string]func(*issuer){
		"another nonce":            say("nonce", "x"),
		"no nonce":                 say("nonce", ""),
		"another audience":         say("aud", "somebody"),
		"another issuer":           say("iss", "https://evil.example"),
		"expired":                  say("exp", time.Now().Add(-time.Hour).Unix()),
		"another domain":           say("email", "a@evil.example"),
		"a domain that ends so":    say("email", "a@notexample.com"),
		"a domain within":          say("email", "a@example.com.evil.example"),
		"an address in an address": say("email", `"a@example.com"@evil.example`),
		"no address":               say("email", ""),
		"not verified":             say("email_verified", false),
		"verified, as a text":      say("email_verified", "true"),
		"another key":              func(i *issuer) { i.signer = other },
		"it refuses":               func(i *issuer) { i.refuse = "access_denied" },
		"no token": func(i *issuer) {
			i.answer = func(w http.ResponseWriter) bool {
				i.json(w, map[string]any{"access_token": "x", "token_type": "Bearer"})
				return true
			}
		},
		"an endless answer": func(i *issuer) {
			i.answer = func(w http.ResponseWriter) bool {
				_, _ = io.WriteString(w, `{"id_token":"`+strings.Repeat("x", 2*maxAnswer)+`"}`)
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "@example.com")
			spoil(s.issuer)
			status, body := s.get("/")
			if status != 403 || strings.Contains(body, "hello") || !strings.Contains(body, "Not signed in") {
				t.Errorf("%d %s", status, body)
			}
			u, _ := url.Parse(s.server.URL)
			if cookies := s.browser.Jar.Cookies(u); len(cookies) > 0 {
				t.Errorf("it has %v", cookies)
			}
		})
	}
	t.Run("an endless answer about itself", func(t *testing.T) {
		s := newSite(t, "@example.com")
		s.issuer.padding = 2 * maxAnswer
		if status, body := s.get("/"); status != 502 {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		s := newSite(t, "@example.com")
		s.issuer.server.Close()
		if status, body := s.get("/"); status != 502 || !strings.Contains(body, "does not answer") {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestAllow(t *testing.T) {
	a, err := ParseAllow([]string{"@Example.com", "b@other.example", "group:Fleet"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		of   claims
		want bool
	}{
		"domain":             {claims{Email: "x@EXAMPLE.com", Verified: true}, true},
		"domain, unverified": {claims{Email: "x@example.com"}, false},
		"person":             {claims{Email: "B@other.example", Verified: true}, true},
		"beside the person":  {claims{Email: "c@other.example", Verified: true}, false},
		"below the domain":   {claims{Email: "x@a.example.com", Verified: true}, false},
		"group":              {claims{Groups: []string{"a", "Fleet"}}, true},
		"group, otherwise":   {claims{Groups: []string{"fleet"}}, false},
		"no local part":      {claims{Email: "@example.com", Verified: true}, false},
		"nobody":             {claims{}, false},
	} {
		if got := a.takes(test.of); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
		if (Allow{}).takes(test.of) {
			t.Errorf("%s is let in by nothing", name)
		}
	}
	for _, texts := range [][]string{nil, {""}, {"example.com"}, {"group:"}, {"@"}, {"a@"}, {"a@b@c"}} {
		if a, err := ParseAllow(texts); err == nil {
			t.Errorf("%q became %+v", texts, a)
		}
	}
}

// A sign-in that was begun elsewhere, or by another browser, or long ago, is not finished here.
func TestCallbackOfAnother(t *testing.T) {
	s := newSite(t, "@example.com")
	begin := func() (cookie *http.Cookie, state string) {
		w := httptest.NewRecorder()
		s.gate.begin(w, httptest.NewRequest(http.MethodGet, "/signin", nil))
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusSeeOther {
			t.Fatal(w.Code, err)
		}
		return w.Result().Cookies()[0], to.Query().Get("state")
	}
	mine, state := begin()
	_, others := begin()
	old, err := newSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	foreign, late := httptest.NewRecorder(), httptest.NewRecorder()
	if err := old.set(foreign, flowCookie, flow{State: state, Ends: time.Now().Add(time.Hour)}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.gate.seal.set(late, flowCookie, flow{State: state, Ends: time.Now()}, time.Hour); err != nil {
		t.Fatal(err)
	}
	session := *mine
	session.Name = sessionCookie
	for name, test := range map[string]struct {
		cookie *http.Cookie
		state  string
	}{
		"no cookie": {nil, state}, "another's state": {mine, others}, "no state": {mine, ""}, "sealed by another key": {foreign.Result().Cookies()[0], state},
		"too old": {late.Result().Cookies()[0], state}, "another cookie": {&session, state},
	} {
		q := httptest.NewRequest(http.MethodGet, "/signin/callback?code=x&state="+url.QueryEscape(test.state), nil)
		if test.cookie != nil {
			q.AddCookie(test.cookie)
		}
		w := httptest.NewRecorder()
		s.gate.finish(w, q)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// Cookies are for this host, over TLS, out of a script's reach, and sealed; a flow's cookie is no session, and a session ends.
func TestCookies(t *testing.T) {
	s := newSite(t, "@example.com")
	w := httptest.NewRecorder()
	if err := s.gate.seal.set(w, sessionCookie, session{User: "a@example.com", Ends: time.Now().Add(time.Hour)}, time.Hour); err != nil {
		t.Fatal(err)
	}
	good := w.Result().Cookies()[0]
	if !good.Secure || !good.HttpOnly || good.SameSite != http.SameSiteLaxMode || good.Path != "/" || good.Domain != "" || !strings.HasPrefix(good.Name, "__Host-") || good.MaxAge != 3600 {
		t.Errorf("the cookie is %+v", good)
	}
	user := func(c *http.Cookie) string {
		q := httptest.NewRequest(http.MethodGet, "/", nil)
		q.AddCookie(c)
		return s.gate.User(q)
	}
	if got := user(good); got != "a@example.com" {
		t.Fatalf("it is %q", got)
	}
	for i := range good.Value {
		changed := *good
		with := byte('A')
		if good.Value[i] == 'A' {
			with = 'B'
		}
		changed.Value = good.Value[:i] + string(with) + good.Value[i+1:]
		if i < len(good.Value)-1 && user(&changed) != "" { // the last digit has bits that count for nothing
			t.Errorf("changed at %d it is good", i)
		}
	}
	flow, ended := httptest.NewRecorder(), httptest.NewRecorder()
	if err := s.gate.seal.set(flow, flowCookie, session{User: "a", Ends: time.Now().Add(time.Hour)}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.gate.seal.set(ended, sessionCookie, session{User: "a", Ends: time.Now()}, time.Hour); err != nil {
		t.Fatal(err)
	}
	renamed := flow.Result().Cookies()[0]
	renamed.Name = sessionCookie
	for name, c := range map[string]*http.Cookie{"a flow's": renamed, "ended": ended.Result().Cookies()[0], "empty": {Name: sessionCookie}, "long": {Name: sessionCookie, Value: strings.Repeat("A", maxCookie+1)}} {
		if got := user(c); got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
	if _, err := newSealer(make([]byte, 16)); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestLocal(t *testing.T) {
	for back, want := range map[string]string{
		"": "/", "/": "/", "/weeks?q=a&week=2026-W46": "/weeks?q=a&week=2026-W46", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "/\\/evil.example": "/",
		"evil.example": "/", "/a/../b": "/", "/%2f/evil.example": "/", "/signin": "/", "/signin/callback?code=x": "/", "/\tevil": "/", "javascript:alert(1)": "/", "/%2fevil.example": "/",
	} {
		if got := local(back); got != want {
			t.Errorf("%q leads to %q, want %q", back, got, want)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("//evil.example")
	f.Add("/a?b#c")
	f.Fuzz(func(t *testing.T, back string) {
		base, err := url.Parse("https://fleet.example.com/signin/callback")
		if err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse(local(back))
		if err != nil || to.Host != base.Host || to.Scheme != "https" || strings.HasPrefix(local(back), "//") || strings.Contains(local(back), `\`) {
			t.Errorf("%q leads to %v, %v", back, to, err)
		}
	})
}

// FuzzCookie: whatever a browser sends, nobody is signed in by it, and nothing breaks.
func FuzzCookie(f *testing.F) {
	seal, err := newSealer(NewKey())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, value string) {
		q := httptest.NewRequest(http.MethodGet, "/", nil)
		q.Header["Cookie"] = []string{sessionCookie + "=" + value}
		var s session
		if seal.get(q, sessionCookie, &s) == nil {
			t.Errorf("%q is a session", value)
		}
	})
}

func TestNewOIDC(t *testing.T) {
	https, plain := &url.URL{Scheme: "https", Host: "fleet.example.com"}, &url.URL{Scheme: "http", Host: "fleet.example.com"}
	good := OIDCConfig{Issuer: "https://accounts.example.com", ClientID: "a", ClientSecret: "b", URL: https, Key: NewKey()}
	if _, err := NewOIDC(good); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*OIDCConfig){
		"issuer in clear text": func(c *OIDCConfig) { c.Issuer = "http://accounts.example.com" }, "page in clear text": func(c *OIDCConfig) { c.URL = plain },
		"no id": func(c *OIDCConfig) { c.ClientID = "" }, "no secret": func(c *OIDCConfig) { c.ClientSecret = "" }, "no key": func(c *OIDCConfig) { c.Key = nil },
	} {
		c := good
		edit(&c)
		if _, err := NewOIDC(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
