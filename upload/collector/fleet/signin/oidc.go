package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDC signs people in by an OpenID provider: the authorization code flow with PKCE (RFC 7636), state and nonce (OpenID Connect Core 1.0,
// section 3.1). Who is signed in is kept in a sealed cookie, and nowhere else, so any number of processes with the same key may serve.
type OIDC struct {
	Logger *slog.Logger
	Life   time.Duration // of a session; then the provider is asked again

	issuer string
	config oauth2.Config
	allow  Allow
	seal   *sealer
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it was asked
}

// OIDCConfig is what a provider knows this page by.
type OIDCConfig struct {
	Issuer       string // https://accounts.example.com
	ClientID     string
	ClientSecret string
	URL          *url.URL // of the page; https
	Allow        Allow
	Key          []byte   // seals cookies; [KeySize] bytes
	Scopes       []string // besides openid, email and profile, where the provider tells groups for one
}

// Paths of signing in and out.
const (
	signInPath   = "/signin"
	callbackPath = "/signin/callback"
	signOutPath  = "/signout"
)

const (
	sessionCookie = "__Host-fleet"
	flowCookie    = "__Host-fleet-signin"
	flowLife      = 10 * time.Minute
	maxAnswer     = 1 << 20 // bytes of an answer of the provider
)

// session is who is signed in.
type session struct {
	User string    `json:"user"`
	Ends time.Time `json:"ends"`
}

// flow is what must come back from the provider.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Back     string    `json:"back"`
	Ends     time.Time `json:"ends"`
}

// NewOIDC returns the gate. The provider is asked for its addresses when somebody signs in, so one that is down keeps nothing from starting.
func NewOIDC(c OIDCConfig) (*OIDC, error) {
	for name, address := range map[string]string{"the issuer": c.Issuer, "the page's address": c.URL.String()} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%s, %q, does not begin with https://", name, address)
		}
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		return nil, errors.New("the client's id or secret is missing")
	}
	seal, err := newSealer(c.Key)
	if err != nil {
		return nil, err
	}
	return &OIDC{
		Logger: slog.New(slog.DiscardHandler), Life: 12 * time.Hour, issuer: c.Issuer, allow: c.Allow, seal: seal,
		config: oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURL: c.URL.JoinPath(callbackPath).String(), Scopes: append([]string{oidc.ScopeOpenID, "email", "profile"}, c.Scopes...)},
		client: &http.Client{Timeout: 10 * time.Second, Transport: limited{http.DefaultTransport}},
	}, nil
}

// User returns who is signed in.
func (o *OIDC) User(r *http.Request) string {
	var s session
	if o.seal.get(r, sessionCookie, &s) != nil || !time.Now().Before(s.Ends) {
		return ""
	}
	return s.User
}

// Refuse leads to the provider, and back to what was asked.
func (o *OIDC) Refuse(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, signInPath+"?"+url.Values{"back": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
}

// SignOutPath is where the page's button leads.
func (o *OIDC) SignOutPath() string { return signOutPath }

// Routes are those of signing in and out.
func (o *OIDC) Routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"GET " + signInPath: o.begin, "GET " + callbackPath: o.finish, "POST " + signOutPath: o.signOut}
}

// begin sends the browser to the provider.
func (o *OIDC) begin(w http.ResponseWriter, r *http.Request) {
	config, _, err := o.asked(r.Context())
	if err != nil {
		o.fail(w, r, http.StatusBadGateway, "The sign-in service does not answer. Try again in a while.", err)
		return
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: local(r.URL.Query().Get("back")), Ends: time.Now().Add(flowLife)}
	if err := o.seal.set(w, flowCookie, f, flowLife); err != nil {
		o.fail(w, r, http.StatusBadRequest, "This address is too long to come back to.", err)
		return
	}
	http.Redirect(w, r, config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

// finish takes what the provider sends the browser back with.
func (o *OIDC) finish(w http.ResponseWriter, r *http.Request) {
	var f flow
	err := o.seal.get(r, flowCookie, &f)
	forget(w, flowCookie) // it is good for one try
	query := r.URL.Query()
	if err != nil || !time.Now().Before(f.Ends) || subtle.ConstantTimeCompare([]byte(f.State), []byte(query.Get("state"))) != 1 {
		o.fail(w, r, http.StatusBadRequest, "This sign-in was not begun here, or is too old. Begin again.", err)
		return
	}
	if query.Get("code") == "" {
		o.fail(w, r, http.StatusForbidden, "The sign-in service did not sign you in.", fmt.Errorf("it says %.100q", query.Get("error")))
		return
	}
	who, err := o.exchange(r.Context(), query.Get("code"), f)
	if err != nil {
		o.fail(w, r, http.StatusForbidden, "You could not be signed in. Begin again; if it stays so, the collector's log says why.", err)
		return
	}
	if !o.allow.takes(who) {
		o.fail(w, r, http.StatusForbidden, "You are signed in, but not among those who may see this page. Ask whoever runs this collector.", errors.New("not allowed"))
		return
	}
	s := session{User: who.Email, Ends: time.Now().Add(o.Life)}
	if s.User == "" {
		s.User = who.Subject
	}
	if err := o.seal.set(w, sessionCookie, s, o.Life); err != nil {
		o.fail(w, r, http.StatusForbidden, "Your name is too long.", err)
		return
	}
	o.Logger.InfoContext(r.Context(), "signed in", "user", s.User)
	http.Redirect(w, r, f.Back, http.StatusSeeOther)
}

// exchange gets the person's claims for the code, and checks signature, issuer, audience, expiry and nonce.
func (o *OIDC) exchange(ctx context.Context, code string, f flow) (claims, error) {
	var who claims
	config, provider, err := o.asked(ctx)
	if err != nil {
		return who, err
	}
	ctx = oidc.ClientContext(ctx, o.client)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return who, errors.New("the provider did not take the code") // its words may hold what must not be in a log
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return who, errors.New("the provider gave no ID token")
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return who, fmt.Errorf("verify the ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(f.Nonce)) != 1 {
		return who, errors.New("the ID token is of another sign-in")
	}
	if err := verified.Claims(&who); err != nil {
		return who, fmt.Errorf("read the ID token: %w", err)
	}
	return who, nil
}

// asked returns the provider's addresses; it is asked until it has answered once.
func (o *OIDC) asked(ctx context.Context) (oauth2.Config, *oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, o.client), o.issuer)
		if err != nil {
			return oauth2.Config{}, nil, err
		}
		o.provider = provider
	}
	config := o.config
	config.Endpoint = o.provider.Endpoint()
	return config, o.provider, nil
}

// signOut ends the session in this browser. A copy of its cookie, were there one, would be good until it ends.
func (o *OIDC) signOut(w http.ResponseWriter, r *http.Request) {
	forget(w, sessionCookie)
	say(w, http.StatusOK, "You are signed out", "The sign-in service may still know you.")
}

func (o *OIDC) fail(w http.ResponseWriter, r *http.Request, status int, words string, err error) {
	o.Logger.WarnContext(r.Context(), "not signed in", "status", status, "error", err)
	say(w, status, "Not signed in", words)
}

// local returns a path of this page, whatever it was given: nobody is sent elsewhere by a link to here.
func local(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(back, "/") || path.Clean(u.Path) != u.Path || strings.ContainsAny(back, "\\\r\n\t") ||
		strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, signInPath) {
		return "/"
	}
	return u.RequestURI()
}

// limited cuts off answers that are larger than any provider's.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(q)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}
