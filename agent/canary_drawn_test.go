package main

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"roagent/fieldmap"
)

// canaryShop is a drawn DMS and what a drawn whitelist takes of it. Every cell of its tables that could name a person
// holds a text that stands nowhere else.
type canaryShop struct {
	*canaries
	week       fieldmap.Week
	narratives fieldmap.Narratives
	blocks     bool // a mask may be BLOCK, and no value is one that cannot be sent
	changed    bool // the orders have a column that moves with each edit
	edits      int  // of orders
	orders     *drawnTable
	customers  *drawnTable
}

// drawnTable is a table of the DMS, with its rows and with what the whitelist says of it.
type drawnTable struct {
	name    string
	send    string   // of a list
	links   []string // the columns that it shares with the table above it; of the orders, their key
	number  string   // the column that tells its rows apart, and sorts them
	columns []drawnColumn
	skip    []drawnRule
	fields  []drawnField
	lists   []*drawnTable
}

type columnKind int

const (
	tokenColumn  columnKind = iota // VARCHAR: a word
	numberColumn                   // BIGINT
	dayColumn                      // DATE
	codeColumn                     // CHAR: A, B or C, which name nobody
	noteColumn                     // VARCHAR: words and secrets
	columnKinds
)

func (k columnKind) declared() string {
	return [...]string{"VARCHAR(60)", "BIGINT", "DATE", "CHAR(1)", "VARCHAR(2000)"}[k]
}

type drawnColumn struct {
	table string // "" of the table itself, customer of the one joined to the orders
	name  string
	kind  columnKind
}

func (c drawnColumn) String() string {
	if c.table != "" {
		return c.table + "." + c.name
	}
	return c.name
}

type drawnField struct {
	send      string
	column    drawnColumn
	as        string
	money     bool
	translate bool   // A is CUSTOMER_PAY
	otherwise string // of the translation; "" where it has none
	mask      string
	keep      int // of PARTIAL_MASK and TRUNCATE; GENERALIZE keeps that many characters of a date
	narrative bool
	withhold  []drawnRule
}

// drawnRule is met where all of its tests are.
type drawnRule []drawnTest

type drawnTest struct {
	column drawnColumn
	op     string
	values []string // in, not_in
	day    string   // before, after
	years  int      // older_than
}

// drawShop draws a DMS of one week, and a whitelist that fits it.
func drawShop(t *rapid.T, week fieldmap.Week) *canaryShop {
	s := &canaryShop{canaries: newCanaries(rapid.Uint64().Draw(t, "seed")), week: week, blocks: rapid.IntRange(0, 7).Draw(t, "blocks") == 0}
	s.narratives = rapid.SampledFrom([]fieldmap.Narratives{fieldmap.RedactNarratives, fieldmap.HoldNarratives, fieldmap.SendNarratives}).Draw(t, "narratives")
	s.changed = rapid.Bool().Draw(t, "changed")
	keys := rapid.SampledFrom([][]string{{"RoNo"}, {"Store", "RoNo"}}).Draw(t, "key")
	s.customers = &drawnTable{name: "Client", links: []string{"ClientNo"}, columns: drawColumns(t, "Client")}
	parts := &drawnTable{name: "Piece", send: "service_parts", links: append(slices.Clip(keys), "JobNo"), number: "PieceNo"}
	jobs := &drawnTable{name: "Job", send: "job", links: keys, number: "JobNo", lists: []*drawnTable{parts}}
	s.orders = &drawnTable{name: "RoHead", links: keys, lists: []*drawnTable{jobs}}
	for _, table := range []*drawnTable{s.orders, jobs, parts} {
		table.columns = drawColumns(t, table.name)
		sources := table.columns
		if table == s.orders {
			for _, c := range s.customers.columns {
				c.table = "customer"
				sources = append(slices.Clip(sources), c)
			}
		}
		table.skip = drawTests(t, sources, 1)
		for i := range rapid.IntRange(1, 6).Draw(t, "fields") {
			table.fields = append(table.fields, s.drawField(t, fmt.Sprintf("part_%d.field_%d", i%2, i), sources))
		}
	}
	if rapid.Bool().Draw(t, "names cars") {
		s.orders.fields[0].send = fieldmap.Vehicle.Path()
	}
	return s
}

// drawColumns draws the columns of a table: some of each kind, of which the whitelist will take a part.
func drawColumns(t *rapid.T, table string) (columns []drawnColumn) {
	for kind := range columnKinds {
		name := [...]string{"Word", "Count", "Day", "Code", "Remark"}[kind]
		for i := range rapid.IntRange(1, 2).Draw(t, table+" "+name) {
			columns = append(columns, drawnColumn{name: fmt.Sprintf("%s%d", name, i), kind: kind})
		}
	}
	return columns
}

func drawTests(t *rapid.T, columns []drawnColumn, most int) (rules []drawnRule) {
	for range rapid.IntRange(0, most).Draw(t, "rules") {
		var rule drawnRule
		for range rapid.IntRange(1, 2).Draw(t, "tests") {
			rule = append(rule, drawTest(t, rapid.SampledFrom(columns).Draw(t, "column")))
		}
		rules = append(rules, rule)
	}
	return rules
}

func drawTest(t *rapid.T, c drawnColumn) drawnTest {
	test := drawnTest{column: c}
	ops := []string{"is_null", "not_null"}
	switch c.kind {
	case codeColumn:
		ops = append(ops, "in", "in", "not_in", "not_in")
	case dayColumn:
		ops = append(ops, "before", "after", "older_than", "older_than")
	}
	switch test.op = rapid.SampledFrom(ops).Draw(t, "op"); test.op {
	case "in", "not_in":
		test.values = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "C"}), 1, 2, rapid.ID).Draw(t, "values")
	case "before", "after": // never a day that a cell holds
		test.day = fmt.Sprintf("%d-06-0%d", rapid.IntRange(firstYear, lastYear).Draw(t, "year"), rapid.IntRange(1, 9).Draw(t, "day"))
	case "older_than":
		test.years = rapid.IntRange(20, 60).Draw(t, "years")
	}
	return test
}

func (s *canaryShop) drawField(t *rapid.T, send string, sources []drawnColumn) drawnField {
	f := drawnField{send: send, column: rapid.SampledFrom(sources).Draw(t, "column"), withhold: drawTests(t, sources, 2)}
	masks := []string{"NONE", "NONE", "HASH", "REDACT", "NULLIFY", "PARTIAL_MASK", "TRUNCATE"}
	switch f.column.kind {
	case codeColumn:
		f.translate = rapid.Bool().Draw(t, "translate")
		if s.blocks || rapid.Bool().Draw(t, "else") {
			f.otherwise = "OTHER"
		}
		masks = masks[:5]
	case dayColumn:
		masks = append(masks[:5], "GENERALIZE", "GENERALIZE")
	case noteColumn:
		if f.narrative = rapid.IntRange(0, 3).Draw(t, "narrative") > 0; f.narrative {
			masks = []string{"NONE", "NONE", "NONE", "HASH", "PARTIAL_MASK", "TRUNCATE"}
		}
	default:
		if f.as = rapid.SampledFrom([]string{"", "", "", "", "", "", "text", "boolean"}).Draw(t, "as"); s.blocks {
			f.as = ""
		}
	}
	if s.blocks {
		masks = append(masks, "BLOCK")
	}
	f.money = f.column.kind == numberColumn && f.as == "" && rapid.IntRange(0, 2).Draw(t, "money") == 0
	switch f.mask = rapid.SampledFrom(masks).Draw(t, "mask"); f.mask {
	case "PARTIAL_MASK", "TRUNCATE":
		f.keep = rapid.IntRange(1, 4).Draw(t, "keep")
	case "GENERALIZE":
		f.keep = rapid.SampledFrom([]int{len("2006"), len("2006-01")}).Draw(t, "keep")
	}
	return f
}

// whitelist returns the drawn fieldmap.yaml.
func (s *canaryShop) whitelist() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fieldmap: 1\nrecipient: maker\npurpose: survey\nagreement: A1\nnarratives: %s\norders:\n  from: %s\n  key: [%s]\n  week: Closed\n",
		s.narratives, s.orders.name, strings.Join(s.orders.links, ", "))
	if s.changed {
		fmt.Fprintln(&b, "  changed: Edited")
	}
	fmt.Fprintf(&b, "  join:\n    customer: {from: %s, on: {ClientNo: ClientNo}}\n", s.customers.name)
	s.orders.write(&b, "  ")
	return b.String()
}

func (d *drawnTable) write(b *strings.Builder, indent string) {
	writeRules(b, indent+"skip:", indent+"  ", d.skip)
	fmt.Fprintf(b, "%sfields:\n", indent)
	for _, f := range d.fields {
		fmt.Fprintf(b, "%s  - send: %s\n%s    column: %s\n%s    why: survey\n", indent, f.send, indent, f.column, indent)
		for _, line := range f.settings() {
			fmt.Fprintf(b, "%s    %s\n", indent, line)
		}
		writeRules(b, indent+"    withhold:", indent+"      ", f.withhold)
	}
	if len(d.lists) > 0 {
		fmt.Fprintf(b, "%slines:\n", indent)
	}
	for _, l := range d.lists {
		fmt.Fprintf(b, "%s  - send: %s\n%s    from: %s\n%s    order: %s\n%s    parent: {", indent, l.send, indent, l.name, indent, l.number, indent)
		for i, link := range l.links {
			fmt.Fprintf(b, "%s%s: %s", strings.Repeat(", ", min(i, 1)), link, link)
		}
		fmt.Fprintln(b, "}")
		l.write(b, indent+"    ")
	}
}

func (f drawnField) settings() (lines []string) {
	if f.as != "" {
		lines = append(lines, "as: "+f.as)
	}
	if f.money {
		lines = append(lines, "currency: USD")
	}
	switch {
	case f.translate && f.otherwise != "":
		lines = append(lines, "map: {A: CUSTOMER_PAY, else: "+f.otherwise+"}")
	case f.translate:
		lines = append(lines, "map: {A: CUSTOMER_PAY}")
	}
	if f.narrative {
		lines = append(lines, "narrative: true")
	}
	switch f.mask {
	case "PARTIAL_MASK":
		return append(lines, fmt.Sprintf("mask: {PARTIAL_MASK: keep-last-%d}", f.keep))
	case "TRUNCATE":
		return append(lines, fmt.Sprintf("mask: {TRUNCATE: keep-first-%d}", f.keep))
	case "GENERALIZE":
		return append(lines, "mask: {GENERALIZE: "+map[int]string{4: "year", 7: "month"}[f.keep]+"}")
	}
	return append(lines, "mask: "+f.mask)
}

func writeRules(b *strings.Builder, head, indent string, rules []drawnRule) {
	if len(rules) > 0 {
		fmt.Fprintln(b, head)
	}
	for _, rule := range rules {
		var tests []string
		for _, t := range rule {
			tests = append(tests, fmt.Sprintf("{column: %s, %s}", t.column, t.operand()))
		}
		fmt.Fprintf(b, "%s- {all: [%s], why: consent}\n", indent, strings.Join(tests, ", "))
	}
}

func (t drawnTest) operand() string {
	switch t.op {
	case "in", "not_in":
		return t.op + ": [" + strings.Join(t.values, ", ") + "]"
	case "before", "after":
		return t.op + ": " + t.day
	case "older_than":
		return fmt.Sprintf("older_than: %d years", t.years)
	}
	return t.op + ": true"
}
