package collector_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/wiretest"
)

const (
	dealer      = "04123"
	otherDealer = "04999"
	week        = "2026-W46"
	whitelist   = "68a3f32547a0d07636e513e544c381471e07bade8b1850de73afc87b3afd0242" // of form
)

// form is the canonical form of a small whitelist.
const form = `{"fieldmap":1,"recipient":"Example Motor Sales","purpose":"tests","agreement":"none","orders":{"from":{"name":"RepairOrder"},` +
	`"key":["RONumber"],"week":"ClosedAt","fields":[{"send":"repair_order_header.document_id","column":{"name":"RONumber"},"why":"names the visit"}]}}`

// rig is a collector with two dealers, to which the first one's whitelist is declared. Every answer it gives is held against openapi.yaml.
type rig struct {
	t       testing.TB
	store   collector.Store
	key     collector.Key
	handler *collector.Handler
	wire    http.Handler
	token   map[string]string
}

func newRig(t testing.TB, store collector.Store) *rig {
	t.Helper()
	key, err := collector.OpenKey(t.Context(), store, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, store: store, key: key, token: map[string]string{}}
	for _, id := range []string{dealer, otherDealer} {
		if r.token[id], err = collector.AddDealer(t.Context(), store, id, "Example Toyota"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Put(t.Context(), "dealers/"+dealer+"/fieldmaps/"+whitelist+".json", []byte(form), collector.Create); err != nil {
		t.Fatal(err)
	}
	r.handler = collector.New(store, key)
	r.handler.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	r.wire = wiretest.Open(t).Server(r.handler)
	return r
}

// request is a PUT or GET as an agent makes it; tests spoil it.
type request struct {
	method, path string
	header       http.Header
	body         []byte
}

func (r *rig) do(q request) *httptest.ResponseRecorder {
	r.t.Helper()
	h := httptest.NewRequestWithContext(r.t.Context(), q.method, "https://collector.example.com/", bytes.NewReader(q.body))
	r.serve(h, q)
	w := httptest.NewRecorder()
	r.wire.ServeHTTP(w, h)
	return w
}

func (r *rig) serve(h *http.Request, q request) {
	r.t.Helper()
	u, err := url.ParseRequestURI(q.path)
	if err != nil {
		r.t.Fatal(err)
	}
	h.URL, h.RequestURI, h.Header = u, q.path, q.header
	h.TLS = nil
}

func (r *rig) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + r.token[dealer]}}
}

// batch is the request that sends these lines.
func (r *rig) batch(lines ...string) request {
	content := strings.Join(lines, "\n") + "\n"
	return r.batchBytes(content, pack(r.t, content))
}

// batchBytes is the request that sends a batch, compressed as it is told.
func (r *rig) batchBytes(content string, packed []byte) request {
	q := request{method: "PUT", path: weekPath() + "/batches/" + digest(content), header: r.header(), body: packed}
	q.header.Set("Content-Type", upload.BatchType)
	q.header.Set("Content-Encoding", "zstd")
	q.header.Set(upload.FieldmapHeader, whitelist)
	return q.sealed()
}

// manifest is the request that closes the week.
func (r *rig) manifest(m upload.Manifest) request {
	return r.json(weekPath(), m)
}

func (r *rig) json(path string, v any) request {
	r.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	q := request{method: "PUT", path: path, header: r.header(), body: body}
	q.header.Set("Content-Type", "application/json")
	q.header.Set(upload.FieldmapHeader, whitelist)
	return q.sealed()
}

func (r *rig) get() request {
	return request{method: "GET", path: weekPath(), header: r.header()}
}

// sealed returns q with the Content-Digest of its body.
func (q request) sealed() request {
	sum := sha256.Sum256(q.body)
	q.header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	return q
}

// with returns q with one header changed; "" removes it.
func (q request) with(name, value string) request {
	q.header = q.header.Clone()
	q.header.Set(name, value)
	if value == "" {
		q.header.Del(name)
	}
	return q
}

// gzipped returns q with its content coded as gzip.
func (q request) gzipped(t *testing.T, content string) request {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	q = q.with("Content-Encoding", "gzip")
	q.body = b.Bytes()
	return q.sealed()
}

// receipt reads an answer that must be a receipt.
func (r *rig) receipt(w *httptest.ResponseRecorder, status int) upload.Receipt {
	r.t.Helper()
	if w.Code != status {
		r.t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	receipt, err := upload.OpenReceipt(w.Body.Bytes(), r.key.Verifier)
	if err != nil {
		r.t.Fatal(err)
	}
	return receipt
}

// problem reads an answer that must be a problem.
func (r *rig) problem(w *httptest.ResponseRecorder, status int) upload.Problem {
	r.t.Helper()
	var p upload.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		r.t.Fatalf("got %d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status {
		r.t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	if got := w.Header().Get("Content-Type"); got != upload.ProblemType {
		r.t.Errorf("Content-Type is %q", got)
	}
	return p
}

// objects returns the names of what the store holds of the week.
func (r *rig) objects() []string {
	r.t.Helper()
	names, err := collector.Names(context.Background(), r.store, "dealers/"+dealer+"/"+week)
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

// theWeek is week, parsed.
func theWeek() fieldmap.Week { return fieldmap.Week{Year: 2026, Number: 46} }

func weekPath() string { return "/v1/dealers/" + dealer + "/weeks/" + week }

// line is a first revision.
func line(key string) string { return lineWith(key, 1, `{"job":[{"job_number_string":"1"}]}`) }

func lineWith(key string, revision int, order string) string {
	replaces := ""
	if revision > 1 {
		replaces = fmt.Sprintf(`"replaces":%q,`, digest(order))
	}
	return fmt.Sprintf(`{"dealer_id":%q,"week":%q,"key":%q,"revision":%d,%s"repair_order":%s}`, dealer, week, key, revision, replaces, order)
}

func voidedLine(key string, revision int) string {
	return fmt.Sprintf(`{"dealer_id":%q,"week":%q,"key":%q,"revision":%d,"replaces":%q,"voided":true}`, dealer, week, key, revision, digest(key))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func pack(t testing.TB, content string, options ...zstd.EOption) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(content), nil)
}
