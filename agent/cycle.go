package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roagent/extract"
	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/unusual"
)

// cycle is one run: weeks are read out of the DMS into the queue, and what is queued is sent.
type cycle struct {
	open        func(context.Context) (*extract.DMS, *extract.Reader, error)
	digest      fieldmap.Digest
	queue       *upload.Queue
	sender      *upload.Sender // nil: nothing is sent
	started     time.Time      // when the run began: the same for all its weeks
	batchOrders int
	void        bool // however many orders of a week are gone
	now         func() time.Time
	progress    progress
	prove       func(context.Context, *extract.DMS, *Report) error // after the last week
}

// run reads the weeks in one consistent reading of the DMS, then sends everything that is queued: also when the DMS
// failed, or the time for reading (reading's deadline) is over. The report tells what was done whatever the error.
func (c *cycle) run(ctx, reading context.Context, weeks []fieldmap.Week) (*Report, error) {
	report := &Report{Weeks: []*WeekReport{}}
	err := c.read(reading, weeks, report)
	report.Unread = err != nil
	if c.sender == nil || ctx.Err() != nil {
		return report, err
	}
	if err = errors.Join(err, c.send(ctx, report)); err != nil || report.Sent.Adopted == 0 {
		return report, err
	}
	return report, c.again(ctx, reading, report)
}

// again reads the weeks of which the collector turned out to hold more than the queue knew, and sends what differs.
func (c *cycle) again(ctx, reading context.Context, report *Report) error {
	weeks, err := anewWeeks(c.queue)
	if err != nil {
		return err
	}
	report.forget(weeks)
	err = c.read(reading, weeks, report)
	report.Unread = err != nil
	return errors.Join(err, c.send(ctx, report))
}

func (c *cycle) read(ctx context.Context, weeks []fieldmap.Week, report *Report) error {
	dms, reader, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dms.Close()
	reading, err := reader.Begin(ctx)
	if err != nil {
		return err
	}
	defer reading.Close()
	beside, err := besideWeeks(c.queue, weeks)
	if err != nil {
		return err
	}
	for _, week := range beside {
		if err := c.week(ctx, reading, week, c.queue.BeginComers, report); err != nil && !errors.Is(err, upload.ErrBegunAnew) {
			return fmt.Errorf("pull what came into %s: %w", week, err)
		}
	}
	var doubted error
	for _, week := range weeks {
		err := c.week(ctx, reading, week, c.queue.Begin, report)
		if vanished, ok := errors.AsType[*upload.VanishedError](err); ok {
			report.Weeks[len(report.Weeks)-1].Doubted = true
			doubted = errors.Join(doubted, refuseVanished(vanished)) // the other weeks go on
			continue
		}
		if errors.Is(err, upload.ErrBegunAnew) {
			continue // a full queue was sent meanwhile, and the week taken over
		}
		if err != nil {
			return errors.Join(doubted, fmt.Errorf("pull %s: %w", week, err))
		}
	}
	return errors.Join(doubted, c.prove(ctx, dms, report))
}

// refuseVanished says what may be the matter with a week of which most orders are gone.
func refuseVanished(v *upload.VanishedError) error {
	return &doubtedError{&refusedError{v.Error(), fmt.Sprintf("look whether roagent.yaml names the right database, and whether it was restored or emptied; "+
		"if they were really deleted: roagent pull --week %s --void", v.Week)}}
}

// doubtedError is the refusal to void most of a week.
type doubtedError struct{ *refusedError }

func (e *doubtedError) Unwrap() error { return e.refusedError }

// beginning is [upload.Queue.Begin], or BeginComers.
type beginning func(fieldmap.Week, fieldmap.Digest, time.Time) (*upload.Pull, error)

// week is the story of one week, from the DMS to the queue. Each page is one transaction of the queue: its orders, what
// is now known of each, and the place to go on from. A run that dies goes on after its last page.
func (c *cycle) week(ctx context.Context, reading *extract.Reading, week fieldmap.Week, begin beginning, report *Report) error {
	pull, err := begin(week, c.digest, c.started)
	if err != nil {
		return err
	}
	total, err := reading.Count(ctx, week)
	if err != nil {
		return err
	}
	line := report.week(week)
	c.progress.begin(week.String(), total)
	defer func() { c.progress.end(line.Finished) }()
	for !pull.Done() {
		keys, err := reading.Keys(ctx, week, pull.After(), c.batchOrders, pull.Since())
		if err != nil {
			return err
		}
		if err := c.page(ctx, reading, pull, keys, report, line); err != nil {
			return err
		}
		c.progress.page(len(keys.Keys()))
	}
	return c.finish(ctx, reading, pull, report, line)
}

// page reads the orders that are not known as they are, and stores the page: in parts where its bytes demand it.
func (c *cycle) page(ctx context.Context, reading *extract.Reading, pull *upload.Pull, keys *extract.KeyPage, report *Report, line *WeekReport) error {
	wanted, err := pull.Wanted(keys.Keys())
	if err != nil {
		return err
	}
	for from, last := 0, false; !last; {
		page, n, err := reading.Orders(ctx, pull.Week(), keys.Pick(wanted))
		if err != nil {
			return err
		}
		last = n == len(wanted)
		to := len(keys.Keys())
		if !last {
			to = wanted[n]
		}
		result := upload.PageResult{
			Unchanged: unchanged(keys.Keys(), from, to, wanted[:n]),
			Records:   page.Records(), Parked: page.Parked(), Counts: page.Counts(), Profile: page.Profile(), Next: keys.NextAt(to),
		}
		if last {
			result.Parked = append(result.Parked, keys.Parked()...)
		}
		stored, err := c.store(ctx, pull, result, report)
		if err != nil {
			return err
		}
		line.add(stored, result.Counts)
		from, wanted = to, wanted[n:]
	}
	return nil
}

// unchanged returns the keys between two places that were not wanted.
func unchanged(keys []fieldmap.OrderKey, from, to int, wanted []int) []fieldmap.OrderKey {
	var known []fieldmap.OrderKey
	for i := from; i < to; i++ {
		if len(wanted) > 0 && wanted[0] == i {
			wanted = wanted[1:]
			continue
		}
		known = append(known, keys[i])
	}
	return known
}

// store keeps a page. Where the queue is full it is sent first; where that makes no room the pull pauses.
func (c *cycle) store(ctx context.Context, pull *upload.Pull, page upload.PageResult, report *Report) (upload.Stored, error) {
	stored, err := pull.Store(page)
	if !errors.Is(err, upload.ErrFull) || c.sender == nil {
		return stored, err
	}
	if sendErr := c.send(ctx, report); sendErr != nil {
		return stored, errors.Join(err, sendErr)
	}
	return pull.Store(page)
}

// finish ends the week's reading: orders that are gone are voided, and the rows that were skipped are counted.
func (c *cycle) finish(ctx context.Context, reading *extract.Reading, pull *upload.Pull, report *Report, line *WeekReport) error {
	skipped, err := reading.Skipped(ctx, pull.Week())
	if err != nil {
		return err
	}
	keyless, err := reading.Keyless(ctx, pull.Week())
	if err != nil {
		return err
	}
	result := upload.FinishResult{Skipped: skipped, Keyless: keyless, Now: c.now(), Void: c.void}
	finished, err := pull.Finish(result)
	line.Voided += finished.Voided
	if errors.Is(err, upload.ErrFull) && c.sender != nil {
		if err := c.send(ctx, report); err != nil {
			return err
		}
		finished, err = pull.Finish(result)
		line.Voided += finished.Voided
	}
	if err != nil {
		return err
	}
	line.Skipped, line.Keyless, line.Finished = skipped, keyless, true
	return c.compare(line)
}

// compare holds a week that was read against this store's other weeks. It stops nothing.
func (c *cycle) compare(line *WeekReport) error {
	weeks, err := c.queue.Profiles()
	if err != nil {
		return err
	}
	line.Unusual = unusual.Weeks(weeks)[line.Week]
	if len(line.Unusual) > 0 && line.New+line.Revised+line.Voided > 0 { // else it was told before
		c.progress.unusual(line.Week, line.Unusual)
	}
	return nil
}

func (c *cycle) send(ctx context.Context, report *Report) error {
	c.progress.sending()
	sent, err := c.sender.Send(ctx)
	report.Sent.Add(sent)
	return err
}
