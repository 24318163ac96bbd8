package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"roagent/upload/collector"
	"roagent/upload/collector/metrics"
)

// page returns a page of metrics, or any other.
func page(t *testing.T, handler http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// expect holds that a page has these lines.
func expect(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+page, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("%s is not there, but:\n%s", line, strings.Join(regexp.MustCompile(`(?m)^`+name+`\b.*$`).FindAllString(page, -1), "\n"))
		}
	}
}

// What dealers and strangers send is counted by what it was, and no label holds anything of theirs.
func TestRequestsAreCounted(t *testing.T) {
	b := newBesieged(t)
	counts := metrics.New("test")
	b.handler.Meter = counts
	address, _, _ := start(t, counts.Requests(b.handler))
	batch := b.batch()
	ask(t, address, batch, 1)
	ask(t, address, batch, 1)
	ask(t, address, b.manifest(1), 1)
	ask(t, address, b.manifest(1), 1)
	ask(t, address, b.batch(b.token, b.other), 1)
	ask(t, address, "GET /secret-path-of-a-stranger HTTP/1.1\r\nHost: x\r\n\r\n", 1)
	ask(t, address, "GET /v1/dealers/04999/../Zebulon HTTP/1.1\r\nHost: x\r\n\r\n", 1)
	ask(t, address, "BREW /v1/dealers/04999/status HTTP/1.1\r\nHost: x\r\n\r\n", 1)
	text := page(t, counts.Page())
	const route = `route="/v1/dealers/{dealer}/weeks/{week}`
	expect(
		t, text,
		`rocollector_requests_total{code="201",method="PUT",`+route+`/batches/{batch}"} 1`,
		`rocollector_requests_total{code="200",method="PUT",`+route+`/batches/{batch}"} 1`,
		`rocollector_requests_total{code="403",method="PUT",`+route+`/batches/{batch}"} 1`,
		`rocollector_requests_total{code="201",method="PUT",`+route+`"} 1`,
		`rocollector_requests_total{code="404",method="GET",route="other"} 2`,
		`rocollector_requests_total{code="405",method="other",route="/v1/dealers/{dealer}/status"} 1`,
		`rocollector_request_duration_seconds_count{`+route+`/batches/{batch}"} 3`,
		`rocollector_batches_total{new="true"} 1`,
		`rocollector_batches_total{new="false"} 1`,
		`rocollector_orders_total 1`,
		`rocollector_manifests_total 1`,
		`rocollector_refused_total{reason="not_let_in"} 1`,
		`rocollector_refused_total{reason="no_such_path"} 3`,
		`rocollector_requests_in_flight 0`,
		fmt.Sprintf("rocollector_request_body_bytes_total %d", 2*len(packed(hostileLines))+2*len(bodyOf(b.manifest(1)))),
	)
	for _, secret := range []string{"04123", "04999", "Zebulon", "stranger", "BREW", "W46", b.token} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
}

func bodyOf(raw string) string {
	_, body, _ := strings.Cut(raw, "\r\n\r\n")
	return body
}

// A request is seen while it is served, and its body is bounded in time as it is without metrics.
func TestRequestsInFlight(t *testing.T) {
	counts := metrics.New("test")
	entered, release := make(chan struct{}), make(chan struct{})
	address, _, _ := start(t, counts.Requests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("no time can be set for the body: %v", err)
		}
		close(entered)
		<-release
	})))
	var asking sync.WaitGroup
	asking.Go(func() { ask(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1) })
	<-entered
	expect(t, page(t, counts.Page()), "rocollector_requests_in_flight 1")
	close(release)
	asking.Wait()
}

// faulty is a store of which one operation fails.
type faulty struct {
	collector.Store
	err error
}

func (f faulty) Get(context.Context, string) ([]byte, error) { return nil, f.err }

// What the store answers is told apart from its faults.
func TestStoreIsCounted(t *testing.T) {
	counts := metrics.New("test")
	ctx := t.Context()
	store := counts.Store(collector.NewMemStore())
	for range 2 {
		_ = store.Put(ctx, "a/b", []byte("x"), collector.Create)
	}
	_, _ = store.Get(ctx, "a/b")
	_, _ = store.Get(ctx, "a/c")
	_, _ = store.List(ctx, "a")
	_ = store.Remove(ctx, "a")
	_, _ = counts.Store(faulty{err: errors.New("disk gone")}).Get(ctx, "a/b")
	_, _ = counts.Store(faulty{err: fmt.Errorf("get: %w", context.Canceled)}).Get(ctx, "a/b")
	expect(
		t, page(t, counts.Page()),
		`rocollector_store_operations_total{op="put",result="ok"} 1`, `rocollector_store_operations_total{op="put",result="exists"} 1`,
		`rocollector_store_operations_total{op="get",result="ok"} 1`, `rocollector_store_operations_total{op="get",result="missing"} 1`,
		`rocollector_store_operations_total{op="get",result="error"} 1`, `rocollector_store_operations_total{op="get",result="canceled"} 1`,
		`rocollector_store_operations_total{op="list",result="ok"} 1`, `rocollector_store_operations_total{op="remove",result="ok"} 1`,
		`rocollector_store_operation_duration_seconds_count{op="get"} 4`,
	)
}

// counted is what an index of stores would count.
type counted struct{ err error }

func (f counted) Counts(context.Context) (metrics.FleetCounts, error) {
	return metrics.FleetCounts{ByState: map[string]int{"in": 3, "late": 2, "a state nobody knows": 7}, Parked: 1, QueueFilling: 4, ClockSkew: 5, CertificateEnding: 6}, f.err
}

// The certificate's end is that of the one in use.
func TestCertificateGauge(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "x", "")
	counts := metrics.New("test")
	c := &serveCommand{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	config, err := c.tlsConfig(slog.New(slog.DiscardHandler), counts)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := config.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, page(t, counts.Page()), fmt.Sprintf("rocollector_certificate_expiry_timestamp_seconds %v", float64(pair.Leaf.NotAfter.Unix())))
}

// The fleet's gauges are those that alerts name; one that does not answer shows none.
func TestFleetGauges(t *testing.T) {
	counts := metrics.New("test")
	if err := counts.AddFleet(counted{}); err != nil {
		t.Fatal(err)
	}
	text := page(t, counts.Page())
	expect(
		t, text, `rocollector_fleet_stores{state="in"} 3`, `rocollector_fleet_stores{state="late"} 2`, `rocollector_fleet_stores{state="silent"} 0`,
		"rocollector_fleet_parked_stores 1", "rocollector_fleet_queue_filling_stores 4", "rocollector_fleet_clock_skew_stores 5",
		"rocollector_fleet_certificate_ending_stores 6",
	)
	if strings.Contains(text, "nobody knows") {
		t.Error("a state without a name is a label")
	}
	away := metrics.New("test")
	if err := away.AddFleet(counted{errors.New("no index")}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page(t, away.Page()), "rocollector_fleet_stores{") {
		t.Error("a fleet that does not answer is shown")
	}
}

// served is a collector as the command runs it.
type served struct {
	address, side, store string
	stop                 context.CancelFunc
	exit                 chan int
	stderr               *bytes.Buffer
}

func serveCollector(t *testing.T, flags ...string) *served {
	t.Helper()
	s := &served{address: freeAddress(t), side: freeAddress(t), store: filepath.Join(t.TempDir(), "store"), exit: make(chan int, 1), stderr: &bytes.Buffer{}}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	t.Cleanup(stop)
	args := append([]string{"serve", "--store", s.store, "--listen", s.address, "--metrics", s.side}, flags...)
	go func() { s.exit <- run(ctx, args, strings.NewReader(""), io.Discard, s.stderr) }()
	for range 1000 {
		if status, _ := get(s.side, "/readyz"); status == http.StatusOK {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it is never ready")
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// get returns 0 where nobody answers.
func get(address, path string) (status int, body string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// A collector that is told to stop says so at /readyz first, and goes on answering agents until a load balancer has had its time.
func TestDrain(t *testing.T) {
	s := serveCollector(t, "--drain", "2s")
	s.stop()
	began := time.Now()
	for status, _ := get(s.side, "/readyz"); status != http.StatusServiceUnavailable; status, _ = get(s.side, "/readyz") {
		if time.Since(began) > time.Second {
			t.Fatalf("/readyz still says %d", status)
		}
	}
	if status, _ := get(s.address, "/"); status != http.StatusNotFound {
		t.Errorf("an agent got %d while it drains", status)
	}
	if status, _ := get(s.side, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz says %d while it drains", status)
	}
	if code := <-s.exit; code != exitDone {
		t.Errorf("exit %d: %s", code, s.stderr)
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it drained for %s only", took)
	}
	if status, _ := get(s.side, "/readyz"); status != 0 {
		t.Errorf("/readyz still says %d", status)
	}
}

// It is ready only with its store and its key.
func TestReady(t *testing.T) {
	s := serveCollector(t)
	key := filepath.Join(s.store, "receipt.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "store")
	if code := run(t.Context(), []string{"key", "--store", other}, nil, io.Discard, io.Discard); code != exitDone {
		t.Fatal(code)
	}
	another, err := os.ReadFile(filepath.Join(other, "receipt.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		key  []byte
		want int
	}{{"nothing", nil, 503}, {"no key", []byte("x"), 503}, {"another key", another, 503}, {"its key", good, 200}} {
		if err := os.Remove(key); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if test.key != nil {
			if err := os.WriteFile(key, test.key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if status, body := get(s.side, "/readyz"); status != test.want || strings.Contains(body, s.store) {
			t.Errorf("%s: /readyz says %d %q, want %d", test.name, status, body, test.want)
		}
	}
	if status, text := get(s.side, "/metrics"); status != 200 || !strings.Contains(text, "rocollector_build_info{") {
		t.Errorf("/metrics says %d", status)
	}
	if status, _ := get(s.address, "/metrics"); status != http.StatusNotFound {
		t.Errorf("agents' own address has /metrics: %d", status)
	}
}

func TestSideFlags(t *testing.T) {
	for _, test := range []struct {
		flags sideFlags
		good  bool
	}{
		{sideFlags{}, true},
		{sideFlags{Metrics: "127.0.0.1:0"}, true},
		{sideFlags{Metrics: ":0"}, false},
		{sideFlags{Metrics: "192.0.2.1:80"}, false},
		{sideFlags{Metrics: "192.0.2.1:80", MetricsOpen: true}, true},
		{sideFlags{Drain: -time.Second}, false},
		{sideFlags{Drain: time.Hour}, false},
	} {
		if err := test.flags.check(); (err == nil) != test.good {
			t.Errorf("%+v: %v", test.flags, err)
		}
	}
	if _, err := (sideFlags{Metrics: "127.0.0.1:0"}).start(t.Context(), slog.New(slog.DiscardHandler), metrics.New("x"), nil); err != nil {
		t.Error(err)
	}
}
