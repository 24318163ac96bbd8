package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"roagent/upload"
)

// evidence is the folder that an auditor asks for once a year. It is made beside its place and moved there whole.
type evidence struct {
	dir      string // where it is made
	from, to time.Time
	zone     *time.Location
	site     *site
	ledger   upload.LedgerSummary
	sums     []string // of SHA256SUMS

	earlierKeys []string // of the collector
}

func (c ledgerExportCommand) evidence(p *program, s *site) error {
	if err := freeFolder(c.Evidence); err != nil {
		return err
	}
	keys, err := c.all(s.config.Collector.ReceiptKey)
	if err != nil {
		return err
	}
	e := &evidence{site: s, zone: s.config.Dealer.Zone, earlierKeys: c.ReceiptKey}
	if e.ledger, err = verifyLedger(s.queue, keys); err != nil {
		return err // what does not hold is no evidence
	}
	e.from, e.to = c.period(time.Now(), e.zone)
	if err := e.make(c.Evidence); err != nil {
		return fmt.Errorf("export the evidence to %s: %w", c.Evidence, err)
	}
	fmt.Fprintf(p.stdout, "%s holds %s for %s to %s; README.txt in it says what each is\n", c.Evidence, plural(len(e.sums)+1, "file"),
		e.from.Format(time.DateOnly), e.to.AddDate(0, 0, -1).Format(time.DateOnly))
	return nil
}

// period returns the year that the flag names, or the twelve months up to now and the rest of the day.
func (c ledgerExportCommand) period(now time.Time, zone *time.Location) (from, to time.Time) {
	if c.Year != 0 {
		from = time.Date(c.Year, time.January, 1, 0, 0, 0, 0, zone)
		return from, from.AddDate(1, 0, 0)
	}
	year, month, day := now.In(zone).Date()
	to = time.Date(year, month, day+1, 0, 0, 0, 0, zone)
	return to.AddDate(-1, 0, 0), to
}

// freeFolder refuses a place where something is.
func freeFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return &usageError{fmt.Sprintf("--evidence: the folder %s is not there", filepath.Dir(dir)), "make it first"}
		}
		return nil
	case err != nil:
		return &usageError{"--evidence: " + err.Error(), "name a folder that does not exist yet"}
	case len(entries) > 0:
		return &usageError{fmt.Sprintf("--evidence: %s is not empty", dir), "name a folder that does not exist yet; nothing is ever written over"}
	}
	return nil
}

// make makes the folder beside its place, so that nobody takes half of it for all.
func (e *evidence) make(dir string) error {
	var err error
	if e.dir, err = os.MkdirTemp(filepath.Dir(dir), ".evidence-*"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(e.dir) }() // it is gone when all went well
	for _, write := range []func() error{e.putLedger, e.putWhitelists, e.putCounts, e.putReceipts, e.putPurges, e.putProofs, e.putReadme, e.putSums} {
		if err := write(); err != nil {
			return err
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(e.dir, dir)
}

// put writes one file, named with slashes, and notes its digest.
func (e *evidence) put(name string, write func(io.Writer) error) error {
	path := filepath.Join(e.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(f, sum))
	if err := errors.Join(write(w), w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	e.sums = append(e.sums, hex.EncodeToString(sum.Sum(nil))+"  "+name)
	return nil
}

func (e *evidence) putText(name, text string) error {
	return e.put(name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// putTable writes a table as CSV.
func (e *evidence) putTable(name string, rows [][]string) error {
	return e.put(name, func(w io.Writer) error {
		out := newCSV(w)
		for _, row := range rows {
			out.write(row...)
		}
		return out.flush()
	})
}

// putSums writes the digests of all other files, as sha256sum checks them.
func (e *evidence) putSums() error {
	slices.SortFunc(e.sums, func(a, b string) int { return strings.Compare(a[2*sha256.Size:], b[2*sha256.Size:]) })
	text := strings.Join(e.sums, "\n") + "\n"
	return os.WriteFile(filepath.Join(e.dir, "SHA256SUMS"), []byte(text), 0o600)
}

// within reports whether an entry was written in the period.
func (e *evidence) within(entry *upload.StoredEntry) bool {
	return !entry.At.Before(e.from) && entry.At.Before(e.to)
}
