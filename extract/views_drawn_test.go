package extract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/fieldmap"
)

// drawnTables are the tables of a drawn DMS. T and U are codes that rules test; V, W and X are texts of which no two are
// the same in all the DMS. X is in no whitelist.
const drawnTables = `CREATE TABLE dbo.RO (No varchar(9) NOT NULL, Closed datetime NULL, Cust int NULL, T varchar(9) NULL, U char(3) NULL, V varchar(30) NULL, W nvarchar(30) NULL, X varchar(30) NULL);
CREATE TABLE dbo.Cust (Id int NULL, T varchar(9) NULL, U char(3) NULL, V varchar(30) NULL, W nvarchar(30) NULL, X varchar(30) NULL);
CREATE TABLE dbo.Job (No varchar(9) NULL, Line int NULL, T varchar(9) NULL, U char(3) NULL, V varchar(30) NULL, W nvarchar(30) NULL, X varchar(30) NULL);
CREATE TABLE dbo.Part (No varchar(9) NULL, Line int NULL, Seq int NULL, T varchar(9) NULL, U char(3) NULL, V varchar(30) NULL, W nvarchar(30) NULL, X varchar(30) NULL)`

// drawnRow is one row; a column that it lacks is NULL.
type drawnRow map[string]any

// drawnDMS is rows by table, and a whitelist for them.
type drawnDMS struct {
	rows      map[string][]drawnRow
	whitelist *fieldmap.Whitelist
}

func drawDMS(t *rapid.T) drawnDMS {
	d := drawnDMS{rows: map[string][]drawnRow{}}
	code := rapid.SampledFrom([]any{nil, "Y", "Y ", "N", "Ü", ""})
	add := func(table string, row drawnRow) {
		row["T"], row["U"] = code.Draw(t, "T"), code.Draw(t, "U")
		for _, name := range []string{"V", "W", "X"} {
			row[name] = fmt.Sprintf("%s%s#%d", table, name, len(d.rows[table]))
		}
		d.rows[table] = append(d.rows[table], row)
	}
	number := rapid.SampledFrom([]any{"A0", "A1", "A2", "A3", "B9", nil})
	for i := range rapid.IntRange(1, 5).Draw(t, "orders") {
		closed := rapid.SampledFrom([]any{"2026-11-10T09:00:00", "2026-11-12T09:00:00", "2026-11-20T09:00:00", nil}).Draw(t, "closed")
		add("RO", drawnRow{"No": fmt.Sprintf("A%d", i), "Closed": closed, "Cust": rapid.SampledFrom([]any{1, 2, 3, nil}).Draw(t, "cust")})
	}
	for range rapid.IntRange(0, 4).Draw(t, "customers") {
		add("Cust", drawnRow{"Id": rapid.SampledFrom([]any{1, 2, 3, 4, nil}).Draw(t, "id")})
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "jobs") {
		add("Job", drawnRow{"No": number.Draw(t, "no"), "Line": i % 3})
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "parts") {
		add("Part", drawnRow{"No": number.Draw(t, "no"), "Line": rapid.SampledFrom([]any{0, 1, 2, nil}).Draw(t, "line"), "Seq": i})
	}
	d.whitelist = drawViewed(t)
	return d
}

func drawViewed(t *rapid.T) *fieldmap.Whitelist {
	dbo := func(name string) fieldmap.Table { return fieldmap.Table{Schema: "dbo", Name: name} }
	parts := fieldmap.Lines{
		Send: "part", From: dbo("Part"), Parent: []fieldmap.Pair{{Left: "No", Right: "No"}, {Left: "Line", Right: "Line"}}, Order: []string{"Seq"},
		Skip: drawTests(t, ""), Fields: drawShown(t, ""),
	}
	jobs := fieldmap.Lines{
		Send: "job", From: dbo("Job"), Parent: []fieldmap.Pair{{Left: "No", Right: "No"}}, Order: []string{"Line"},
		Skip: drawTests(t, ""), Fields: drawShown(t, ""), Lines: []fieldmap.Lines{parts},
	}
	return &fieldmap.Whitelist{
		Version: 1, Recipient: "maker", Purpose: "tests", Agreement: "1", Narratives: fieldmap.RedactNarratives,
		Orders: fieldmap.Orders{
			From: dbo("RO"), Key: []string{"No"}, Week: "Closed",
			Joins: []fieldmap.Join{{Name: "customer", From: dbo("Cust"), On: []fieldmap.Pair{{Left: "Cust", Right: "Id"}}}},
			Skip:  drawTests(t, "customer"), Fields: drawShown(t, "customer"), Lines: []fieldmap.Lines{jobs},
		},
	}
}

// drawShown draws the fields of a table, and of one joined to it.
func drawShown(t *rapid.T, join string) []fieldmap.Field {
	var fields []fieldmap.Field
	joins := []string{""}
	if join != "" {
		joins = append(joins, join)
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "fields") {
		fields = append(fields, fieldmap.Field{
			Send:     fmt.Sprintf("f%d", i),
			Column:   fieldmap.Column{Join: rapid.SampledFrom(joins).Draw(t, "join"), Name: rapid.SampledFrom([]string{"V", "W"}).Draw(t, "column")},
			Why:      "t",
			Mask:     fieldmap.Mask{Strategy: fieldmap.MaskNone},
			Withhold: drawTests(t, join),
		})
	}
	return fields
}

func drawTests(t *rapid.T, join string) []fieldmap.Rule {
	var rules []fieldmap.Rule
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(t, "rules") {
		r := fieldmap.Rule{Why: "t"}
		for range rapid.IntRange(1, 2).Draw(t, "conditions") {
			r.All = append(r.All, drawTest(t, join))
		}
		rules = append(rules, r)
	}
	return rules
}

func drawTest(t *rapid.T, join string) fieldmap.Condition {
	c := fieldmap.Condition{Column: fieldmap.Column{Name: rapid.SampledFrom([]string{"T", "U"}).Draw(t, "column")}}
	if join != "" {
		c.Column.Join = rapid.SampledFrom([]string{"", join}).Draw(t, "join")
		if rapid.IntRange(0, 7).Draw(t, "of the week") == 0 {
			return fieldmap.Condition{Column: fieldmap.Column{Name: "Closed"}, Op: fieldmap.OlderThan, Age: fieldmap.Age{N: 5, Unit: fieldmap.Days}}
		}
	}
	c.Op = rapid.SampledFrom([]fieldmap.Op{fieldmap.In, fieldmap.In, fieldmap.NotIn, fieldmap.IsNull, fieldmap.NotNull}).Draw(t, "op")
	if c.Op == fieldmap.In || c.Op == fieldmap.NotIn {
		c.Values = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"Y", "N", "Ü", "", "it's"}), 1, 2, rapid.ID).Draw(t, "values")
	}
	return c
}

// inView reports whether a view is to carry a rule; of a value, its column is given.
func inView(r fieldmap.Rule, value *fieldmap.Column) bool {
	return !slices.ContainsFunc(r.All, func(c fieldmap.Condition) bool {
		return c.Op == fieldmap.OlderThan || value != nil && c.Column.Join != value.Join
	})
}

// matches tries a rule on a row and one that is joined to it; nil: none is.
func (r drawnRow) matches(rule fieldmap.Rule, joined drawnRow) bool {
	for _, c := range rule.All {
		cell := r[c.Column.Name]
		if c.Column.Join != "" {
			cell = joined[c.Column.Name] // NULL where none is joined
		}
		text, given := cell.(string)
		listed := slices.Contains(c.Values, strings.TrimRight(text, " "))
		if !map[fieldmap.Op]bool{
			fieldmap.In: given && listed, fieldmap.NotIn: given && !listed, fieldmap.IsNull: !given, fieldmap.NotNull: given,
		}[c.Op] {
			return false
		}
	}
	return true
}

// anyMatches tries the rules that are to be in the view on a row and each that is joined to it.
func (r drawnRow) anyMatches(rules []fieldmap.Rule, value *fieldmap.Column, joined []drawnRow) bool {
	if len(joined) == 0 {
		joined = []drawnRow{nil}
	}
	return slices.ContainsFunc(rules, func(rule fieldmap.Rule) bool {
		return inView(rule, value) && slices.ContainsFunc(joined, func(j drawnRow) bool { return r.matches(rule, j) })
	})
}

// visible returns what the views are to show of V, W and X, sorted: an evaluation of the whitelist that knows no SQL.
func (d drawnDMS) visible() []string {
	var shown []string
	show := func(rows []drawnRow, join string, fields []fieldmap.Field) {
		for _, row := range rows {
			for _, f := range fields {
				// A value's rules in a view test its own table alone.
				if f.Column.Join == join && !row.anyMatches(f.Withhold, &f.Column, []drawnRow{row}) {
					shown = append(shown, fmt.Sprint(row[f.Column.Name]))
				}
			}
		}
	}
	keep := func(table string, skip []fieldmap.Rule, belongs func(drawnRow) bool) []drawnRow {
		return slices.DeleteFunc(slices.Clone(d.rows[table]), func(r drawnRow) bool {
			var joined []drawnRow
			for _, c := range d.rows["Cust"] {
				if table == "RO" && r["Cust"] != nil && c["Id"] == r["Cust"] {
					joined = append(joined, c)
				}
			}
			return r.anyMatches(skip, nil, joined) || !belongs(r)
		})
	}
	to := func(rows []drawnRow, names ...string) func(drawnRow) bool {
		return func(r drawnRow) bool {
			return slices.ContainsFunc(rows, func(of drawnRow) bool {
				return !slices.ContainsFunc(names, func(n string) bool { return r[n] == nil || r[n] != of[n] })
			})
		}
	}
	o := d.whitelist.Orders
	orders := keep("RO", o.Skip, func(drawnRow) bool { return true })
	customers := keep("Cust", nil, func(c drawnRow) bool { return to(orders, "Cust")(drawnRow{"Cust": c["Id"]}) })
	jobs := keep("Job", o.Lines[0].Skip, to(orders, "No"))
	parts := keep("Part", o.Lines[0].Lines[0].Skip, to(jobs, "No", "Line"))
	show(orders, "", o.Fields)
	show(customers, "customer", o.Fields)
	show(jobs, "", o.Lines[0].Fields)
	show(parts, "", o.Lines[0].Lines[0].Fields)
	slices.Sort(shown)
	return slices.Compact(shown)
}

// staying returns the codes that rules test which no view carries: all that the views are to show of T and U.
func (d drawnDMS) staying() []string {
	var names []string
	add := func(table string, rules []fieldmap.Rule, value *fieldmap.Column) {
		for _, r := range rules {
			for _, c := range r.All {
				of := map[string]string{"": table, "customer": "Cust"}[c.Column.Join]
				if !inView(r, value) && c.Op != fieldmap.OlderThan {
					names = append(names, of+"."+c.Column.Name)
				}
			}
		}
	}
	o := d.whitelist.Orders
	add("RO", o.Skip, nil)
	for _, f := range o.Fields {
		add("RO", f.Withhold, &f.Column)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// create makes the DMS in a database.
func (d drawnDMS) create(t *testing.T, r *rig) {
	t.Helper()
	r.exec(t, strings.Split(drawnTables, ";")...)
	for _, table := range []string{"RO", "Cust", "Job", "Part"} {
		for _, row := range d.rows[table] {
			var names []string
			var values []any
			for name, value := range row {
				names, values = append(names, name), append(values, value)
			}
			r.insert(t, "dbo."+table, strings.Join(names, ", "), values)
		}
	}
}

// dropViews drops the views of a whitelist, those that refer to others first.
func (r *rig) dropViews(t *testing.T, reads string) {
	t.Helper()
	var names []fieldmap.Table
	for _, l := range plan(t, reads).Levels {
		names = append(names, l.From)
		for _, j := range l.Joins {
			names = append(names, j.From)
		}
	}
	for _, name := range slices.Backward(names) {
		r.exec(t, "DROP VIEW "+name.String())
	}
}

// parkedKeys returns the keys of the parked orders; the reasons name tables.
func (r *result) parkedKeys() []string {
	var keys []string
	for _, p := range r.Parked {
		key, _, _ := strings.Cut(p, ":")
		keys = append(keys, key)
	}
	return keys
}

// Whatever the rules: by the views a week makes the same Records as by the tables, and the views show what an evaluation of
// the whitelist by hand says, and nothing else. All that is skipped, withheld or not listed is nowhere to be seen.
func TestViewsOfDrawnWhitelists(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		draws, read := 40, 0
		if r.dialect == "sqlserver" {
			draws = 6
		}
		for seed := range draws {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				d := rapid.Custom(drawDMS).Example(seed)
				whitelist := string(d.whitelist.YAML())
				d.create(t, r)
				defer r.exec(t, "DROP TABLE dbo.RO", "DROP TABLE dbo.Cust", "DROP TABLE dbo.Job", "DROP TABLE dbo.Part")
				want := r.read(t, whitelist, week(t, "2026-W46"), 2)
				as, reads := r.viewed(t, whitelist, "ro")
				defer r.dropViews(t, reads)
				got := as.read(t, reads, week(t, "2026-W46"), 2)
				if diff := cmp.Diff([][]string{want.Orders, want.parkedKeys()}, [][]string{got.Orders, got.parkedKeys()}); diff != "" {
					t.Errorf("by the tables, by the views: %s", diff)
				}
				read += len(got.Orders)
				cells := as.shown(t, reads)
				var shown, codes []string
				for name, texts := range cells {
					switch name[strings.LastIndexByte(name, '.')+1:][0] {
					case 'V', 'W', 'X':
						shown = append(shown, texts...)
					case 'T', 'U':
						codes = append(codes, name)
					}
				}
				slices.Sort(shown)
				slices.Sort(codes)
				if diff := cmp.Diff([][]string{d.visible(), d.staying()}, [][]string{slices.Compact(shown), codes}); diff != "" {
					t.Errorf("what the views are to show, what they show: %s", diff)
				}
				if t.Failed() {
					t.Logf("%s\n%s\n%v", whitelist, reads, d.rows)
				}
			})
		}
		if read < draws {
			t.Errorf("%d orders in %d drawn DMSs: the test proves little", read, draws)
		}
	})
}
