package main

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"roagent/upload"
)

// ended notes what a job came to, for the heartbeats until the next one ends.
func (v *service) ended(err error) {
	v.heart.noted(err)
	v.failed, v.failedAt = err, time.Time{}
	if err != nil {
		v.failedAt = v.program.now()
	}
}

// tellHourly sends the hourly heartbeat, if it is due, before the next job is. A store that another command uses, or that cannot be
// opened, tells nothing this hour.
func (v *service) tellHourly(ctx context.Context, now, at time.Time) {
	if !v.heart.due(now) || !v.heart.may(true) || ctx.Err() != nil {
		return
	}
	if tell := v.openedHeartbeat(""); tell != nil {
		v.heart.tell(ctx, tell, min(beatLimit, at.Sub(now)))
	}
}

// tellStopped sends the last heartbeat, if there was one in this life of the service.
func (v *service) tellStopped(ctx context.Context) {
	if v.heart.calm || v.heart.last.IsZero() || !v.heart.may(false) {
		return
	}
	if tell := v.openedHeartbeat(upload.StateStopped); tell != nil {
		v.heart.tell(context.WithoutCancel(ctx), tell, beatLast)
	}
}

// openedHeartbeat is heartbeat for a store that is not open.
func (v *service) openedHeartbeat(state string) telling {
	s, err := v.program.openSite()
	if err != nil {
		v.log.Debug("heartbeat not made", "error", err)
		return nil
	}
	defer s.close()
	return v.heartbeat(s, state)
}

// heartbeat makes what the collector is told of this store; nil where that cannot be. state is what a run is at; "": none is.
func (v *service) heartbeat(s *site, state string) telling {
	sender, err := s.sender()
	if err != nil {
		v.log.Debug("heartbeat not made", "error", err)
		return nil
	}
	status, err := v.status(s, state)
	if err != nil {
		v.log.Debug("heartbeat not made", "error", err)
		return nil
	}
	tell, err := sender.Heartbeat(status)
	if err != nil {
		v.log.Debug("heartbeat not made", "error", err)
		return nil
	}
	return tell
}

// status is what the collector is told of this store.
func (v *service) status(s *site, state string) (upload.Status, error) {
	st, err := s.status(s.now())
	if err != nil {
		return upload.Status{}, err
	}
	consent, err := s.consent()
	if err != nil {
		return upload.Status{}, err
	}
	refused := consent.check() != nil
	h := upload.Status{
		DealerID: st.Dealer, AgentVersion: agentVersion(), At: s.now().UTC(), State: state, StartedAt: v.started.UTC(), NextRun: st.NextRun.UTC(),
		FieldmapDigest: st.Digest, QueuedBatches: st.Pending.Batches, QueuedBytes: st.Pending.Bytes, QueueLimit: s.config.Queue.MaxSize,
		OldestQueued: st.Pending.Oldest, Delayed: st.Delayed, DelayedUntil: st.Until, Parked: st.Parked, LastPullAt: lastReading(st.Weeks),
		LastError: errorClass(v.failed, refused), CertificateEnds: certificateEnds(s.config.Collector),
	}
	if state == "" {
		h.State = v.idleState(st, refused)
	}
	if state == "" || state == upload.StateStopped {
		h.NextRun = v.next.at.UTC()
	}
	if v.paused {
		h.LastError = "" // stop_by is no error
	}
	if h.LastError != "" {
		h.LastErrorAt = v.failedAt.UTC()
	}
	if finished := finishedWeeks(st.Weeks); len(finished) > 0 {
		h.LastWeek = finished[len(finished)-1].String()
	}
	return h, nil
}

// idleState says why nothing is done just now.
func (v *service) idleState(st *status, refused bool) string {
	switch {
	case refused:
		return upload.StateUnapproved
	case st.Full || errors.Is(v.failed, upload.ErrFull):
		return upload.StateFull
	case v.paused:
		return upload.StatePaused
	}
	return upload.StateIdle
}

// certificateEnds is when the client certificate ends; zero where none is used, or it cannot be read: then nothing can be told.
func certificateEnds(c CollectorConfig) time.Time {
	if c.ClientCertificate == "" {
		return time.Time{}
	}
	pair, err := tls.LoadX509KeyPair(c.ClientCertificate, c.ClientKey)
	if err != nil || pair.Leaf == nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter.UTC()
}

// errorClass is a failure in one word: its text stays at the store. What comes first decides, as for [exitCode].
func errorClass(err error, unapproved bool) string {
	var vanished *doubtedError
	var sending *upload.SendError
	switch code := exitCode(err); {
	case code == exitDone, errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &vanished):
		return upload.ErrorVanished
	case code == exitRefused && unapproved, errors.As(err, &sending) && sending.Class == upload.ClassUnapproved:
		return upload.ErrorUnapproved
	case code == exitRefused:
		return upload.ErrorRefused
	case code == exitUsage:
		return upload.ErrorConfiguration
	case code == exitDMS:
		return upload.ErrorDMS
	case errors.Is(err, upload.ErrFull):
		return upload.ErrorQueueFull
	case errors.As(err, &sending) && sending.Class == upload.ClassRefused:
		return upload.ErrorCollectorRefused
	case code == exitCollector:
		return upload.ErrorCollector
	case code == exitParked:
		return upload.ErrorParked
	case errors.As(err, new(*upload.DiskFullError)):
		return upload.ErrorDiskFull
	case errors.As(err, new(*upload.CorruptError)), errors.As(err, new(*upload.KeyError)):
		return upload.ErrorDamaged
	}
	return upload.ErrorFailed
}

// beside tells the collector what a run is at, while it goes on.
type beside struct {
	step func(state string) // the run is at this now
	stop func()             // the run is over: nothing is told any more once it returns
}

// tellBeside begins to. It looks at the queue beside the run, and delays it nowhere.
func (v *service) tellBeside(ctx context.Context, s *site) beside {
	if v.heart.calm {
		return beside{func(string) {}, func() {}}
	}
	ctx, cancel := context.WithCancel(ctx)
	states, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		v.beat(ctx, s, states)
	}()
	step := func(state string) {
		select {
		case <-states: // an older one, of which nothing was told
		default:
		}
		states <- state // one run sends: there is room
	}
	return beside{step, func() { cancel(); <-done }}
}

// beat tells of the states that come, and each hour, until its context ends.
func (v *service) beat(ctx context.Context, s *site, states <-chan string) {
	state, changed := "", time.Time{} // when something was to be told first; zero: nothing is
	for {
		timer := time.NewTimer(v.heart.wait(state, changed, v.program.now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case state = <-states:
			timer.Stop()
			if changed.IsZero() {
				changed = time.Now()
			}
			continue
		case <-timer.C:
		}
		hourly := state != "" && v.heart.due(v.program.now())
		if !hourly && v.heart.rest(changed) > 0 {
			continue
		}
		changed = time.Time{}
		if !v.heart.may(hourly) {
			continue
		}
		if tell := v.heartbeat(s, state); tell != nil {
			v.heart.tell(ctx, tell, beatLimit)
		}
	}
}
