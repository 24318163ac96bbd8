package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"roagent/fieldmap"
)

type fieldmapShowCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c fieldmapShowCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	consent, err := s.consent()
	if err != nil {
		return err
	}
	if c.JSON {
		refused, overridden := s.plan.Forbidden()
		return printJSON(p.stdout, shownWhitelist{
			Digest: s.plan.Digest.String(), Approved: consent.exact(), State: consent.state(),
			Forbidden: shownForbiddens(slices.Concat(refused, overridden)),
			Whitelist: s.plan.Whitelist.Canonical(), NotSTAR: s.plan.Whitelist.NotSTAR(),
		})
	}
	out := p.stdout
	if p.colors() {
		out = redWriter{out}
	}
	if err := newSheet(s.plan).print(out, consent); err != nil {
		return fmt.Errorf("print the whitelist: %w", err)
	}
	return nil
}

type shownWhitelist struct {
	Digest    string           `json:"digest"`
	Approved  bool             `json:"approved"` // this very digest
	State     string           `json:"state"`    // approved, narrowed, changed, unapproved
	NotSTAR   []string         `json:"not_star"`
	Forbidden []shownForbidden `json:"forbidden"`
	Whitelist json.RawMessage  `json:"whitelist"` // in its canonical form, of which the digest is
}

// shownForbidden is something that must not leave. Without an override it stops every pull.
type shownForbidden struct {
	Send     string `json:"send,omitempty"` // "" for a key, a link or an order
	Column   string `json:"column"`
	Kind     string `json:"kind"`
	Override string `json:"override,omitempty"`
}

func shownForbiddens(all []fieldmap.Forbidden) []shownForbidden {
	shown := []shownForbidden{}
	for _, f := range all {
		s := shownForbidden{Column: f.Source(), Kind: f.Found.Kind}
		if f.Field != nil {
			s.Send, s.Override = f.Send(), f.Field.Override
		}
		shown = append(shown, s)
	}
	return shown
}

func (s *sheet) print(w io.Writer, c consent) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "sent to\t%s\nfor\t%s\nunder\t%s\nfree text\t%s\ndigest\t%s\napproved\t%s\n", s.Recipient, s.Purpose, s.Agreement, s.FreeText, s.Digest, c)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, table := range s.Tables {
		if err := table.print(w); err != nil {
			return err
		}
	}
	for _, path := range s.NotSTAR {
		fmt.Fprintf(w, "\nnot a STAR name: %s", path)
	}
	fmt.Fprintln(w)
	return nil
}

func (t *sheetTable) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n", t.Name, t.About)
	for _, j := range t.Joins {
		fmt.Fprintf(w, "  with %s\n", j)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  SENT AS\tREAD FROM\tCLASS\tSENT HOW\tWHY")
	for _, f := range t.Fields {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", f.Send, f.Column, f.Class, f.How, f.Why)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range t.Fields {
		if f.Codes != "" {
			fmt.Fprintf(w, "  translated: %s from %s\n", f.Send, f.Codes)
		}
		for _, r := range f.Withheld {
			fmt.Fprintf(w, "  withheld: %s where %s: %s\n", f.Send, r.Where, r.Why)
		}
	}
	for _, r := range t.Skips {
		fmt.Fprintf(w, "  skipped: the whole row where %s: %s\n", r.Where, r.Why)
	}
	if len(t.Decides) > 0 {
		fmt.Fprintf(w, "  read to decide and to link, never sent: %s\n", strings.Join(t.Decides, ", "))
	}
	for _, f := range t.Forbidden {
		fmt.Fprintf(w, "  %s: %s\n", forbiddenWord, f)
	}
	for _, f := range t.Tested {
		fmt.Fprintf(w, "  warning: %s\n", f)
	}
	return nil
}
