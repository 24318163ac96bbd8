package collector_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"roagent/upload"
	"roagent/upload/collector"
)

// Complaint 22: statuses misread. Each thing that can be wrong with a request has the one status that the agent acts
// on rightly, and nothing is stored.
func TestRequestsRefused(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	good := func() request { return r.batch(line("RO1")) }
	content := line("RO1") + "\n"
	body := func(b []byte) request {
		q := good()
		q.body = b
		return q.sealed()
	}
	at := func(path string) request {
		q := good()
		q.path = path
		return q
	}
	zeros := strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		q      request
		status int
	}{
		"another media type":           {good().with("Content-Type", "application/json"), 415},
		"no media type":                {good().with("Content-Type", ""), 415},
		"a broken media type":          {good().with("Content-Type", ";;"), 415},
		"a coding nobody knows":        {good().with("Content-Encoding", "br"), 415},
		"two codings":                  {good().with("Content-Encoding", "gzip, zstd"), 415},
		"no coding":                    {body([]byte(content)).with("Content-Encoding", ""), 415},
		"no Content-Digest":            {good().with("Content-Digest", ""), 400},
		"Content-Digest of another":    {good().with("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"), 400},
		"Content-Digest too short":     {good().with("Content-Digest", "sha-256=:47DEQpj8:"), 400},
		"Content-Digest too long":      {good().with("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(append(bodySum(good()), 0))+":"), 400},
		"Content-Digest not ended":     {good().with("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), 400},
		"Content-Digest no base64":     {good().with("Content-Digest", "sha-256=:???:"), 400},
		"Content-Digest of other kind": {good().with("Content-Digest", "sha-512=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"), 400},
		"no Fieldmap-Digest":           {good().with("Fieldmap-Digest", ""), 400},
		"Fieldmap-Digest in capitals":  {good().with("Fieldmap-Digest", strings.ToUpper(whitelist)), 400},
		"body cut off":                 {body(good().body[:20]), 400},
		"body with something behind":   {body(append(good().body, "xxxx"...)), 400},
		"body of another batch":        {body(r.batch(line("RO2")).body), 400},
		"an empty body":                {body(nil), 400},
		"zstd that is gzip":            {good().gzipped(t, content).with("Content-Encoding", "zstd"), 400},
		"gzip that is zstd":            {good().with("Content-Encoding", "gzip"), 400},
		"gzip cut off": {func() request {
			q := good().gzipped(t, content)
			q.body = q.body[:len(q.body)-5]
			return q.sealed()
		}(), 400},
		"no lines":                  {r.batchBytes("", pack(t, "")), 400},
		"id in capitals":            {at(weekPath() + "/batches/" + strings.Repeat("AB", 32)), 400},
		"id too short":              {at(weekPath() + "/batches/ab"), 400},
		"id with a path in it":      {at(weekPath() + "/batches/..%2f..%2f" + zeros), 404},
		"id with a zero byte":       {at(weekPath() + "/batches/" + zeros[:63] + "%00"), 400},
		"id with a line break":      {at(weekPath() + "/batches/" + zeros + "%0A"), 400},
		"a week that is not":        {at("/v1/dealers/04123/weeks/2026-W54/batches/" + zeros), 400},
		"a week that climbs":        {at("/v1/dealers/04123/weeks/..%2f2026-W46/batches/" + zeros), 404},
		"a dealer that climbs":      {at("/v1/dealers/..%2f04123/weeks/2026-W46/batches/" + zeros), 404},
		"a dealer that is dots":     {at("/v1/dealers/%2e%2e/weeks/2026-W46/batches/" + zeros), 404},
		"a path with dots":          {at("/v1/dealers/04123/../04123/weeks/2026-W46/batches/" + zeros), 404},
		"a path with two slashes":   {at("/v1//dealers/04123/weeks/2026-W46/batches/" + zeros), 404},
		"a path that ends in slash": {at(weekPath() + "/batches/" + zeros + "/"), 404},
		"a week with a slash":       {at("/v1/dealers/04123/weeks/x%2f2026-W46/batches/" + zeros), 404},
		"a dealer with a slash":     {at("/v1/dealers/x%2f04123/weeks/2026-W46/batches/" + zeros), 404},
		"a week in other letters":   {at("/v1/dealers/04123/weeks/2026%2DW46/batches/" + zeros), 404},
		"no such path":              {at("/v2/dealers/04123"), 404},
		"the root":                  {at("/"), 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			p := r.problem(r.do(test.q), test.status)
			if p.Detail == "" || strings.HasPrefix(name, "id ") && test.status == 400 && !strings.Contains(p.Detail, "hex") {
				t.Errorf("the detail is %q", p.Detail)
			}
			if got := r.objects(); len(got) > 0 {
				t.Errorf("stored although refused: %v", got)
			}
		})
	}
}

func bodySum(q request) []byte {
	sum := sha256.Sum256(q.body)
	return sum[:]
}

// A body that does not say how long it is has the same limit.
func TestABodyOfUnknownLength(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.json("/v1/dealers/"+dealer+"/status", strings.Repeat("x", upload.MaxStatus))
	h := httptest.NewRequest(q.method, "/", io.MultiReader(bytes.NewReader(q.body)))
	h.ContentLength = -1
	r.serve(h, q)
	w := httptest.NewRecorder()
	r.wire.ServeHTTP(w, h)
	r.problem(w, 413)
}

func TestMethods(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	for path, allow := range map[string]string{
		weekPath() + "/batches/" + whitelist: "PUT",
		weekPath():                           "GET, PUT",
		"/v1/dealers/" + dealer + "/status":  "PUT",

		"/v1/dealers/" + dealer + "/fieldmaps/" + whitelist: "PUT",
		"/v1/dealers/" + dealer:                             "DELETE",
	} {
		for _, method := range []string{"POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"} {
			if method == allow {
				continue
			}
			w := r.do(request{method: method, path: path, header: r.header()})
			r.problem(w, 405)
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got, allow)
			}
		}
	}
}

func TestContentDigestAmongOthers(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.batch(line("RO1"))
	q = q.with("Content-Digest", "sha-512=:xx:, "+q.header.Get("Content-Digest"))
	r.receipt(r.do(q), 201)
}

// A decompression bomb is stopped while it is read: what it costs does not grow with what it claims to hold.
func TestBombs(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	gzipBomb, zstdBomb := bombs(t, 1<<30)
	for name, test := range map[string]struct {
		coding string
		body   []byte
		status int
	}{
		"gzip":               {"gzip", gzipBomb, 413},
		"zstd":               {"zstd", zstdBomb, 413},
		"zstd, large window": {"zstd", pack(t, strings.Repeat("x", 20<<20), zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false)), 400},
		"zstd, claims a terabyte": {"zstd", []byte{
			0x28, 0xb5, 0x2f, 0xfd, 0xc0 | 0x20, 0, 0, 0, 0, 0, 1, 0, 0, // single segment, content size 1<<40
			0x01, 0x00, 0x00,
		}, 400},
		"as sent": {"zstd", make([]byte, upload.MaxBody+1), 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			q := r.batch(line("RO1")).with("Content-Encoding", test.coding)
			q.body = test.body
			q = q.sealed()
			r.wire = r.handler // the check of the wire would decompress it
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := r.do(q)
			runtime.ReadMemStats(&after)
			r.problem(w, test.status)
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 32+uint64(len(test.body))>>19 {
				t.Errorf("it took %d MiB of memory", got)
			}
		})
	}
}

// bombs returns that many line breaks, compressed.
func bombs(t *testing.T, size int) (gzipped, zstded []byte) {
	t.Helper()
	var g, z bytes.Buffer
	gw := gzip.NewWriter(&g)
	zw, err := zstd.NewWriter(&z, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte{'\n'}, 1<<20)
	for range size >> 20 {
		if _, err := zw.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	for range 80 { // enough to be too much, and gzip is slow
		if _, err := gw.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range []io.Closer{gw, zw} {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return g.Bytes(), z.Bytes()
}
