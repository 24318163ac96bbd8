package collector_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"roagent/upload"
	"roagent/upload/collector"
)

// FuzzRequest sends whatever a stranger or an agent may send: it is answered, never with a fault of the collector's own,
// with a problem where it is refused, and taken only from the dealer that the path names.
func FuzzRequest(f *testing.F) {
	r := newRig(f, collector.NewMemStore())
	good := r.batch(line("RO1"))
	for token := range byte(4) {
		f.Add("PUT", good.path, token, upload.BatchType, "zstd", whitelist, good.body)
	}
	f.Add("PUT", weekPath(), byte(1), "application/json", "", whitelist, r.manifest(manifestOf()).body)
	f.Add("PUT", weekPath(), byte(1), "application/json", "gzip", whitelist, []byte("\x1f\x8b"))
	f.Add("GET", weekPath(), byte(1), "", "", "", []byte(nil))
	f.Add("PUT", "/v1/dealers/"+dealer+"/status", byte(1), "application/json", "", "", []byte(`{"dealer_id":"04123"}`))
	f.Add("PUT", "/v1/dealers/"+dealer+"/fieldmaps/"+whitelist, byte(1), "application/json", "identity", whitelist, []byte(form))
	f.Add("DELETE", "/v1/dealers/..%2f"+dealer+"/weeks/%00", byte(2), ";", "br, br", "\x00", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path string, token byte, media, coding, fieldmap string, body []byte) {
		u, err := url.ParseRequestURI(path)
		owner := map[byte]string{1: dealer, 2: otherDealer}[token%4]
		if err != nil || method == http.MethodConnect || method == http.MethodDelete && owner != "" {
			return // the server does not let it in, or the dealer leaves, and the test would end
		}
		q := request{header: http.Header{"Content-Type": {media}, "Content-Encoding": {coding}, upload.FieldmapHeader: {fieldmap}}, body: body}.sealed()
		switch token % 4 {
		case 1:
			q.header.Set("Authorization", "Bearer "+r.token[dealer])
		case 2:
			q.header.Set("Authorization", "Bearer "+r.token[otherDealer])
		case 3:
			q.header.Set("Authorization", "Bearer "+path)
		}
		h := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "https://collector.example.com/", bytes.NewReader(body))
		h.Method, h.URL, h.RequestURI, h.Header = method, u, path, q.header
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, h)
		switch {
		case w.Code >= 500, w.Code < 200, w.Code >= 300 && w.Code < 400:
			t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
		case w.Code < 300 && (owner == "" || !strings.HasPrefix(u.Path, "/v1/dealers/"+owner+"/")):
			t.Errorf("%s %q was taken from %q: %d", method, path, owner, w.Code)
		case w.Code >= 400 && (w.Header().Get("Content-Type") != upload.ProblemType || !json.Valid(w.Body.Bytes())):
			t.Errorf("%s %q: %d %q", method, path, w.Code, w.Body)
		}
	})
}
