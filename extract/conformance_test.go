package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
)

// A small DMS for most tests.
const (
	smallTables = `
CREATE TABLE dbo.RO (No varchar(12) NOT NULL PRIMARY KEY, Type char(1) NULL, Closed datetime NULL, Changed datetime NULL, Cust int NULL);
CREATE TABLE dbo.Job (No varchar(12) NULL, Line int NULL, Pay char(1) NULL, Note varchar(200) NULL);
CREATE TABLE dbo.Part (No varchar(12) NULL, Line int NULL, Seq int NULL, Item varchar(20) NULL);
CREATE TABLE dbo.Cust (Id int NULL, Name nvarchar(40) NULL, OptOut char(1) NULL, Bought date NULL);
CREATE INDEX ix_closed ON dbo.RO (Closed)`

	smallMap = head + `
  from: dbo.RO
  key: No
  week: Closed
  changed: Changed
  join: {c: {from: dbo.Cust, on: {Cust: Id}}}
  skip:
    - {column: Type, in: [I], why: internal}
    - {column: c.OptOut, in: [X], why: no contact at all}
  fields:
    - {send: id, column: No, why: test}
    - {send: type, column: Type, why: test}
    - send: name
      column: c.Name
      why: test
      withhold:
        - {column: c.OptOut, in: [Y], why: opted out}
        - {column: c.Bought, older_than: 1 years, why: lapsed}
  lines:
    - send: job
      from: dbo.Job
      parent: {No: No}
      order: Line
      skip: [{column: Pay, in: [I], why: internal}, {column: Pay, is_null: true, why: unpaid}]
      fields: [{send: line, column: Line, why: test}, {send: note, column: Note, why: test}]
      lines:
        - send: parts
          from: dbo.Part
          parent: {No: No, Line: Line}
          order: Seq
          skip: [{column: Item, in: [z], why: odd}]
          fields: [{send: item, column: Item, why: test}]
`
)

func small(t *testing.T, r *rig) {
	t.Helper()
	r.exec(t, strings.Split(smallTables, ";")...)
}

func TestLevelsJoinsAndCounts(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.insert(t, "dbo.RO", "No, Type, Closed, Cust",
			[]any{"A1", "C", "2026-11-09T08:00:00", 1},
			[]any{"A2", "I", "2026-11-09T09:00:00", 1},
			[]any{"A3", nil, "2026-11-10T09:00:00", 99}, // no such customer; NULL is not I
			[]any{"A4", "C", "2026-11-11T09:00:00", 2},
			[]any{"A5", "C", "2026-11-11T09:00:00", 3},
			[]any{"A6", "C", "2026-11-11T09:00:00", 4}, // two such customers
			[]any{"B1", "C", "2026-11-16T00:00:00", 1}, // the next week's first moment
		)
		r.insert(t, "dbo.Cust", "Id, Name, OptOut, Bought",
			[]any{1, "José", "N", "2026-01-02"}, []any{2, "Zoë", "Y", "2026-01-02"}, []any{3, "Bob", "X", nil},
			[]any{4, "Ann", nil, "2025-11-16"}, []any{4, "Ann's twin", nil, nil})
		r.insert(t, "dbo.Job", "No, Line, Pay, Note",
			[]any{"A1", 2, "C", "second"}, []any{"A1", 1, "C", "first"}, []any{"A1", 3, "I", "hidden"}, []any{"A1", 4, nil, "unpaid"},
			[]any{"A2", 1, "C", "of a skipped order"}, []any{"A4", 1, "W", nil}, []any{"ZZ", 1, "C", "of no order"}, []any{nil, 1, "C", "of none"})
		r.insert(t, "dbo.Part", "No, Line, Seq, Item",
			[]any{"A1", 2, 2, "b"}, []any{"A1", 2, 1, "a"}, []any{"A1", 2, 3, "z"}, []any{"A1", 3, 1, "of a hidden job"}, []any{"A1", 3, 2, "z"}, []any{"A2", 1, 1, "z"}, []any{"A4", 1, 1, "p"})
		want := result{
			Orders: []string{
				`{"id":"A1","type":"C","name":"José","job":[{"line":1,"note":"first"},{"line":2,"note":"second","parts":[{"item":"a"},{"item":"b"}]}]}`,
				`{"id":"A3"}`,
				`{"id":"A4","type":"C","job":[{"line":1,"parts":[{"item":"p"}]}]}`,
			},
			Parked:  []string{"A6: two rows of dbo.RO (with its joins) have this key; each order needs one: correct the DMS, or the whitelist's key or join"},
			Counts:  fieldmap.Counts{Withheld: map[string]int{"name": 1}},
			Skipped: []fieldmap.SkipCount{{List: "", Why: "internal", Count: 1}, {List: "", Why: "no contact at all", Count: 1}, {List: "job", Why: "internal", Count: 1}, {List: "job", Why: "unpaid", Count: 1}, {List: "job.parts", Why: "odd", Count: 1}},
		}
		for _, size := range []int{1, 2, 3, 100} {
			if diff := cmp.Diff(want, r.read(t, smallMap, week(t, "2026-W46"), size)); diff != "" {
				t.Errorf("pages of %d:\n%s", size, diff)
			}
		}
		if got := r.read(t, smallMap, week(t, "2026-W47"), 10).Orders; len(got) != 1 {
			t.Errorf("the next week has %v", got)
		}
	})
}

// Complaint 1: rows of the cursor's own second are lost. There is no cursor in time: any page size gives every row.
func TestManyRowsOfOneInstant(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		var want []string
		for i := range 60 {
			no := fmt.Sprintf("RO%03d", (i*37)%60)
			r.insert(t, "dbo.RO", "No, Closed, Changed", []any{no, "2026-11-11T11:11:11", "2026-11-11T11:11:11"})
			want = append(want, fmt.Sprintf(`{"id":"RO%03d"}`, i))
		}
		reader := r.bind(t, smallMap)
		for _, size := range []int{1, 7, 59, 60, 61} {
			if diff := cmp.Diff(want, readWeek(t, reader, week(t, "2026-W46"), size).Orders); diff != "" {
				t.Errorf("pages of %d:\n%s", size, diff)
			}
		}
	})
}
