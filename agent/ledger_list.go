package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

type ledgerListCommand struct {
	Week  string `placeholder:"W" help:"Only what concerns this week, like 2026-W46."`
	Kind  string `placeholder:"KIND" help:"Only entries of this kind, like batch or approval."`
	Since string `placeholder:"DATE" help:"Only entries of this day, like 2026-11-16, and later."`
	Limit int    `placeholder:"N" help:"Only the newest N."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c ledgerListCommand) Run(p *program) error {
	if c.Limit < 0 {
		return &usageError{fmt.Sprintf("--limit %d is no number of entries", c.Limit), "leave it out to see all"}
	}
	if c.Week != "" {
		if _, err := fieldmap.ParseWeek(c.Week); err != nil {
			return &usageError{"--week: " + err.Error(), ""}
		}
	}
	s, err := p.openLedger()
	if err != nil {
		return err
	}
	defer s.close()
	since, err := c.since(s.config.Dealer.Zone)
	if err != nil {
		return err
	}
	entries, kinds, err := c.entries(s.queue, since)
	if err != nil {
		return err
	}
	if c.Kind != "" && !kinds[upload.EntryKind(c.Kind)] {
		return &usageError{fmt.Sprintf("the ledger holds no entry of the kind %q", c.Kind), "it holds: " + kindList(kinds)}
	}
	if c.JSON {
		return printJSON(p.stdout, entries)
	}
	return printEntries(p.stdout, entries, s.config.Dealer.Zone)
}

// since returns the beginning of the day that the flag names; zero without the flag.
func (c ledgerListCommand) since(zone *time.Location) (time.Time, error) {
	if c.Since == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, c.Since, zone)
	if err != nil {
		return t, &usageError{fmt.Sprintf("--since: %q is no date", c.Since), "write it like 2026-11-16"}
	}
	return t, nil
}

// entries returns the entries that the flags leave, oldest first, and the kinds that the ledger holds.
func (c ledgerListCommand) entries(q *upload.Queue, since time.Time) (entries []upload.Entry, kinds map[upload.EntryKind]bool, err error) {
	entries, kinds = []upload.Entry{}, map[upload.EntryKind]bool{}
	for e, err := range q.Entries() {
		if err != nil {
			return nil, nil, err
		}
		kinds[e.Kind] = true
		if c.Week != "" && e.Week != c.Week || c.Kind != "" && string(e.Kind) != c.Kind || e.At.Before(since) {
			continue
		}
		entries = append(entries, e.Entry)
	}
	if c.Limit > 0 {
		entries = entries[max(0, len(entries)-c.Limit):]
	}
	return entries, kinds, nil
}

func kindList(kinds map[upload.EntryKind]bool) string {
	if len(kinds) == 0 {
		return "nothing yet"
	}
	var names []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

func printEntries(w io.Writer, entries []upload.Entry, zone *time.Location) error {
	if len(entries) == 0 {
		fmt.Fprintln(w, "the ledger holds no such entry")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ENTRY\tWHEN\tKIND\tWEEK\tWHAT")
	for i := range entries {
		e := &entries[i]
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", e.Number, e.At.In(zone).Format("2006-01-02 15:04"), e.Kind, e.Week, printable(entryText(e)))
	}
	return t.Flush()
}
