package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Links between numbers and texts compare as numbers, at every level, whatever zeros either side is written with.
func TestLinksBetweenNumbersAndTexts(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		for _, tt := range []struct {
			parent, parentValue, child, childValue string
			server                                 bool // SQLite compares a text with a number as a text there
		}{
			{"int", "1", "decimal(10,2)", "1.00", false},
			{"int", "1", "money", "1.0000", false},
			{"decimal(10,2)", "1.00", "int", "1", false},
			{"decimal(10,2)", "1.00", "decimal(10,0)", "1", false},
			{"varchar(9)", "00001", "int", "1", false},
			{"char(9)", "001", "bigint", "1", false},
			{"int", "1", "varchar(9)", "00001", true},
			{"bigint", "1", "char(9)", "001", true},
			{"decimal(10,2)", "1.00", "varchar(9)", "1.0", true},
		} {
			if tt.server && r.dialect == "sqlite" {
				continue // SQLite compares these as texts
			}
			name := tt.parent + " and " + tt.child
			t.Run(name, func(t *testing.T) {
				r.exec(t, "CREATE TABLE dbo.T (id varchar(9) NOT NULL PRIMARY KEY, wk datetime NULL, p "+tt.parent+" NULL)",
					"CREATE TABLE dbo.A (c "+tt.child+" NULL, p "+tt.parent+" NULL)", "CREATE TABLE dbo.B (c "+tt.child+" NULL, n int NULL)")
				defer r.exec(t, "DROP TABLE dbo.T", "DROP TABLE dbo.A", "DROP TABLE dbo.B")
				r.insert(t, "dbo.T", "id, wk, p", []any{"x", "2026-11-10T00:00:00", tt.parentValue}, []any{"y", "2026-11-10T00:00:00", "2"})
				r.insert(t, "dbo.A", "c, p", []any{tt.childValue, tt.parentValue})
				r.insert(t, "dbo.B", "c, n", []any{tt.childValue, 7})
				tries := len(r.faults.Statements())
				got := r.read(t, head+`
  from: dbo.T
  key: id
  week: wk
  fields: [{send: id, column: id, why: t}]
  lines:
    - {send: a, from: dbo.A, parent: {c: p}, lines: [{send: b, from: dbo.B, parent: {c: p}, fields: [{send: n, column: n, why: t}]}]}
`, week(t, "2026-W46"), 10)
				if diff := cmp.Diff([]string{`{"id":"x","a":[{"b":[{"n":7}]}]}`, `{"id":"y"}`}, got.Orders); diff != "" || len(got.Parked) > 0 {
					t.Error(diff, got.Parked)
				}
				if n := count(r.faults.Statements()[tries:], "id"); n > 3 {
					t.Errorf("the orders and their keys were read by %d statements", n)
				}
			})
		}
	})
}

// count returns how many statements name a column.
func count(statements []string, column string) int {
	n := 0
	for _, s := range statements {
		if strings.Contains(s, "o.["+column+"]") || strings.Contains(s, `o."`+column+`"`) {
			n++
		}
	}
	return n
}

// Complaint 21: a view or computed column that fails on one row parks that row's order, and stops no other.
func TestRowsThatTheDatabaseCannotReckon(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		for i := range 9 {
			r.insert(t, "dbo.RO", "No, Type, Closed, Cust", []any{fmt.Sprint("A", i), map[bool]string{true: "x", false: "1"}[i == 5], "2026-11-10T00:00:00", i})
			r.insert(t, "dbo.Job", "No, Line", []any{fmt.Sprint("A", i), i})
		}
		columns := map[string]string{"conversion": "CAST(r.Type AS int)", "division": "100 / (r.Cust - 5)"}
		if r.dialect == "sqlite" {
			columns = map[string]string{"overflow": "abs(CASE r.Cust WHEN 5 THEN -9223372036854775807 - 1 ELSE 1 END)", "json": "json_extract(CASE r.Cust WHEN 5 THEN '{' ELSE '{}' END, '$.a')"}
		}
		for name, column := range columns {
			t.Run(name, func(t *testing.T) {
				r.exec(t, "CREATE VIEW dbo.V AS SELECT r.No, r.Closed, "+column+" AS N FROM dbo.RO AS r",
					"CREATE VIEW dbo.W AS SELECT r.No, "+column+" AS N FROM dbo.RO AS r")
				defer r.exec(t, "DROP VIEW dbo.V", "DROP VIEW dbo.W")
				for _, fields := range []string{
					"  from: dbo.V\n  key: No\n  week: Closed\n  fields: [{send: id, column: No, why: t}, {send: n, column: N, as: text, mask: REDACT, why: t}]",
					"  from: dbo.RO\n  key: No\n  week: Closed\n  fields: [{send: id, column: No, why: t}]\n  lines: [{send: l, from: dbo.W, parent: {No: No}, fields: [{send: n, column: N, as: text, mask: REDACT, why: t}]}]",
				} {
					got := r.read(t, head+fields, week(t, "2026-W46"), 4)
					if len(got.Orders) != 8 || len(got.Parked) != 1 || !strings.HasPrefix(got.Parked[0], "A5: ") || !strings.Contains(got.Parked[0], "a view, a computed column") && !strings.Contains(got.Parked[0], "a view or computed column") {
						t.Errorf("%s\n%d orders, parked %q", fields, len(got.Orders), got.Parked)
					}
				}
			})
		}
	})
}

// An order that is not found by the key that the same transaction gave is parked, and does not count as deleted.
func TestKeysThatFindNoRow(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.insert(t, "dbo.RO", "No, Closed", []any{"A1", "2026-11-10T00:00:00"}, []any{"A2", "2026-11-10T00:00:00"})
		random := map[string]string{"sqlite": "hex(randomblob(8))", "sqlserver": "CAST(NEWID() AS varchar(40))"}[r.dialect]
		r.exec(t, "CREATE VIEW dbo.V AS SELECT CASE r.No WHEN 'A2' THEN "+random+" ELSE r.No END AS No, r.Closed FROM dbo.RO AS r")
		got := r.read(t, head+"  from: dbo.V\n  key: No\n  week: Closed\n  fields: [{send: id, column: No, as: text, why: t}]", week(t, "2026-W46"), 10)
		if diff := cmp.Diff([]string{`{"id":"A1"}`}, got.Orders); diff != "" {
			t.Error(diff)
		}
		if len(got.Parked) != 1 || !strings.Contains(got.Parked[0], "does not find it by the key") {
			t.Errorf("parked %q", got.Parked)
		}
	})
}
