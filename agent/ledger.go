package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"

	"roagent/upload"
)

type ledgerCommand struct {
	List   ledgerListCommand   `cmd:"" help:"List what the ledger records, the newest last."`
	Show   ledgerShowCommand   `cmd:"" help:"Show one entry whole, with the whitelist that was approved, or the receipt."`
	Verify ledgerVerifyCommand `cmd:"" help:"Prove that nothing in the ledger was changed, removed or moved, and that its receipts hold."`
	Export ledgerExportCommand `cmd:"" help:"Write the ledger as CSV or JSON, or the folder that an auditor asks for."`
	Who    ledgerWhoCommand    `cmd:"" help:"Tell what was ever sent about one car or one customer, and to whom."`
}

// entryText says in a few words what an entry records, for a table.
func entryText(e *upload.Entry) string {
	switch e.Kind {
	case upload.ApprovalEntry:
		return fmt.Sprintf("%s approved whitelist %.12s", e.Who, e.Fieldmap)
	case upload.AccessEntry:
		return fmt.Sprintf("%s approved what the login may read beyond the whitelist: %s, %.12s", e.Who, plural(len(e.Names), "name"), e.ID)
	case upload.AccessProofEntry:
		return proofText(upload.AccessProof{Tried: e.Tried, Names: e.Names, Readable: e.Readable})
	case upload.ReadingEntry:
		if t := e.Tally; t != nil {
			return fmt.Sprintf("%d new, %d revised, %d voided, %d unchanged, %d parked", t.New, t.Revised, t.Voided, t.Unchanged, t.Parked)
		}
	case upload.BatchEntry:
		return fmt.Sprintf("batch %.12s with %s, %s", e.ID, plural(e.Orders, "line"), humanize.Bytes(uint64(max(0, e.Bytes))))
	case upload.ManifestEntry:
		return fmt.Sprintf("manifest %.12s of %s", e.ID, plural(e.Orders, "line"))
	case upload.LeavingEntry:
		return e.Who + " began to leave"
	case upload.LeftEntry:
		return leftText(e)
	case upload.RebuiltEntry:
		return fmt.Sprintf("the queue was damaged, set aside as %s and rebuilt: %s", strings.Join(e.Names, ", "), e.Why)
	case upload.PurgedEntry:
		return fmt.Sprintf("copies of %s, %s", plural(e.Orders, "line"), humanize.Bytes(uint64(max(0, e.Bytes))))
	}
	var parts []string
	if e.Key != "" {
		parts = append(parts, "order "+e.Key)
	} else if e.Field != "" {
		parts = append(parts, e.Field+" of "+plural(e.Orders, "order"))
	} else if e.Orders > 0 {
		parts = append(parts, plural(e.Orders, "order"))
	}
	for _, part := range []string{e.Why, e.Who} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

func leftText(e *upload.Entry) string {
	emptied := fmt.Sprintf("%s emptied the queue, of which %s waited; the collector ", e.Who, plural(e.Orders, "line"))
	if d, ok := e.Deletion(); ok {
		return emptied + fmt.Sprintf("deleted %s with %s", plural(d.Batches, "batch"), plural(d.Orders, "line"))
	}
	return emptied + "was not asked to delete"
}

// printable shows a text on one line of a terminal: what a key of the DMS holds must not steer it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
