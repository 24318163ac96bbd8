// Package wiretest holds requests and answers against upload/openapi.yaml. It is for tests only: of a collector
// ([Wire.Server]) and of whatever sends to one ([Wire.Client]).
package wiretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"roagent/upload"
)

// Wire is the description of the wire, and the test that fails where something does not keep to it.
type Wire struct {
	t       testing.TB
	doc     *openapi3.T
	router  routers.Router
	options *openapi3filter.Options
}

// Open reads and validates upload/openapi.yaml.
func Open(t testing.TB) *Wire {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(find(t))
	if err != nil {
		t.Fatalf("load the description of the wire: %v", err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("the description of the wire is not valid OpenAPI: %v", err)
	}
	doc.Servers = nil // tests listen anywhere
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatalf("route the description of the wire: %v", err)
	}
	return &Wire{t: t, doc: doc, router: router, options: &openapi3filter.Options{
		IncludeResponseStatus:             true,
		RejectWhenRequestBodyNotSpecified: true,
		SkipSettingDefaults:               true,
		MultiError:                        true,
		AuthenticationFunc:                authenticated,
	}}
}

// Routes returns what the wire describes: the methods of each path, in their order.
func (w *Wire) Routes() map[string][]string {
	routes := map[string][]string{}
	for path, item := range w.doc.Paths.Map() {
		routes[path] = slices.Sorted(maps.Keys(item.Operations()))
	}
	return routes
}

// find returns the path of openapi.yaml: tests run in their package's folder, somewhere below it.
func find(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		file := filepath.Join(dir, "upload", "openapi.yaml")
		if _, err := os.Stat(file); err == nil {
			return file
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("upload/openapi.yaml is not above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// authenticated asks for credentials only; whether they are right is the collector's to say.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r := in.RequestValidationInput.Request
	if in.SecuritySchemeName == "certificate" {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return errors.New("there is no client certificate")
		}
		return nil
	}
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); !strings.EqualFold(scheme, "Bearer") {
		return errors.New("there is no bearer token")
	}
	return nil
}

// Client returns next with every request held against the description before it is sent. A client certificate is not
// seen here: requests must carry a token.
func (w *Wire) Client(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			body, err = io.ReadAll(r.Body)
			if err = errors.Join(err, r.Body.Close()); err != nil {
				return nil, err
			}
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		if _, err := w.checkRequest(r, body); err != nil {
			w.t.Errorf("%s %s: the request is not as openapi.yaml describes it: %v", r.Method, r.URL.Path, err)
		}
		return next.RoundTrip(r)
	})
}

// Server returns next with every answer held against the description, and with every request that it answers 2xx:
// what is not described may be sent, but it must not be taken.
func (w *Wire) Server(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		original := r
		r = r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(original.Body, &body), original.Body}
		recorder := &recorder{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		in, err := w.checkRequest(original, body.Bytes())
		if err != nil && recorder.status < 300 {
			w.t.Errorf("%s %s: answered %d a request that is not as openapi.yaml describes it: %v", r.Method, r.URL.Path, recorder.status, err)
		}
		if err := w.checkAnswer(in, recorder); err != nil {
			w.t.Errorf("%s %s: the answer is not as openapi.yaml describes it: %v", r.Method, r.URL.Path, err)
		}
	})
}

// checkRequest returns what checkAnswer needs also where it returns an error; nil for a path or method not described.
func (w *Wire) checkRequest(r *http.Request, sent []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := w.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	content, err := decode(r.Header.Get("Content-Encoding"), sent)
	options := *w.options
	options.ExcludeRequestBody = route.Operation.OperationID == "putBatch"
	checked := r.Clone(r.Context())
	checked.Body = io.NopCloser(bytes.NewReader(content))
	in := &openapi3filter.RequestValidationInput{Request: checked, PathParams: params, Route: route, Options: &options}
	if err != nil {
		return in, err
	}
	err = openapi3filter.ValidateRequest(r.Context(), in)
	if r.Method == http.MethodPut {
		err = errors.Join(err, checkDigest(r, sent))
	}
	if options.ExcludeRequestBody {
		err = errors.Join(err, w.checkBatch(r, params, content))
	}
	if sum := sha256.Sum256(content); route.Operation.OperationID == "putFieldmap" && hex.EncodeToString(sum[:]) != params["digest"] {
		err = errors.Join(err, errors.New("the digest in the path is not the SHA-256 of the whitelist"))
	}
	return in, err
}

func checkDigest(r *http.Request, sent []byte) error {
	sum := sha256.Sum256(sent)
	want := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	if !strings.Contains(r.Header.Get("Content-Digest"), want) {
		return errors.New("Content-Digest is not the body's")
	}
	return nil
}

// checkBatch checks what OpenAPI has no words for: NDJSON, and that the path is its digest.
func (w *Wire) checkBatch(r *http.Request, params map[string]string, content []byte) error {
	if got := r.Header.Get("Content-Type"); got != upload.BatchType {
		return fmt.Errorf("Content-Type is %q", got)
	}
	sum := sha256.Sum256(content)
	if hex.EncodeToString(sum[:]) != params["id"] {
		return errors.New("the id is not the SHA-256 of the lines")
	}
	n := 0
	for line := range bytes.Lines(content) {
		n++
		var value any
		if err := json.Unmarshal(line, &value); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := w.doc.Components.Schemas["Line"].Value.VisitJSON(value); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		object, _ := value.(map[string]any)
		if object["dealer_id"] != params["dealer_id"] || object["week"] != params["week"] {
			return fmt.Errorf("line %d is of another dealer or week", n)
		}
	}
	if n == 0 {
		return errors.New("the batch has no lines")
	}
	return nil
}

func decode(coding string, sent []byte) ([]byte, error) {
	switch coding {
	case "zstd":
		z, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(upload.MaxBatch), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return z.DecodeAll(sent, nil)
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(sent))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(z, upload.MaxBatch+1))
	}
	return sent, nil
}

// checkAnswer holds an answer against its operation, or, where the request met none, against what 404 and 405 are.
func (w *Wire) checkAnswer(in *openapi3filter.RequestValidationInput, got *recorder) error {
	if in == nil || got.status == http.StatusNotFound {
		return w.checkNoRoute(got)
	}
	if got.status != http.StatusNoContent && got.Header().Get("Content-Type") == "" {
		return errors.New("it has no Content-Type")
	}
	if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.status, Header: got.Header(), Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(got.body.Bytes())),
	}); err != nil {
		return err
	}
	return got.checkStatus()
}

func (w *Wire) checkNoRoute(got *recorder) error {
	if got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed {
		return fmt.Errorf("it is %d, but there is no such path or method", got.status)
	}
	if got.status == http.StatusMethodNotAllowed && got.Header().Get("Allow") == "" {
		return errors.New("it is 405 without Allow")
	}
	var value any
	if err := json.Unmarshal(got.body.Bytes(), &value); err != nil {
		return err
	}
	if err := w.doc.Components.Schemas["Problem"].Value.VisitJSON(value); err != nil {
		return err
	}
	return got.checkStatus()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recorder keeps a copy of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// Unwrap lets [http.ResponseController] through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// checkStatus holds that a problem names the status it comes with (RFC 9457, section 3.1.2).
func (r *recorder) checkStatus() error {
	if r.status < 400 {
		return nil
	}
	var p upload.Problem
	if err := json.Unmarshal(r.body.Bytes(), &p); err != nil {
		return err
	}
	if got := r.Header().Get("Content-Type"); p.Status != r.status || got != upload.ProblemType {
		return fmt.Errorf("the problem's status is %d and its Content-Type %q, but the answer is %d", p.Status, got, r.status)
	}
	return nil
}
