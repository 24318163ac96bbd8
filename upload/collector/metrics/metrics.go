// Package metrics counts for Prometheus what a collector does: requests, what they stored, and what the store took. The names
// follow prometheus.io/docs/practices/naming; no label holds a dealer, a week or anything else of which there is no short list.
package metrics

import (
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one collector process. It is made by [New].
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	bodies   prometheus.Counter
	refused  *prometheus.CounterVec
	inFlight prometheus.Gauge

	orders  prometheus.Counter
	batches *prometheus.CounterVec
	weeks   prometheus.Counter

	operations *prometheus.CounterVec
	storeTime  *prometheus.HistogramVec
}

// New returns the metrics of a collector of this version.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("requests_total", "Requests answered, by route, method and status.", "route", "method", "code"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rocollector_request_duration_seconds", Help: "Time from a request's head to the end of its answer, by route.",
			Buckets: []float64{.005, .025, .1, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route"}),
		bodies:   counter("request_body_bytes_total", "Bytes of requests' bodies, as they came over the wire."),
		refused:  counters("refused_total", "Requests refused, by the kind of reason.", "reason"),
		inFlight: gauge("requests_in_flight", "Requests being served now."),
		orders:   counter("orders_total", "Lines of batches that were new: orders, revisions and voids."),
		batches:  counters("batches_total", "Batches taken: new, or held already and only receipted again.", "new"),
		weeks:    counter("manifests_total", "Manifests taken that were new, each of which closes a week: one that is read again closes again."),
		operations: counters("store_operations_total",
			"Operations on the store, by what came of them: exists and missing are answers, error is a fault.", "op", "result"),
		storeTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rocollector_store_operation_duration_seconds", Help: "Time of an operation on the store.",
			Buckets: []float64{.001, .005, .025, .1, .5, 1, 5, 30},
		}, []string{"op"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rocollector_build_info", Help: "Always 1; the labels say which program this is.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	for _, isNew := range []string{"true", "false"} { // there from the start, so that a rate sees the first one
		m.batches.WithLabelValues(isNew)
	}
	for _, op := range operations() {
		for _, result := range results() {
			m.operations.WithLabelValues(op, result)
		}
	}
	m.registry.MustRegister(
		m.requests, m.duration, m.bodies, m.refused, m.inFlight, m.orders, m.batches, m.weeks, m.operations, m.storeTime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "rocollector_" + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rocollector_" + name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: "rocollector_" + name, Help: help})
}

// Page is /metrics. Two may look at a time; a third is answered 503.
func (m *Metrics) Page() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 2, Timeout: 20 * time.Second})
}

// Add adds what counts itself. It fails where a name is there already.
func (m *Metrics) Add(c prometheus.Collector) error {
	if err := m.registry.Register(c); err != nil {
		return errors.Join(errors.New("metrics"), err)
	}
	return nil
}

// AddCertificate tells when the TLS certificate in use ends.
func (m *Metrics) AddCertificate(ends func() time.Time) error {
	return m.Add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rocollector_certificate_expiry_timestamp_seconds", Help: "When the TLS certificate in use ends.",
	}, func() float64 { return float64(ends().Unix()) }))
}

// Batch counts a batch that was taken, with so many lines. It implements collector.Meter.
func (m *Metrics) Batch(orders int, isNew bool) {
	if !isNew {
		m.batches.WithLabelValues("false").Inc()
		return
	}
	m.batches.WithLabelValues("true").Inc()
	m.orders.Add(float64(orders))
}

// WeekClosed counts a manifest that was new. It implements collector.Meter.
func (m *Metrics) WeekClosed() { m.weeks.Inc() }
