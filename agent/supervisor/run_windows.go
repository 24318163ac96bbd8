package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/windows/svc"
)

// patience is what the manager is told a start or a stop takes, again and again until it is over.
const patience = 10 * time.Second

// errHung says that the work shows no sign of life any more.
var errHung = errors.New("the work shows no sign of life: the process ends, to be started again")

// Run runs work as the service called name until the manager wants it to stop, or work ends. The manager starts again only
// what ends without a word: dies is called with the error that ends the work, and ends the process where a restart helps.
func Run(ctx context.Context, name string, work func(context.Context, *Pulse) error, dies func(error)) error {
	h := &handler{ctx: ctx, work: work, dies: dies}
	if err := svc.Run(name, h); err != nil {
		return fmt.Errorf("speak to the service manager: %w; 'roagent run' without --service is for a person", err)
	}
	return h.err
}

type handler struct {
	ctx  context.Context
	work func(context.Context, *Pulse) error
	dies func(error)
	err  error
}

// Execute is the service's life. It runs from when the work is ready, so that a start that fails is seen as one. Until then the
// manager hears that it gets on: on a machine that has just been patched, opening a large queue takes its time.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, statuses chan<- svc.Status) (specific bool, code uint32) {
	const accepts = svc.AcceptStop | svc.AcceptShutdown
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	done := make(chan error, 1)
	manager := &scm{dies: h.dies, up: make(chan struct{}, 1)}
	p := &Pulse{manager: manager}
	go func() { done <- h.work(ctx, p) }()
	go p.watch(ctx, time.Minute)
	hint := uint32(patience / time.Millisecond)
	status := svc.Status{State: svc.StartPending, WaitHint: hint}
	statuses <- status
	ticker := time.NewTicker(patience / 4)
	defer ticker.Stop()
	for {
		select {
		case h.err = <-done:
			if h.err == nil {
				return false, 0
			}
			h.dies(h.err)
			return true, 1
		case <-manager.up:
			if status.State == svc.StartPending {
				status = svc.Status{State: svc.Running, Accepts: accepts}
				statuses <- status
			}
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				statuses <- status
			case svc.Stop, svc.Shutdown:
				stop()
				status = svc.Status{State: svc.StopPending, WaitHint: hint}
				statuses <- status
			}
		case <-ticker.C:
			if status.State == svc.StartPending || status.State == svc.StopPending {
				status.CheckPoint++
				statuses <- status
			}
		}
	}
}

// scm is the service manager, which takes no words from a service that runs.
type scm struct {
	dies func(error)
	once sync.Once
	up   chan struct{} // gets one when the work is ready
}

func (m *scm) ready() {
	select {
	case m.up <- struct{}{}:
	default: // it was told already
	}
}

func (*scm) status(string) {}
func (*scm) alive()        {}
func (*scm) stopping()     {}
func (m *scm) hung()       { m.once.Do(func() { m.dies(errHung) }) }
