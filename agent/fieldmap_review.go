package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"roagent/extract"
)

type fieldmapReviewCommand struct {
	Out     string `default:"fieldmap-review.html" placeholder:"FILE" help:"The file to write; - is standard output."`
	Samples bool   `help:"Show three real values of each field, as they would be sent. The file then holds customers' data."`
	Week    string `placeholder:"W" help:"The week to take samples from, like 2026-W46. Without it: the latest that has ended."`
}

//go:embed review.html
var reviewHTML string

//go:embed review.css
var reviewCSS string

// reviewPage is what the sheet's template shows.
type reviewPage struct {
	*sheet
	Style      template.CSS
	Dealer     string
	Made       time.Time
	Version    string
	Consent    consent
	Groups     []changeGroup
	Statements []extract.Statement
	SampledOf  string // the week that the samples are of; "": none
}

func (c fieldmapReviewCommand) Run(p *program) error {
	if c.Week != "" && !c.Samples {
		return &usageError{"--week goes with --samples", "without samples no order is read"}
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	page, err := s.reviewPage()
	if err != nil {
		return err
	}
	if c.Samples {
		if err := checkForbidden(s.config, s.plan); err != nil {
			return err
		}
		week, err := s.endedWeek(c.Week)
		if err != nil {
			return err
		}
		found, err := s.readSamples(p.ctx, week)
		if err != nil {
			return err
		}
		page.SampledOf = week.String()
		page.show(found)
	}
	if c.Out == "-" {
		return page.write(p.stdout)
	}
	if err := page.writeFile(c.Out); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: open it in a browser, print it, sign it; then\n  roagent fieldmap approve --by NAME --sha256 %s\n", c.Out, page.Digest)
	if c.Samples {
		fmt.Fprintf(p.stderr, "%s holds values of real customers: keep it as you keep repair orders\n", c.Out)
	}
	return nil
}

func (s *site) reviewPage() (*reviewPage, error) {
	consent, err := s.consent()
	if err != nil {
		return nil, err
	}
	statements, err := extract.Statements(s.config.DMS.Driver, s.plan)
	if err != nil {
		return nil, err
	}
	return &reviewPage{
		sheet: newSheet(s.plan), Style: template.CSS(reviewCSS), Dealer: fmt.Sprintf("%s (%s)", s.config.Dealer.Name, s.config.Dealer.ID),
		Made: s.now().In(s.config.Dealer.Zone), Version: agentVersion(), Consent: consent, Groups: groupChanges(consent.changes), Statements: statements,
	}, nil
}

// show puts the samples beside their fields.
func (r *reviewPage) show(found *samples) {
	for i := range r.Tables {
		for j := range r.Tables[i].Fields {
			f := &r.Tables[i].Fields[j]
			f.Samples = found.values[f.Path]
		}
	}
}

// Fields counts the values that are sent.
func (r *reviewPage) Fields() int {
	n := 0
	for _, t := range r.Tables {
		n += len(t.Fields)
	}
	return n
}

// Rows counts the rules that leave out whole rows.
func (r *reviewPage) Rows() int {
	n := 0
	for _, t := range r.Tables {
		n += len(t.Skips)
	}
	return n
}

// Forbidden is the word that marks what must not leave.
func (r *reviewPage) Forbidden() string { return forbiddenWord }

// Quartets is the digest in groups of four digits, to be compared by eye.
func (r *reviewPage) Quartets() []string {
	var groups []string
	for i := 0; i+4 <= len(r.Digest); i += 4 {
		groups = append(groups, r.Digest[i:i+4])
	}
	return groups
}

// State says how the sheet stands in a word that the style knows: approved, narrowed, changed, unapproved.
func (r *reviewPage) State() string { return r.Consent.state() }

func (r *reviewPage) write(w io.Writer) error {
	t, err := template.New("review").Funcs(template.FuncMap{
		"steps": func(path string) []string { return strings.SplitAfter(path, ".") }, // where a long name may break
	}).Parse(reviewHTML)
	if err != nil {
		return fmt.Errorf("write the review: %w", err)
	}
	if err := t.Execute(w, r); err != nil {
		return fmt.Errorf("write the review: %w", err)
	}
	return nil
}

// writeFile writes the sheet whole or not at all, readable by its owner alone.
func (r *reviewPage) writeFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".fieldmap-review-*")
	if err != nil {
		return fmt.Errorf("write the review: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where all went well
	err = r.write(f)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("write the review: %w", closeErr)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write the review: %w", err)
	}
	return nil
}
