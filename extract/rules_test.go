package extract_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A withheld column's other values are what they would be without the rule: digits, blanks, letters and all.
func TestWithheldValuesKeepTheirType(t *testing.T) {
	columns := []struct{ typ, value, want string }{
		{"nvarchar(20)", "日本 José", `"日本 José"`},
		{"varchar(20)", "plain", `"plain"`},
		{"char(10)", "fixed", `"fixed"`},
		{"nchar(10)", "ñ", `"ñ"`},
		{"decimal(12,4)", "1.5000", `"1.5000"`},
		{"numeric(9,1)", "2.5", `"2.5"`},
		{"money", "3.2500", `"3.2500"`},
		{"float", "0.1", `0.1`},
		{"int", "7", `7`},
		{"bigint", "9007199254740993", `9007199254740993`},
		{"bit", "1", `true`},
		{"date", "2026-01-02", `"2026-01-02"`},
		{"datetime", "2026-01-02T03:04:05", `"2026-01-02T11:04:05Z"`},
		{"datetime2(3)", "2026-01-02T03:04:05.123", `"2026-01-02T11:04:05.123Z"`},
		{"uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF", `"6f9619ff-8b86-d011-b42d-00c04fc964ff"`},
		{"text", "long", `"long"`},
	}
	eachDialect(t, func(t *testing.T, r *rig) {
		for _, c := range columns {
			if r.dialect == "sqlite" && strings.Contains(c.want, ".") && c.typ != "float" && !strings.Contains(c.typ, "date") {
				continue // SQLite keeps no digits that a number does not need
			}
			t.Run(c.typ, func(t *testing.T) {
				value, want := c.value, c.want
				r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, opt char(1) NULL, v "+c.typ+" NULL, w "+c.typ+" NULL)",
					"CREATE TABLE dbo.L (id int NOT NULL, opt char(1) NULL, v "+c.typ+" NULL)")
				defer r.exec(t, "DROP TABLE dbo.T", "DROP TABLE dbo.L")
				const at = "2026-11-10T00:00:00"
				r.insert(t, "dbo.T", "id, wk, opt, v, w", []any{1, at, "N", value, value}, []any{2, at, "Y", value, value}, []any{3, at, nil, value, nil})
				r.insert(t, "dbo.L", "id, opt, v", []any{1, "Y", value}, []any{2, "N", value})
				got := r.read(t, head+`
  from: dbo.T
  key: id
  week: wk
  fields:
    - {send: v, column: v, why: t, withhold: [{column: opt, in: [Y], why: t}]}
    - {send: w, column: w, why: t, withhold: [{column: opt, in: [Y], why: t}]}
    - {send: x, column: w, why: t, withhold: [{column: opt, in: [N], why: t}]}
  lines: [{send: l, from: dbo.L, parent: {id: id}, fields: [{send: v, column: v, why: t, withhold: [{column: opt, in: [Y], why: t}]}]}]
`, week(t, "2026-W46"), 10)
				wanted := []string{
					`{"v":` + want + `,"w":` + want + `,"l":[{}]}`,
					`{"x":` + want + `,"l":[{"v":` + want + `}]}`,
					`{"v":` + want + `}`,
				}
				if diff := cmp.Diff(wanted, got.Orders); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(map[string]int{"v": 1, "w": 1, "x": 1, "l.v": 1}, got.Counts.Withheld); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// An order is skipped where any of the rows joined to it matches a rule; where none matches and there are two, it is parked.
func TestSkipByAnyJoinedRow(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		const at = "2026-11-10T00:00:00"
		r.insert(t, "dbo.RO", "No, Type, Closed, Cust", []any{"A1", "C", at, 1}, []any{"A2", "C", at, 2}, []any{"A3", "C", at, 3}, []any{"A4", "C", at, 4}, []any{"A5", "W", at, 1})
		r.insert(t, "dbo.Cust", "Id, Name, OptOut",
			[]any{1, "Ann", "X"}, []any{1, "Ann too", "N"}, []any{2, "Bo", "N"}, []any{2, "Bo too", nil}, []any{3, "Cy", "N"})
		r.insert(t, "dbo.Job", "No, Line, Pay", []any{"A1", 1, "I"}, []any{"A3", 1, "I"})
		type outcome struct {
			Orders, Parked []string
			Skipped        map[string]int
		}
		for name, tt := range map[string]struct {
			skip string
			want outcome
		}{
			"one of two rows": {"{column: c.OptOut, in: [X], why: joined}", outcome{
				[]string{`{"name":"Cy"}`, `{}`}, []string{"A2"}, map[string]int{"joined": 2, "internal": 1},
			}},
			"no row": {"{column: c.Name, is_null: true, why: joined}", outcome{
				[]string{`{"name":"Cy"}`}, []string{"A1", "A2", "A5"}, map[string]int{"joined": 1, "internal": 2},
			}},
			"row and order": {"{all: [{column: c.OptOut, in: [X]}, {column: Type, in: [W]}], why: joined}", outcome{
				[]string{`{"name":"Cy"}`, `{}`}, []string{"A1", "A2"}, map[string]int{"joined": 1, "internal": 2},
			}},
		} {
			t.Run(name, func(t *testing.T) {
				reader := r.bind(t, head+`
  from: dbo.RO
  key: No
  week: Closed
  join: {c: {from: dbo.Cust, on: {Cust: Id}}}
  skip: [`+tt.skip+`]
  fields: [{send: name, column: c.Name, why: t}]
  lines: [{send: job, from: dbo.Job, parent: {No: No}, skip: [{column: Pay, in: [I], why: internal}], fields: [{send: line, column: Line, why: t}]}]
`)
				result := readWeek(t, reader, week(t, "2026-W46"), 10)
				got := outcome{Orders: result.Orders, Skipped: map[string]int{}}
				for _, p := range result.Parked {
					key, _, _ := strings.Cut(p, ":")
					got.Parked = append(got.Parked, key)
				}
				for _, s := range result.Skipped {
					got.Skipped[s.Why] = s.Count
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// A week or a date may be a whole number, YYYYMMDD, of any type that holds one.
func TestDatesAsNumbers(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		for _, typ := range []string{"int", "bigint", "numeric(8,0)", "decimal(12,0)"} {
			r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk "+typ+" NULL, at "+typ+" NULL)")
			r.insert(t, "dbo.T", "id, wk, at", []any{1, 20261108, 20260101}, []any{2, 20261109, 20260101}, []any{3, 20261115, 20250101}, []any{4, 20261116, 20260101})
			got := r.read(t, head+`
  from: dbo.T
  key: id
  week: wk
  skip: [{column: at, before: 2025-06-01, why: t}]
  fields: [{send: wk, column: wk, as: date, layout: YYYYMMDD, why: t}, {send: at, column: at, as: date, layout: YYYYMMDD, why: t}]
`, week(t, "2026-W46"), 10)
			if diff := cmp.Diff([]string{`{"wk":"2026-11-09","at":"2026-01-01"}`}, got.Orders); diff != "" || len(got.Parked) > 0 || got.Skipped[0].Count != 1 {
				t.Errorf("%s: %s parked %v, skipped %v", typ, diff, got.Parked, got.Skipped)
			}
			r.exec(t, "DROP TABLE dbo.T")
		}
	})
}

// Values of the whitelist match what a person reads in the DMS: 0.1 in a column of 32 bits, Y in a CHAR column full of blanks.
func TestLiteralsAsRead(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, f real NULL, c char(5) NULL, n int NULL)")
		r.insert(t, "dbo.T", "id, wk, f, c, n", []any{1, "2026-11-10T00:00:00", 0.1, "Y    ", 7}, []any{2, "2026-11-10T00:00:00", 0.2, "N    ", 8}, []any{3, "2026-11-10T00:00:00", nil, nil, nil})
		for _, tt := range []struct {
			rule string
			want []string
		}{
			{"{column: f, in: [0.1], why: t}", []string{`{"id":2}`, `{"id":3}`}},
			{"{column: f, not_in: [0.1], why: t}", []string{`{"id":1}`, `{"id":3}`}},
			{"{column: c, in: [Y], why: t}", []string{`{"id":2}`, `{"id":3}`}},
			{"{column: c, not_in: [Y], why: t}", []string{`{"id":1}`, `{"id":3}`}},
			{"{column: n, in: [7], why: t}", []string{`{"id":2}`, `{"id":3}`}},
			{"{column: n, not_in: [7], why: t}", []string{`{"id":1}`, `{"id":3}`}},
		} {
			got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  skip: ["+tt.rule+"]\n  fields: [{send: id, column: id, why: t}]\n", week(t, "2026-W46"), 10)
			if diff := cmp.Diff(tt.want, got.Orders); diff != "" {
				t.Errorf("%s: %s", tt.rule, diff)
			}
		}
	})
}
