package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// Waits of the service between attempts that failed; each is twice the one before, give or take up to half of it by
// chance: whom one outage stopped does not come back in step, and stays so.
const (
	retryFirst = 5 * time.Minute
	retryMost  = time.Hour
	retryBusy  = 30 * time.Minute // the most where the collector is there and says when it can be asked again
)

// service pulls when it is time and sends what is left, until its context ends. It opens the store for each piece of
// work and closes it again, so that commands can look at it meanwhile, and an edited configuration counts at once.
type service struct {
	program  *program
	log      *slog.Logger
	deadline time.Time     // until when the run under way may be tried again
	wait     time.Duration // before the next attempt, but for chance
	began    time.Time     // the run under way, whose other attempts read only what it has not read to its end
	unread   bool          // the last pull did not read all that was due

	heart    *heart
	started  time.Time // when the service was
	failed   error     // what the last job came to
	failedAt time.Time
	paused   bool // the last pull stopped at stop_by
	next     job  // what comes
}

// job is what the service does next.
type job struct {
	at    time.Time
	pull  bool // else what is queued is sent
	again bool // it is another attempt of the run before
}

// run is the service's life.
func (v *service) run(ctx context.Context) error {
	v.started = v.program.now()
	v.heart = &heart{log: v.log, calm: v.program.calm}
	next, err := v.first()
	for isLocked(err) {
		v.log.Warn("waiting until another roagent ends", "error", err)
		v.program.pulse.Ready()
		v.program.pulse.Status("waiting until another roagent ends")
		if v.sleepUntil(ctx, v.program.now().Add(time.Minute)) == stopped {
			return nil
		}
		next, err = v.first()
	}
	if err != nil {
		return err
	}
	v.program.pulse.Ready()
	for {
		v.next = next
		v.log.Info("waiting", "next", next.at.Format(time.RFC3339), "pull", next.pull)
		v.program.pulse.Status(next.String())
		v.program.meter.waiting(next)
		switch v.sleepUntil(ctx, next.at) {
		case stopped:
			v.tellStopped(ctx)
			v.log.Info("stopped")
			return nil
		case setBack:
			next = v.setBack(next)
		case slept:
			v.program.pulse.Status("at work")
			next = v.work(ctx, next)
		}
	}
}

// String tells a person what comes next, and when by the machine's clock.
func (j job) String() string {
	if j.pull {
		return "waiting for the next pull at " + j.at.Local().Format("2006-01-02 15:04 MST")
	}
	return "waiting to send what is queued at " + j.at.Local().Format("2006-01-02 15:04 MST")
}

func isLocked(err error) bool {
	_, locked := errors.AsType[*upload.LockedError](err)
	return locked
}

// wake is why a wait is over.
type wake int

const (
	slept   wake = iota // the time has come
	stopped             // the context has ended
	setBack             // the clock says less than a minute ago: it was set, and the time may be far now
)

// sleepUntil waits for a time on the clock, and tells the collector each hour how the store is. It looks at the clock every minute: the
// machine may sleep, or its clock be set.
func (v *service) sleepUntil(ctx context.Context, at time.Time) wake {
	now := v.program.now().Round(0) // the clock on the wall
	for {
		v.program.pulse.Beat()
		if at.After(now) {
			v.tellHourly(ctx, now, at)
			now = v.program.now().Round(0)
		}
		wait := min(at.Sub(now), time.Minute)
		if wait <= 0 {
			if ctx.Err() != nil {
				return stopped
			}
			return slept
		}
		wait = min(wait, v.heart.until(now))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return stopped
		case <-timer.C:
		}
		before := now
		if now = v.program.now().Round(0); now.Before(before) {
			return setBack
		}
	}
}

// setBack says what comes next after the clock was set back, as after a start: what was to come may be months away, by a clock
// that was ahead.
func (v *service) setBack(planned job) job {
	v.log.Warn("the clock of this machine was set back")
	v.deadline, v.wait, v.began = time.Time{}, 0, time.Time{}
	next, err := v.first()
	if err != nil {
		v.log.Error("cannot work", "error", err)
		return job{at: v.program.now().Add(v.nextWait(retryMost)), pull: planned.pull}
	}
	return next
}

// first says what is to be done after a start: what a run missed while the machine was off is made up now.
func (v *service) first() (job, error) {
	s, err := v.program.openSite()
	if errors.As(err, new(*upload.CorruptError)) {
		return job{at: v.program.now(), pull: true}, nil // that sees to it
	}
	if err != nil {
		return job{}, err
	}
	defer s.close()
	v.heart.place(s, v.program.now())
	v.program.meter.look(s)
	schedule, err := s.schedule()
	if err != nil {
		return job{}, err
	}
	if s.behind() {
		return job{at: v.program.now(), pull: true}, nil
	}
	weeks, err := s.queue.Weeks()
	if err != nil {
		return job{}, err
	}
	now := v.program.now()
	due, err := schedule.Due(lastReading(weeks), now)
	if err != nil {
		return job{}, err
	}
	if pending, err := s.queue.Pending(); err == nil && pending.Batches > 0 && due.After(now) {
		return job{at: now}, nil
	}
	return job{at: due, pull: true}, nil
}

// lastReading returns when the latest reading of any week began.
func lastReading(weeks []upload.WeekStatus) time.Time {
	var last time.Time
	for _, w := range weeks {
		if w.ReadAt.After(last) {
			last = w.ReadAt
		}
	}
	return last
}

// work does a job, tells the collector how it ended, and says what comes next.
func (v *service) work(ctx context.Context, j job) job {
	next, tell := v.do(ctx, j)
	if tell != nil && v.heart.may(false) {
		v.heart.tell(ctx, tell, beatLimit)
	}
	return next
}

// do does a job and says what comes next, and what the collector is to be told. No failure ends the service.
func (v *service) do(ctx context.Context, j job) (job, telling) {
	s, err := v.program.openWorking(ctx)
	if err != nil {
		v.log.Error("cannot work", "error", err)
		v.ended(err)
		return job{at: v.program.now().Add(v.nextWait(retryMost)), pull: j.pull, again: j.again}, nil
	}
	defer s.close()
	v.heart.place(s, v.program.now())
	schedule, err := s.schedule()
	if err != nil {
		v.log.Error("cannot work", "error", err)
		return job{at: v.program.now().Add(retryMost), pull: j.pull, again: j.again}, nil
	}
	beside := v.tellBeside(ctx, s)
	if j.pull {
		err = v.pull(ctx, s, schedule, j.again, beside.step)
	} else {
		beside.step(upload.StateSending)
		err = v.send(ctx, s)
	}
	beside.stop()
	v.ended(err)
	if corrupt, ok := errors.AsType[*upload.CorruptError](err); ok {
		s.close()
		if err = v.program.rebuild(corrupt); err == nil {
			return job{at: v.program.now(), pull: true}, nil
		}
		v.log.Error("cannot work", "error", err)
		return job{at: v.program.now().Add(v.nextWait(retryMost)), pull: j.pull}, nil
	}
	v.next = v.after(s, schedule, j, err)
	v.purge(s)
	v.program.meter.certificate(s.config.Collector.ClientCertificate)
	v.program.meter.look(s)
	return v.next, v.heartbeat(s, "")
}

// purge deletes the copies of batches that were delivered longer ago than the configuration keeps them (16 CFR 314.4:
// disposal within two years of last use).
func (v *service) purge(s *site) {
	batches, err := s.queue.Purge(v.program.now().Add(-s.config.Retention.Sent))
	if err != nil {
		v.log.Error("copies of delivered batches not purged", "error", err)
		return
	}
	if batches > 0 {
		v.log.Info("copies of delivered batches purged", "batches", batches)
	}
}

func (v *service) pull(ctx context.Context, s *site, schedule Schedule, again bool, step func(state string)) error {
	now := v.program.now()
	v.unread, v.paused = true, false
	if !again || v.began.IsZero() {
		v.began = now
	}
	if now.After(v.deadline) || v.deadline.IsZero() { // a run of its own, not another attempt
		v.deadline = schedule.Deadline(now)
	}
	weeks, err := s.weeksLeft(schedule, now, v.began)
	if err != nil {
		return err
	}
	report, err := s.pull(ctx, pulling{weeks: weeks, deadline: v.deadline, send: true}, &logProgress{log: v.log, pulse: v.program.pulse, step: step})
	v.program.meter.pulled(report, v.program.now().Sub(now), err)
	if report != nil {
		v.unread = report.Unread
		v.logReport(report)
	}
	return err
}

// weeksLeft returns the weeks that are due and that the run since began has not read to their end: however often it is tried
// again, it reads a week once.
func (s *site) weeksLeft(schedule Schedule, now, began time.Time) ([]fieldmap.Week, error) {
	weeks, err := s.dueWeeks(schedule, now)
	if err != nil {
		return nil, err
	}
	known, err := s.queue.Weeks()
	if err != nil {
		return nil, err
	}
	read := weeksWhere(known, func(w upload.WeekStatus) bool {
		return w.Reading == nil && !w.Resumed && !w.ReadAt.Before(began) && !w.ReadAt.After(now)
	})
	return slices.DeleteFunc(weeks, func(w fieldmap.Week) bool { return slices.Contains(read, w) }), nil
}

func (v *service) logReport(r *Report) {
	if len(r.Narrowed) > 0 {
		v.log.Info("whitelist is narrower than the approved one", "changes", len(r.Narrowed))
	}
	for _, w := range r.Weeks {
		v.log.Info("week pulled", "week", w.Week, "orders", w.Orders, "new", w.New, "revised", w.Revised, "voided", w.Voided,
			"unchanged", w.Unchanged, "parked", w.Parked+w.Keyless, "finished", w.Finished)
	}
	v.log.Info("sent", "batches", r.Sent.Batches, "orders", r.Sent.Orders, "weeks_closed", r.Sent.Manifests, "parked", r.Sent.Parked)
}

func (v *service) send(ctx context.Context, s *site) error {
	sender, err := s.sender()
	if err != nil {
		return err
	}
	sent, err := sender.Send(ctx)
	v.program.meter.sent(sent, err)
	v.log.Info("sent", "batches", sent.Batches, "orders", sent.Orders, "weeks_closed", sent.Manifests, "parked", sent.Parked)
	return err
}

// after says what comes after a job: another attempt while there is time, what is left to send, or the next run.
func (v *service) after(s *site, schedule Schedule, done job, err error) job {
	now := v.program.now()
	tick, tickErr := schedule.Next(now)
	if tickErr != nil {
		v.log.Error("no next run", "error", tickErr)
		tick = now.Add(24 * time.Hour)
	}
	code := exitCode(err)
	switch {
	case code == exitDone:
		v.wait = 0
	case errors.Is(err, context.DeadlineExceeded) && !v.deadline.IsZero() && !now.Before(v.deadline):
		v.paused = true
		v.log.Warn("the pull is paused at stop_by and goes on at the next run", "stop_by", v.deadline.Format(time.RFC3339))
	default:
		v.log.Error("not done", "error", err, "exit_code", code)
	}
	pending, pendingErr := s.queue.Pending()
	again := (done.pull && v.unread && code != exitDone && code != exitCollector || s.behind()) && code != exitRefused && (v.deadline.IsZero() || now.Before(v.deadline))
	left := pendingErr != nil || pending.Batches > 0 || code == exitCollector || code == exitFailed
	if !again && !left || hasLeft(err) {
		v.deadline, v.wait = time.Time{}, 0
		return job{at: tick, pull: true}
	}
	after, most := v.askedFor(err), retryMost
	if after > 0 {
		most = retryBusy
	}
	if at := now.Add(max(v.nextWait(most), after)); at.Before(tick) {
		return job{at: at, pull: again, again: again}
	}
	v.deadline = time.Time{}
	if earliest := now.Add(after); tick.Before(earliest) {
		tick = earliest
	}
	return job{at: tick, pull: true}
}

// askedFor returns how long to leave the collector alone: as long as it asks for, and up to half as long again by chance,
// since it asks the same of all.
func (v *service) askedFor(err error) time.Duration {
	failed, ok := errors.AsType[*upload.SendError](err)
	if !ok || failed.After == 0 {
		return 0
	}
	return failed.After + v.program.chance(failed.After/2+time.Second)
}

// hasLeft reports whether the store takes part no more. The service stays, so that no service manager starts it again and
// again, and looks once at each of its times whether somebody has approved the whitelist since.
func hasLeft(err error) bool {
	_, left := errors.AsType[*upload.LeftError](err)
	return left
}

// behind reports whether the queue must be told what the collector holds, or weeks must be read that it has told of.
func (s *site) behind() bool {
	awaits, err := s.queue.Awaits()
	if err != nil {
		return false // whoever uses the queue says so
	}
	anew, err := anewWeeks(s.queue)
	return err == nil && (awaits || len(anew) > 0)
}

// nextWait returns how long to wait after one more attempt that failed: between half and one and a half of what is due.
func (v *service) nextWait(most time.Duration) time.Duration {
	v.wait = min(max(retryFirst, 2*v.wait), most)
	return v.wait/2 + v.program.chance(v.wait)
}
