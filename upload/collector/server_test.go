package collector_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"roagent/upload/collector"
)

// dial sends raw bytes over a real connection and returns the answer's status and media type.
func dial(t *testing.T, h http.Handler, raw string) (status int, mediaType string) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header.Get("Content-Type")
}

// head is a request's head as it goes over a connection.
func (q request) head(length int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: collector.example.com\r\nContent-Length: %d\r\n", q.method, q.path, length)
	for name, values := range q.header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
	}
	return b.String() + "\r\n"
}

func TestASlowBody(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.handler.BodyTime = 50 * time.Millisecond
	q := r.batch(line("RO1"))
	status, mediaType := dial(t, r.wire, q.head(len(q.body))+string(q.body[:10]))
	if status != 408 || mediaType != "application/problem+json" {
		t.Errorf("got %d %s", status, mediaType)
	}
	if got := r.objects(); len(got) > 0 {
		t.Errorf("stored: %v", got)
	}
}

// Complaint 22: statuses misread. What a network broke is tried again; a 400 would set the batch aside.
func TestABodyThatBreaksOff(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	q := r.batch(line("RO1"))
	h := httptest.NewRequest(q.method, "/", io.MultiReader(strings.NewReader("some"), brokenReader{}))
	r.serve(h, q)
	w := httptest.NewRecorder()
	r.wire.ServeHTTP(w, h)
	r.problem(w, 408)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What is too large is refused by what it says of itself, before it is sent.
func TestTheClaimIsEnough(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	if status, _ := dial(t, r.wire, r.batch(line("RO1")).head(1<<40)); status != 413 {
		t.Errorf("got %d", status)
	}
}

// blocked is a store in which Get waits.
type blocked struct {
	collector.Store
	entered, release chan struct{}
}

func (b *blocked) List(ctx context.Context, folder string) ([]collector.Object, error) {
	b.entered <- struct{}{}
	<-b.release
	return b.Store.List(ctx, folder)
}

// Complaint 22: 429 lost. One dealer cannot take all there is, and is told when to come again.
func TestTooManyAtOnce(t *testing.T) {
	store := &blocked{Store: collector.NewMemStore(), entered: make(chan struct{}), release: make(chan struct{})}
	r := newRig(t, store)
	r.handler.PerDealer = 2
	answers := make(chan *httptest.ResponseRecorder)
	for range 2 {
		go func() { answers <- r.do(r.get()) }()
		<-store.entered
	}
	w := r.do(r.get())
	r.problem(w, 429)
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q", got)
	}
	other := r.get().with("Authorization", "Bearer "+r.token[otherDealer])
	other.path = "/v1/dealers/" + otherDealer + "/weeks/2026-W46"
	go func() { answers <- r.do(other) }()
	<-store.entered // another dealer is not held up
	close(store.release)
	for range 3 {
		if w := <-answers; w.Code != 200 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	go func() { <-store.entered }()
	if w := r.do(r.get()); w.Code != 200 {
		t.Errorf("once they are done: got %d", w.Code)
	}
}

// brokenStore fails like a disk.
type brokenStore struct{ collector.Store }

func (brokenStore) Get(context.Context, string) ([]byte, error) {
	return nil, errors.New("read /srv/store/dealers: input/output error")
}

// A store that cannot be read is no reason to call a token wrong: the agent would stop sending.
func TestABrokenStoreIsNotAWrongToken(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.handler = collector.New(brokenStore{r.store}, r.key)
	r.wire = r.handler
	p := r.problem(r.do(r.get()), 500)
	if strings.Contains(p.Detail, "srv") {
		t.Errorf("the answer tells strangers what is wrong inside: %q", p.Detail)
	}
}
