package main

import (
	"crypto/x509"
	"encoding/pem"
	"math"
	"net/http"
	"os"
	"path"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"roagent/upload"
)

// meter is what the service tells of itself to Prometheus. No label holds anything of an order, a customer or the dealer's
// name. The queue's figures are told by the service while it has the queue open, and kept: a scrape reads memory, so it
// neither holds a transaction open nor waits for one, and it opens no file that a command may want.
//
// A nil meter counts nothing: commands have none.
type meter struct {
	registry *prometheus.Registry

	next       prometheus.Gauge
	runs       *prometheus.CounterVec
	duration   prometheus.Gauge
	orders     *prometheus.CounterVec
	requests   *prometheus.CounterVec
	receipts   *prometheus.CounterVec
	skew       prometheus.Gauge
	skewKnown  atomic.Bool
	limit      prometheus.Gauge
	waits      prometheus.Gauge
	bytes      prometheus.Gauge
	oldest     prometheus.Gauge
	parked     prometheus.Gauge
	approved   prometheus.Gauge
	read       prometheus.Gauge
	closed     prometheus.Gauge
	looked     prometheus.Gauge
	expiry     prometheus.Gauge
	expiryOnce atomic.Bool
}

func newMeter(config *Config) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		next:     gauge("next_run_timestamp_seconds", "When the service does something next; 0 before its first look."),
		runs:     counters("runs_total", "What the service did, by what came of it.", "kind", "result"),
		duration: gauge("last_pull_duration_seconds", "How long the latest pull of this process took; 0 before it."),
		orders:   counters("pull_orders_total", "Orders that pulls of this process looked at, by what became of them.", "outcome"),
		requests: counters("send_requests_total", "Requests to the collector, each attempt, by the kind of its answer.", "result"),
		receipts: counters("receipts_total", "Receipts that verified: for batches, and for the manifests that close weeks.", "what"),
		skew:     gauge("clock_skew_seconds", "This machine's clock less the collector's, by the Date of its latest answer."),
		limit:    gauge("queue_limit_bytes", "queue.max_size: a pull pauses where more would wait."),
		waits:    gauge("queue_batches", "Batches that wait to be sent."),
		bytes:    gauge("queue_bytes", "Bytes that wait to be sent, as they are stored."),
		oldest:   gauge("queue_oldest_timestamp_seconds", "When the oldest waiting batch was queued; 0 where none waits."),
		parked:   gauge("parked_orders", "Orders that wait for a person."),
		approved: gauge("approved", "1 where the dealer has approved this whitelist, or a wider one, and has not left."),
		read:     gauge("last_pull_success_timestamp_seconds", "When a week was last read to its end; 0: never."),
		closed:   gauge("last_week_closed_timestamp_seconds", "When the collector last gave the receipt that closes a week; 0: never."),
		looked:   gauge("queue_read_timestamp_seconds", "When the figures of the queue, the weeks and the approval were read."),
		expiry:   gauge("certificate_expiry_timestamp_seconds", "When collector.client_certificate ends."),
	}
	m.limit.Set(float64(config.Queue.MaxSize))
	m.registry.MustRegister(
		m.next, m.runs, m.duration, m.orders, m.requests, m.receipts, m.limit, m.waits, m.bytes, m.oldest, m.parked, m.approved,
		m.read, m.closed, m.looked, newDiskGauge(config.DataDir),
		info("build_info", "Always 1; the labels say which program this is.", prometheus.Labels{"version": agentVersion(), "goversion": runtime.Version()}),
		info("dealer_info", "Always 1; the label is dealer.id.", prometheus.Labels{"dealer": config.Dealer.ID}),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.certificate(config.Collector.ClientCertificate)
	m.zeroes()
	return m
}

// zeroes makes the counters be there from the start: a rate does not see the first of what was not there.
func (m *meter) zeroes() {
	for _, outcome := range []string{"new", "revised", "unchanged", "voided", "parked"} {
		m.orders.WithLabelValues(outcome)
	}
	for _, result := range []string{"taken", "refused", "not_let_in", "later", "not_collector", "unreachable"} {
		m.requests.WithLabelValues(result)
	}
	for _, what := range []string{"batch", "manifest"} {
		m.receipts.WithLabelValues(what)
	}
	for _, kind := range []string{"pull", "send"} {
		for code := exitDone; code <= exitParked; code++ {
			m.runs.WithLabelValues(kind, runResult(code))
		}
	}
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: "roagent_" + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "roagent_" + name, Help: help}, labels)
}

func info(name, help string, labels prometheus.Labels) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "roagent_" + name, Help: help, ConstLabels: labels})
	g.Set(1)
	return g
}

// runResult is what came of a piece of work, in a word: exit.go's codes.
func runResult(code int) string {
	names := [...]string{
		exitDone: "done", exitFailed: "failed", exitUsage: "configuration", exitRefused: "refused", exitDMS: "dms",
		exitCollector: "collector", exitParked: "parked",
	}
	if code < 0 || code >= len(names) {
		return "failed"
	}
	return names[code]
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// waiting is told what the service does next.
func (m *meter) waiting(next job) {
	if m != nil {
		m.next.Set(unixSeconds(next.at))
	}
}

// look reads the figures of an open store. What cannot be read stays as it was, with its time.
func (m *meter) look(s *site) {
	if m == nil {
		return
	}
	consent, err := s.consent()
	if err != nil {
		return
	}
	weeks, err := s.queue.Weeks()
	if err != nil {
		return
	}
	var closed time.Time
	parked := 0
	for _, w := range weeks {
		parked += w.Parked
		if w.ClosedAt.After(closed) {
			closed = w.ClosedAt
		}
	}
	m.parked.Set(float64(parked))
	m.read.Set(unixSeconds(lastReading(weeks)))
	m.closed.Set(unixSeconds(closed))
	m.limit.Set(float64(s.config.Queue.MaxSize)) // an edited configuration counts at once
	m.approved.Set(0)
	if consent.left == nil && (consent.exact() || consent.narrower()) {
		m.approved.Set(1)
	}
	m.lookQueue(s.queue, s.now())
}

// lookQueue reads what waits, which takes no time.
func (m *meter) lookQueue(q *upload.Queue, now time.Time) {
	if m == nil {
		return
	}
	pending, err := q.Pending()
	if err != nil {
		return
	}
	m.waits.Set(float64(pending.Batches))
	m.bytes.Set(float64(pending.Bytes))
	m.oldest.Set(unixSeconds(pending.Oldest))
	m.looked.Set(unixSeconds(now))
}

// pulled counts a pull.
func (m *meter) pulled(r *Report, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.runs.WithLabelValues("pull", runResult(exitCode(err))).Inc()
	m.duration.Set(took.Seconds())
	if r == nil {
		return
	}
	for _, w := range r.Weeks {
		for outcome, n := range map[string]int{
			"new": w.New, "revised": w.Revised, "unchanged": w.Unchanged, "voided": w.Voided, "parked": w.Parked + w.Keyless,
		} {
			m.orders.WithLabelValues(outcome).Add(float64(n))
		}
	}
	m.receipted(r.Sent)
}

// sent counts a run that only sent.
func (m *meter) sent(sent upload.Sent, err error) {
	if m == nil {
		return
	}
	m.runs.WithLabelValues("send", runResult(exitCode(err))).Inc()
	m.receipted(sent)
}

func (m *meter) receipted(sent upload.Sent) {
	m.receipts.WithLabelValues("batch").Add(float64(sent.Batches))
	m.receipts.WithLabelValues("manifest").Add(float64(sent.Manifests))
}

// transport counts the requests that pass to the collector, and reads its clock.
func (m *meter) transport(to http.RoundTripper, q *upload.Queue, now func() time.Time) http.RoundTripper {
	if m == nil {
		return to
	}
	return &meteredTransport{m, to, q, now}
}

type meteredTransport struct {
	m     *meter
	to    http.RoundTripper
	queue *upload.Queue
	now   func() time.Time
}

// RoundTrip implements [http.RoundTripper].
func (t *meteredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isHeartbeat(r) { // which may be sent when the queue is closed again
		t.m.lookQueue(t.queue, t.now())
	}
	answer, err := t.to.RoundTrip(r)
	if err != nil {
		t.m.requests.WithLabelValues("unreachable").Inc()
		return answer, err
	}
	t.m.requests.WithLabelValues(answerClass(answer.StatusCode)).Inc()
	// Anybody on the way may answer; only a collector's answers are believed.
	if class := answerClass(answer.StatusCode); class == "taken" || class == "refused" {
		t.m.clock(answer.Header.Get("Date"), t.now())
	}
	return answer, nil
}

func isHeartbeat(r *http.Request) bool { return path.Base(r.URL.Path) == "status" }

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (t *meteredTransport) CloseIdleConnections() {
	if c, ok := t.to.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func answerClass(status int) string {
	switch {
	case status >= 200 && status < 300:
		return "taken"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "not_let_in"
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests || status >= 500:
		return "later"
	case status >= 400:
		return "refused"
	}
	return "not_collector"
}

// clock takes the collector's time (RFC 9110, section 6.6.1: whole seconds). The gauge is there once it is known.
func (m *meter) clock(date string, now time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	skew := now.Sub(at).Seconds()
	if skew >= 0 && skew < 2 { // the second that Date leaves out, and the way
		skew = 0
	}
	m.skew.Set(math.Round(skew))
	if m.skewKnown.CompareAndSwap(false, true) {
		m.registry.MustRegister(m.skew)
	}
}

// certificate reads when the store's certificate ends. The gauge is there where there is one.
func (m *meter) certificate(file string) {
	if m == nil || file == "" {
		return
	}
	ends, ok := certificateEnd(file)
	if !ok {
		return
	}
	m.expiry.Set(unixSeconds(ends))
	if m.expiryOnce.CompareAndSwap(false, true) {
		m.registry.MustRegister(m.expiry)
	}
}

// certificateEnd reads the first certificate of a PEM file. That it cannot be read is said by whoever needs it.
func certificateEnd(file string) (time.Time, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, false
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, false
		}
		return c.NotAfter, true
	}
	return time.Time{}, false
}
