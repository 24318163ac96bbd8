package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"roagent/fieldmap"
	"roagent/fieldmap/freetext"
	"roagent/upload"
	"roagent/upload/unusual"
)

// Report is what a run did: shown as a table, or as JSON.
type Report struct {
	Weeks    []*WeekReport     `json:"weeks"`
	Sent     upload.Sent       `json:"sent"`
	Narrowed []fieldmap.Change `json:"narrowed,omitempty"` // what the whitelist lacks of the approved one
	Proof    *ProofReport      `json:"access_proof,omitempty"`
	Unread   bool              `json:"-"` // something that was to be read was not: trying again may help
}

// WeekReport is what a run did with one week.
type WeekReport struct {
	Week      string               `json:"week"`
	Orders    int                  `json:"orders"`    // found in the DMS and not skipped
	New       int                  `json:"new"`       // sent for the first time
	Revised   int                  `json:"revised"`   // sent again because they changed
	Voided    int                  `json:"voided"`    // gone from the DMS
	Unchanged int                  `json:"unchanged"` // not sent again
	Parked    int                  `json:"parked"`    // cannot be sent as they are
	Keyless   int                  `json:"keyless"`   // have no key and cannot be named
	Skipped   []fieldmap.SkipCount `json:"skipped"`   // rows left out, by rule
	Counts    fieldmap.Counts      `json:"counts"`    // values left out or altered in the orders read
	Finished  bool                 `json:"finished"`  // false: the run was stopped in this week and goes on at the next
	Unusual   []unusual.Finding    `json:"unusual,omitempty"`
	Doubted   bool                 `json:"doubted"` // most of the week is gone from the DMS: it is read anew at the next run
}

func (r *Report) week(w fieldmap.Week) *WeekReport {
	line := &WeekReport{Week: w.String()}
	r.Weeks = append(r.Weeks, line)
	return line
}

// forget leaves out weeks that are read once more: what the first reading queued was taken back.
func (r *Report) forget(weeks []fieldmap.Week) {
	r.Weeks = slices.DeleteFunc(r.Weeks, func(line *WeekReport) bool {
		return slices.ContainsFunc(weeks, func(w fieldmap.Week) bool { return w.String() == line.Week })
	})
}

func (w *WeekReport) add(s upload.Stored, counts fieldmap.Counts) {
	w.Orders += s.New + s.Revised + s.Unchanged + s.Parked
	w.New += s.New
	w.Revised += s.Revised
	w.Unchanged += s.Unchanged
	w.Parked += s.Parked
	w.Counts.Add(counts)
}

func (w *WeekReport) skippedRows() (orders, lines int) {
	for _, s := range w.Skipped {
		if s.List == "" {
			orders += s.Count
		} else {
			lines += s.Count
		}
	}
	return orders, lines
}

func (w *WeekReport) withheld() int {
	n := 0
	for _, count := range w.Counts.Withheld {
		n += count
	}
	return n
}

// keyless counts the orders that have no key.
func (r *Report) keyless() int {
	n := 0
	for _, w := range r.Weeks {
		n += w.Keyless
	}
	return n
}

// print shows the report on a terminal.
func (r *Report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "week\torders\tnew\trevised\tvoided\tunchanged\tparked\tskipped\twithheld\t")
	for _, week := range r.Weeks {
		orders, lines := week.skippedRows()
		skipped := fmt.Sprint(orders)
		if lines > 0 {
			skipped = fmt.Sprintf("%d +%d lines", orders, lines)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t\n",
			week.Week, week.Orders, week.New, week.Revised, week.Voided, week.Unchanged, week.Parked+week.Keyless, skipped, week.withheld())
	}
	if len(r.Weeks) > 0 {
		if err := t.Flush(); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
	}
	if n := len(r.Narrowed); n > 0 {
		fmt.Fprintf(w, "the whitelist is narrower than the approved one (%s), which needs no new approval: see 'roagent fieldmap diff'\n", plural(n, "change"))
	}
	for _, week := range r.Weeks {
		printFindings(w, week.Week, week.Unusual)
	}
	r.Proof.print(w)
	r.printWhy(w)
	return nil
}

// printWhy tells why rows and values were left out, and what else a person should know.
func (r *Report) printWhy(w io.Writer) {
	skipped, withheld := map[string]int{}, map[string]int{}
	var counts fieldmap.Counts
	for _, week := range r.Weeks {
		for _, s := range week.Skipped {
			skipped[cmp.Or(s.List, "order")+": "+s.Why] += s.Count
		}
		for path, n := range week.Counts.Withheld {
			withheld[path] += n
		}
		counts.Add(week.Counts)
		if !week.Finished && !week.Doubted {
			fmt.Fprintf(w, "%s is not finished: the next run goes on where this one stopped\n", week.Week)
		}
	}
	printCounts(w, "skipped, never read:", skipped)
	printCounts(w, "withheld, never read:", withheld)
	printSecrets(w, "redacted in free text", counts.Redacted)
	printSecrets(w, "SENT AS IT IS in free text", counts.Exposed)
	for _, note := range []struct {
		n          int
		what, text string
	}{
		{r.keyless(), "order", "without a key in the DMS: cannot be sent"},
		{counts.InvalidText, "text", "with bytes that are no characters: each is sent as U+FFFD"},
		{counts.Repeated, "time", "in an hour that daylight saving repeats: the first was taken"},
		{counts.Skipped, "time", "in an hour that daylight saving skips: moved forward"},
	} {
		if note.n > 0 {
			fmt.Fprintf(w, "%s %s\n", plural(note.n, note.what), note.text)
		}
	}
}

func printCounts(w io.Writer, title string, counts map[string]int) {
	names := slices.Sorted(maps.Keys(counts))
	names = slices.DeleteFunc(names, func(name string) bool { return counts[name] == 0 })
	if len(names) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, name := range names {
		fmt.Fprintf(w, "%8d  %s\n", counts[name], name)
	}
}

// printSecrets tells how many secrets of each kind were found in free text: 3 ssn, 2 phone.
func printSecrets(w io.Writer, title string, counts map[string]int) {
	var words []string
	for _, kind := range freetext.Kinds() {
		if n := counts[kind.String()]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(words) > 0 {
		fmt.Fprintf(w, "%s: %s\n", title, strings.Join(words, ", "))
	}
}

// printSent tells what went to the collector, and what still waits.
func (s *site) printSent(w io.Writer, sent upload.Sent, tried bool, failed error) error {
	pending, err := s.queue.Pending()
	if err != nil {
		return err
	}
	if sent.Batches+sent.Manifests > 0 {
		fmt.Fprintf(w, "sent %s with %s (%s) and closed %s at %s; each has a receipt that verifies\n", plural(sent.Batches, "batch"),
			plural(sent.Orders, "line"), humanize.Bytes(uint64(sent.Bytes)), plural(sent.Manifests, "week"), s.config.Collector.URL)
	}
	if sent.Adopted > 0 {
		fmt.Fprintf(w, "taken over from the collector, which held more than this data folder knew: %s\n", plural(sent.Adopted, "week"))
	}
	anew, err := anewWeeks(s.queue)
	if err != nil {
		return err
	}
	for _, week := range anew {
		fmt.Fprintf(w, "%s was taken over from the collector: the next pull reads it again, and sends what differs\n", week)
	}
	switch {
	case pending.Batches > 0 && !tried:
		fmt.Fprintf(w, "queued, not sent: %s; 'roagent send' sends them\n", plural(pending.Batches, "batch"))
	case pending.Batches > 0:
		fmt.Fprintf(w, "still queued: %s with %s\n", plural(pending.Batches, "batch"), plural(pending.Orders, "line"))
	case sent.Batches+sent.Manifests == 0 && failed == nil:
		fmt.Fprintln(w, "nothing to send")
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "ch") {
		return fmt.Sprintf("%d %ses", n, noun)
	}
	if stem, ok := strings.CutSuffix(noun, "ry"); ok {
		return fmt.Sprintf("%d %sries", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
