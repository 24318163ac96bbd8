package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"roagent/upload/collector/metrics"
	"roagent/upload/localpage"
)

// sideFlags are for the pages that are for those who run the collector, not for agents: /metrics, /healthz and /readyz, on a
// listener of their own.
type sideFlags struct {
	Metrics     string        `placeholder:"ADDR" help:"Address of /metrics, /healthz and /readyz, like 127.0.0.1:9787. Without it there are none."`
	MetricsOpen bool          `help:"Let --metrics be an address that others reach: these pages have no sign-in and no TLS. They hold no customer's data and name no dealer."`
	Drain       time.Duration `default:"0s" placeholder:"TIME" help:"How long to go on taking requests after being told to stop, while /readyz says 503 already: a load balancer needs that to notice."`
}

const maxDrain = 10 * time.Minute

// readyTime bounds how long /readyz may ask the store.
const readyTime = 5 * time.Second

func (f sideFlags) check() error {
	switch {
	case f.Metrics != "" && !f.MetricsOpen && !localpage.IsLoopback(f.Metrics):
		return fmt.Errorf("--metrics %s: these pages have no sign-in, so only a loopback address will do, like 127.0.0.1:9787; "+
			"where the network keeps strangers away, add --metrics-open", f.Metrics)
	case f.Drain < 0 || f.Drain > maxDrain:
		return fmt.Errorf("--drain %s: it must be from 0s to %s", f.Drain, maxDrain)
	}
	return nil
}

// side serves those pages. It outlives the collector's own listener, so that /readyz says 503 until the end.
type side struct {
	drain    time.Duration
	stopping atomic.Bool
	stop     context.CancelFunc
	done     chan error
}

// start serves the pages. check says whether the collector can do its work.
func (f sideFlags) start(ctx context.Context, log *slog.Logger, counts *metrics.Metrics, check func(context.Context) error) (*side, error) {
	s := &side{drain: f.Drain, done: make(chan error, 1), stop: func() {}}
	if f.Metrics == "" {
		s.done <- nil
		return s, nil
	}
	listener, err := net.Listen("tcp", f.Metrics)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	log.InfoContext(ctx, "metrics are at /metrics", "address", listener.Addr().String())
	pages := localpage.Pages(map[string]http.Handler{
		"/metrics": counts.Page(), "/healthz": http.HandlerFunc(alive), "/readyz": s.ready(log, check),
	})
	if localpage.IsLoopback(f.Metrics) {
		pages = localpage.Guard(pages)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.done <- localpage.Serve(serving, listener, pages, log) }()
	return s, nil
}

// drained ends with ctx, after the time in which a load balancer turns away; /readyz says 503 from when ctx ends.
func (s *side) drained(ctx context.Context) context.Context {
	later, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		s.stopping.Store(true)
		time.Sleep(s.drain)
		end()
	})
	return later
}

func (s *side) close() error {
	s.stop()
	if err := <-s.done; err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	return nil
}

// alive is /healthz: the process runs and answers.
func alive(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive\n") }

var errStopping = errors.New("the collector is stopping")

// ready is /readyz. What is the matter goes to the log: it may name the store.
func (s *side) ready(log *slog.Logger, check func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		err := errStopping
		if !s.stopping.Load() {
			err = check(ctx)
		}
		if err != nil {
			log.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "not ready; the collector's log says why", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
}
