package supervisor

import (
	"context"
	"sync/atomic"
	"time"
)

// Silence is how long work may show no sign of life before it counts as hung. The longest that is in order are the tries of one
// statement or request, each of five minutes at most, with no page or receipt between them.
const Silence = time.Hour

// Pulse is the sign of life that work gives whenever it gets on. A nil Pulse takes them and does nothing.
type Pulse struct {
	missed  atomic.Int64 // ticks since the last sign
	manager notifier
}

// notifier tells the service manager how the service is.
type notifier interface {
	ready()
	status(text string)
	alive()
	stopping()
	hung() // have it end this process
}

// Beat says that the work got on.
func (p *Pulse) Beat() {
	if p != nil {
		p.missed.Store(0)
	}
}

// Ready says that the start is over and the work begins.
func (p *Pulse) Ready() {
	if p != nil {
		p.Beat()
		p.manager.ready()
	}
}

// Status says in a few words what the work is at, for whoever looks at the service. It holds nothing of an order.
func (p *Pulse) Status(text string) {
	if p != nil {
		p.manager.status(text)
	}
}

// Stopping says that the work is on its way to a safe point.
func (p *Pulse) Stopping() {
	if p != nil {
		p.manager.stopping()
	}
}

// watch feeds the watchdog every interval as long as there are signs of life. It counts ticks and not the time between: a
// machine that slept for a day has not hung for a day.
func (p *Pulse) watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if time.Duration(p.missed.Add(1))*every > Silence {
			p.manager.hung()
			return
		}
		p.manager.alive()
	}
}
