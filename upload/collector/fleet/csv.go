package fleet

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// csv writes all stores that the query takes, one a line, as spreadsheets read it (RFC 4180, UTF-8).
func (p *Page) csv(w http.ResponseWriter, r *http.Request) error {
	q, v, err := p.asked(r, pastWeeks)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="stores-%s.csv"`, q.Week))
	out := csv.NewWriter(w)
	_ = out.Write([]string{
		"dealer_id", "name", "week", "state", "overdue", "why", "notes", "closed_at", "held", "lines", "skipped", "withheld", "dropped", "parked", "keyless", "fieldmap_digest",
		"heartbeat_at", "agent_state", "agent_version", "last_error", "next_run", "queued_batches",
	})
	for _, row := range p.explain(v, q.filter(v.rows)) {
		if err := out.Write(record(row)); err != nil {
			return nil // whoever asked has gone
		}
	}
	out.Flush()
	return nil
}

func record(v *row) []string {
	e := &v.Entry
	fields := []string{e.Dealer.DealerID, e.Dealer.Name, e.Name.String(), string(v.State), strconv.FormatBool(v.Overdue), v.Why, strings.Join(v.Notes, " ")}
	if e.Week != nil {
		fields = append(fields, stamp(e.Week.ClosedAt), strconv.Itoa(e.Week.Held), strconv.Itoa(e.Week.Lines), strconv.Itoa(e.Week.Skipped), strconv.Itoa(e.Week.Withheld),
			strconv.Itoa(e.Week.Dropped), strconv.Itoa(e.Week.Parked), strconv.Itoa(e.Week.Keyless), e.Week.FieldmapDigest)
	} else {
		fields = append(fields, make([]string, 9)...)
	}
	fields = append(fields, stamp(e.Dealer.ReceivedAt), e.Beat.State, e.Beat.AgentVersion, e.Beat.LastError, stamp(e.Beat.NextRun), strconv.Itoa(e.Beat.QueuedBatches))
	for i, f := range fields {
		fields[i] = plain(f)
	}
	return fields
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// plain keeps a spreadsheet from taking a text for a formula (OWASP, CSV Injection): what begins like one gets an apostrophe.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
