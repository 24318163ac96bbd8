package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/upload"
)

type ledgerShowCommand struct {
	Number uint64 `arg:"" name:"entry" help:"As 'ledger list' numbers it."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c ledgerShowCommand) Run(p *program) error {
	s, err := p.openLedger()
	if err != nil {
		return err
	}
	defer s.close()
	e, ok, err := s.queue.LedgerEntry(c.Number)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("the ledger has no entry %d; 'roagent ledger list' shows those that it has", c.Number)
	case c.JSON:
		return printJSON(p.stdout, e.Entry)
	}
	if err := printEntry(p.stdout, &e, s.config.Dealer.Zone); err != nil {
		return err
	}
	if e.Receipt != "" {
		err := s.verifyReceipt(&e.Entry)
		fmt.Fprintf(p.stdout, "\nThe receipt, which %s:\n\n%s", receiptVerdict(err), e.Receipt)
	}
	return printApproved(p.stdout, e.Text)
}

// verifyReceipt reports whether the configured key signed the receipt of an entry.
func (s *site) verifyReceipt(e *upload.Entry) error {
	var err error
	if key := s.config.Collector.ReceiptKey; e.Kind == upload.LeftEntry {
		_, err = upload.OpenDeletionReceipt([]byte(e.Receipt), key, s.config.Dealer.ID)
	} else {
		_, err = upload.OpenReceipt([]byte(e.Receipt), key)
	}
	return err
}

func receiptVerdict(err error) string {
	if err != nil {
		return "does NOT verify with the collector's receipt_key"
	}
	return "verifies with the collector's receipt_key"
}

// printEntry prints what the entry has, each on a line of its own.
func printEntry(w io.Writer, e *upload.StoredEntry, zone *time.Location) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, printable(value))
		}
	}
	count := func(name string, n int64) {
		if n != 0 {
			line(name, fmt.Sprint(n))
		}
	}
	line("entry", fmt.Sprint(e.Number))
	line("when", e.At.In(zone).Format("Monday 2006-01-02 15:04:05 MST"))
	line("kind", string(e.Kind))
	line("week", e.Week)
	line("order", e.Key)
	line("who", e.Who)
	line("why", e.Why)
	line("id", e.ID)
	line("whitelist", e.Fieldmap)
	line("names", strings.Join(e.Names, ", "))
	line("readable", strings.Join(e.Readable, ", "))
	count("orders", int64(e.Orders))
	count("bytes", e.Bytes)
	if e.Tally != nil {
		line("found", entryText(&e.Entry))
	}
	line("previous", e.Previous)
	line("digest", e.Digest())
	return t.Flush()
}

// printApproved prints the canonical text of a whitelist so that a person can read it.
func printApproved(w io.Writer, canonical string) error {
	if canonical == "" {
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(canonical), "", "  "); err != nil {
		return fmt.Errorf("show the approved whitelist: %w", err)
	}
	fmt.Fprintf(w, "\nThe whitelist as it was approved; the digest is that of its text without blanks:\n\n%s\n", b.String())
	return nil
}
