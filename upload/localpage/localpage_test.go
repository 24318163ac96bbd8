package localpage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"roagent/upload/localpage"
)

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "192.168.1.1:80": false, "localhost.example.com:80": false, "127.0.0.1": false, "": false,
	} {
		if got := localpage.IsLoopback(address); got != want {
			t.Errorf("IsLoopback(%q) is %t, want %t", address, got, want)
		}
	}
}

// start serves one page, /page, and returns the address and how to end it.
func start(t *testing.T, page http.HandlerFunc) (address string, stop func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	handler := localpage.Guard(localpage.Pages(map[string]http.Handler{"/page": page}))
	go func() { done <- localpage.Serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(cancel)
	return listener.Addr().String(), func() error { cancel(); return <-done }
}

// ask sends a request as it is written, and returns the answer's status and headers.
func ask(t *testing.T, address, raw string) (int, http.Header) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// A page of the web whose name is looked up anew as this machine gets nothing, nor does any path or method but those served.
func TestWhoIsAnswered(t *testing.T) {
	address, _ := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
	for _, test := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/page", address, 200},
		{"HEAD", "/page", "localhost", 200},
		{"GET", "/page", "[::1]:8787", 200},
		{"GET", "/page", "evil.example.com", 421},
		{"GET", "/page", "evil.example.com:8787", 421},
		{"GET", "/page", "localhost.evil.example.com", 421},
		{"GET", "/page", "192.168.1.1", 421},
		{"GET", "/page", "", 421},
		{"GET", "/", address, 404},
		{"GET", "/other", address, 404},
		{"POST", "/page", address, 405},
		{"DELETE", "/page", address, 405},
	} {
		status, header := ask(t, address, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", test.method, test.path, test.host))
		if status != test.want {
			t.Errorf("%s %s of %q got %d, want %d", test.method, test.path, test.host, status, test.want)
		}
		if status == 200 && !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers: %v", header)
		}
	}
	if status, _ := ask(t, address, "GET /page HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header too large got %d", status)
	}
}

// Serve ends with its context, whoever holds a connection.
func TestEnds(t *testing.T) {
	hold := make(chan struct{})
	entered := make(chan struct{})
	address, stop := start(t, func(http.ResponseWriter, *http.Request) { close(entered); <-hold })
	defer close(hold)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	began := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}
