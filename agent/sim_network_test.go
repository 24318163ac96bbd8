package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/wiretest"
	"roagent/upload/uploadtest"
)

// simNetwork is the way to the collector, and the collector: its real handler, on a store that can be made to forget and
// to end the process between any two of its operations.
type simNetwork struct {
	w         *simWorld
	r         *rand.Rand
	collector http.RoundTripper
	store     *simStore
	stranger  note.Signer // signs receipts of no collector
	zstd      *zstd.Decoder

	mu      sync.Mutex
	active  map[string]float64 // faults, with how likely each meets a request
	last    []byte             // a receipt that was answered before
	refused map[string]bool    // batches, by id
	voids   map[string]bool    // refused lines that void an order, by lineName
}

const simCollectorPowerCut = "collector: power cut after the answer"

// simFault is what can become of a request.
type simFault struct {
	batches bool // it is only ever an answer to a batch
	fault   func(n *simNetwork) uploadtest.Fault
}

func simRequestFaults() map[string]simFault {
	always := func(f uploadtest.Fault) func(*simNetwork) uploadtest.Fault {
		return func(*simNetwork) uploadtest.Fault { return f }
	}
	status := func(code int, header ...string) simFault {
		return simFault{fault: always(uploadtest.Answer(code, "text/plain", "not now", header...))}
	}
	refusal := func(code int, lines ...upload.LineProblem) simFault {
		answer := uploadtest.Problem(upload.Problem{Title: "refused", Status: code, Lines: lines})
		return simFault{batches: true, fault: func(n *simNetwork) uploadtest.Fault { return n.unlessHeld(answer, lines) }}
	}
	portal := uploadtest.Answer(http.StatusOK, "text/html", "<html><body>Please sign in to the guest network</body></html>")
	return map[string]simFault{
		"network: down":                     {fault: always(uploadtest.Down)},
		"network: reset before the request": {fault: always(uploadtest.Reset)},
		"network: reset within the request": {fault: always(breakRequest)},
		"network: the answer is lost":       {fault: always(uploadtest.LoseAnswer)},
		"network: the answer breaks off":    {fault: always(uploadtest.BreakOff)},
		"network: no answer":                {fault: always(uploadtest.Hang)},
		"network: slow": {fault: func(n *simNetwork) uploadtest.Fault {
			return uploadtest.Slow(time.Duration(n.r.IntN(400)) * time.Second)
		}},
		"network: captive portal":          {fault: always(portal)},
		"collector: 401":                   status(http.StatusUnauthorized),
		"collector: 403":                   status(http.StatusForbidden),
		"collector: 404":                   status(http.StatusNotFound),
		"collector: 408":                   status(http.StatusRequestTimeout),
		"collector: 425":                   status(http.StatusTooEarly),
		"collector: 429":                   status(http.StatusTooManyRequests, "Retry-After", "7"),
		"collector: 429 with a date":       {fault: tooManyUntil},
		"collector: 500":                   status(http.StatusInternalServerError),
		"collector: 503":                   status(http.StatusServiceUnavailable, "Retry-After", "600"),
		"collector: 409 for a batch":       refusal(http.StatusConflict),
		"collector: 413":                   refusal(http.StatusRequestEntityTooLarge),
		"collector: 422 for a line":        refusal(http.StatusUnprocessableEntity, upload.LineProblem{Line: 1, Detail: "no"}),
		"collector: no receipt":            {batches: true, fault: always(uploadtest.Answer(http.StatusCreated, upload.ReceiptType, ""))},
		"collector: receipt of a stranger": {batches: true, fault: func(n *simNetwork) uploadtest.Fault { return n.resign }},
		"collector: receipt of another":    {batches: true, fault: func(n *simNetwork) uploadtest.Fault { return n.earlier }},
		"collector: dies at its store":     {fault: func(n *simNetwork) uploadtest.Fault { return n.dieAtStore }},
		"collector: its store fails":       {fault: func(n *simNetwork) uploadtest.Fault { return n.failStore }},
		simCollectorPowerCut:               {fault: func(n *simNetwork) uploadtest.Fault { return n.cutPower }},
	}
}

// breakRequest lets half of the request reach the collector.
func breakRequest(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if r.Body == nil {
		return nil, syscall.ECONNRESET
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	half := r.Clone(r.Context())
	half.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), brokenBody{}))
	if response, err := next.RoundTrip(half); err == nil {
		_ = response.Body.Close()
		if response.StatusCode < 300 {
			panic("the collector took half a request")
		}
	}
	return nil, syscall.ECONNRESET
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func tooManyUntil(n *simNetwork) uploadtest.Fault {
	return uploadtest.Answer(http.StatusTooManyRequests, "text/plain", "", "Retry-After", time.Now().Add(time.Duration(n.r.IntN(7200))*time.Second).UTC().Format(http.TimeFormat))
}

// resign answers with a receipt that somebody else signed.
func (n *simNetwork) resign(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil || response.StatusCode >= 300 {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	receipt, err := upload.OpenReceipt(body, n.w.receiptKey)
	if err != nil {
		return nil, err
	}
	signed, err := receipt.Sign(n.stranger)
	if err != nil {
		return nil, err
	}
	return uploadtest.Answer(response.StatusCode, upload.ReceiptType, string(signed))(r, next)
}

// earlier answers with the receipt of the batch before.
func (n *simNetwork) earlier(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	n.mu.Lock()
	last := n.last
	n.mu.Unlock()
	if last == nil {
		return next.RoundTrip(r)
	}
	return uploadtest.Answer(http.StatusOK, upload.ReceiptType, string(last))(r, next)
}

// dieAtStore ends the collector's process before or after one of its next operations on the store.
func (n *simNetwork) dieAtStore(r *http.Request, next http.RoundTripper) (response *http.Response, err error) {
	n.failAtStore(func() error { panic(errSimCollectorDied) })
	defer func() {
		n.store.fail(0, false, nil)
		if p := recover(); p != nil {
			if died, ok := p.(error); !ok || !errors.Is(died, errSimCollectorDied) {
				panic(p)
			}
			response, err = nil, syscall.ECONNRESET
		}
	}()
	return next.RoundTrip(r)
}

// failAtStore lets one of the next operations on the store fail; in some worlds, one that writes.
func (n *simNetwork) failAtStore(failure func() error) {
	if n.w.swarm.writes {
		n.store.fail(1+n.r.IntN(4), true, failure)
	} else {
		n.store.fail(1+n.r.IntN(8), false, failure)
	}
}

// failStore lets one of the next operations on the store fail.
func (n *simNetwork) failStore(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	n.failAtStore(func() error { return errors.New("the disk is full") })
	defer n.store.fail(0, false, nil)
	return next.RoundTrip(r)
}

// cutPower lets the collector answer, and then its computer's power fail: what it put off until after the answer is not
// stored any more.
func (n *simNetwork) cutPower(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	defer n.store.restart()
	return next.RoundTrip(r)
}

// roundTrip is a request of the agent, whose process may die before and after it.
func (n *simNetwork) roundTrip(l *simLife, r *http.Request) (*http.Response, error) {
	if err := l.point("before a request"); err != nil {
		return nil, err
	}
	response, err := n.answer(r)
	if err := cmp.Or(err, l.point("after a request")); err != nil {
		return nil, err
	}
	return response, nil
}

func (n *simNetwork) answer(r *http.Request) (*http.Response, error) {
	put := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/batches/")
	r = r.WithContext(n.store.process(r.Context()))
	if kind, fault := n.draw(put); fault != nil {
		n.w.happened(kind)
		return fault(r, n.collector)
	}
	response, err := n.collector.RoundTrip(r)
	if err == nil && put && response.StatusCode < 300 {
		receipt, _ := io.ReadAll(response.Body) // of memory
		response.Body = io.NopCloser(bytes.NewReader(receipt))
		n.mu.Lock()
		n.last = receipt
		n.mu.Unlock()
	}
	return response, err
}

// draw says what becomes of a request; nil where it passes.
func (n *simNetwork) draw(batch bool) (string, uploadtest.Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := simRequestFaults()
	for _, kind := range slices.Sorted(maps.Keys(n.active)) {
		if f := all[kind]; n.r.Float64() < n.active[kind] && (batch || !f.batches) {
			return kind, f.fault(n)
		}
	}
	return "", nil
}

// set makes a fault as likely as p from now on.
func (n *simNetwork) set(kind string, p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.active[kind] = p; p == 0 {
		delete(n.active, kind)
	}
}

// simStore is a store in memory that forgets what it is told to, and fails when it is told to.
type simStore struct {
	*collector.MemStore
	mu        sync.Mutex
	forgotten map[string]bool
	ever      map[string]bool // what was ever forgotten
	after     int             // steps until failure; 0: never
	writes    bool            // only steps of what writes count
	failure   func() error
	lives     int // of the collector's process
}

// simLives is the key under which a request's context holds which of the collector's processes it came to.
type simLives struct{}

func (s *simStore) process(ctx context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return context.WithValue(ctx, simLives{}, s.lives)
}

// restart ends the collector's process, which stores nothing any more, and begins another.
func (s *simStore) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lives++
}

// dead reports whether the process that asks has ended.
func (s *simStore) dead(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	life, of := ctx.Value(simLives{}).(int)
	return of && life != s.lives
}

var errSimCollectorDied = errors.New("the collector's process ended")

// fail lets the store fail after so many steps: there is one before each operation, and one after each that writes.
func (s *simStore) fail(after int, writes bool, failure func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after, s.writes, s.failure = after, writes, failure
}

func (s *simStore) step(write bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.after > 0 && (write || !s.writes) {
		if s.after--; s.after == 0 {
			return s.failure()
		}
	}
	return nil
}

func (s *simStore) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	if s.dead(ctx) {
		return errSimCollectorDied
	}
	if err := s.step(true); err != nil {
		return err
	}
	if s.lost(name, true) {
		mode = collector.Replace
	}
	return cmp.Or(s.MemStore.Put(ctx, name, data, mode), s.step(true))
}

func (s *simStore) Get(ctx context.Context, name string) ([]byte, error) {
	if err := s.step(false); err != nil {
		return nil, err
	}
	if s.lost(name, false) {
		return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
	}
	return s.MemStore.Get(ctx, name)
}

func (s *simStore) List(ctx context.Context, folder string) ([]collector.Object, error) {
	if err := s.step(false); err != nil {
		return nil, err
	}
	objects, err := s.MemStore.List(ctx, folder)
	return slices.DeleteFunc(objects, func(o collector.Object) bool { return s.lost(o.Name, false) }), err
}

// lost reports whether an object is forgotten; found: and that it is no longer.
func (s *simStore) lost(name string, found bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.forgotten[name]
	if found {
		delete(s.forgotten, name)
	}
	return lost
}

// forget loses the objects of a folder.
func (s *simStore) forget(folder string) int {
	names, err := collector.Names(context.Background(), s, folder)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.forgotten[name], s.ever[name] = true, true
	}
	return len(names)
}

// everLost reports whether a batch was ever forgotten.
func (s *simStore) everLost(week, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ever["dealers/"+rigDealer+"/"+week+"/batches/"+id+".ndjson.zst"]
}

func newSimNetwork(w *simWorld, r *rand.Rand) *simNetwork {
	n := &simNetwork{w: w, r: r, active: map[string]float64{}, refused: map[string]bool{}, voids: map[string]bool{}, store: &simStore{MemStore: collector.NewMemStore(), forgotten: map[string]bool{}, ever: map[string]bool{}}}
	n.stranger, _ = uploadtest.NewKey(w.t, "collector.test")
	var err error
	if n.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); err != nil {
		w.t.Fatal(err)
	}
	key, err := collector.OpenKey(context.Background(), n.store, "collector.test")
	if err != nil {
		w.t.Fatal(err)
	}
	w.receiptKey, w.receiptKeyText = key.Verifier, key.Public
	handler := collector.New(n.store, key)
	n.collector = wiretest.InProcess(handler)
	return n
}
