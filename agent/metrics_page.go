package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"roagent/upload/localpage"
)

// serveMetrics serves /metrics at status.listen until the service ends, unless that is off; the configuration takes no other than a loopback
// address. That it cannot be served is no reason not to pull: it is said, once.
func serveMetrics(ctx context.Context, listen string, m *meter, log *slog.Logger) (stop func()) {
	if listen == "" {
		return func() {}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		log.Warn("no metrics: status.listen cannot be listened on", "address", listen, "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := localpage.Serve(ctx, listener, m.pages(), log); err != nil {
			log.Warn("no metrics any more", "address", listen, "error", err)
		}
	})
	log.Info("metrics are at /metrics", "address", listener.Addr().String())
	return func() {
		cancel()
		serving.Wait()
	}
}

// pages are what is served, to whom names this machine. Two may look at a time; a third is answered 503.
func (m *meter) pages() http.Handler {
	page := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 2, Timeout: 20 * time.Second})
	return localpage.Guard(localpage.Pages(map[string]http.Handler{"/metrics": page}))
}

// diskTime bounds how long a scrape waits for the disk: one of another machine may hang.
const diskTime = 2 * time.Second

// diskGauge asks at each scrape how much room there is. Where the disk does not say in time, the figure is left out.
type diskGauge struct {
	dir  string
	desc *prometheus.Desc
	busy chan struct{} // one question at a time, however long it takes
	ask  func(dir string) (uint64, error)
}

func newDiskGauge(dir string) *diskGauge {
	return &diskGauge{
		dir: dir, busy: make(chan struct{}, 1), ask: freeSpace,
		desc: prometheus.NewDesc("roagent_disk_free_bytes", "Bytes that may still be written on the disk of data_dir.", nil, nil),
	}
}

// Describe implements [prometheus.Collector].
func (g *diskGauge) Describe(c chan<- *prometheus.Desc) { c <- g.desc }

// Collect implements [prometheus.Collector].
func (g *diskGauge) Collect(c chan<- prometheus.Metric) {
	free, err := g.free()
	if err == nil {
		c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(free))
	}
}

var errDiskBusy = errors.New("the disk does not answer")

func (g *diskGauge) free() (uint64, error) {
	select {
	case g.busy <- struct{}{}:
	default:
		return 0, errDiskBusy
	}
	type answer struct {
		free uint64
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() { <-g.busy }()
		free, err := g.ask(existing(g.dir))
		done <- answer{free, err}
	}()
	select {
	case a := <-done:
		return a.free, a.err
	case <-time.After(diskTime):
		return 0, errDiskBusy
	}
}
