package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// unlessHeld is a refusal, of these lines or of all, by a collector that keeps its word: what it has stored, though the answer was
// lost, it takes again.
func (n *simNetwork) unlessHeld(refusal uploadtest.Fault, refused []upload.LineProblem) uploadtest.Fault {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		name := strings.TrimPrefix(r.URL.Path, "/v1/")
		name = strings.Replace(name, "/weeks/", "/", 1) + ".ndjson.zst"
		if _, err := n.store.Get(r.Context(), name); err == nil {
			return next.RoundTrip(r)
		}
		lines, err := n.lines(r)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.refused[path.Base(r.URL.Path)] = true
		for i, l := range lines {
			if l.Voided && (refused == nil || slices.ContainsFunc(refused, func(p upload.LineProblem) bool { return p.Line == i+1 })) {
				n.voids[lineName(l.Key, l.Revision)] = true
			}
		}
		return refusal(r, next)
	}
}

// lines reads the lines of a batch.
func (n *simNetwork) lines(r *http.Request) (lines []upload.Line, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	text, err := n.zstd.DecodeAll(body, nil)
	for text := range bytes.Lines(text) {
		var l upload.Line
		err = cmp.Or(err, json.Unmarshal(text, &l))
		lines = append(lines, l)
	}
	return lines, err
}

func lineName(key string, revision int) string { return fmt.Sprintf("%s revision %d", key, revision) }
