package main

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer is a transport that sends each request to the next collector, and measures how long the answers take.
type balancer struct {
	replicas []*replica
	names    []string // their addresses, which they keep
	next     http.RoundTripper
	turn     atomic.Uint64

	mu     sync.Mutex
	times  map[string][]time.Duration // by kind of request, of those that were answered
	status map[int]int
	failed int // requests without an answer
	killed int // of which after a collector was killed
	after  bool
}

func newBalancer(replicas []*replica) *balancer {
	b := &balancer{
		replicas: replicas, times: map[string][]time.Duration{}, status: map[int]int{},
		next: &http.Transport{MaxIdleConnsPerHost: 1000, IdleConnTimeout: time.Minute},
	}
	for _, r := range replicas {
		b.names = append(b.names, r.address)
	}
	return b
}

// RoundTrip implements [http.RoundTripper].
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = b.names[b.turn.Add(1)%uint64(len(b.names))]
	began := time.Now()
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		answer.Body = io.NopCloser(bytes.NewReader(body))
	}
	took := time.Since(began)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.failed++
		if b.after {
			b.killed++
		}
		return nil, err
	}
	b.times[requestKind(r)] = append(b.times[requestKind(r)], took)
	b.status[answer.StatusCode]++
	return answer, nil
}

// kills notes that a collector was killed.
func (b *balancer) kills() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after = true
}

func requestKind(r *http.Request) string {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[3:] // behind v1/dealers/{dealer}
	switch {
	case len(path) == 4:
		return "PUT a batch"
	case path[0] == "weeks" && r.Method == http.MethodPut:
		return "PUT a manifest"
	case path[0] == "fieldmaps":
		return "PUT a whitelist"
	case path[0] == "status":
		return "PUT a heartbeat"
	}
	return "GET what is held"
}

func (b *balancer) report(t *testing.T, took time.Duration) {
	t.Helper()
	var all []time.Duration
	for name, times := range b.times {
		slices.Sort(times)
		t.Logf("%-18s %7d requests, p50 %s, p99 %s, longest %s", name, len(times), part(times, 50), part(times, 99), part(times, 100))
		all = append(all, times...)
	}
	slices.Sort(all)
	t.Logf("%-18s %7d requests, p50 %s, p99 %s, longest %s", "all", len(all), part(all, 50), part(all, 99), part(all, 100))
	t.Logf("%s, %.0f requests a second; statuses %v; %d requests had no answer, %d of them after the kill", took.Round(time.Millisecond),
		float64(len(all))/took.Seconds(), b.status, b.failed, b.killed)
	if b.failed == 0 {
		t.Error("the kill hit no request: this proves nothing")
	}
}

// part returns the percentile of sorted times.
func part(times []time.Duration, percent int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[(len(times)-1)*percent/100].Round(100 * time.Microsecond)
}
