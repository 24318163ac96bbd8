package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"roagent/upload"
)

type ledgerExportCommand struct {
	Format   string `enum:"csv,json," default:"" help:"csv for a spreadsheet, or json: one entry a line in its very bytes, so that others can verify the chain (default: csv)."`
	Out      string `type:"path" placeholder:"FILE" help:"Write to this new file instead of standard output."`
	Evidence string `type:"path" placeholder:"DIR" help:"Write the folder that an auditor asks for: the ledger, whitelists with approvals, counts, receipts, purges, access proofs."`
	Year     int    `placeholder:"YYYY" help:"With --evidence: this calendar year instead of the last 12 months."`
	receiptKeys
}

func (c ledgerExportCommand) Run(p *program) error {
	if err := c.check(); err != nil {
		return err
	}
	s, err := p.openLedger()
	if err != nil {
		return err
	}
	defer s.close()
	if c.Evidence != "" {
		return c.evidence(p, s)
	}
	write := writeCSV
	if c.Format == "json" {
		write = writeNDJSON
	}
	if c.Out == "" {
		return write(p.stdout, s.queue)
	}
	return writeNew("--out", c.Out, func(w io.Writer) error { return write(w, s.queue) })
}

// check refuses flags that do not go together.
func (c ledgerExportCommand) check() error {
	switch {
	case c.Evidence != "" && cmp.Or(c.Format, c.Out) != "":
		return &usageError{"--evidence goes alone, or with --year", "the folder holds the ledger as CSV and as JSON"}
	case c.Evidence == "" && c.Year != 0:
		return &usageError{"--year goes with --evidence", ""}
	case c.Year != 0 && (c.Year < 2000 || c.Year > 9999):
		return &usageError{fmt.Sprintf("--year %d is no year", c.Year), "write it like 2026"}
	}
	return nil
}

// writeNew writes the file that a flag names, which must not be there yet. A file that could not be written whole is removed.
func writeNew(flag, path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Sprintf("%s: %s is there already", flag, path), "name a new file, or remove that one"}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	w := bufio.NewWriter(f)
	if err = errors.Join(write(w), w.Flush(), f.Close()); err != nil {
		err = errors.Join(fmt.Errorf("%s: write %s: %w", flag, path, err), os.Remove(path))
	}
	return err
}

// writeNDJSON writes the ledger, one entry a line, in the bytes that the next entry's previous is the SHA-256 of.
func writeNDJSON(w io.Writer, q *upload.Queue) error {
	for e, err := range q.Entries() {
		if err != nil {
			return err
		}
		if _, err := w.Write(append(slices.Clip(e.Raw), '\n')); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

// writeCSV writes the ledger for a spreadsheet (RFC 4180).
func writeCSV(w io.Writer, q *upload.Queue) error {
	out := newCSV(w)
	out.write(
		"entry", "at", "kind", "week", "order", "field", "orders", "bytes", "new", "revised", "unchanged", "voided", "parked",
		"who", "why", "id", "fieldmap", "receipt", "text", "previous", "digest",
	)
	for e, err := range q.Entries() {
		if err != nil {
			return err
		}
		var t upload.Tally
		if e.Tally != nil {
			t = *e.Tally
		}
		out.write(
			strconv.FormatUint(e.Number, 10), e.At.Format(time.RFC3339), string(e.Kind), e.Week, e.Key, e.Field, strconv.Itoa(e.Orders),
			strconv.FormatInt(e.Bytes, 10), strconv.Itoa(t.New), strconv.Itoa(t.Revised), strconv.Itoa(t.Unchanged), strconv.Itoa(t.Voided),
			strconv.Itoa(t.Parked), e.Who, e.Why, e.ID, e.Fieldmap, e.Receipt, e.Text, e.Previous, e.Digest(),
		)
	}
	return out.flush()
}

// csvWriter writes what a spreadsheet opens without running any of it.
type csvWriter struct {
	csv *csv.Writer
}

func newCSV(w io.Writer) *csvWriter {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &csvWriter{c}
}

// write writes a row. A failure is told by flush.
func (c *csvWriter) write(cells ...string) {
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	_ = c.csv.Write(cells)
}

func (c *csvWriter) flush() error {
	c.csv.Flush()
	if err := c.csv.Error(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// harmless puts an apostrophe before what a spreadsheet would take for a formula (OWASP, CSV injection): keys of orders
// and reasons come from elsewhere.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
