package extract_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/extract/sampledms"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The statements of the sample whitelist, word for word.
func TestStatementsGolden(t *testing.T) {
	for _, driver := range []string{"sqlite", "sqlserver"} {
		statements, err := extract.Statements(driver, plan(t, sampledms.Whitelist))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, s := range statements {
			b.WriteString("-- " + s.Name + "\n" + s.SQL + "\n")
			for _, p := range s.Params {
				b.WriteString("--   " + p + "\n")
			}
			b.WriteString("\n")
		}
		path := filepath.Join("testdata", driver+".sql")
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s:\n%s", driver, diff)
		}
	}
	if _, err := extract.Statements("oracle", plan(t, sampledms.Whitelist)); err == nil {
		t.Error("a driver that is none has statements")
	}
}

// Complaint 11: what is not listed is not read. Of all statements that reach the driver during a whole pull, those that
// name the DMS's tables are the printed ones, and name no column that is not listed. No statement reads uncommitted rows (complaint 13).
func TestOnlyListedColumnsAreNamed(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		if err := sampledms.Create(t.Context(), r.db, r.dialect, sampledms.Options{First: week(t, "2026-W46"), OrdersPerWeek: 120}); err != nil {
			t.Fatal(err)
		}
		p := plan(t, sampledms.Whitelist)
		for _, large := range []int{1, 1000} { // the same week as a large one and as another
			r.config.WithLargeWeeks(large)
			if got := len(r.read(t, sampledms.Whitelist, week(t, "2026-W46"), 5).Orders); got < 90 {
				t.Fatalf("%d orders", got)
			}
		}
		listed := map[string]bool{}
		for _, l := range p.Levels {
			listed[strings.ToLower(l.From.Name)] = true
			for _, j := range l.Joins {
				listed[strings.ToLower(j.From.Name)] = true
			}
			for _, c := range l.Columns() {
				listed[strings.ToLower(c.Name)] = true
			}
		}
		name := regexp.MustCompile(`(?:[\[]([^\]]+)[\]]|"([^"]+)")`)
		tables := regexp.MustCompile(`(?i)RepairOrder|\bJob\b|\bPart\b|Customer|Vehicle`)
		read := 0
		for _, text := range r.faults.Statements() {
			if !tables.MatchString(text) {
				continue
			}
			read++
			for _, m := range name.FindAllStringSubmatch(text, -1) {
				if n := strings.ToLower(m[1] + m[2]); !listed[n] && n != "dbo" && n != "main" {
					t.Errorf("%q is named in\n%s", n, text)
				}
			}
			if strings.Contains(text, "*") && !strings.Contains(text, "COUNT(*)") || strings.Contains(strings.ToUpper(text), "NOLOCK") {
				t.Errorf("not a list of columns, or a dirty read:\n%s", text)
			}
		}
		if read < 10 {
			t.Errorf("%d statements read the DMS's tables", read)
		}
		testPrinted(t, r)
	})
}

// testPrinted holds that what a pull runs is what is printed, but for the lengths of lists.
func testPrinted(t *testing.T, r *rig) {
	t.Helper()
	lists := regexp.MustCompile(`IN \((@p\d+|\?)(, (@p\d+|\?))*\)`)
	shape := func(s string) string { return lists.ReplaceAllString(s, "IN (…)") }
	printed, err := extract.Statements(r.dialect, plan(t, sampledms.Whitelist))
	if err != nil {
		t.Fatal(err)
	}
	catalog := regexp.MustCompile(`pragma_|sqlite_schema|INFORMATION_SCHEMA|sys\.|^SET `)
	for _, text := range r.faults.Statements() {
		if !catalog.MatchString(text) && !slices.ContainsFunc(printed, func(p extract.Statement) bool { return shape(text) == shape(p.SQL) }) {
			t.Errorf("run and not printed:\n%s", text)
		}
	}
	for _, p := range printed {
		if !slices.ContainsFunc(r.faults.Statements(), func(text string) bool { return shape(text) == shape(p.SQL) }) {
			t.Errorf("%s is printed and not run:\n%s", p.Name, p.SQL)
		}
	}
}

// Names with blanks, reserved words, brackets, quotes, and any letter case.
func TestNames(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		name := func(s string) string {
			if r.dialect == "sqlite" {
				return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
			}
			return "[" + strings.ReplaceAll(s, "]", "]]") + "]"
		}
		const order, key, quote = "Repair Order", "Order", `it"s`
		odd := "a]b[c"
		if _, err := r.db.Exec("CREATE TABLE probe (" + name(odd) + " int)"); err != nil {
			t.Log("this server takes no bracket in a name")
			odd = "a b-c"
		}
		r.exec(t, "CREATE TABLE "+name(order)+" ("+name(key)+" int NOT NULL PRIMARY KEY, "+name("Group By")+" datetime NULL, "+name(odd)+" varchar(9) NULL, "+name(quote)+" varchar(9) NULL)",
			"CREATE TABLE "+name("select")+" ("+name("from")+" int NULL, "+name("where")+" varchar(9) NULL)")
		r.insert(t, name(order), name(key)+", "+name("Group By")+", "+name(odd)+", "+name(quote), []any{1, "2026-11-11T10:00:00", "b", "q"}, []any{2, "2026-11-11T10:00:00", "x", "q"})
		r.insert(t, name("select"), name("from")+", "+name("where"), []any{1, "w"})
		got := r.read(t, head+`
  from: Repair Order
  key: Order
  week: group by
  skip: [{column: "`+odd+`", in: [x, "'; DROP TABLE y --"], why: test}]
  fields:
    - {send: a, column: "`+odd+`", why: test}
    - {send: q, column: 'it"s', why: test}
  lines:
    - {send: l, from: select, parent: {from: Order}, order: where, fields: [{send: w, column: WHERE, why: test}]}
`, week(t, "2026-W46"), 1)
		want := result{Orders: []string{`{"a":"b","q":"q","l":[{"w":"w"}]}`}}
		want.Skipped = append(want.Skipped, got.Skipped...)
		if diff := cmp.Diff(want, got); diff != "" || got.Skipped[0].Count != 1 {
			t.Error(diff, got.Skipped)
		}
	})
}

// Complaint 26: a NULL matches is_null and nothing else, in skip rules and in withhold rules.
func TestNullInConditions(t *testing.T) {
	tests := []struct {
		rule string
		kept string // of a NULL, b B, c C, d the date 2025-11-15, e the date 2025-11-16
	}{
		{"{column: code, in: [B], why: t}", "acde"},
		{"{column: code, not_in: [B], why: t}", "abde"},
		{"{column: code, is_null: true, why: t}", "bc"},
		{"{column: code, not_null: true, why: t}", "ade"},
		{"{column: at, before: 2025-11-16, why: t}", "abce"},
		{"{column: at, after: 2025-11-15, why: t}", "abcd"},
		{"{column: at, after: 2025-11-14, why: t}", "abc"},
		{"{column: at, older_than: 1 years, why: t}", "abce"}, // the week ends on 2026-11-16
		{"{column: at, older_than: 365 days, why: t}", "abce"},
		{"{all: [{column: code, not_in: [B]}, {column: at, is_null: true}], why: t}", "abde"},
		{"{all: [{column: code, is_null: true}, {column: at, not_null: true}], why: t}", "abc"},
	}
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id varchar(9) NOT NULL PRIMARY KEY, name varchar(9) NULL, wk datetime NULL, code varchar(9) NULL, at date NULL)")
		r.insert(t, "dbo.T", "id, wk, code, at", []any{"a", "2026-11-10T00:00:00", nil, nil}, []any{"b", "2026-11-10T00:00:00", "B", nil},
			[]any{"c", "2026-11-10T00:00:00", "C", nil}, []any{"d", "2026-11-10T00:00:00", nil, "2025-11-15"}, []any{"e", "2026-11-10T00:00:00", nil, "2025-11-16"})
		r.exec(t, "UPDATE dbo.T SET name = id")
		for _, tt := range tests {
			base := head + "  from: dbo.T\n  key: id\n  week: wk\n"
			skipped := r.read(t, base+"  skip: ["+tt.rule+"]\n  fields: [{send: id, column: id, why: test}]\n", week(t, "2026-W46"), 2)
			withheld := r.read(t, base+"  fields: [{send: id, column: name, why: test, withhold: ["+tt.rule+"]}]\n", week(t, "2026-W46"), 2)
			var want, wantWithheld []string
			for _, id := range "abcde" {
				if strings.ContainsRune(tt.kept, id) {
					want = append(want, `{"id":"`+string(id)+`"}`)
					wantWithheld = append(wantWithheld, `{"id":"`+string(id)+`"}`)
				} else {
					wantWithheld = append(wantWithheld, `{}`)
				}
			}
			if diff := cmp.Diff(want, skipped.Orders); diff != "" {
				t.Errorf("skip %s:\n%s", tt.rule, diff)
			}
			if n := skipped.Skipped[0].Count; n != 5-len(tt.kept) {
				t.Errorf("skip %s: counted %d", tt.rule, n)
			}
			if diff := cmp.Diff(wantWithheld, withheld.Orders); diff != "" {
				t.Errorf("withhold %s:\n%s", tt.rule, diff)
			}
			if n := withheld.Counts.Withheld["id"]; n != 5-len(tt.kept) {
				t.Errorf("withhold %s: counted %d", tt.rule, n)
			}
		}
	})
}

// Literals are compared in the column's own type.
func TestLiterals(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, i bigint NULL, d decimal(9,2) NULL, b bit NULL, m money NULL, u uniqueidentifier NULL, n nvarchar(9) NULL, v varchar(9) NULL)")
		const uuid = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
		r.insert(t, "dbo.T", "id, wk, i, d, b, m, u, n, v", []any{1, "2026-11-10T00:00:00", 7, "1.50", 1, "2.25", uuid, "é", "é"})
		for _, rule := range []string{"{column: i, in: [7]", "{column: d, in: [1.5]", "{column: b, in: ['true']", "{column: m, in: [2.25]", "{column: u, in: [" + uuid + "]", "{column: n, in: [é]", "{column: v, in: [é]"} {
			got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  skip: ["+rule+", why: t}]\n  fields: [{send: id, column: id, why: test}]\n", week(t, "2026-W46"), 2)
			if len(got.Orders) != 0 || got.Skipped[0].Count != 1 {
				t.Errorf("%s}: %v", rule, got)
			}
		}
	})
}

// SQLite keeps times as texts of any form; the week's bounds compare with each.
func TestTextTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		typ, dms string
		in, out  []string
	}{
		"blank":        {"datetime", "", []string{"2026-11-09 00:00:00", "2026-11-15 23:59:59.999"}, []string{"2026-11-08 23:59:59", "2026-11-16 00:00:00"}},
		"T":            {"text", "", []string{"2026-11-09T00:00", "2026-11-15T23:59"}, []string{"2026-11-08T23:59", "2026-11-16T00:00"}},
		"fractions":    {"timestamp", "", []string{"2026-11-09 00:00:00.000"}, []string{"2026-11-08 23:59:59.999", "2026-11-16 00:00:00.000"}},
		"UTC":          {"datetime", "", []string{"2026-11-09T08:00:00.000Z", "2026-11-16T07:59:59Z"}, []string{"2026-11-09T07:59:59Z", "2026-11-16T08:00:00Z"}},
		"T, elsewhere": {"datetime", "America/New_York", []string{"2026-11-09T03:00:00"}, []string{"2026-11-09T02:59:59.9", "2026-11-16T03:00:00"}},
		"dates":        {"text", "America/New_York", []string{"2026-11-09", "2026-11-15"}, []string{"2026-11-08", "2026-11-16"}},
		"Go":           {"datetime", "UTC", []string{"2026-11-09 08:00:00 +0000 UTC"}, []string{"2026-11-09 07:00:00 +0000 UTC", "2026-11-16 08:00:00 +0000 UTC"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sqliteRig(t)
			if tt.dms != "" {
				r.config.Zone = zone(t, tt.dms)
			}
			r.exec(t, "CREATE TABLE T (id text PRIMARY KEY, wk "+tt.typ+")")
			var want []string
			for _, in := range tt.in {
				r.insert(t, "T", "id, wk", []any{in, in})
				want = append(want, `{"id":"`+in+`"}`)
			}
			for _, out := range tt.out {
				r.insert(t, "T", "id, wk", []any{out, out})
			}
			got := r.read(t, head+"  from: T\n  key: id\n  week: wk\n  fields: [{send: id, column: id, why: test}]\n", week(t, "2026-W46"), 10)
			slices.Sort(want)
			if diff := cmp.Diff(want, got.Orders); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// SQLite's texts of one time have several forms; after means later than all of them, before earlier.
func TestTextTimesInConditions(t *testing.T) {
	for _, tt := range []struct {
		typ, rule string
		kept      []string
		skipped   []string
	}{
		{"date", "after: 2025-11-15", []string{"2025-11-15", "2025-11-15 00:00:00", "2025-11-15T00:00:00"}, []string{"2025-11-16", "2025-11-16 00:00:00"}},
		{"date", "before: 2025-11-15", []string{"2025-11-15", "2025-11-15 00:00:00"}, []string{"2025-11-14", "2025-11-14 23:59:59"}},
		{"date", "before: 2025-11-15 12:00", []string{"2025-11-16"}, []string{"2025-11-15"}},
		{"date", "after: 2025-11-15 12:00", []string{"2025-11-15"}, []string{"2025-11-16"}},
		{"datetime", "after: 2025-11-15 10:00", []string{"2025-11-15 10:00", "2025-11-15 10:00:00", "2025-11-15 10:00:00.000"}, []string{"2025-11-15 10:00:00.001", "2025-11-15 10:00:01"}},
		{"datetime", "before: 2025-11-15 10:00", []string{"2025-11-15 10:00", "2025-11-15 10:00:00", "2025-11-15 10:00:00.000"}, []string{"2025-11-15 09:59:59.999", "2025-11-15 09:59"}},
		{"datetime", "older_than: 1 years", []string{"2025-11-16 00:00:00", "2025-11-16 00:00"}, []string{"2025-11-15 23:59:59"}},
	} {
		r := sqliteRig(t)
		r.exec(t, "CREATE TABLE T (id text PRIMARY KEY, wk datetime, at "+tt.typ+")")
		var want []string
		for i, at := range append(slices.Clone(tt.kept), tt.skipped...) {
			r.insert(t, "T", "id, wk, at", []any{fmt.Sprint(i), "2026-11-10 10:00:00", at})
			if i < len(tt.kept) {
				want = append(want, fmt.Sprintf(`{"id":"%d"}`, i))
			}
		}
		got := r.read(t, head+"  from: T\n  key: id\n  week: wk\n  skip: [{column: at, "+tt.rule+", why: t}]\n  fields: [{send: id, column: id, why: test}]\n", week(t, "2026-W46"), 10)
		if diff := cmp.Diff(want, got.Orders); diff != "" {
			t.Errorf("%s %s: %s", tt.typ, tt.rule, diff)
		}
	}
}

// The DMS is never written, whatever a statement says.
func TestReadOnly(t *testing.T) {
	r := sqliteRig(t)
	small(t, r)
	r.config.Params = map[string]string{"_query_only": "false"}
	if _, err := extract.Open(t.Context(), r.config); err == nil {
		t.Error("query_only can be turned off")
	}
	r.config.Params = nil
	r.config.Path += ".missing"
	if _, err := extract.Open(t.Context(), r.config); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(r.config.Path); err == nil {
		t.Error("opening made a file")
	}
}
