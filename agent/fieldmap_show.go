package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/fieldmap"
	"roagent/fieldmap/class"
	"roagent/upload"
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
	approval, approved, err := s.queue.Approved()
	if err != nil {
		return err
	}
	refused, overridden := s.plan.Forbidden()
	if c.JSON {
		return printJSON(p.stdout, shownWhitelist{
			Forbidden: shownForbiddens(slices.Concat(refused, overridden)),
			Digest:    s.plan.Digest.String(), Approved: approved && approval.Digest == s.plan.Digest.String(),
			Whitelist: s.plan.Whitelist.Canonical(), NotSTAR: s.plan.Whitelist.NotSTAR(),
		})
	}
	w := s.plan.Whitelist
	out := inColour(p.stdout, os.Getenv("NO_COLOR"))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "sent to\t%s\nfor\t%s\nunder\t%s\nfree text\t%s\ndigest\t%s\napproved\t%s\n", w.Recipient, w.Purpose, w.Agreement,
		narrativesText(w.Narratives), s.plan.Digest, approvalText(approval, approved, s.plan.Digest))
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the whitelist: %w", err)
	}
	for _, l := range s.plan.Levels {
		if err := printLevel(out, l); err != nil {
			return fmt.Errorf("print the whitelist: %w", err)
		}
		printForbidden(out, l, refused, overridden)
	}
	for _, path := range w.NotSTAR() {
		fmt.Fprintf(p.stdout, "\nnot a STAR name: %s", path)
	}
	fmt.Fprintln(p.stdout)
	return nil
}

type shownWhitelist struct {
	Digest    string           `json:"digest"`
	Approved  bool             `json:"approved"`
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

func approvalText(a upload.Approval, ok bool, digest fieldmap.Digest) string {
	switch {
	case !ok:
		return "no: nothing is read until it is"
	case a.Digest != digest.String():
		return fmt.Sprintf("no: %s approved another one on %s (%.12s…)", a.Who, a.At.Format(time.DateOnly), a.Digest)
	}
	return fmt.Sprintf("by %s on %s", approvers(a.Who, a.Second), a.At.Format(time.DateOnly))
}

// narrativesText says what becomes of secrets in free text.
func narrativesText(n fieldmap.Narratives) string {
	switch n {
	case fieldmap.HoldNarratives:
		return "scanned: an order with a secret in it waits until a person releases it, and is sent redacted"
	case fieldmap.SendNarratives:
		return "scanned, and SENT AS IT IS: secrets in it are only counted"
	}
	return "scanned: secrets in it are redacted"
}

// printLevel prints one table of the whitelist: what is sent of it, what is left out, what is read only to decide.
func printLevel(w io.Writer, l *fieldmap.Level) error {
	if l.Parent == nil {
		fmt.Fprintf(w, "\norders: %s, each named by %s, of the week in which %s falls\n", l.From, strings.Join(l.Key, ", "), l.Week)
	} else {
		fmt.Fprintf(w, "\n%s: %s, any number each %s\n", l.Path, l.From, parentWord(l))
	}
	for _, j := range l.Joins {
		fmt.Fprintf(w, "  with %s, the row of %s %s\n", j.Name, j.From, linkWords(j.On))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  SENT AS\tREAD FROM\tCLASS\tSENT HOW\tWHY")
	sent := map[fieldmap.Column]bool{}
	for _, f := range l.Fields() {
		sent[f.Column] = true
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", f.Send, f.Column, className(l.ClassOf(f)), howSent(f), f.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range l.Fields() {
		for _, r := range f.Withhold {
			fmt.Fprintf(w, "  withheld: %s where %s: %s\n", f.Send, ruleWords(r), r.Why)
		}
	}
	for _, r := range l.Skip {
		fmt.Fprintf(w, "  skipped: the whole row where %s: %s\n", ruleWords(r), r.Why)
	}
	var decides []string
	for _, c := range l.Columns() {
		if !sent[c] {
			decides = append(decides, c.String())
		}
	}
	if len(decides) > 0 {
		fmt.Fprintf(w, "  read to decide and to link, never sent: %s\n", strings.Join(decides, ", "))
	}
	return nil
}

// className returns a class as people read it.
func className(f class.Finding) string {
	if f.Forbidden() {
		return "FORBIDDEN"
	}
	return string(f.Class)
}

func parentWord(l *fieldmap.Level) string {
	if l.Parent.Parent == nil {
		return "order"
	}
	return l.Parent.Path
}

func linkWords(pairs []fieldmap.Pair) string {
	var words []string
	for _, p := range pairs {
		words = append(words, fmt.Sprintf("whose %s is the order's %s", p.Right, p.Left))
	}
	return strings.Join(words, " and ")
}

func howSent(f *fieldmap.Field) string {
	how := "as it is"
	switch m := f.Mask; m.Strategy {
	case fieldmap.MaskNone, "":
	case fieldmap.MaskPartial:
		how = fmt.Sprintf("masked but the last %d", m.Keep)
	case fieldmap.MaskTruncate:
		how = fmt.Sprintf("the first %d only", m.Keep)
	case fieldmap.MaskGeneralize:
		how = "the " + m.To + " only"
	default:
		how = string(m.Strategy)
	}
	if f.Map != nil {
		how += ", translated"
	}
	if f.Unit != "" {
		how += " in " + f.Unit
	}
	if f.Currency != "" {
		how += " in " + f.Currency
	}
	if f.Narrative {
		how += ", free text, scanned"
	}
	return strings.TrimPrefix(how, "as it is, ")
}

// ruleWords says a rule in words: OptOut is Y.
func ruleWords(r fieldmap.Rule) string {
	var words []string
	for _, c := range r.All {
		words = append(words, conditionWords(c))
	}
	return strings.Join(words, " and ")
}

func conditionWords(c fieldmap.Condition) string {
	values := strings.Join(c.Values, " or ")
	switch c.Op {
	case fieldmap.In:
		return fmt.Sprintf("%s is %s", c.Column, values)
	case fieldmap.NotIn:
		return fmt.Sprintf("%s is anything but %s", c.Column, values)
	case fieldmap.IsNull:
		return fmt.Sprintf("%s is empty", c.Column)
	case fieldmap.NotNull:
		return fmt.Sprintf("%s is not empty", c.Column)
	case fieldmap.Before:
		return fmt.Sprintf("%s is before %s", c.Column, c.Time.Format(time.DateTime))
	case fieldmap.After:
		return fmt.Sprintf("%s is after %s", c.Column, c.Time.Format(time.DateTime))
	case fieldmap.OlderThan:
		return fmt.Sprintf("%s is older than %d %s at the end of the week", c.Column, c.Age.N, c.Age.Unit)
	}
	return c.Column.String()
}
