package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"roagent/upload"
	"roagent/upload/collector"
)

const (
	hostileDealer = "04123"
	hostileForm   = `{"fieldmap":1,"recipient":"Example Motor Sales","purpose":"tests","agreement":"none","orders":{"from":{"name":"RepairOrder"},` +
		`"key":["RONumber"],"week":"ClosedAt","fields":[{"send":"repair_order_header.document_id","column":{"name":"RONumber"},"why":"names the visit"}]}}`
	hostileLines = `{"dealer_id":"04123","week":"2026-W46","key":"RO1","revision":1,"repair_order":{"a":1}}` + "\n"
	hostileWeek  = "/v1/dealers/04123/weeks/2026-W46"
)

// besieged is a collector as it is served, with two dealers, and one whitelist declared.
type besieged struct {
	store   *collector.MemStore
	handler *collector.Handler
	token   string
	other   string // the other dealer's
}

func newBesieged(t *testing.T) *besieged {
	t.Helper()
	b := &besieged{store: collector.NewMemStore()}
	key, err := collector.OpenKey(t.Context(), b.store, "")
	if err != nil {
		t.Fatal(err)
	}
	for id, token := range map[string]*string{hostileDealer: &b.token, "04999": &b.other} {
		if *token, err = collector.AddDealer(t.Context(), b.store, id, "Example Toyota"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.store.Put(t.Context(), "dealers/04123/fieldmaps/"+hexSum(hostileForm)+".json", []byte(hostileForm), collector.Create); err != nil {
		t.Fatal(err)
	}
	b.handler = collector.New(b.store, key)
	return b
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// put is a request of the dealer as it goes over a connection; changes are pairs of what to replace in its head.
func (b *besieged) put(path, media, coding, body string, changes ...string) string {
	sum := sha256.Sum256([]byte(body))
	head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: collector.example.com\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Encoding: %s\r\n"+
		"Fieldmap-Digest: %s\r\nContent-Digest: sha-256=:%s:\r\nContent-Length: %d\r\n\r\n",
		path, b.token, media, coding, hexSum(hostileForm), base64.StdEncoding.EncodeToString(sum[:]), len(body))
	return strings.NewReplacer(changes...).Replace(head) + body
}

func (b *besieged) batch(changes ...string) string {
	return b.put(hostileWeek+"/batches/"+hexSum(hostileLines), "application/x-ndjson", "zstd", packed(hostileLines), changes...)
}

func (b *besieged) manifest(readings int) string {
	return b.put(hostileWeek, "application/json", "identity", fmt.Sprintf(`{"dealer_id":"04123","week":"2026-W46","timezone":"UTC",`+
		`"fieldmap_digest":"%s","read_at":"2026-11-16T11:00:00Z","readings":%d,"batches":[]}`, hexSum(hostileForm), readings))
}

func packed(text string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(z.EncodeAll([]byte(text), nil))
}

// ask sends raw bytes over a connection of their own, and returns the answers to that many requests.
func ask(t *testing.T, address, raw string, requests int) (statuses []int, bodies []string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, raw) }() // it may be refused before its end
	in := bufio.NewReader(conn)
	for range requests {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		statuses, bodies = append(statuses, answer.StatusCode), append(bodies, string(body))
	}
	return statuses, bodies
}

// What strangers and other dealers send over a real connection is refused, each thing with its status, and nothing of
// it is stored.
func TestHostileRequests(t *testing.T) {
	b := newBesieged(t)
	address, _, _ := start(t, b.handler)
	id := hexSum(hostileLines)
	for name, test := range map[string]struct {
		raw    string
		status int
	}{
		"another dealer's token":               {b.batch(b.token, b.other), 403},
		"another dealer's token, to leave":     {"DELETE /v1/dealers/04123 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b.other + "\r\n\r\n", 403},
		"another dealer's token, to a week":    {"GET " + hostileWeek + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b.other + "\r\n\r\n", 403},
		"another dealer's token, to a status":  {b.put("/v1/dealers/04123/status", "application/json", "", `{"dealer_id":"04123"}`, b.token, b.other), 403},
		"another dealer's token, to a form":    {b.put("/v1/dealers/04123/fieldmaps/"+hexSum(hostileForm), "application/json", "", hostileForm, b.token, b.other), 403},
		"the id of one, the secret of another": {b.batch(b.token, "04123"+strings.TrimPrefix(b.other, "04999")), 401},
		"two tokens":                           {b.batch("Content-Type:", "Authorization: Bearer "+b.token+"\r\nContent-Type:"), 401},
		"no token":                             {b.batch("Authorization:", "X:"), 401},
		"dots":                                 {b.batch("/dealers/04123/", "/dealers/04999/../04123/"), 404},
		"encoded dots":                         {b.batch("/dealers/04123/", "/dealers/04999/%2e%2e/04123/"), 404},
		"encoded slash":                        {b.batch("/dealers/04123/", "/dealers/04999%2f..%2f04123/"), 404},
		"backslash":                            {b.batch("/dealers/04123/", `/dealers/04999\..\04123/`), 404},
		"encoded null byte":                    {b.batch(id, id[:61]+"%00"), 400},
		"null byte":                            {b.batch(id, id[:63]+"\x00"), 400},
		"percent sign":                         {b.batch(id, id[:62]+"%zz"), 400},
		"asterisk in place of a path":          {"PUT * HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"address in place of a path":           {b.batch("PUT /v1", "PUT http://169.254.169.254/v1", "/dealers/04123", "/dealers/.."), 404},
		"id of other lines":                    {b.batch(id, strings.Repeat("0", 64)), 400},
		"Content-Digest of another body":       {b.batch("Content-Digest: sha-256=:", "Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, sha-512=:"), 400},
		"digest of another whitelist":          {b.batch(hexSum(hostileForm), strings.Repeat("0", 64)), 412},
		"two lengths":                          {b.batch("Content-Type:", "Content-Length: 1\r\nContent-Type:"), 400},
		"negative length":                      {b.batch("Content-Length: ", "Content-Length: -"), 400},
		"unknown transfer":                     {b.batch("Content-Type:", "Transfer-Encoding: xchunked\r\nContent-Type:"), 501},
		"line break in a header":               {b.batch("Host: collector.example.com", "Host: a\r\n b"), 400},
		"no host":                              {b.batch("Host:", "X:"), 400},
		"bomb":                                 {b.put(hostileWeek, "application/json", "zstd", packed(strings.Repeat(" ", upload.MaxManifest+1))), 413},
		"many headers":                         {b.batch("Content-Type:", strings.Repeat("X: y\r\n", 2*maxHeader/6)+"Content-Type:"), 431},
		"long path":                            {b.batch("/v1/", "/v1/"+strings.Repeat("x", 2*maxHeader)), 431},
	} {
		t.Run(name, func(t *testing.T) {
			statuses, bodies := ask(t, address, test.raw, 1)
			if statuses[0] != test.status {
				t.Errorf("got %d, want %d: %s", statuses[0], test.status, bodies[0])
			}
		})
	}
	for _, folder := range []string{"dealers/04123/2026-W46", "dealers/04123/2026-W46/batches", "dealers/04999/2026-W46", "dealers/04999/fieldmaps"} {
		if names, err := collector.Names(t.Context(), b.store, folder); len(names) > 0 || err != nil {
			t.Errorf("stored: %v, %v", names, err)
		}
	}
	if statuses, _ := ask(t, address, b.batch(), 1); statuses[0] != 201 {
		t.Errorf("the dealer's own batch got %d", statuses[0])
	}
}

// Requests that are recorded and sent again change nothing: the same batch gets the same receipt, and an old manifest
// does not take the place of the newer one. Several in one packet are answered each, in their order.
func TestReplays(t *testing.T) {
	b := newBesieged(t)
	address, _, _ := start(t, b.handler)
	statuses, bodies := ask(t, address, b.batch()+b.batch()+b.manifest(1)+b.manifest(2)+b.manifest(1), 5)
	if fmt.Sprint(statuses) != "[201 200 201 201 200]" || bodies[0] != bodies[1] || bodies[2] != bodies[4] {
		t.Errorf("got %v %q", statuses, bodies)
	}
	held, err := b.store.Get(t.Context(), "dealers/04123/2026-W46/manifest.json")
	if err != nil || !bytes.Contains(held, []byte(`"readings":2`)) {
		t.Errorf("the manifest held is %s, %v", held, err)
	}
}

// Who sends a byte now and then is shown out: in its head, in a body that nobody asked for, in one that a dealer may send.
func TestSlowClients(t *testing.T) {
	const slack = time.Minute
	for name, test := range map[string]struct {
		raw   func(*besieged) string
		limit time.Duration
	}{
		"head": {func(b *besieged) string { return "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 1<<12) }, headerTime},
		"body of a stranger": {func(b *besieged) string {
			return b.batch("Authorization:", "X:", "Content-Length: ", "Content-Length: 1")
		}, slack},
		"body of another dealer":      {func(b *besieged) string { return b.batch(b.token, b.other, "Content-Length: ", "Content-Length: 1") }, slack},
		"body to no path":             {func(b *besieged) string { return b.batch("/v1/", "/v2/", "Content-Length: ", "Content-Length: 1") }, slack},
		"body with a method too many": {func(b *besieged) string { return b.batch("PUT", "POST", "Content-Length: ", "Content-Length: 1") }, slack},
		"body of a dealer":            {func(b *besieged) string { return b.batch("Content-Length: ", "Content-Length: 1") }, collector.DefaultBodyTime + slack},
		"chunks of a dealer": {func(b *besieged) string {
			return b.batch("Content-Length: ", "Transfer-Encoding: chunked\r\nX: ")
		}, collector.DefaultBodyTime + slack},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBesieged(t)
				if took := drip(t, b.handler, test.raw(b)); took > test.limit {
					t.Errorf("it held the connection for %s", took)
				}
			})
		})
	}
}

// drip sends a request, and what would make it longer a byte a second, until the connection is closed or an hour is over.
func drip(t *testing.T, handler http.Handler, raw string) time.Duration {
	t.Helper()
	client, end := net.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := newServer(handler, nil, slog.New(slog.DiscardHandler))
	go func() { done <- serve(ctx, &oneConn{conn: end, closed: make(chan struct{})}, s) }()
	began := time.Now()
	var dripping sync.WaitGroup
	dripping.Go(func() {
		_, err := io.WriteString(client, raw)
		for err == nil && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
			_, err = io.WriteString(client, "1")
		}
		_ = client.Close()
	})
	_, _ = io.Copy(io.Discard, client) // until either end closes
	took := time.Since(began)
	dripping.Wait()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return took
}

// Connections that ask nothing do not keep a dealer out.
func TestManyConnections(t *testing.T) {
	b := newBesieged(t)
	address, _, _ := start(t, b.handler)
	for range 300 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if statuses, _ := ask(t, address, b.batch(), 1); statuses[0] != 201 {
		t.Errorf("got %d", statuses[0])
	}
}

// Requests that are taken back as soon as they are sent (HTTP/2's rapid reset) do not keep a dealer out.
func TestRapidReset(t *testing.T) {
	b := newBesieged(t)
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	server := newServer(b.handler, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: pair.TLS.Certificates}, slog.New(slog.DiscardHandler))
	go func() { done <- serve(ctx, listener, server) }()
	roots := pair.Client().Transport.(*http.Transport).TLSClientConfig
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: roots, ForceAttemptHTTP2: true}}
	get := func(ctx context.Context) (*http.Response, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+listener.Addr().String()+hostileWeek, nil)
		if err != nil {
			return nil, err
		}
		q.Header.Set("Authorization", "Bearer "+b.token)
		return client.Do(q)
	}
	var resets sync.WaitGroup
	for range 1000 {
		taken, takeBack := context.WithCancel(t.Context())
		resets.Go(func() {
			if answer, err := get(taken); err == nil {
				_ = answer.Body.Close()
			}
		})
		takeBack()
	}
	resets.Wait()
	for { // what was begun and taken back may still count
		answer, err := get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusTooManyRequests {
			continue
		}
		if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
			t.Errorf("got %s over %s", answer.Status, answer.Proto)
		}
		break
	}
	client.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
