package fleet

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"roagent/upload/collector"
	"roagent/upload/look"
)

// Gate says who may look. Its routes are served to everybody.
type Gate interface {
	// User returns who asks, or "" for nobody whom it lets in.
	User(r *http.Request) string
	// Refuse answers a request of nobody.
	Refuse(w http.ResponseWriter, r *http.Request)
	// Routes are of its own, by pattern of [http.ServeMux]; nil where it has none.
	Routes() map[string]http.HandlerFunc
	// SignOutPath is where a person signs out; "" where that is not for the page to do.
	SignOutPath() string
}

// Page serves the pages. Configure it through its fields before its first request.
type Page struct {
	Rules  Rules
	Logger *slog.Logger
	Index  *collector.FleetIndex

	store  collector.Store
	gate   Gate
	url    *url.URL
	now    func() time.Time
	states []definition
	pages  map[string]*template.Template

	mu    sync.Mutex
	beats beats
	zones map[string]*time.Location
}

//go:embed templates/*.html
var templates embed.FS

// New returns the page about a store's dealers. It answers to the host of address only, and shows nothing to whom gate does not let in.
func New(store collector.Store, gate Gate, address *url.URL, rules Rules) (*Page, error) {
	p := &Page{
		Rules: rules, Logger: slog.New(slog.DiscardHandler), Index: collector.NewFleetIndex(store), store: store, gate: gate, url: address,
		now: time.Now, states: rules.definitions(), pages: map[string]*template.Template{}, zones: map[string]*time.Location{},
	}
	funcs := look.Funcs(rules.Zone)
	funcs["age"] = look.Age
	funcs["mark"] = func(s State) string { return p.define(s).Mark }
	funcs["name"] = func(s State) string { return p.define(s).Name }
	funcs["hint"] = hint
	funcs["what"] = meaning
	for _, name := range []string{"glance", "map", "store", "week", "problem"} {
		t, err := template.New("base.html").Funcs(funcs).ParseFS(templates, "templates/base.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read template %s: %w", name, err)
		}
		p.pages[name] = t
	}
	return p, nil
}

func (p *Page) define(s State) definition {
	for _, d := range p.states {
		if d.State == s {
			return d
		}
	}
	return definition{State: "none", Name: "Nothing awaited"}
}

// route is one path of the page. All are GET, and for people who are signed in.
type route struct {
	pattern string
	serve   func(p *Page, w http.ResponseWriter, r *http.Request) error
}

// routes are all pages; DESIGN.md lists them, and a test holds the two together.
func routes() []route {
	return []route{
		{"GET /{$}", (*Page).glance},
		{"GET /weeks", (*Page).weeks},
		{"GET /stores.csv", (*Page).csv},
		{"GET /stores/{dealer}", (*Page).dealer},
		{"GET /stores/{dealer}/{week}", (*Page).dealerWeek},
	}
}

// open are the paths that are served to everybody. They tell nothing.
func open() map[string]http.Handler {
	return map[string]http.Handler{"GET " + look.StylesheetPath: look.Stylesheet(), "GET " + look.IconPath: look.Icon()}
}

// Handler returns the handler of the page.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range open() {
		mux.Handle(pattern, h)
	}
	for pattern, h := range p.gate.Routes() {
		mux.HandleFunc(pattern, h)
	}
	for _, route := range routes() {
		mux.HandleFunc(route.pattern, p.guarded(route.serve))
	}
	mux.HandleFunc("/", p.guarded(func(*Page, http.ResponseWriter, *http.Request) error { return notFound() }))
	return p.checked(http.NewCrossOriginProtection().Handler(mux))
}

// checked refuses what no browser asks that was led here by the page's own address.
func (p *Page) checked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look.SetHeaders(w.Header())
		if p.url.Scheme == "https" {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.EqualFold(r.Host, p.url.Host) {
			http.Error(w, "this server answers to another name", http.StatusMisdirectedRequest)
			return
		}
		if r.URL.Path != path.Clean(r.URL.Path) || len(r.URL.RawQuery) > 1000 {
			http.Error(w, "there is no such page", http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type userKey struct{}

// guarded lets people in who are signed in.
func (p *Page) guarded(serve func(*Page, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := p.gate.User(r)
		if user == "" {
			p.gate.Refuse(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
		err := serve(p, w, r)
		refused, ok := errors.AsType[*refusal](err)
		switch {
		case err == nil:
		case ok:
			p.problem(w, r, refused)
		default:
			p.Logger.ErrorContext(r.Context(), "page failed", "path", r.URL.EscapedPath(), "error", err)
			p.problem(w, r, &refusal{http.StatusInternalServerError, "The page could not be made", "The collector's log says why. It may be that the store does not answer; try again."})
		}
	}
}

// refusal is what a person is told instead of a page.
type refusal struct {
	status        int
	Title, Detail string
}

func (e *refusal) Error() string { return e.Title }

func notFound() error {
	return &refusal{http.StatusNotFound, "There is no such page", "It may be an address that was cut off, or a store that left."}
}

func (p *Page) problem(w http.ResponseWriter, r *http.Request, e *refusal) {
	p.render(w, r, "problem", e.status, base{Title: e.Title, Content: e})
}

// base is what every page has.
type base struct {
	Title   string
	Here    string // which entry of the navigation it is
	User    string
	SignOut string
	At      time.Time // when the store was asked
	Damaged []string
	Weeks   string // address of the map
	Home    string
	Content any
}

func (p *Page) render(w http.ResponseWriter, r *http.Request, name string, status int, b base) {
	b.User, _ = r.Context().Value(userKey{}).(string)
	b.SignOut = p.gate.SignOutPath()
	if b.Home == "" {
		b.Home, b.Weeks = "/", "/weeks"
	}
	var page bytes.Buffer // whole or not at all
	if err := p.pages[name].Execute(&page, b); err != nil {
		p.Logger.ErrorContext(r.Context(), "page failed", "path", r.URL.EscapedPath(), "error", err)
		http.Error(w, "the page could not be made; the collector's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

// asked reads the address of a page, and what is known of all stores in so many weeks up to the one that it names; 0: as many as it asks for.
func (p *Page) asked(r *http.Request, weeks int) (Query, *view, error) {
	q, err := p.query(r)
	if err != nil {
		return q, nil, err
	}
	if weeks == 0 {
		weeks = q.Weeks
	}
	v, err := p.look(r.Context(), q.Week, weeks)
	return q, v, err
}

// query reads the address of a page.
func (p *Page) query(r *http.Request) (Query, error) {
	q, err := parseQuery(r.URL.Query(), lastEnded(p.now(), p.Rules.Zone))
	if err != nil {
		return q, &refusal{http.StatusBadRequest, "This address asks for nothing that there is", err.Error()}
	}
	return q, nil
}
