package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

type exportCommand struct {
	actFlags
	Dealer       []string `required:"" placeholder:"ID" help:"The dealer; may be given several times."`
	Week         string   `xor:"week" help:"The week, like 2026-W46."`
	From         string   `and:"range" xor:"week" placeholder:"WEEK" help:"The first week of several."`
	To           string   `and:"range" placeholder:"WEEK" help:"The last one."`
	AllRevisions bool     `help:"Every revision of an order, not the newest alone."`
	Format       string   `enum:"ndjson,parquet" default:"ndjson" help:"ndjson: the lines as they were sent. parquet: one row a line, with the order as nested columns."`
	Out          string   `placeholder:"FILE" help:"Write to this file, once it is whole; for its owner alone. Default: standard output (ndjson only)."`
}

// maxWeeks is the most weeks of one export: ten years.
const maxWeeks = 530

// Run exports the lines, sorted by dealer as they are named, by week and by key.
func (c *exportCommand) Run(ctx context.Context, s streams) (err error) {
	weeks, err := c.weeks()
	if err != nil {
		return usageError{err}
	}
	if c.Format == "parquet" && c.Out == "" {
		return usageError{errors.New("--format parquet needs --out FILE")}
	}
	store, err := c.begin(ctx, true, c.act())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	lines := func(each func([]byte) error) error {
		for _, dealer := range c.Dealer {
			for _, week := range weeks {
				if err := collector.Lines(ctx, store, dealer, week, collector.Revisions(c.AllRevisions), each); err != nil {
					return err
				}
			}
		}
		return nil
	}
	write := writeNDJSON
	if c.Format == "parquet" {
		write = writeParquet
	}
	n := 0
	if c.Out == "" {
		n, err = write(s.stdout, lines)
	} else {
		n, err = toFile(c.Out, func(w io.Writer) (int, error) { return write(w, lines) })
	}
	if err == nil && n == 0 {
		fmt.Fprintf(s.stderr, "Nothing is held of %s of dealer %s.\n", c.when(), c.who())
	}
	return err
}

// linesOf calls each for every line of an export; the bytes are valid until it returns.
type linesOf func(each func(line []byte) error) error

func (c *exportCommand) weeks() ([]fieldmap.Week, error) {
	if c.Week == "" && c.From == "" {
		return nil, errors.New("name a week: --week 2026-W46, or --from and --to")
	}
	from, to, flag := c.From, c.To, "--from"
	if c.Week != "" {
		from, to, flag = c.Week, c.Week, "--week"
	}
	first, err := fieldmap.ParseWeek(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	last, err := fieldmap.ParseWeek(to)
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	var weeks []fieldmap.Week
	for w := first; !last.Before(w); w = w.Next() {
		if weeks = append(weeks, w); len(weeks) > maxWeeks {
			return nil, fmt.Errorf("--from %s --to %s: more than %d weeks", from, to, maxWeeks)
		}
	}
	if len(weeks) == 0 {
		return nil, fmt.Errorf("--from %s is after --to %s", from, to)
	}
	return weeks, nil
}

func (c *exportCommand) when() string {
	if c.Week != "" {
		return c.Week
	}
	return c.From + " to " + c.To
}

func (c *exportCommand) who() string {
	if len(c.Dealer) == 1 {
		return c.Dealer[0]
	}
	return fmt.Sprintf("%s and %d others", c.Dealer[0], len(c.Dealer)-1)
}

func (c *exportCommand) act() collector.Act {
	a := collector.Act{Act: "export", Dealer: c.Dealer[0], Detail: c.when()}
	if len(c.Dealer) > 1 {
		a.Detail += fmt.Sprintf(", and of %d other dealers", len(c.Dealer)-1)
	}
	return a
}

func writeNDJSON(w io.Writer, lines linesOf) (n int, err error) {
	out := bufio.NewWriter(w)
	err = lines(func(line []byte) error {
		n++
		if _, err := out.Write(line); err != nil {
			return err
		}
		return out.WriteByte('\n')
	})
	return n, errors.Join(err, out.Flush())
}

// toFile writes a file that is whole or not there: what was there stays until then.
func toFile(name string, write func(io.Writer) (int, error)) (n int, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp") // 0600
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	n, err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return n, os.Rename(f.Name(), name)
}
