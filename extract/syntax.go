package extract

import (
	"strconv"
	"strings"

	"roagent/fieldmap"
)

// syntax is how a dialect spells what compile.go writes.
type syntax struct {
	openQuote, closeQuote string // around a name; a closing one inside it is doubled
	national              string // before a text in quotes with other letters than ASCII's
	param                 string // before a parameter's number, counted from 1
	listParam             string // a parameter of a list, which has no number; "": it has one. SQLite looks names and numbers up one by one
	maxParams             int    // of one statement
	schema                string // of tables that the whitelist names without one; "": such names stay bare
	aliases               bool   // schemas named dbo or main mean the database's own
	top                   bool   // TOP (n) after SELECT, not LIMIT n at the end
	raw                   string // before a selected column: keeps the driver from reading more into the value than is there
	unindexed             string // before a column in WHERE whose index is not to be used
	textTimes             bool   // times are texts, whose form is to be looked at
	rowValues             bool   // (a, b) IN (VALUES (1, 2), …)
	apply                 bool   // OUTER APPLY withholds values: a CASE may give them another type than their column's
	blanksCount           bool   // trailing blanks tell texts apart, unlike in the SQL of all others
}

// listLengths are how many rows a list of keys may have. Shorter lists are padded with their last row, so that a
// database sees few different texts and keeps few plans.
func listLengths() []int { return []int{1, 10, 50, 100, 250, 500, 1000, 2000} }

func (s *syntax) name(name string) string {
	return s.openQuote + strings.ReplaceAll(name, s.closeQuote, s.closeQuote+s.closeQuote) + s.closeQuote
}

// text writes a text in quotes. One of ASCII alone is not said to be Unicode: a column that is not would be converted.
func (s *syntax) text(text string) string {
	if isASCII(text) {
		return quoted(text)
	}
	return s.unicode(text)
}

func (s *syntax) unicode(text string) string { return s.national + quoted(text) }

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (s *syntax) names(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = s.name(name)
	}
	return quoted
}

func (s *syntax) table(t fieldmap.Table) string {
	schema := t.Schema
	if schema == "" || s.aliases && (strings.EqualFold(schema, "dbo") || strings.EqualFold(schema, "main")) {
		schema = s.schema
	}
	if schema == "" {
		return s.name(t.Name)
	}
	return s.name(schema) + "." + s.name(t.Name)
}

func (s *syntax) placeholder(n int) string { return s.param + strconv.Itoa(n) }

// list writes the condition that columns are one of n rows of parameters, the first of which has the number from. All
// other parameters of the statement must come before it.
func (s *syntax) list(columns []string, from, n int) string {
	var b strings.Builder
	switch {
	case len(columns) == 1:
		b.WriteString(columns[0] + " IN (")
		s.rows(&b, 1, from, n, "", "")
		b.WriteByte(')')
	case s.rowValues:
		b.WriteString("(" + strings.Join(columns, ", ") + ") IN (VALUES ")
		s.rows(&b, len(columns), from, n, "(", ")")
		b.WriteByte(')')
	default: // a join would repeat the rows of a padded list; EXISTS does not
		b.WriteString("EXISTS (SELECT 1 FROM (VALUES ")
		s.rows(&b, len(columns), from, n, "(", ")")
		b.WriteString(") AS k (")
		for i := range columns {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("c" + strconv.Itoa(i+1))
		}
		b.WriteString(") WHERE ")
		for i, column := range columns {
			if i > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString("k.c" + strconv.Itoa(i+1) + " = " + column)
		}
		b.WriteByte(')')
	}
	return b.String()
}

func (s *syntax) rows(b *strings.Builder, width, from, n int, open, end string) {
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(open)
		for j := range width {
			if j > 0 {
				b.WriteString(", ")
			}
			if s.listParam != "" {
				b.WriteString(s.listParam)
				continue
			}
			b.WriteString(s.placeholder(from + i*width + j))
		}
		b.WriteString(end)
	}
}

// longest returns how many rows of width columns a list may have in a statement with fixed other parameters.
func (s *syntax) longest(width, fixed int) int {
	longest := 1
	for _, n := range listLengths() {
		if n*width+fixed <= s.maxParams {
			longest = n
		}
	}
	return longest
}

// padded returns the least list length that takes n rows.
func padded(n int) int {
	for _, length := range listLengths() {
		if n <= length {
			return length
		}
	}
	return n
}
