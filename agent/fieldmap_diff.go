package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/fieldmap"
)

type fieldmapDiffCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// diffReport is what differs between the approved whitelist and the file, as --json prints it.
type diffReport struct {
	State      string            `json:"state"` // approved, narrowed, changed
	ApprovedBy string            `json:"approved_by"`
	ApprovedAt time.Time         `json:"approved_at"`
	Approved   string            `json:"approved_digest"`
	Digest     string            `json:"digest"`
	Changes    []fieldmap.Change `json:"changes"`
}

func (c fieldmapDiffCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	consent, err := s.consent()
	if err != nil {
		return err
	}
	if !consent.given {
		return &refusedError{"no whitelist was approved: there is nothing to compare with", "look at it with 'roagent fieldmap review', then 'roagent fieldmap approve --by NAME'"}
	}
	if consent.problem != nil {
		return consent.problem
	}
	if c.JSON {
		err = printJSON(p.stdout, diffReport{
			State: consent.state(), ApprovedBy: consent.approval.Who, ApprovedAt: consent.approval.At,
			Approved: consent.approval.Digest, Digest: consent.digest.String(), Changes: append([]fieldmap.Change{}, consent.changes...),
		})
	} else {
		err = printDiff(p.stdout, consent, p.colors())
	}
	if err != nil {
		return err
	}
	if groups := groupChanges(consent.changes); len(groups) > 0 && groups[0].Effect == fieldmap.Widened {
		return &refusedError{
			fmt.Sprintf("%s widened since %s approved the whitelist", plural(len(groups[0].Changes), "thing"), consent.approval.Who),
			"nothing is read until it is approved: 'roagent fieldmap approve --by NAME'",
		}
	}
	return nil
}

// changeGroup is the changes of one effect, with the words and the sign for it.
type changeGroup struct {
	Effect  fieldmap.Effect
	Sign    string
	Means   string
	Changes []fieldmap.Change
}

// groupChanges sorts changes by their effect, what matters most first; effects without a change are left out.
func groupChanges(changes []fieldmap.Change) []changeGroup {
	var groups []changeGroup
	for _, g := range []changeGroup{
		{Effect: fieldmap.Widened, Sign: "+", Means: "more can leave or be read, or that cannot be ruled out: needs a new approval"},
		{Effect: fieldmap.Narrowed, Sign: "-", Means: "less leaves: needs no new approval"},
		{Effect: fieldmap.Reworded, Sign: "~", Means: "the same in other words or another order: needs a new approval, for the words were signed"},
	} {
		for _, c := range changes {
			if c.Effect == g.Effect {
				g.Changes = append(g.Changes, c)
			}
		}
		if len(g.Changes) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func printDiff(w io.Writer, c consent, color bool) error {
	fmt.Fprintf(w, "approved by %s on %s: %.12s…\nthe file now:           %.12s…\n", c.approval.Who, c.approval.At.Format(time.DateOnly), c.approval.Digest, c.digest)
	if len(c.changes) == 0 {
		fmt.Fprintln(w, "nothing differs")
	}
	for _, g := range groupChanges(c.changes) {
		fmt.Fprintf(w, "\n%s\n", paint(color, g.Effect, fmt.Sprintf("%s: %s", g.Effect, g.Means)))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, change := range g.Changes {
			fmt.Fprintf(t, "  %s %s\t%s\n", paint(color, g.Effect, g.Sign), change.Where, changeText(change))
		}
		if err := t.Flush(); err != nil {
			return fmt.Errorf("print the changes: %w", err)
		}
	}
	return nil
}

// changeText says a change in one line, without where it is.
func changeText(c fieldmap.Change) string {
	switch before, after := oneLine(c.Before), oneLine(c.After); {
	case before == "" && after == "":
		return c.What
	case before == "":
		return c.What + ": " + after
	case after == "":
		return c.What + ": " + before
	default:
		return fmt.Sprintf("%s: %s → %s", c.What, before, after)
	}
}

// oneLine keeps a text from breaking a line, or steering a terminal.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}

// paint colours a text by an effect: red, green, yellow. The words say the same without it.
func paint(color bool, e fieldmap.Effect, text string) string {
	if !color {
		return text
	}
	code := map[fieldmap.Effect]int{fieldmap.Widened: 31, fieldmap.Narrowed: 32, fieldmap.Reworded: 33}[e]
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}
