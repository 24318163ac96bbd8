package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

type pullCommand struct {
	Week   string `placeholder:"W" help:"Read this week only, like 2026-W46. Without it: the weeks that are due, and the look-back."`
	From   string `placeholder:"W" help:"Read every week from this one on …"`
	To     string `placeholder:"W" help:"… to this one."`
	NoSend bool   `help:"Queue what is read, and leave the sending to later."`
	Void   bool   `help:"Void the orders that are gone from the DMS even where that is most of a week."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c pullCommand) Run(p *program) error {
	return p.work(p.ctx, func(s *site) error { return c.run(p, s) })
}

func (c pullCommand) run(p *program, s *site) error {
	schedule, err := s.schedule()
	if err != nil {
		return err
	}
	weeks, err := c.weeks(s, schedule)
	if err != nil {
		return err
	}
	report, err := s.pull(p.ctx, pulling{weeks: weeks, send: !c.NoSend, void: c.Void}, newProgress(p.stderr, s.log))
	if report == nil {
		return err
	}
	if printErr := c.print(p, s, report, err); printErr != nil {
		return printErr
	}
	return cmp.Or(err, s.waiting(report))
}

// waiting returns the error that says that something waits for a person, or nil.
func (s *site) waiting(report *Report) error {
	items, err := s.queue.Parked()
	switch {
	case err != nil:
		return err
	case len(items) > 0:
		return errParked
	case report.keyless() > 0:
		return errKeyless
	}
	return nil
}

func (c pullCommand) print(p *program, s *site, report *Report, failed error) error {
	if c.JSON {
		return printJSON(p.stdout, report)
	}
	if err := report.print(p.stdout); err != nil {
		return err
	}
	return s.printSent(p.stdout, report.Sent, !c.NoSend, failed)
}

// weeks returns the weeks that the flags name, or those that are due.
func (c pullCommand) weeks(s *site, schedule Schedule) ([]fieldmap.Week, error) {
	now := s.now()
	from, to := c.From, c.To
	switch {
	case c.Week != "" && from+to != "":
		return nil, &usageError{"--week goes alone", "give either --week, or --from and --to"}
	case c.Week != "":
		from, to = c.Week, c.Week
	case from == "" && to == "":
		return s.dueWeeks(schedule, now)
	case from == "" || to == "":
		return nil, &usageError{"--from and --to go together", "for one week, give --week"}
	}
	return weekRange(from, to, schedule.Ended(now))
}

// dueWeeks returns the weeks that a run at now reads, oldest first, with those whose reading was stopped. One that a later
// run went on with is read once more: of the pages from before the stop, nobody has looked since what was edited, and the week
// may have left the look-back meanwhile.
func (s *site) dueWeeks(schedule Schedule, now time.Time) ([]fieldmap.Week, error) {
	known, err := s.weeksBy(schedule, now)
	if err != nil {
		return nil, err
	}
	weeks := schedule.Weeks(now, s.config.Schedule.LookbackWeeks, finishedWeeks(known))
	ended := schedule.Ended(now)
	for _, w := range stoppedWeeks(known) {
		if !slices.Contains(weeks, w) && !ended.Before(w) {
			weeks = append(weeks, w)
		}
	}
	slices.SortFunc(weeks, func(a, b fieldmap.Week) int { return a.Start(time.UTC).Compare(b.Start(time.UTC)) })
	return weeks, nil
}

// maxWeeks bounds one pull by hand: ten years.
const maxWeeks = 530

// weekRange returns all weeks from one to another. None may come after the latest that has ended.
func weekRange(from, to string, ended fieldmap.Week) ([]fieldmap.Week, error) {
	first, err := fieldmap.ParseWeek(from)
	if err != nil {
		return nil, &usageError{err.Error(), ""}
	}
	last, err := fieldmap.ParseWeek(to)
	if err != nil {
		return nil, &usageError{err.Error(), ""}
	}
	if last.Before(first) {
		return nil, &usageError{fmt.Sprintf("%s comes after %s", first, last), "give the earlier week with --from"}
	}
	if ended.Before(last) {
		return nil, &usageError{fmt.Sprintf("the week %s is not over yet", last), fmt.Sprintf("the latest that can be read is %s", ended)}
	}
	var weeks []fieldmap.Week
	for w := first; !last.Before(w); w = w.Next() {
		if len(weeks) == maxWeeks {
			return nil, &usageError{fmt.Sprintf("%s to %s are more than %d weeks", first, last, maxWeeks), "pull them in parts"}
		}
		weeks = append(weeks, w)
	}
	return weeks, nil
}

// pulling is what a pull is to do.
type pulling struct {
	weeks    []fieldmap.Week
	deadline time.Time // when reading pauses; zero: never
	send     bool      // what is queued
	void     bool      // orders that are gone, however many
}

// pull reads weeks, if the whitelist is approved, and sends what is queued. The report is nil where nothing was begun.
func (s *site) pull(ctx context.Context, p pulling, bar progress) (*Report, error) {
	if err := checkForbidden(s.config, s.plan); err != nil {
		return nil, err
	}
	consent, err := s.checkConsent()
	if err != nil {
		return nil, err
	}
	c := &cycle{open: s.openAllowed, prove: s.proveAccess, digest: s.plan.Digest, queue: s.queue, started: s.now(), now: s.now, batchOrders: s.config.Queue.BatchOrders, void: p.void, progress: bar}
	if p.send {
		if c.sender, err = s.sender(); err != nil {
			return nil, err
		}
	}
	if err := s.noteWeeks(p.weeks, c.started); err != nil {
		return nil, err
	}
	reading := ctx
	if !p.deadline.IsZero() {
		var cancel context.CancelFunc
		reading, cancel = context.WithTimeout(ctx, p.deadline.Sub(s.now()))
		defer cancel()
	}
	report, err := c.run(ctx, reading, p.weeks)
	report.Narrowed = consent.changes
	return report, err
}

// checkConsent refuses a whitelist that needs a new approval, and notes one that is only narrower than the approved one.
func (s *site) checkConsent() (consent, error) {
	c, err := s.consent()
	if err != nil {
		return c, err
	}
	if err := c.check(); err != nil || c.exact() {
		return c, err
	}
	return c, s.queue.RecordNarrowing(c.digest, string(s.plan.Whitelist.Canonical()), s.now())
}

// noteWeeks begins the weeks that were never read before the DMS is asked for anything: whatever happens to it now, they
// are known to be due from here on.
func (s *site) noteWeeks(weeks []fieldmap.Week, now time.Time) error {
	known, err := s.queue.Weeks()
	if err != nil {
		return err
	}
	read := weeksWhere(known, func(w upload.WeekStatus) bool { return w.Readings > 0 })
	for _, w := range weeks {
		if slices.Contains(read, w) {
			continue
		}
		if _, err := s.queue.Begin(w, s.plan.Digest, now); err != nil {
			return err
		}
	}
	return nil
}
