package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// metricsPage is /metrics of a meter.
func metricsPage(t *testing.T, m *meter) string {
	t.Helper()
	w := httptest.NewRecorder()
	q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	q.Host = "127.0.0.1:8787"
	m.pages().ServeHTTP(w, q)
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// metricOf returns the value of a series, or -1 where it is not there.
func metricOf(t *testing.T, page, series string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(page)
	if found == nil {
		return -1
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// metered is the service of a rig that does one piece of work, and shows it.
func metered(t *testing.T, r *rig, work job) (page string) {
	t.Helper()
	config, err := LoadConfig(r.config)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard, config: r.config, meter: newMeter(config)}
	v := &service{program: p, log: slog.New(slog.DiscardHandler), heart: &heart{log: slog.New(slog.DiscardHandler), calm: true}}
	if _, err := v.first(); err != nil {
		t.Fatal(err)
	}
	if !work.at.IsZero() {
		p.meter.waiting(v.work(t.Context(), work))
	}
	return metricsPage(t, p.meter)
}

func getPage(address string) string {
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// The service shows what it did, and nothing of any order, customer, or the dealer's name.
func TestServiceMetrics(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 2, orders: 12, batchOrders: 5})
	page := metered(t, r, job{at: time.Now(), pull: true})
	r.verify(t)
	status := r.mustRun(t, "status", "--json")
	lines := strings.Count(r.export(t), "\n")
	for series, want := range map[string]float64{
		`roagent_runs_total{kind="pull",result="done"}`: 1,
		`roagent_pull_orders_total{outcome="new"}`:      float64(lines),
		`roagent_pull_orders_total{outcome="voided"}`:   0,
		`roagent_receipts_total{what="manifest"}`:       1, // of a new store the latest week is due
		`roagent_queue_batches`:                         0,
		`roagent_queue_bytes`:                           0,
		`roagent_queue_oldest_timestamp_seconds`:        0,
		`roagent_queue_limit_bytes`:                     2e9,
		`roagent_approved`:                              1,
		`roagent_clock_skew_seconds`:                    0,
		`roagent_send_requests_total{result="later"}`:   0,
		`roagent_dealer_info{dealer="04123"}`:           1,
	} {
		if got := metricOf(t, page, series); got != want {
			t.Errorf("%s is %g, want %g\n%s", series, got, want, status)
		}
	}
	now := float64(time.Now().Unix())
	for series, least := range map[string]float64{
		`roagent_send_requests_total{result="taken"}`: 5, `roagent_receipts_total{what="batch"}`: 2, `roagent_disk_free_bytes`: 1,
		"roagent_last_pull_success_timestamp_seconds": now - 120, "roagent_last_week_closed_timestamp_seconds": now - 120,
		"roagent_queue_read_timestamp_seconds": now - 120, "roagent_next_run_timestamp_seconds": now, "roagent_last_pull_duration_seconds": 0.001,
	} {
		if got := metricOf(t, page, series); got < least {
			t.Errorf("%s is %g, want %g at least", series, got, least)
		}
	}
	for _, secret := range []string{"Example Toyota", "RO1000", r.dir, "127.0.0.1"} {
		if strings.Contains(page, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
}

// What waits, what a person must look at and what was read are there after a restart, before anything is done.
func TestMetricsAfterARestart(t *testing.T) {
	var down bool
	var mu sync.Mutex
	r := newRig(t, rigOptions{weeks: 1, orders: 12, batchOrders: 5, wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if down {
				w.Header().Set("Retry-After", "3000")
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, q)
		})
	}})
	r.mustRun(t, "pull", "--no-send")
	mu.Lock()
	down = true
	mu.Unlock()
	page := metered(t, r, job{at: time.Now()})
	started := metered(t, r, job{})
	q := r.open(t)
	pending, err := q.Pending()
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	for series, want := range map[string]float64{
		`roagent_runs_total{kind="send",result="collector"}`: 1,
		"roagent_queue_batches":                              float64(pending.Batches), "roagent_queue_bytes": float64(pending.Bytes),
		"roagent_queue_oldest_timestamp_seconds":      float64(pending.Oldest.UnixMilli()) / 1000,
		"roagent_last_week_closed_timestamp_seconds":  0,
		`roagent_send_requests_total{result="taken"}`: 0, `roagent_send_requests_total{result="later"}`: 1, "roagent_clock_skew_seconds": -1, // not there
		`roagent_pull_orders_total{outcome="new"}`: 0,
	} {
		if got := metricOf(t, page, series); got != want || pending.Batches == 0 {
			t.Errorf("%s is %g, want %g", series, got, want)
		}
	}
	if got := metricOf(t, started, "roagent_queue_batches"); got != float64(pending.Batches) {
		t.Errorf("after a start %g batches wait, want %d", got, pending.Batches)
	}
	if metricOf(t, started, "roagent_last_pull_success_timestamp_seconds") <= 0 {
		t.Error("the reading before the restart is forgotten")
	}
}

// A whitelist that nobody approved is 0.
func TestUnapprovedMetric(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 3})
	text, err := os.ReadFile(filepath.Join(r.dir, "fieldmap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "fieldmap.yaml", strings.Replace(string(text), "agreement: ", "agreement: another-", 1))
	page := metered(t, r, job{at: time.Now(), pull: true})
	if got := metricOf(t, page, `roagent_runs_total{kind="pull",result="refused"}`); got != 1 {
		t.Errorf("%g runs were refused", got)
	}
	if got := metricOf(t, page, "roagent_approved"); got != 0 {
		t.Errorf("roagent_approved is %g", got)
	}
}

// The collector's clock is read where it is the collector that answers, and only then.
func TestClockSkewMetric(t *testing.T) {
	now := time.Date(2026, 11, 16, 9, 0, 0, 900e6, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, tt := range []struct {
		date   string
		status int
		want   float64
	}{
		{date(0), 200, 0},
		{date(-time.Second), 201, 0},
		{date(-time.Hour), 201, 3601},
		{date(time.Hour), 409, -3599},
		{date(time.Hour), 503, -1},
		{date(time.Hour), 302, -1},
		{date(time.Hour), 401, -1},
		{"yesterday", 200, -1},
		{"", 200, -1},
	} {
		m := newMeter(&Config{DataDir: t.TempDir()})
		if class := answerClass(tt.status); class == "taken" || class == "refused" {
			m.clock(tt.date, now)
		}
		got := metricOf(t, metricsPage(t, m), "roagent_clock_skew_seconds")
		if got != tt.want {
			t.Errorf("%d %q: %g, want %g", tt.status, tt.date, got, tt.want)
		}
	}
}

// A disk that does not answer costs a scrape two seconds, holds no second one up, and leaves out its figure only.
func TestDiskThatHangs(t *testing.T) {
	g := newDiskGauge(t.TempDir())
	release := make(chan struct{})
	g.ask = func(string) (uint64, error) { <-release; return 5, nil }
	began := time.Now()
	if _, err := g.free(); err == nil || time.Since(began) > 2*diskTime {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	began = time.Now()
	if _, err := g.free(); err == nil || time.Since(began) > diskTime/2 {
		t.Errorf("the second: %v after %s", err, time.Since(began))
	}
	close(release)
	for began = time.Now(); time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
		if free, err := g.free(); err == nil && free == 5 {
			return
		}
	}
	t.Error("it never answers again")
}

func TestCertificateEnd(t *testing.T) {
	ends := time.Now().Add(240 * time.Hour).Truncate(time.Second)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dealer.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte("x")}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMeter(&Config{DataDir: t.TempDir(), Collector: CollectorConfig{ClientCertificate: file}})
	if got := metricOf(t, metricsPage(t, m), "roagent_certificate_expiry_timestamp_seconds"); got != float64(ends.Unix()) {
		t.Errorf("got %f, want %d", got, ends.Unix())
	}
	none := newMeter(&Config{DataDir: t.TempDir(), Collector: CollectorConfig{ClientCertificate: file + "x"}})
	if got := metricOf(t, metricsPage(t, none), "roagent_certificate_expiry_timestamp_seconds"); got != -1 {
		t.Errorf("a certificate that is not there ends at %f", got)
	}
}

// check says where the metrics are, and that something else has their address.
func TestCheckMetrics(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	free := httptest.NewServer(nil)
	free.Close()
	for address, want := range map[string]string{free.Listener.Addr().String(): "ok ", taken.Listener.Addr().String(): "warning", "0.0.0.0:0": "failure"} {
		u := &checkup{config: &Config{Status: StatusConfig{Listen: address}}}
		u.metrics(t.Context(), &u.findings)
		if got := fmt.Sprintf("%+v", u.lines); len(u.lines) != 1 || !strings.Contains(got, strings.TrimSpace(want)) {
			t.Errorf("%s: %s", address, got)
		}
	}
	u := &checkup{config: &Config{Status: StatusConfig{Listen: taken.Listener.Addr().String()}}}
	u.runs.Store(true)
	if u.metrics(t.Context(), &u.findings); !strings.Contains(fmt.Sprintf("%+v", u.lines), "while it runs") {
		t.Errorf("the service runs: %+v", u.lines)
	}
}

// The service serves its page at status.listen until it ends; an address that is taken ends nothing.
func TestRunServesMetrics(t *testing.T) {
	for _, taken := range []bool{false, true} {
		other := httptest.NewServer(http.NotFoundHandler())
		defer other.Close()
		address := other.Listener.Addr().String()
		if !taken {
			other.Close()
		}
		r := newRig(t, rigOptions{weeks: 1, orders: 1})
		config, err := os.ReadFile(r.config)
		if err != nil {
			t.Fatal(err)
		}
		r.write(t, "roagent.yaml", strings.NewReplacer("level: error", "level: info", "listen: off", `listen: "`+address+`"`).Replace(string(config)))
		ctx, stop := context.WithCancel(t.Context())
		var out lockedBuffer
		var running sync.WaitGroup
		running.Go(func() {
			if code := run(ctx, []string{"--config", r.config, "run"}, strings.NewReader(""), &out, &out); code != exitDone {
				t.Errorf("exit %d", code)
			}
		})
		began := time.Now()
		for !strings.Contains(out.String(), "msg=waiting") && time.Since(began) < 20*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		if got := strings.Contains(getPage(address), "roagent_next_run_timestamp_seconds"); got == taken {
			t.Errorf("taken %t: the page is there: %t", taken, got)
		}
		if got := strings.Contains(out.String(), "no metrics"); got != taken {
			t.Errorf("taken %t: %s", taken, out.String())
		}
		stop()
		running.Wait()
		if !taken && getPage(address) != "" {
			t.Error("the page outlives the service")
		}
	}
}
