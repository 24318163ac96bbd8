package upload

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzAnswer gives the sender whatever may answer instead of a collector. Only a success is taken for one and only a
// problem of the collector parks orders; what is said of the rest is bounded, printable, on one line and without the token.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status      int
		media, body string
	}{
		{200, "text/html; charset=utf-8", "<h1>Please log in</h1>"},
		{200, "application/json", `{"dealer_id":"04123","week":"2026-W46","batches":[{"id":"x","orders":1}],"closed":true}`},
		{201, "text/plain", "roagent receipt v1\n"},
		{200, "application/json", `{"dealer_id":"04123","fieldmap_digest":""}`},
		{302, "", ""},
		{409, ProblemType, `{"title":"gone","status":409,"missing":["\u001b[2Jaaaaaaaaaaaaaaaaaaa"]}`},
		{412, ProblemType, `{"type":"` + UndeclaredType + `"}`},
		{422, ProblemType, `{"title":"no","lines":[{"line":-1,"detail":"x\ny"}]}`},
		{503, "text/html\x00; q=\"", "\xff"},
		{401, ProblemType, `{"title":"` + fuzzToken + `","detail":"\u0030` + fuzzToken[1:] + `"}`},
		{404, fuzzToken + "/" + fuzzToken, ""},
		{99, ";", "{"},
	} {
		f.Add(seed.status, seed.media, []byte(seed.body))
	}
	q := NewQueue(f.TempDir(), "04123")
	if err := q.Open(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = q.Close() })
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		a := answer{what: "batch", host: "collector.test", limit: MaxReceipt, secret: fuzzToken}
		response := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(bytes.NewReader(body))}
		if err := a.read(response); err != nil {
			t.Fatal(err)
		}
		action, err := batchAction(a)
		if action == accept && status != 200 && status != 201 {
			t.Errorf("%d is taken for a success", status)
		}
		if (action == park || action == parkLines) && (a.problem == nil || !slices.Contains([]int{400, 409, 422}, status)) {
			t.Errorf("%d and %q park the batch", status, a.mediaType)
		}
		printed(t, err)
		if action, err = manifestAction(a); action == sendLost {
			err = q.requeue("2026-W46", a.problem.Missing)
		}
		printed(t, err)
		printed(t, notCollector(a))
		printed(t, unproven(a, nil))
		if a.declares(Declared{DealerID: "04123", FieldmapDigest: "ab"}) && !bytes.Contains(body, []byte("ab")) {
			t.Errorf("%q declares a whitelist", body)
		}
	})
}

const fuzzToken = "04123.mcvKtYVd0Q"

// printed holds that an error can be shown to a person.
func printed(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if len(text) > 3*maxReason || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%d bytes are said: %q", len(text), text)
	}
	if strings.Contains(strings.ToLower(text), strings.ToLower(fuzzToken)) {
		t.Errorf("it shows the token: %q", text)
	}
}
