package main

import (
	"fmt"
	"os/user"
	"text/tabwriter"
	"time"
)

type parkedCommand struct {
	List    parkedListCommand    `cmd:"" help:"List what is parked, and why."`
	Show    parkedShowCommand    `cmd:"" help:"Show one parked item with its lines, which may hold customers' data."`
	Release parkedReleaseCommand `cmd:"" help:"Queue what is held, redacted, or again what the collector refused, as it is."`
	Drop    parkedDropCommand    `cmd:"" help:"Throw a parked item away. The ledger notes who did."`
}

type parkedListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c parkedListCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	items, err := s.queue.Parked()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, items)
	}
	if len(items) == 0 {
		fmt.Fprintln(p.stdout, "nothing is parked")
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NUMBER\tWEEK\tORDER\tSINCE\tWHY")
	for _, item := range items {
		key := item.Key
		if key == "" {
			key = plural(item.Orders, "order")
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", item.Number, item.Week, key, item.Since.Local().Format(time.DateOnly), item.Reason)
	}
	return t.Flush()
}

type parkedShowCommand struct {
	Number uint64 `arg:"" help:"As 'parked list' numbers it."`
}

func (c parkedShowCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	item, lines, err := s.queue.ParkedLines(c.Number)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "number  %d\nweek    %s\nsince   %s\nwhy     %s\n", item.Number, item.Week, item.Since.Local().Format(time.DateTime), item.Reason)
	if item.Key != "" {
		fmt.Fprintf(p.stdout, "order   %s\n", item.Key)
	}
	for _, line := range lines {
		fmt.Fprintf(p.stdout, "\n%s", line)
	}
	return nil
}

type parkedReleaseCommand struct {
	Number uint64 `arg:"" help:"As 'parked list' numbers it."`
}

func (c parkedReleaseCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.queue.Release(c.Number, userName()); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "number %d is queued again; 'roagent send' sends it\n", c.Number)
	return nil
}

type parkedDropCommand struct {
	Number uint64 `arg:"" help:"As 'parked list' numbers it."`
}

func (c parkedDropCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.queue.Drop(c.Number, userName()); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "number %d is dropped\n", c.Number)
	return nil
}

// userName is who works at the terminal, for the ledger.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
