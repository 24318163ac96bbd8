package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

type ledgerWhoCommand struct {
	VIN      string `name:"vin" placeholder:"V" xor:"subject" required:"" help:"The car. Case and blanks do not count."`
	Customer string `placeholder:"N" xor:"subject" required:"" help:"The customer, by the number that the DMS has given him."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// whoAnswer is what was ever sent about one subject, and under which whitelists.
type whoAnswer struct {
	upload.Disclosure
	Terms map[string]whoTerms `json:"whitelists"` // by digest, of those that something left under
	Notes []string            `json:"notes"`
}

// whoTerms are those under which something left.
type whoTerms struct {
	Recipient string `json:"recipient"`
	Purpose   string `json:"purpose"`
	Agreement string `json:"agreement"`
}

func (c ledgerWhoCommand) Run(p *program) error {
	subject, value := fieldmap.Customer, c.Customer
	if c.VIN != "" {
		subject, value = fieldmap.Vehicle, c.VIN
	}
	s, err := p.openLedger()
	if err != nil {
		return err
	}
	defer s.close()
	key, err := s.queue.Key(whoKey)
	if err != nil {
		return err
	}
	tag := fieldmap.NewTagger(key).Tag(subject, []byte(value))
	if tag == (fieldmap.Tag{}) {
		return &usageError{"there is nothing to look for", "give a VIN or a customer's number as the DMS shows it"}
	}
	answer, err := s.who(subject, tag)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, answer)
	}
	return answer.print(p.stdout, s.config.Dealer.Zone)
}

// who asks the queue, and the ledger for the whitelists under which it was sent.
func (s *site) who(subject fieldmap.Subject, tag fieldmap.Tag) (*whoAnswer, error) {
	found, err := s.queue.About(subject, tag)
	if err != nil {
		return nil, err
	}
	answer := &whoAnswer{Disclosure: found, Terms: map[string]whoTerms{}, Notes: []string{}}
	used := map[string]bool{}
	for _, lines := range [][]upload.Sending{found.Sent, found.Waiting, found.Held, found.Refused} {
		for _, line := range lines {
			used[line.Fieldmap] = true
		}
	}
	named := false // by a whitelist that was ever in force
	for e, err := range s.queue.Entries() {
		if err != nil {
			return nil, err
		}
		if e.Kind != upload.ApprovalEntry && e.Kind != upload.NarrowedEntry {
			continue
		}
		terms, err := fieldmap.ReadTerms([]byte(e.Text))
		if err != nil {
			return nil, fmt.Errorf("entry %d of the ledger: %w", e.Number, err)
		}
		named = named || terms.Names[subject]
		if used[e.Fieldmap] {
			answer.Terms[e.Fieldmap] = whoTerms{terms.Recipient, terms.Purpose, terms.Agreement}
		}
	}
	answer.note(subject, named)
	return answer, nil
}

// note says what the answer cannot cover.
func (a *whoAnswer) note(subject fieldmap.Subject, named bool) {
	if !named {
		a.Notes = append(a.Notes, fmt.Sprintf("no approved whitelist sends %s: orders cannot be found by it", subject.Path()))
	}
	if a.Unknown > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("%s queued by an earlier version of roagent: of those it is not known whom they are about", plural(a.Unknown, "batch")))
	}
}

func (a *whoAnswer) print(w io.Writer, zone *time.Location) error {
	if len(a.Sent) == 0 {
		fmt.Fprintln(w, "nothing was ever sent about it")
	}
	for _, part := range []struct {
		title string
		lines []upload.Sending
	}{
		{"sent, with a receipt:", a.Sent},
		{"queued, not sent yet:", a.Waiting},
		{"held, and not sent unless it is released (see 'roagent parked list'):", a.Held},
		{"offered to the collector, which refused it (see 'roagent parked list'):", a.Refused},
	} {
		if err := a.printLines(w, part.title, part.lines, zone); err != nil {
			return err
		}
	}
	for _, note := range a.Notes {
		fmt.Fprintf(w, "\nnote: %s\n", note)
	}
	return nil
}

// printLines prints the lines of one kind, those that left under one whitelist together.
func (a *whoAnswer) printLines(w io.Writer, title string, lines []upload.Sending, zone *time.Location) error {
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(w, title)
	last := ""
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		if line.Fieldmap != last {
			if err := t.Flush(); err != nil {
				return fmt.Errorf("print what was sent: %w", err)
			}
			last = line.Fieldmap
			fmt.Fprintf(w, "\n%s", a.termsText(line.Fieldmap))
			fmt.Fprintln(t, "  WEEK\tORDER\tREVISION\tRECEIPT OF\tBATCH")
		}
		stored := "-"
		if !line.Stored.IsZero() {
			stored = line.Stored.In(zone).Format("2006-01-02 15:04 MST")
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%.12s\n", line.Week, printable(line.Key), revisionText(line), stored, line.Batch)
	}
	return t.Flush()
}

func (a *whoAnswer) termsText(digest string) string {
	terms, ok := a.Terms[digest]
	if !ok {
		return fmt.Sprintf("  under the whitelist %.12s, of which the ledger holds no approval\n", digest)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  to         %s\n  purpose    %s\n  agreement  %s (whitelist %.12s)\n",
		printable(terms.Recipient), printable(terms.Purpose), printable(terms.Agreement), digest)
	return b.String()
}

func revisionText(line upload.Sending) string {
	if line.Voided {
		return fmt.Sprintf("%d (voided)", line.Revision)
	}
	return fmt.Sprint(line.Revision)
}
