package extract_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/extract/sampledms"
)

// The script and the whitelist for the sample, word for word.
func TestViewsGolden(t *testing.T) {
	got, err := extract.Views(plan(t, sampledms.Whitelist), extract.GrantOptions{Database: "DMS", Login: "roagent"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "views.sql", got.SQL)
	golden(t, "views.yaml", string(got.Whitelist))
	_, err = extract.Views(plan(t, string(got.Whitelist)), extract.GrantOptions{Database: "DMS", Login: "roagent"})
	if !errors.Is(err, extract.ErrReadsViews) {
		t.Errorf("views of views: %v", err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// viewed makes the views of a whitelist, and returns the DMS as whoever reads them sees it, and their whitelist. On SQL
// Server that is a login with the printed rights and no others.
func (r *rig) viewed(t *testing.T, whitelist, login string) (as *rig, reads string) {
	t.Helper()
	if r.dialect == "sqlserver" {
		script, err := extract.Views(plan(t, whitelist), extract.GrantOptions{Database: r.config.Database, Login: r.newLogin(login)})
		if err != nil {
			t.Fatal(err)
		}
		r.script(t, script.SQL)
		return r.signedIn(), string(script.Whitelist)
	}
	statements, file, err := extract.ViewStatements(r.dialect, plan(t, whitelist))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		mustExec(t, r.db, s)
	}
	return r, string(file)
}

// shown returns all that the views of a whitelist show: the texts of all cells, by view and column.
func (r *rig) shown(t *testing.T, reads string) map[string][]string {
	t.Helper()
	db := r.db
	if r.dialect == "sqlserver" {
		db = r.as(t)
	}
	cells := map[string][]string{}
	for _, l := range plan(t, reads).Levels {
		tables := []string{l.From.Name}
		for _, j := range l.Joins {
			tables = append(tables, j.From.Name)
		}
		for _, name := range tables {
			r.cells(t, db, name, cells)
		}
	}
	return cells
}

func (r *rig) cells(t *testing.T, db *sql.DB, view string, cells map[string][]string) {
	t.Helper()
	from := `"` + view + `"`
	if r.dialect == "sqlserver" {
		from = "[roagent].[" + strings.ReplaceAll(view, "]", "]]") + "]"
	}
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+from)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	view = strings.TrimPrefix(view, "roagent_")
	values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
		cells[view+"."+columns[i]] = nil
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, name := range columns {
			if values[i].Valid {
				cells[view+"."+name] = append(cells[view+"."+name], strings.TrimSpace(values[i].String))
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// refusedOnTables fails where a login can read any column of the sample's tables.
func (r *rig) refusedOnTables(t *testing.T) {
	t.Helper()
	db := r.as(t)
	for column := range sampleColumns(t, r) {
		table, name, _ := strings.Cut(column, ".")
		if _, err := db.ExecContext(t.Context(), "SELECT ["+name+"] FROM dbo.["+table+"]"); err == nil {
			t.Errorf("the login reads %s", column)
		}
	}
}

// What the views' whitelist reads of the sample is what its own reads of the tables, byte for byte; and the login that the
// script makes can read nothing else. The script can be run again, also after the grants on the tables.
func TestViewsOfTheSample(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		if err := sampledms.Create(t.Context(), r.db, r.dialect, sampledms.Options{First: week(t, "2026-W46"), OrdersPerWeek: 40}); err != nil {
			t.Fatal(err)
		}
		want := r.read(t, sampledms.Whitelist, week(t, "2026-W46"), 7)
		as, reads := r.viewed(t, sampledms.Whitelist, `ro "ag'ent `)
		if r.dialect == "sqlserver" {
			o := extract.GrantOptions{Database: r.config.Database, Login: as.config.User}
			grants, err := extract.Grants(plan(t, sampledms.Whitelist), o)
			if err != nil {
				t.Fatal(err)
			}
			r.script(t, grants)
			again, err := extract.Views(plan(t, sampledms.Whitelist), o)
			if err != nil {
				t.Fatal(err)
			}
			r.script(t, again.SQL)
		}
		got := as.read(t, reads, week(t, "2026-W46"), 7)
		if diff := cmp.Diff(want.Orders, got.Orders); diff != "" || len(want.Orders) < 20 || len(want.Counts.Withheld) == 0 {
			t.Errorf("%d orders: %s", len(want.Orders), diff)
		}
		if r.dialect == "sqlserver" {
			as.refusedOnTables(t)
		}
		dms := as.open(t)
		access, err := dms.Access(t.Context(), plan(t, reads))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range access.Excess {
			if strings.Contains(e.Name, "Customer") || strings.Contains(e.Name, "roagent") {
				t.Errorf("the login may read more than its whitelist lists: %s", e)
			}
		}
		_, findings, err := dms.Bind(t.Context(), plan(t, reads), make([]byte, 32), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if !strings.Contains(f.Message, "is a view: nothing says that RONumber is unique in it") {
				t.Errorf("the check finds %s", f.Message)
			}
		}
	})
}

// oddViews has all that names and values can have: blanks, quotes and reserved words; a table in two roles, twice as a list;
// a column that is withheld and sent as it is; a rule that only one join serves; rules that no view can carry.
const oddViews = head + `
  from: dbo.Repair Order
  key: [Store, Order No]
  week: Group By
  join:
    owner: {from: dbo.Person, on: {Owner: Id}}
    payer: {from: dbo.Person, on: {Payer: Id}}
    shop: {from: dbo.Shop, on: {Store: Id}}
  skip:
    - {column: shop.Closed, in: [Y], why: "the shop's -- own */"}
    - {column: "it's", in: ["o'k", "Ü"], why: t}
    - {column: Group By, before: 2026-11-10 08:30, why: t}
  fields:
    - {send: no, column: Order No, why: t}
    - {send: owner, column: owner.Phone, why: t, withhold: [{column: owner.OptOut, in: [Y], why: t}]}
    - {send: payer, column: payer.Phone, why: t, withhold: [{column: payer.OptOut, in: [P], why: t}]}
    - {send: note, column: Note, why: t, withhold: [{column: "it's", is_null: true, why: t}]}
    - {send: again, column: Note, why: t}
    - {send: born, column: owner.Born, as: text, why: t, withhold: [{column: owner.Born, in: [2026-01-02], why: t}]}
  lines:
    - send: paid
      from: dbo.Line Item
      parent: {St: Store, No: Order No}
      order: Seq
      skip: [{column: Pay, not_in: [C], why: t}]
      fields: [{send: text, column: select, why: t}]
      lines: [{send: part, from: dbo.Part, parent: {St: St, No: No, Seq: Seq}, fields: [{send: text, column: "a.b", why: t}]}]
    - send: claimed
      from: dbo.Line Item
      parent: {St: Store, No: Order No}
      order: Seq
      skip: [{column: Pay, not_in: [W], why: t}]
      fields: [{send: text, column: select, why: t}]
`

func TestViewsOfOddNames(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t,
			`CREATE TABLE dbo.[Repair Order] (Store int NOT NULL, [Order No] varchar(9) NOT NULL, [Group By] datetime NULL, Owner int NULL, Payer int NULL, [it's] varchar(9) NULL, Note varchar(30) NULL, Secret varchar(30) NULL, PRIMARY KEY (Store, [Order No]))`,
			`CREATE TABLE dbo.Person (Id int NOT NULL PRIMARY KEY, Phone varchar(30) NULL, OptOut char(1) NULL, Born varchar(10) NULL)`,
			`CREATE TABLE dbo.Shop (Id int NOT NULL PRIMARY KEY, Closed char(1) NULL)`,
			`CREATE TABLE dbo.[Line Item] (St int NULL, No varchar(9) NULL, Seq int NULL, Pay char(2) NULL, [select] varchar(30) NULL)`,
			`CREATE TABLE dbo.Part (St int NULL, No varchar(9) NULL, Seq int NULL, [a.b] varchar(30) NULL)`)
		const at = "2026-11-11T10:00:00"
		r.insert(t, "dbo.[Repair Order]", "Store, [Order No], [Group By], Owner, Payer, [it's], Note, Secret",
			[]any{1, "A", at, 1, 2, "n", "note", "SECRET"},
			[]any{1, "B", at, 2, 1, nil, "again all the same", "SECRET"},
			[]any{1, "C", at, 3, 3, "o'k ", "SECRET", "SECRET"},
			[]any{2, "A", at, 4, 4, "n", "SECRET", "SECRET"}, // of a closed shop
			[]any{1, "D", "2026-11-10T08:29:59", 1, nil, "n", "too early", "SECRET"},
			[]any{1, "E", "2026-11-10T08:30:00", 1, nil, "ü", "in time", "SECRET"})
		r.insert(t, "dbo.Person", "Id, Phone, OptOut, Born", []any{1, "one", "P", "2026-01-02"}, []any{2, "two", "Y", "2026-01-03"}, []any{3, "SECRET", nil, nil}, []any{4, "SECRET", nil, nil}, []any{5, "SECRET", "N", nil})
		r.insert(t, "dbo.Shop", "Id, Closed", []any{1, "N"}, []any{2, "Y"})
		r.insert(t, "dbo.[Line Item]", "St, No, Seq, Pay, [select]",
			[]any{1, "A", 1, "C", "a1"}, []any{1, "A", 2, "W", "a2"}, []any{1, "A", 3, "I", "SECRET"}, []any{2, "A", 1, "C", "SECRET"}, []any{1, "C", 1, "C", "SECRET"}, []any{1, "B", 1, nil, "NULL decides nothing"})
		r.insert(t, "dbo.Part", "St, No, Seq, [a.b]", []any{1, "A", 1, "p"}, []any{1, "A", 2, "SECRET"}, []any{2, "A", 1, "SECRET"}, []any{nil, "A", 1, "SECRET"})
		want := r.read(t, oddViews, week(t, "2026-W46"), 2)
		as, reads := r.viewed(t, oddViews, `o'd "[`)
		got := as.read(t, reads, week(t, "2026-W46"), 2)
		if diff := cmp.Diff(want.Orders, got.Orders); diff != "" || len(want.Orders) < 2 {
			t.Errorf("%q: %s", want.Orders, diff)
		}
		cells := as.shown(t, reads)
		for name, texts := range cells {
			if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "SECRET") }) {
				t.Errorf("%s shows %q", name, texts)
			}
		}
		columns := slices.Sorted(maps.Keys(cells))
		wanted := []string{
			"Line Item.No", "Line Item.Seq", "Line Item.St", "Line Item.select", "Line Item_claimed.No", "Line Item_claimed.Seq", "Line Item_claimed.St", "Line Item_claimed.select",
			"Part.No", "Part.Seq", "Part.St", "Part.a.b", "Person.Born", "Person.Id", "Person.Phone", "Person_payer.Id", "Person_payer.Phone",
			"Repair Order.Group By", "Repair Order.Note", "Repair Order.Note_2", "Repair Order.Order No", "Repair Order.Owner", "Repair Order.Payer", "Repair Order.Store",
		}
		if diff := cmp.Diff(wanted, columns); diff != "" {
			t.Error(diff)
		}
		if !slices.Equal(cells["Person.Phone"], []string{"one"}) || !slices.Equal(cells["Person_payer.Phone"], []string{"two"}) {
			t.Errorf("each role has its own rules: %v, %v", cells["Person.Phone"], cells["Person_payer.Phone"])
		}
	})
}

// No name, value or reason ends a name, a text, a comment or a batch too early.
func TestViewsQuote(t *testing.T) {
	whitelist := strings.Replace(oddMap, "  fields:", "  skip: [{column: select, in: [\"x'; DROP\", $(HOME)], why: t}, {column: 'x] TO [public', in: [\"o'k GO\", Ü], why: \"a */ -- $(HOME)\"}]\n  fields:", 1)
	got, err := extract.Views(plan(t, whitelist), extract.GrantOptions{Database: "D]M S", Login: `DOM\o'x]`, Windows: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"IF SUSER_ID(N'DOM\\o''x]') IS NULL\n    CREATE LOGIN [DOM\\o'x]]] FROM WINDOWS;", "USE [D]]M S];",
		"IF OBJECT_ID(N'[roagent].[Repair; Order--]', N'V') IS NOT NULL\n    DROP VIEW [roagent].[Repair; Order--];",
		"SELECT o.[it's],\n       o.[select],\n       o.[x]] TO [public]\nFROM [a]]b].[Repair; Order--] AS o\nWHERE CASE WHEN (o.[x]] TO [public] IN ('o''k GO', N'Ü')) THEN 1 ELSE 0 END = 0;",
		`GRANT SELECT ON [roagent].[Repair; Order--] TO [DOM\o'x]]];`, "--   no row where x] TO [public is o'k GO or Ü (a */ -- $ (HOME))\n",
	} {
		if !strings.Contains(got.SQL, want) {
			t.Errorf("lacks %s:\n%s", want, got.SQL)
		}
	}
	if strings.Contains(got.SQL, "$(") || strings.Contains(got.SQL, "DROP')") {
		t.Error(got.SQL)
	}
	if rules := plan(t, string(got.Whitelist)).Whitelist.Orders.Skip; len(rules) != 1 || !slices.Contains(rules[0].All[0].Values, "$(HOME)") {
		t.Errorf("%v\n%s", rules, got.Whitelist)
	}
	if _, err := extract.Views(plan(t, whitelist), extract.GrantOptions{Database: "$(D)", Login: "ro"}); err == nil {
		t.Error("a database's name may be a variable")
	}
}

// A view's columns have their tables' types, withheld or not, and so what is read is written as before.
func TestViewsKeepTypes(t *testing.T) {
	serverOnly(t, func(t *testing.T, r *rig) {
		types := []struct {
			typ   string
			value any
		}{
			{"nvarchar(20)", "日本 José"},
			{"char(10)", "fixed"},
			{"decimal(12,4)", "1.5000"},
			{"money", "3.2500"},
			{"float", "0.1"},
			{"real", "0.1"},
			{"bigint", "9007199254740993"},
			{"bit", "1"},
			{"date", "2026-01-02"},
			{"datetime", "2026-01-02T03:04:05"},
			{"datetime2(3)", "2026-01-02T03:04:05.123"},
			{"datetimeoffset(3)", instant("2026-01-02T03:04:05.123-08:00")},
			{"uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF"},
			{"text", "long"},
		}
		table, names, values := "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, opt char(1) NULL", "id, wk, opt", []any{1, "2026-11-10T00:00:00", "N"}
		fields := []string{"  fields:", "    - {send: id, column: id, why: t}"}
		for i, c := range types {
			table += fmt.Sprintf(", c%d %s NULL", i, c.typ)
			names += fmt.Sprintf(", c%d", i)
			values = append(values, c.value)
			fields = append(fields, fmt.Sprintf("    - {send: c%d, column: c%[1]d, why: t, withhold: [{column: opt, in: [Y], why: t}]}", i))
		}
		r.exec(t, table+")")
		other := slices.Clone(values)
		other[0], other[2] = 2, "Y"
		r.insert(t, "dbo.T", names, values, other)
		whitelist := head + "  from: dbo.T\n  key: id\n  week: wk\n" + strings.Join(fields, "\n") + "\n"
		want := r.read(t, whitelist, week(t, "2026-W46"), 10)
		as, reads := r.viewed(t, whitelist, "ro")
		got := as.read(t, reads, week(t, "2026-W46"), 10)
		if diff := cmp.Diff(want.Orders, got.Orders); diff != "" || strings.Count(want.Orders[0], ":") < len(types) || want.Orders[1] != `{"id":2}` {
			t.Errorf("%q: %s", want.Orders, diff)
		}
	})
}

// Rules that a view cannot carry stay in the whitelist, with what they test; all else is as it was.
func TestRulesThatStay(t *testing.T) {
	const fields = "  from: dbo.RO\n  key: No\n  week: Closed\n  join: {c: {from: dbo.Cust, on: {Cust: Id}}, d: {from: dbo.Cust, on: {Driver: Id}}}\n  fields:\n    - {send: no, column: No, why: t}\n"
	for rule, stays := range map[string]bool{
		"{column: c.OptOut, in: [Y], why: t}":                                          false,
		"{column: c.OptOut, not_in: ['', null null], why: t}":                          false,
		"{all: [{column: c.A, is_null: true}, {column: c.B, not_null: true}], why: t}": false,
		"{column: c.At, older_than: 2 years, why: t}":                                  true,
		"{column: c.At, before: 2024-01-01, why: t}":                                   true,
		"{column: c.At, after: 2024-01-01, why: t}":                                    true,
		"{column: c.At, in: [2024-01-01], why: t}":                                     true,
		"{column: c.At, in: [x, '2024-01-01 10:00:00'], why: t}":                       true,
		"{column: c.A, in: [$(HOME)], why: t}":                                         true,
		"{all: [{column: c.A, in: [Y]}, {column: c.At, older_than: 2 years}], why: t}": true,
		"{column: Type, in: [Y], why: t}":                                              true, // of another table than the value
		"{column: d.OptOut, in: [Y], why: t}":                                          true,
		"{all: [{column: c.OptOut, in: [Y]}, {column: Type, in: [W]}], why: t}":        true,
	} {
		t.Run(rule, func(t *testing.T) {
			whitelist := head + fields + "    - {send: phone, column: c.Phone, why: t, withhold: [" + rule + "]}\n"
			got, err := extract.Views(plan(t, whitelist), extract.GrantOptions{Database: "D", Login: "ro"})
			if err != nil {
				t.Fatal(err)
			}
			before, after := plan(t, whitelist), plan(t, string(got.Whitelist))
			rules := after.Whitelist.Orders.Fields[1].Withhold
			if stays != (len(rules) == 1) || stays != strings.Contains(string(got.Whitelist), "# Still here: no c.Phone where ") || stays != strings.Contains(got.SQL, "Stays in the whitelist") {
				t.Errorf("stays: %v\n%s", rules, got.Whitelist)
			}
			if stays && rules[0].String() != before.Whitelist.Orders.Fields[1].Withhold[0].String() {
				t.Errorf("it says %s", rules[0])
			}
			if strings.Contains(got.SQL, "OUTER APPLY") == stays {
				t.Error(got.SQL)
			}
		})
	}
}

// What is forbidden by a name with its table is forbidden in the views; what has an override keeps it.
func TestViewsKeepClasses(t *testing.T) {
	whitelist := strings.Replace(head, "orders:", "classes: {forbidden: [dbo.RO.Alias, Cust.Tag, Word], contact: [Cust.Nick]}\norders:", 1) + `
  from: dbo.RO
  key: No
  week: Closed
  join: {c: {from: dbo.Cust, on: {Cust: Id}}, d: {from: dbo.Cust, on: {Driver: Id}}}
  fields:
    - {send: no, column: No, why: t}
    - {send: a, column: Alias, why: t, override: "the dealer\u0027s counsel agreed"}
    - {send: b, column: c.Tag, why: t, override: agreed}
    - {send: e, column: d.Tag, why: t, override: agreed}
`
	got, err := extract.Views(plan(t, whitelist), extract.GrantOptions{Database: "D", Login: "ro"})
	if err != nil {
		t.Fatal(err)
	}
	_, before := plan(t, whitelist).Forbidden()
	refused, after := plan(t, string(got.Whitelist)).Forbidden()
	if len(before) != 3 || len(after) != 3 || len(refused) > 0 {
		t.Errorf("%v %v %v\n%s", before, after, refused, got.Whitelist)
	}
}
