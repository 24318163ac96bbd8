package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"roagent/upload"
)

// putLedger writes the whole ledger: a chain proves nothing without its first entry.
func (e *evidence) putLedger() error {
	if err := e.put("ledger.ndjson", func(w io.Writer) error { return writeNDJSON(w, e.site.queue) }); err != nil {
		return err
	}
	return e.put("ledger.csv", func(w io.Writer) error { return writeCSV(w, e.site.queue) })
}

// putWhitelists writes every whitelist that was approved before the period's end, and who approved it when.
func (e *evidence) putWhitelists() error {
	rows := [][]string{{"entry", "approved_at", "by", "whitelist", "file"}}
	written := map[string]bool{}
	for entry, err := range e.site.queue.Entries() {
		if err != nil {
			return err
		}
		if entry.Kind != upload.ApprovalEntry || !entry.At.Before(e.to) {
			continue
		}
		name := "whitelists/" + entry.Fieldmap + ".json"
		rows = append(rows, []string{strconv.FormatUint(entry.Number, 10), e.clock(entry.At), entry.Who, entry.Fieldmap, name})
		if written[name] {
			continue
		}
		written[name] = true
		if err := e.putText(name, entry.Text); err != nil {
			return err
		}
	}
	return e.putTable("approvals.csv", rows)
}

// weekCounts is what the ledger says of one week, as far as it was written in the period.
type weekCounts struct {
	readings int
	found    int // orders, in the last reading
	tally    upload.Tally
	batches  int
	sent     int // lines with a receipt
}

func (e *evidence) putCounts() error {
	counts := map[string]*weekCounts{}
	for entry, err := range e.site.queue.Entries() {
		if err != nil {
			return err
		}
		if entry.Week == "" || !e.within(&entry) {
			continue
		}
		if counts[entry.Week] == nil {
			counts[entry.Week] = &weekCounts{}
		}
		counts[entry.Week].add(&entry.Entry)
	}
	weeks, err := e.site.queue.Weeks()
	if err != nil {
		return err
	}
	left := map[string]upload.WeekStatus{}
	for _, w := range weeks {
		left[w.Week] = w
	}
	rows := [][]string{{"week", "readings", "orders_read", "new", "revised", "voided", "parked", "rows_skipped", "values_withheld", "batches_sent", "lines_sent"}}
	for _, week := range slices.Sorted(maps.Keys(counts)) {
		c, t := counts[week], counts[week].tally
		row := []string{week}
		for _, n := range []int{c.readings, c.found, t.New, t.Revised, t.Voided, t.Parked} {
			row = append(row, strconv.Itoa(n))
		}
		row = append(row, leftOut(left, week)...)
		row = append(row, strconv.Itoa(c.batches), strconv.Itoa(c.sent))
		rows = append(rows, row)
	}
	return e.putTable("counts.csv", rows)
}

// leftOut returns the cells of what the whitelist's rules left out of a week: empty where the store has left since, and
// nobody knows any more.
func leftOut(known map[string]upload.WeekStatus, week string) []string {
	w, ok := known[week]
	if !ok {
		return []string{"", ""}
	}
	return []string{strconv.Itoa(w.Skipped), strconv.Itoa(w.Withheld)}
}

func (c *weekCounts) add(e *upload.Entry) {
	switch {
	case e.Kind == upload.ReadingEntry && e.Tally != nil:
		c.readings++
		c.found = e.Tally.New + e.Tally.Revised + e.Tally.Unchanged + e.Tally.Parked
		c.tally.New += e.Tally.New
		c.tally.Revised += e.Tally.Revised
		c.tally.Voided += e.Tally.Voided
	case e.Kind == upload.BatchEntry:
		c.batches++
		c.sent += e.Orders
	case e.Kind == upload.ParkedEntry:
		c.tally.Parked += e.Orders
	}
}

// putReceipts writes each receipt of the period as the collector signed it, with the keys that verify them.
func (e *evidence) putReceipts() error {
	for entry, err := range e.site.queue.Entries() {
		if err != nil {
			return err
		}
		if entry.Receipt == "" || !e.within(&entry) {
			continue
		}
		// Named by the entry too: a batch that the collector lost was sent again, and has two.
		name := fmt.Sprintf("receipts/%s/%06d-%s-%.16s.txt", entry.Week, entry.Number, entry.Kind, entry.ID)
		if entry.Kind == upload.LeftEntry {
			name = fmt.Sprintf("receipts/deletion-%06d.txt", entry.Number)
		}
		if err := e.putText(name, entry.Receipt); err != nil {
			return err
		}
	}
	keys := append([]string{e.site.config.Collector.ReceiptKeyText}, e.earlierKeys...)
	return e.putText("receipts/verifier-key.txt", strings.Join(keys, "\n")+"\n")
}

func (e *evidence) putPurges() error {
	rows := [][]string{{"entry", "purged_at", "lines", "bytes"}}
	for entry, err := range e.site.queue.Entries() {
		if err != nil {
			return err
		}
		if entry.Kind == upload.PurgedEntry && e.within(&entry) {
			rows = append(rows, []string{strconv.FormatUint(entry.Number, 10), e.clock(entry.At), strconv.Itoa(entry.Orders), strconv.FormatInt(entry.Bytes, 10)})
		}
	}
	return e.putTable("purges.csv", rows)
}

// putProofs writes, for each proof of the period, which columns the DMS was asked for that its login must not read.
func (e *evidence) putProofs() error {
	rows := [][]string{{"entry", "tried_at", "tried", "refused", "columns_refused", "columns_readable"}}
	for entry, err := range e.site.queue.Entries() {
		if err != nil {
			return err
		}
		if entry.Kind != upload.AccessProofEntry || !e.within(&entry) {
			continue
		}
		rows = append(rows, []string{
			strconv.FormatUint(entry.Number, 10), e.clock(entry.At), strconv.Itoa(entry.Tried), strconv.Itoa(entry.Refused),
			strings.Join(entry.Names, " "), strings.Join(entry.Readable, " "),
		})
	}
	return e.putTable("access_proofs.csv", rows)
}

func (e *evidence) clock(t time.Time) string { return t.In(e.zone).Format(time.RFC3339) }

const evidenceReadme = `What left %[1]s (dealer %[2]s)
from %[3]s to %[4]s

This folder was written by roagent %[5]s on %[6]s. roagent reads repair orders out of the dealer's
management system, keeps what a whitelist names that the dealer has approved, and sends it to
%[7]s. No customer's name, number or vehicle is in this folder; orders are named by their numbers.

approvals.csv        Who approved which whitelist, and when. Nothing is read without an approval.
whitelists/          Each of those whitelists: every field that may leave, with the reason; to whom, for what
                     purpose and under which agreement. The file's name is the SHA-256 of its content.
counts.csv           For each week what was done in this period: how often it was read, orders found by the
                     last reading, new, revised and voided orders, orders parked for a person to look at, rows
                     skipped and values withheld by the whitelist's rules in the last reading (they were never
                     read; empty for weeks from before the dealer left), batches and lines for which the
                     collector signed a receipt.
receipts/            The receipts, as the collector signed them: one for each batch, and one for the manifest
                     that closes a week; deletion-….txt, where the dealer left, for the deletion of all that
                     the collector held. verifier-key.txt is the public key. They are signed notes
                     (https://c2sp.org/signed-note, Ed25519).
purges.csv           When copies of what had been delivered were deleted at the dealer's, and how many.
access_proofs.csv    Columns of the DMS that must not be read and were tried, once a week: those that the DMS refused,
                     and those that it did not, after which nothing is read until that is mended or approved.
                     Only a DMS with logins can refuse: of SQLite there are none.
ledger.ndjson        All that roagent has recorded since it was installed, one entry a line. Each entry names,
                     as "previous", the SHA-256 of the line before it (without the line break), so that no
                     entry can be changed, removed or put in without all that follow showing it. The first
                     names the SHA-256 of nothing.
ledger.csv           The same for a spreadsheet. An apostrophe stands before what it would take for a formula.
SHA256SUMS           The digest of every other file here: sha256sum -c SHA256SUMS

The ledger was verified before this folder was written: %[8]d entries, %[9]d receipts, and the last entry
has the digest
%[10]s
`

func (e *evidence) putReadme() error {
	c := e.site.config
	return e.putText("README.txt", fmt.Sprintf(
		evidenceReadme, c.Dealer.Name, c.Dealer.ID, e.from.Format(time.DateOnly), e.to.AddDate(0, 0, -1).Format(time.DateOnly), agentVersion(),
		e.clock(time.Now()), c.Collector.URL, e.ledger.Entries, e.ledger.Receipts, e.ledger.Head,
	))
}
