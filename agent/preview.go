package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"roagent/fieldmap"
)

type previewCommand struct {
	Week  string `placeholder:"W" help:"The week, like 2026-W46. Without it: the latest that has ended."`
	Limit int    `default:"10" help:"At most this many lines; 0 is all."`
}

// Run prints the lines and nothing else on standard output, so that they can be taken on as they are. It needs no
// approval: it is what the whitelist is judged by before it is approved.
func (c previewCommand) Run(p *program) error {
	if c.Limit < 0 {
		return &usageError{"--limit is negative", "0 prints all lines"}
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if err := checkForbidden(s.config, s.plan); err != nil {
		return err
	}
	week, err := s.endedWeek(c.Week)
	if err != nil {
		return err
	}
	dms, reader, err := s.openDMS(p.ctx)
	if err != nil {
		return err
	}
	defer dms.Close()
	out := bufio.NewWriter(p.stdout)
	v := &preview{site: s, out: out, limit: c.Limit}
	w := &walk{pageSize: v.pageSize(), full: v.full, record: v.record, parked: v.park}
	err = errors.Join(w.week(p.ctx, reader, week), out.Flush())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%s: %s a pull would send now%s; %s as sent before, or dropped\n", week, plural(v.lines, "line"), v.more(), plural(v.unchanged, "order"))
	if !v.full() { // else it is a part of a week, which is like no week
		if err := s.printUnusual(p.stderr, week, &w.profile); err != nil {
			return err
		}
	}
	if v.parked > 0 {
		return fmt.Errorf("%s could not be sent as they are, see above: %w", plural(v.parked, "order"), errParked)
	}
	return nil
}

// endedWeek returns the week of that name, or the latest that has ended where there is none.
func (s *site) endedWeek(name string) (fieldmap.Week, error) {
	schedule, err := s.schedule()
	if err != nil {
		return fieldmap.Week{}, err
	}
	ended := schedule.Ended(s.now())
	if name == "" {
		return ended, nil
	}
	weeks, err := weekRange(name, name, ended)
	if err != nil {
		return fieldmap.Week{}, err
	}
	return weeks[0], nil
}

// preview prints what a pull of a week would send.
type preview struct {
	site      *site
	out       io.Writer
	limit     int
	lines     int
	unchanged int
	parked    int
}

func (v *preview) full() bool { return v.limit > 0 && v.lines >= v.limit }

func (v *preview) more() string {
	if v.full() {
		return ", or more (--limit)"
	}
	return ""
}

func (v *preview) record(record fieldmap.Record) error {
	line, held, err := v.site.queue.Preview(record)
	if err != nil {
		return err
	}
	if held {
		v.park([]fieldmap.Parked{{Week: record.Week(), Key: record.Key(), Reason: record.Held()}})
		return nil
	}
	if line == nil {
		v.unchanged++
		return nil
	}
	v.lines++
	if _, err := v.out.Write(line); err != nil {
		return fmt.Errorf("print the preview: %w", err)
	}
	return nil
}

func (v *preview) park(orders []fieldmap.Parked) {
	for _, o := range orders {
		v.parked++
		v.site.log.Warn("an order would be parked", "week", o.Week.String(), "key", o.Key.Text, "reason", o.Reason)
	}
}

// pageSize is how many orders are read at once: no more than are asked for.
func (v *preview) pageSize() int {
	if v.limit == 0 {
		return v.site.config.Queue.BatchOrders
	}
	return min(v.limit, v.site.config.Queue.BatchOrders)
}
