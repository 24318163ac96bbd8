package uploadtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap"
	"roagent/upload"
)

// Fault does something else than a collector should with one request. next is what it should do.
type Fault func(r *http.Request, next http.RoundTripper) (*http.Response, error)

// Collector is a collector in memory, used as the transport of a Sender, that can fail in every way a real one can.
// It holds every line against those it has: what is wrong is in Wrong.
type Collector struct {
	// MaxOrders is how many orders a batch may have before it is too large (413); 0: any number.
	MaxOrders int
	// NoZstd refuses zstd (415).
	NoZstd bool
	// Refuse says why a line is refused (422); "" takes it. nil takes all.
	Refuse func(upload.Line) string

	// LoseManifests answers every manifest as if the batches it names were lost.
	LoseManifests bool
	// NoOrders knows no question about the orders of a week, as an older collector.
	NoOrders bool

	Verifier note.Verifier
	signer   note.Signer

	mu        sync.Mutex
	faults    []Fault
	batch     Fault           // of every batch
	questions []Fault         // of questions
	declare   Fault           // of every declaration
	declared  map[string]bool // digests of whitelists
	requests  []Request
	batches   map[string]map[string][]upload.Line // by week, id
	orders    map[string]upload.Line              // by week and key: the newest
	raw       map[string]string                   // by week and key: the bytes of the last line that came
	history   map[string]past                     // by week and key: the last line
	offered   map[string]map[string]bool          // by key: the weeks of its lines, also of those refused
	refused   map[string]bool                     // by key and revision: lines that void, which may be released
	forgotten map[string]bool                     // batches
	manifest  map[string]upload.Manifest
	left      *upload.DeletionReceipt // nil: the dealer takes part
	statuses  []upload.Status
	wrong     []string
}

type past struct {
	revision int
	voided   bool
	content  string // digest of the last content, hex
}

// Request is one request that came.
type Request struct {
	Method   string
	Path     string
	Encoding string
	Header   http.Header
	Bytes    int
}

// NewCollector returns a collector with a key of its own.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{
		batches: map[string]map[string][]upload.Line{}, orders: map[string]upload.Line{}, manifest: map[string]upload.Manifest{},
		history: map[string]past{}, offered: map[string]map[string]bool{}, forgotten: map[string]bool{}, raw: map[string]string{},
		declared: map[string]bool{}, refused: map[string]bool{},
	}
	c.signer, c.Verifier = NewKey(t, "collector.test")
	return c
}

// NewKey makes a key that signs receipts.
func NewKey(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// Fail makes the next requests fail, one fault each, in this order; a nil Fault lets one pass.
func (c *Collector) Fail(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// FailBatches makes every batch fail in this way; nil makes them pass.
func (c *Collector) FailBatches(fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batch = fault
}

// FailQuestions makes questions fail, one fault each, in this order, and the last for all that follow; a nil Fault lets
// them pass. Faults of Fail are for what is sent, not for questions.
func (c *Collector) FailQuestions(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.questions = faults
}

// question returns the fault of the next question.
func (c *Collector) question() (fault Fault) {
	if len(c.questions) > 0 {
		fault = c.questions[0]
	}
	if len(c.questions) > 1 {
		c.questions = c.questions[1:]
	}
	return fault
}

// Requests returns what was sent so far, without the questions about weeks and the declarations.
func (c *Collector) Requests() []Request {
	return c.requestsThat(func(r Request) bool { return r.Method == http.MethodPut && !isDeclaration(r.Path) })
}

// Questions returns the questions about weeks.
func (c *Collector) Questions() []Request {
	return c.requestsThat(func(r Request) bool { return r.Method == http.MethodGet })
}

func (c *Collector) requestsThat(are func(Request) bool) []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.requests), func(r Request) bool { return !are(r) })
}

// Wrong returns what a sender must never do and did: a line twice, a gap in the revisions, a wrong replaces.
func (c *Collector) Wrong() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.wrong)
}

// Manifest returns the manifest of a week.
func (c *Collector) Manifest(week string) (upload.Manifest, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.manifest[week]
	return m, ok
}

// Statuses returns the heartbeats so far.
func (c *Collector) Statuses() []upload.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.statuses)
}

// Held returns the newest line of each order that is not voided, by week and key: "2026-W46/RO1".
func (c *Collector) Held() map[string]upload.Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := map[string]upload.Line{}
	for name, line := range c.orders {
		if !line.Voided {
			held[name] = line
		}
	}
	return held
}

// Taken returns every line that is held, of all revisions, those of one order in the order of their revisions.
func (c *Collector) Taken() []upload.Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []upload.Line
	for _, batches := range c.batches {
		for _, lines := range batches {
			all = append(all, lines...)
		}
	}
	slices.SortFunc(all, func(a, b upload.Line) int {
		return cmp.Or(cmp.Compare(a.Week, b.Week), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Revision, b.Revision))
	})
	return all
}

// Skipped returns what no sender whose collector forgot nothing, and at whose end no person dropped anything, may have done to orders that move between
// weeks: a number that no line has, but for that of a void that was refused, or a line that replaces what never came.
func (c *Collector) Skipped() (problems []string) {
	taken := c.Taken()
	slices.SortStableFunc(taken, func(a, b upload.Line) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Revision, b.Revision))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	key, next, came := "", 1, map[string]bool{"": true}
	for _, line := range taken {
		if line.Key != key {
			key, next, came = line.Key, 1, map[string]bool{"": true}
		}
		for next < line.Revision && c.refused[revisionName(key, next)] {
			next++
		}
		if line.Revision != next || !came[line.Replaces] {
			problems = append(problems, fmt.Sprintf("%s/%s revision %d comes where %d is due, and replaces %.8q", line.Week, key, line.Revision, next, line.Replaces))
		}
		if next = line.Revision + 1; !line.Voided {
			came[digestOf(line)] = true
		}
	}
	return problems
}

func revisionName(key string, revision int) string { return fmt.Sprint(key, "/", revision) }

// Lines returns how many lines are held, of all revisions.
func (c *Collector) Lines() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, batches := range c.batches {
		for _, lines := range batches {
			n += len(lines)
		}
	}
	return n
}

// Forget loses a week's batches, as a collector does whose disk was replaced. It returns how many.
func (c *Collector) Forget(week string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.batches[week])
	for id := range c.batches[week] {
		c.forgotten[id] = true
	}
	delete(c.batches, week)
	delete(c.manifest, week)
	for name := range c.orders {
		if strings.HasPrefix(name, week+"/") {
			delete(c.orders, name)
		}
	}
	return n
}

// RoundTrip answers a request, or lets it fail.
func (c *Collector) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	c.mu.Lock()
	var fault Fault
	if strings.Contains(r.URL.Path, "/batches/") {
		fault = c.batch
	}
	switch {
	case r.Method == http.MethodGet:
		fault = c.question()
	case isDeclaration(r.URL.Path):
		fault = c.declare
	case len(c.faults) > 0:
		fault, c.faults = c.faults[0], c.faults[1:]
	}
	c.requests = append(c.requests, Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Encoding: r.Header.Get("Content-Encoding"), Header: r.Header.Clone(), Bytes: int(r.ContentLength),
	})
	c.mu.Unlock()
	if fault != nil {
		return fault(r, roundTrip(c.answer))
	}
	return c.answer(r)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *Collector) answer(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Method == http.MethodDelete {
		return c.deleteDealer(r)
	}
	if c.hasLeft() {
		return problem(r, upload.Problem{Type: upload.LeftType, Status: http.StatusGone, Title: "the dealer has left"}), nil
	}
	if r.Method == http.MethodGet {
		return c.get(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if r.Header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		return problem(r, upload.Problem{Status: http.StatusBadRequest, Title: "wrong Content-Digest"}), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/dealers/"), "/")
	if len(path) >= 3 && path[1] == "weeks" && !c.declared[r.Header.Get(upload.FieldmapHeader)] {
		return problem(r, upload.Problem{Type: upload.UndeclaredType, Status: http.StatusPreconditionFailed, Title: "not declared"}), nil
	}
	switch {
	case len(path) == 3 && path[1] == "fieldmaps":
		return c.putFieldmap(r, path[0], path[2], body)
	case len(path) == 5 && path[3] == "batches":
		return c.putBatch(r, path[0], path[2], path[4], body)
	case len(path) == 3:
		return c.putManifest(r, path[0], path[2], body)
	case len(path) == 2:
		var s upload.Status
		if err := json.Unmarshal(body, &s); err != nil {
			return problem(r, upload.Problem{Status: http.StatusBadRequest, Title: "bad status"}), nil
		}
		c.statuses = append(c.statuses, s)
		return respond(r, http.StatusNoContent, "", nil), nil
	}
	return respond(r, http.StatusNotFound, "text/html", []byte("<h1>404</h1>")), nil
}

func (c *Collector) putBatch(r *http.Request, dealer, week, id string, body []byte) (*http.Response, error) {
	encoding := r.Header.Get("Content-Encoding")
	if encoding == "zstd" && c.NoZstd {
		return problem(r, upload.Problem{Status: http.StatusUnsupportedMediaType, Title: "no zstd"}), nil
	}
	text, err := decode(encoding, body)
	if err != nil {
		return problem(r, upload.Problem{Status: http.StatusBadRequest, Title: "cannot be decoded"}), nil
	}
	sum := sha256.Sum256(text)
	if hex.EncodeToString(sum[:]) != id {
		return problem(r, upload.Problem{Status: http.StatusBadRequest, Title: "wrong id"}), nil
	}
	lines, refused := c.read(text)
	status := http.StatusCreated
	if held, ok := c.batches[week][id]; ok {
		status, lines = http.StatusOK, held
	} else if c.MaxOrders > 0 && len(lines) > c.MaxOrders {
		return problem(r, upload.Problem{Status: http.StatusRequestEntityTooLarge, Title: "too large"}), nil
	} else if len(refused) > 0 {
		return problem(r, upload.Problem{Status: http.StatusUnprocessableEntity, Title: "some lines are refused", Lines: refused}), nil
	} else {
		c.store(dealer, week, id, lines)
	}
	return c.receipt(r, status, upload.Receipt{Dealer: dealer, Week: weekOf(week), What: upload.BatchReceipt, ID: id, Orders: len(lines)})
}

func (c *Collector) read(text []byte) (lines []upload.Line, refused []upload.LineProblem) {
	for i, raw := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var line upload.Line
		if err := json.Unmarshal(raw, &line); err != nil {
			refused = append(refused, upload.LineProblem{Line: i + 1, Detail: "no JSON"})
		} else if c.Refuse != nil && c.Refuse(line) != "" {
			refused = append(refused, upload.LineProblem{Line: i + 1, Detail: c.Refuse(line)})
			c.refused[revisionName(line.Key, line.Revision)] = line.Voided
		}
		if c.offered[line.Key] == nil {
			c.offered[line.Key] = map[string]bool{}
		}
		c.offered[line.Key][line.Week] = true
		c.raw[line.Week+"/"+line.Key] = string(raw) + "\n"
		lines = append(lines, line)
	}
	return lines, refused
}

// store takes a batch and holds each line against what came before of its order.
func (c *Collector) store(dealer, week, id string, lines []upload.Line) {
	if c.batches[week] == nil {
		c.batches[week] = map[string][]upload.Line{}
	}
	c.batches[week][id] = lines
	again := c.forgotten[id]
	for _, line := range lines {
		if line.DealerID != dealer || line.Week != week {
			c.wrong = append(c.wrong, fmt.Sprintf("%s: a line of dealer %s, %s in a batch of dealer %s, %s", line.Key, line.DealerID, line.Week, dealer, week))
		}
		if problem := c.follows(line); problem != "" && !again {
			c.wrong = append(c.wrong, fmt.Sprintf("%s/%s revision %d: %s", week, line.Key, line.Revision, problem))
		}
		if name := week + "/" + line.Key; c.orders[name].Revision <= line.Revision {
			c.orders[name] = line
		}
	}
}

// NeverSees tells the collector that a person dropped a line of an order that left for another week, or came from it:
// to its revisions it is as if the line had been offered.
func (c *Collector) NeverSees(week, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offered[key] == nil {
		c.offered[key] = map[string]bool{}
	}
	c.offered[key][week] = true
}

// follows says how a line does not follow from the newest one of its order in the week. Of an order that was offered in
// several weeks, the revisions need only go up.
func (c *Collector) follows(line upload.Line) string {
	name := line.Week + "/" + line.Key
	last := c.history[name]
	moved := len(c.offered[line.Key]) > 1
	next := past{revision: line.Revision, voided: line.Voided, content: last.content}
	if !line.Voided {
		next.content = digestOf(line)
	}
	c.history[name] = next
	switch {
	case line.Revision <= last.revision, line.Revision != last.revision+1 && !moved:
		return fmt.Sprintf("it follows revision %d", last.revision)
	case line.Voided && (last.voided || last.revision == 0):
		return "there is nothing to void"
	case !line.Voided && last.revision > 0 && !last.voided && next.content == last.content:
		return "it changes nothing"
	case line.Revision == 1 && line.Replaces != "", line.Revision > 1 && len(line.Replaces) != sha256.Size*2:
		return fmt.Sprintf("it replaces %.8q", line.Replaces)
	case line.Replaces != last.content && (last.revision > 0 || !moved):
		return fmt.Sprintf("it replaces %.8q, the content before is %.8q", line.Replaces, last.content)
	}
	return ""
}

func (c *Collector) putManifest(r *http.Request, dealer, week string, body []byte) (*http.Response, error) {
	var m upload.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return problem(r, upload.Problem{Status: http.StatusBadRequest, Title: "bad manifest"}), nil
	}
	var missing []string
	for _, batch := range m.Batches {
		if _, ok := c.batches[week][batch.ID]; !ok || c.LoseManifests {
			missing = append(missing, batch.ID)
		}
	}
	if len(missing) > 0 {
		return problem(r, upload.Problem{Status: http.StatusConflict, Title: "batches are missing", Missing: missing}), nil
	}
	if len(m.Batches) != len(c.batches[week]) {
		c.wrong = append(c.wrong, fmt.Sprintf("%s: the manifest names %d of %d batches", week, len(m.Batches), len(c.batches[week])))
	}
	c.manifest[week] = m
	sum := sha256.Sum256(body)
	return c.receipt(r, http.StatusCreated, upload.Receipt{
		Dealer: dealer, Week: weekOf(week), What: upload.ManifestReceipt, ID: hex.EncodeToString(sum[:]), Orders: m.Orders,
	})
}

func (c *Collector) receipt(r *http.Request, status int, receipt upload.Receipt) (*http.Response, error) {
	receipt.Stored = time.Now().UTC().Truncate(time.Second)
	signed, err := receipt.Sign(c.signer)
	if err != nil {
		return nil, err
	}
	return respond(r, status, upload.ReceiptType, signed), nil
}

func weekOf(name string) fieldmap.Week {
	week, err := fieldmap.ParseWeek(name)
	if err != nil {
		panic(err) // a test's mistake
	}
	return week
}

func decode(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "zstd":
		d, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.DecodeAll(body, nil)
	case "gzip":
		d, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(d)
	}
	return nil, errors.New("unknown encoding")
}

// ClearFaults forgets the faults that no request has met.
func (c *Collector) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// Newest returns the newest lines of orders of a week as they came.
func (c *Collector) Newest(week string, keys ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, key := range keys {
		b.WriteString(c.raw[week+"/"+key])
	}
	return b.String()
}
