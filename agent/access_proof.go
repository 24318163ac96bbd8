package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"roagent/extract"
	"roagent/fieldmap"
	"roagent/fieldmap/class"
	"roagent/upload"
)

const (
	proofEvery   = 7 * 24 * time.Hour
	proofColumns = 10 // that are refused make a proof
)

// ProofReport is what came of trying to read columns that the login must not read.
type ProofReport struct {
	Tried    int      `json:"tried"`
	Refused  []string `json:"refused"`
	Readable []string `json:"readable,omitempty"`
}

// print tells the proof; there is none to tell where nothing was tried.
func (r *ProofReport) print(w io.Writer) {
	if r != nil {
		fmt.Fprintf(w, "access proof: %s\n", printable(proofText(upload.AccessProof{Tried: r.Tried, Names: r.Refused, Readable: r.Readable})))
	}
}

func proofText(p upload.AccessProof) string {
	switch {
	case len(p.Readable) > 0:
		return fmt.Sprintf("NONE: could be read and must not: %s; the next pull is refused", strings.Join(p.Readable, ", "))
	case p.Tried == 0:
		return "the server shows the login no column beyond the whitelist"
	}
	return fmt.Sprintf("%s tried that must not be read, all refused: %s", plural(p.Tried, "column"), strings.Join(p.Names, ", "))
}

// proveAccess tries, once a week, to read columns that the login must not read, and records what the DMS refused.
func (s *site) proveAccess(ctx context.Context, dms *extract.DMS, report *Report) error {
	if s.config.DMS.Driver == "sqlite" {
		return nil // there is nothing that could refuse
	}
	now := s.now()
	last, ok, err := s.queue.LastProof()
	if err != nil || ok && now.Sub(last.At).Abs() < proofEvery {
		return err
	}
	found, err := dms.Access(ctx, s.plan)
	if err != nil {
		return err
	}
	tried, err := dms.Try(ctx, candidates(s.plan, found), proofColumns)
	if err != nil {
		return err
	}
	proof := upload.AccessProof{Tried: len(tried.Refused) + len(tried.Readable), Names: columnNames(tried.Refused), Readable: columnNames(tried.Readable), At: now}
	report.Proof = &ProofReport{Tried: proof.Tried, Refused: append([]string{}, proof.Names...), Readable: proof.Readable}
	return s.queue.RecordProof(proof)
}

func columnNames(columns []extract.Unlisted) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.String())
	}
	return names
}

// usual are names that DMSs give to what must not leave. Most servers show a login no column that it may not read, so
// these are tried in the whitelist's tables: a server refuses one that is there, and does not know the others.
func usual() []string {
	return []string{
		"SSN", "SocialSecurityNo", "TaxID", "GLAccount", "GLAcct", "BankAccount", "RoutingNo", "CardNumber", "CreditLimit", "CreditScore",
		"LeasePayment", "LoanBalance", "LienHolder", "DealerCost", "DriverLicense", "DLNumber", "BirthDate", "DOB",
	}
}

// candidates returns columns that the login must not read: those that the server shows, what must not leave first, then the
// usual ones of the whitelist's tables.
func candidates(plan *fieldmap.Plan, found extract.Access) []extract.Unlisted {
	table := class.NewTable()
	shown := slices.Clone(found.Denied)
	slices.SortStableFunc(shown, func(a, b extract.Unlisted) int { return rank(table, a) - rank(table, b) })
	seen := map[fieldmap.Table]bool{}
	for _, l := range plan.Levels {
		tables := []fieldmap.Table{l.From}
		for _, j := range l.Joins {
			tables = append(tables, j.From)
		}
		for _, t := range tables {
			if seen[t] {
				continue
			}
			seen[t] = true
			for _, name := range usual() {
				if !listed(plan, t, name) && !known(found, t, name) {
					shown = append(shown, extract.Unlisted{Table: t, Column: name})
				}
			}
		}
	}
	return shown
}

// rank orders columns by what they give away: what must not leave, then money, then people, then the rest.
func rank(table *class.Table, u extract.Unlisted) int {
	order := []class.Class{class.Forbidden, class.Money, class.Identity, class.Contact}
	found := table.Of(class.Name{u.Table.Schema, u.Table.Name, u.Column}).Class
	if i := slices.Index(order, found); i >= 0 {
		return i
	}
	return len(order)
}

// listed reports whether the whitelist names a column.
func listed(plan *fieldmap.Plan, table fieldmap.Table, column string) bool {
	for _, l := range plan.Levels {
		of := map[string]fieldmap.Table{"": l.From}
		for _, j := range l.Joins {
			of[j.Name] = j.From
		}
		for _, c := range l.Columns() {
			if strings.EqualFold(of[c.Join].Name, table.Name) && strings.EqualFold(c.Name, column) {
				return true
			}
		}
	}
	return false
}

// known reports whether the server said of a column that the login may read it, or may not.
func known(found extract.Access, table fieldmap.Table, column string) bool {
	full := table
	if full.Schema == "" {
		full.Schema = "dbo"
	}
	a := upload.AccessApproval{}
	for _, e := range found.Excess {
		a.Names = append(a.Names, e.String())
	}
	u := extract.Unlisted{Table: full, Column: column}
	return a.Covers(extract.Excess{Kind: extract.SingleColumn, Name: u.String()}.String()) ||
		slices.ContainsFunc(found.Denied, func(d extract.Unlisted) bool { return strings.EqualFold(d.String(), u.String()) })
}

// stillReadable tries again what could be read at the last proof.
func (s *site) stillReadable(ctx context.Context, dms *extract.DMS, found extract.Access) ([]string, error) {
	last, ok, err := s.queue.LastProof()
	if err != nil || !ok || len(last.Readable) == 0 {
		return nil, err
	}
	again := slices.DeleteFunc(candidates(s.plan, found), func(u extract.Unlisted) bool { return !slices.Contains(last.Readable, u.String()) })
	tried, err := dms.Try(ctx, again, len(again))
	var names []string
	for _, u := range tried.Readable {
		names = append(names, extract.Excess{Kind: extract.SingleColumn, Name: u.String()}.String())
	}
	return names, err
}
