package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestCrashShowsNoSecret holds that the dump of a process that dies while it works has no secret in it, and neither has
// what is said of a proxy whose password stands in the environment.
func TestCrashShowsNoSecret(t *testing.T) {
	if testing.Short() {
		t.Skip("builds roagent: not with -short")
	}
	program := buildRoagent(t)
	entered := make(chan struct{})
	s := newSecretSite(t, circumstance{answer: func(_ http.ResponseWriter, r *http.Request) {
		close(entered) // the pull waits for an answer, with all that it knows
		<-r.Context().Done()
	}})
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	var asked atomic.Bool
	go func() {
		_ = http.Serve(proxy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // it is closed in a moment
			asked.Store(true) // and whatever it repeats is not shown
			w.Header().Set("Proxy-Authenticate", r.Header.Get("Proxy-Authorization"))
			w.WriteHeader(http.StatusProxyAuthRequired)
			_, _ = io.WriteString(w, r.Header.Get("Proxy-Authorization"))
		}))
	}()

	var out, refusal lockedBuffer
	c := exec.CommandContext(t.Context(), program, "--config", s.config, "pull")
	c.Stdout, c.Stderr = &out, &out
	c.Env = append(os.Environ(), "GOTRACEBACK=all")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-entered
	if err := c.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || !strings.Contains(out.String(), "goroutine 1 ") {
		t.Errorf("it did not crash: %v\n%s", err, out.String())
	}
	if leak := s.canaries.leaks([]byte(out.String()), ""); leak != "" {
		t.Errorf("the dump shows %s", leak)
	}

	s.edit(t, "  url: ", "  url: https://collector.example.com # ")
	c = exec.CommandContext(t.Context(), program, "--config", s.config, "send")
	c.Stdout, c.Stderr = &refusal, &refusal
	c.Env = append(os.Environ(), fmt.Sprintf("HTTPS_PROXY=http://roagent:%s@%s", s.password, proxy.Addr()))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(3*time.Second, func() { _ = c.Process.Signal(os.Interrupt) }) // it would try again for a minute
	defer timer.Stop()
	if err := c.Wait(); err == nil || !asked.Load() {
		t.Errorf("the proxy was not asked: %v\n%s", err, refusal.String())
	}
	if leak := s.canaries.leaks([]byte(refusal.String()), ""); leak != "" {
		t.Errorf("a proxy's refusal shows %s", leak)
	}
}
