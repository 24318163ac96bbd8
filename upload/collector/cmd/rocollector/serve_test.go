package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roagent/upload/localpage"
)

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80":   true,
		"127.9.9.9:80":   true,
		"[::1]:80":       true,
		"localhost:80":   true,
		":80":            false,
		"0.0.0.0:80":     false,
		"[::]:80":        false,
		"192.168.1.1:80": false,
		"example.com:80": false,
		"127.0.0.1":      false,
		"":               false,
	} {
		if got := localpage.IsLoopback(address); got != want {
			t.Errorf("loopback(%q) is %t, want %t", address, got, want)
		}
	}
}

// start serves the handler until the test is over, and returns its address, how to end it, and what serve returns.
func start(t *testing.T, handler http.Handler) (address string, stop context.CancelFunc, result <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	server := newServer(handler, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	go func() { done <- serve(ctx, listener, server) }()
	t.Cleanup(stop)
	return listener.Addr().String(), stop, done
}

func TestHeadersThatAreTooLarge(t *testing.T) {
	address, _, _ := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request came through") }))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", answer.Status)
	}
}

// Who begins a request and never ends its head, and who holds a connection and asks nothing, is shown out.
func TestConnectionsThatSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, head := range []string{"", "GET / HTTP/1.1\r\nHost:", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
			client, server := net.Pipe()
			s := newServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- serve(ctx, &oneConn{conn: server, closed: make(chan struct{})}, s) }()
			go func() {
				_, err := io.WriteString(client, head)
				if err != nil {
					t.Error(err)
				}
			}()
			began := time.Now()
			if _, err := io.Copy(io.Discard, client); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > idleTime {
				t.Errorf("after %q the connection was open for %s", head, took)
			}
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	close(l.closed)
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// A collector that is told to stop answers what it has begun.
func TestShutdown(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	address, stop, result := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusCreated)
	}))
	answers := make(chan int, 1)
	go func() {
		answer, err := http.Get("http://" + address)
		if err != nil {
			t.Error(err)
			answers <- 0
			return
		}
		defer answer.Body.Close()
		answers <- answer.StatusCode
	}()
	<-entered
	stop()
	select {
	case err := <-result:
		t.Fatalf("it stopped with a request under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-answers; got != http.StatusCreated {
		t.Errorf("the request under way got %d", got)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}
