package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

type exportCommand struct {
	actFlags
	Dealer string `required:"" placeholder:"ID" help:"The dealer."`
	Week   string `required:"" help:"The week, like 2026-W46."`
}

// Run prints the week's orders.
func (c *exportCommand) Run(ctx context.Context, s streams) (err error) {
	week, err := fieldmap.ParseWeek(c.Week)
	if err != nil {
		return usageError{fmt.Errorf("--week: %w", err)}
	}
	store, err := c.begin(ctx, true, collector.Act{Act: "export", Dealer: c.Dealer, Detail: "week " + week.String()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	out := &countingWriter{w: s.stdout}
	if err := collector.Export(ctx, store, c.Dealer, week, out); err != nil {
		return err
	}
	if out.n == 0 {
		fmt.Fprintf(s.stderr, "Nothing is held of %s of dealer %s.\n", week, c.Dealer)
	}
	return nil
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
