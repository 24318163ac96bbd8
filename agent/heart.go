package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"roagent/upload"
)

const (
	beatRate   = time.Minute      // between two heartbeats while the service is at work, at least
	beatSettle = 5 * time.Second  // of a state: what is over by then, as most runs are, needs no telling
	beatLimit  = 10 * time.Second // for one, with its answer
	beatLast   = 5 * time.Second  // for the one that says that the service was stopped: its manager waits
	beatFirst  = time.Minute      // after a start: one that fails again and again tells nothing, and shows as silence
)

// telling sends a heartbeat that was made before. The store need not be open for it.
type telling func(context.Context) error

// heart says when a heartbeat is sent: once an hour at the store's own second of it, after each run, and while one is under way at
// each change of state that lasts some seconds, but then once a minute at most. None is sent again, and no work waits for one. A collector that asks to be left
// alone gets none until then; of one that cannot be reached only the hourly ones ask, and what a run that reached it makes of it.
type heart struct {
	log  *slog.Logger
	calm bool // only those after runs

	own   time.Duration // where in the hour the store's own second is
	known bool          // own is known
	hour  time.Time     // the own second that was last seen to
	first time.Time     // of the first after a start; zero: it has come

	mu    sync.Mutex
	last  time.Time // when the last was sent, or tried: by the machine's steady clock, as quiet is
	quiet time.Time // until then the collector wants to be left alone
	away  bool      // it was not reached
}

// place lets the heart know the store's own second.
func (h *heart) place(s *site, now time.Time) {
	own, err := s.ownSecond()
	if err != nil || h.known && own == h.own {
		return
	}
	if !h.known {
		h.first = now.Add(beatFirst + own/15)
	}
	h.own, h.known, h.hour = own, true, now.Add(-own).Truncate(time.Hour)
}

// ownSecond is where in an hour this store's heartbeat comes, drawn from its own key as its part of the spread is: many stores
// that were started together stay apart.
func (s *site) ownSecond() (time.Duration, error) {
	key, err := s.queue.Key("hash")
	if err != nil {
		return 0, err
	}
	return secondOf(key), nil
}

func secondOf(key []byte) time.Duration {
	return time.Duration(partOf(key, "roagent heartbeat") * float64(time.Hour)).Truncate(time.Second)
}

// until returns how long it is to the next hourly heartbeat.
func (h *heart) until(now time.Time) time.Duration {
	if h.calm || !h.known {
		return time.Hour
	}
	next := now.Add(-h.own).Truncate(time.Hour).Add(time.Hour + h.own)
	if !h.first.IsZero() && h.first.Before(next) {
		next = h.first
	}
	return max(next.Sub(now), 0)
}

// due reports whether the hourly heartbeat is to be sent now, and takes it for sent. A clock that was set brings one more.
func (h *heart) due(now time.Time) bool {
	if h.calm || !h.known {
		return false
	}
	hour := now.Add(-h.own).Truncate(time.Hour)
	due := !hour.Equal(h.hour) || !h.first.IsZero() && !now.Before(h.first)
	if due {
		h.hour, h.first = hour, time.Time{}
	}
	return due
}

// noted takes what the last request to the collector came to.
func (h *heart) noted(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	failed, ok := errors.AsType[*upload.SendError](err)
	switch {
	case ok && failed.Class == upload.ClassUnreachable:
		h.away = failed.Status == 0
		if failed.After > 0 {
			h.quiet = time.Now().Add(failed.After)
		}
	case err == nil || ok:
		h.away = false
	}
}

// may reports whether the collector may be told something now. One that was not reached is asked only where an hour has passed.
func (h *heart) may(hourly bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !time.Now().Before(h.quiet) && (hourly || !h.away)
}

// rest returns how long a change of a run's state is kept back.
func (h *heart) rest(changed time.Time) time.Duration {
	if changed.IsZero() {
		return time.Hour
	}
	return max(beatSettle-time.Since(changed), h.pause())
}

// pause returns how long nothing is told, since something has just been.
func (h *heart) pause() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.IsZero() {
		return 0
	}
	return max(0, beatRate-time.Since(h.last))
}

// wait returns how long it is until a run may have to be told of.
func (h *heart) wait(state string, changed, now time.Time) time.Duration {
	if state == "" {
		return time.Hour // nothing has begun
	}
	return max(min(h.until(now), h.rest(changed)), h.pause())
}

// tell sends a heartbeat, once.
func (h *heart) tell(ctx context.Context, tell telling, limit time.Duration) {
	h.mu.Lock()
	h.last = time.Now()
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := tell(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &upload.SendError{Class: upload.ClassUnreachable, Message: "the collector did not answer a heartbeat in time"}
	}
	h.noted(err)
	if err != nil {
		h.log.Debug("heartbeat not sent", "error", err)
	}
}
