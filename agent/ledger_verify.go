package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap"
	"roagent/upload"
)

type ledgerVerifyCommand struct {
	Head string `placeholder:"HEX" help:"Also prove that the ledger still holds the entry with this digest: the head that an earlier verify printed."`
	JSON bool   `name:"json" help:"Print JSON."`
	receiptKeys
}

// receiptKeys are those that receipts may be signed with besides the configured one.
type receiptKeys struct {
	ReceiptKey []string `placeholder:"KEY" sep:"none" help:"A further key that receipts may be signed with: one that the collector had before. May be repeated."`
}

func (c ledgerVerifyCommand) Run(p *program) error {
	if c.Head != "" {
		if _, err := fieldmap.ParseDigest(c.Head); err != nil {
			return &usageError{fmt.Sprintf("--head: %q is no digest", c.Head), "it is the head that 'roagent ledger verify' printed: 64 digits 0-9 a-f"}
		}
	}
	s, err := p.openLedger()
	if err != nil {
		return err
	}
	defer s.close()
	keys, err := c.all(s.config.Collector.ReceiptKey)
	if err != nil {
		return err
	}
	sum, err := verifyLedger(s.queue, keys)
	if err != nil {
		return err
	}
	if err := c.holdsHead(s.queue); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, sum)
	}
	c.print(p.stdout, sum, s.config.Dealer.Zone)
	return nil
}

// all returns the keys with the configured one first.
func (c receiptKeys) all(configured note.Verifier) ([]note.Verifier, error) {
	keys := []note.Verifier{configured}
	for _, text := range c.ReceiptKey {
		key, err := note.NewVerifier(text)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("--receipt-key: %q is no verifier key: %v", text, err), "it looks like collector.example.com+1234abcd+AbC…, as 'rocollector key' prints it"}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// verifyLedger verifies the ledger, and says what may be wrong with the keys rather than with it.
func verifyLedger(q *upload.Queue, keys []note.Verifier) (upload.LedgerSummary, error) {
	sum, err := q.VerifyLedger(keys...)
	if errors.Is(err, upload.ErrReceipt) {
		err = fmt.Errorf("%w\n  if the collector signed with another key then, give that too, with --receipt-key", err)
	}
	return sum, err
}

// holdsHead looks for the entry that was the last one when somebody wrote its digest down.
func (c ledgerVerifyCommand) holdsHead(q *upload.Queue) error {
	if c.Head == "" {
		return nil
	}
	_, ok, err := q.LedgerHas(c.Head)
	if err == nil && !ok {
		err = fmt.Errorf("the ledger holds in itself, and has no entry with the digest %s: it was cut off before that entry, or written anew, since the digest was written down", c.Head)
	}
	return err
}

func (c ledgerVerifyCommand) print(w io.Writer, sum upload.LedgerSummary, zone *time.Location) {
	if sum.Entries == 0 {
		fmt.Fprintln(w, "the ledger is empty: nothing was approved, read or sent yet")
		return
	}
	fmt.Fprintf(w, "the ledger holds: %s from %s to %s, each as it was written; %s\n", plural(sum.Entries, "entry"),
		sum.First.In(zone).Format(time.DateOnly), sum.Last.In(zone).Format(time.DateOnly), receiptsText(sum.Receipts))
	for _, gap := range sum.Rebuilt {
		fmt.Fprintf(w, "entry %d: on %s the queue was damaged and rebuilt (%s). What was noted between entry %d and that day may be lost; the damaged file was set aside as %s\n",
			gap.Number, gap.At.In(zone).Format(time.DateOnly), gap.Why, gap.Number-1, gap.File)
	}
	if c.Head != "" {
		fmt.Fprintf(w, "it holds the entry %.12s… that was written down\n", c.Head)
	}
	fmt.Fprintf(w, "head %s\nWrite the head down: 'roagent ledger verify --head %.8s…' then proves that all up to here was never written anew.\n", sum.Head, sum.Head)
}

func receiptsText(n int) string {
	if n == 1 {
		return "1 receipt verifies"
	}
	return fmt.Sprintf("%d receipts verify", n)
}
