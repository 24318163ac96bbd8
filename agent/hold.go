package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"roagent/fieldmap"
	"roagent/upload"
)

// holdCommand is about batches that wait for the time of queue.hold. Orders that 'narratives: hold' keeps back are
// parked: see parkedCommand.
type holdCommand struct {
	List    holdListCommand    `cmd:"" help:"List what is queued and may still be dropped, and from when on it is sent."`
	Drop    holdDropCommand    `cmd:"" help:"Drop an order, a field or a week of what waits. The collector is told why and how many."`
	Release holdReleaseCommand `cmd:"" help:"Let what waits go before its time."`
}

type holdListCommand struct {
	Week  string `placeholder:"W" help:"Only this week, like 2026-W46."`
	JSON  bool   `name:"json" help:"Print JSON."`
	Lines bool   `help:"Print the exact lines that wait, and nothing else. They hold customers' data."`
	Limit int    `default:"10" help:"With --lines: at most this many; 0 is all."`
}

func (c holdListCommand) Run(p *program) error {
	if err := checkWeekName(c.Week); err != nil {
		return err
	}
	if c.Limit < 0 || c.Lines && c.JSON {
		return &usageError{"--limit is negative, or --lines goes with --json", "lines are JSON already; --limit 0 prints all"}
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if c.Lines {
		return c.printLines(p.stdout, s.queue)
	}
	batches, err := s.queue.Waiting()
	if err != nil {
		return err
	}
	batches = batchesOf(batches, c.Week)
	if c.JSON {
		return printJSON(p.stdout, batches)
	}
	return printWaiting(p.stdout, batches, p.now())
}

func (c holdListCommand) printLines(w io.Writer, q *upload.Queue) error {
	n := 0
	for line, err := range q.WaitingLines(c.Week) {
		if err != nil {
			return err
		}
		if _, err := w.Write(line.Text); err != nil {
			return fmt.Errorf("print the lines: %w", err)
		}
		if n++; n == c.Limit {
			break
		}
	}
	return nil
}

// checkWeekName refuses what is no week; "" stands for all.
func checkWeekName(name string) error {
	if name == "" {
		return nil
	}
	if _, err := fieldmap.ParseWeek(name); err != nil {
		return &usageError{"--week: " + err.Error(), ""}
	}
	return nil
}

func batchesOf(batches []upload.WaitingBatch, week string) []upload.WaitingBatch {
	found := []upload.WaitingBatch{}
	for _, b := range batches {
		if week == "" || b.Week == week {
			found = append(found, b)
		}
	}
	return found
}

func printWaiting(w io.Writer, batches []upload.WaitingBatch, now time.Time) error {
	if len(batches) == 0 {
		fmt.Fprintln(w, "nothing waits")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BATCH\tWEEK\tLINES\tSIZE\tMADE\tIS SENT")
	lines, size := 0, int64(0)
	for _, b := range batches {
		fmt.Fprintf(t, "%.12s\t%s\t%d\t%s\t%s\t%s\n", b.ID, b.Week, b.Orders, humanize.Bytes(uint64(b.Bytes)), b.Made.Local().Format(time.DateTime), whenSent(b, now))
		lines += b.Orders
		size += b.Bytes
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("list what waits: %w", err)
	}
	fmt.Fprintf(w, "%s with %s (%s) in all\n", plural(len(batches), "batch"), plural(lines, "line"), humanize.Bytes(uint64(size)))
	fmt.Fprintln(w, "'roagent hold drop' drops an order, a field or a week of them, 'roagent hold release' lets them go now")
	return nil
}

// whenSent says in words when a batch is sent.
func whenSent(b upload.WaitingBatch, now time.Time) string {
	switch {
	case b.Offered:
		return "at the next try; the collector may have it, nothing of it can be dropped"
	case b.From.After(now):
		return "from " + b.From.Local().Format(time.DateTime)
	case !b.Released.IsZero():
		return "at the next try: released"
	}
	return "at the next try"
}

// delayed counts what waits for its time, and tells when the last of it goes.
func delayed(batches []upload.WaitingBatch, now time.Time) (lines int, until time.Time) {
	for _, b := range batches {
		if !b.From.After(now) {
			continue
		}
		lines += b.Orders
		if b.From.After(until) {
			until = b.From
		}
	}
	return lines, until
}

type holdReleaseCommand struct {
	Week string `placeholder:"W" help:"Only this week, like 2026-W46."`
	By   string `required:"" placeholder:"NAME" help:"Who lets it go."`
}

func (c holdReleaseCommand) Run(p *program) error {
	if err := errors.Join(checkWeekName(c.Week), checkBy(&c.By)); err != nil {
		return err
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	lines, err := s.queue.Unhold(c.Week, c.By)
	if err != nil {
		return err
	}
	if lines == 0 {
		return s.nothingMatches(c.Week, "nothing waits for its time")
	}
	fmt.Fprintf(p.stdout, "%s may go now; 'roagent send' sends what is due\n", plural(lines, "line"))
	return nil
}

// nothingMatches says that a command found nothing to act on, and what there is.
func (s *site) nothingMatches(week, message string) error {
	batches, err := s.queue.Waiting()
	if err != nil {
		return err
	}
	if week != "" {
		message += " in " + week
	}
	lines := 0
	for _, b := range batches {
		lines += b.Orders
	}
	return &usageError{message, fmt.Sprintf("%s with %s in all: see 'roagent hold list'", plural(len(batches), "waiting batch"), plural(lines, "line"))}
}
