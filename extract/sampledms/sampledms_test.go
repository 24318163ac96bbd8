package sampledms_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

func create(t *testing.T, o sampledms.Options) (*sql.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dms.db")
	if err := sampledms.CreateFile(t.Context(), path, o); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, path
}

// dump returns every value of a query, by column.
func dump(t *testing.T, db *sql.DB, query string) map[string][]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, c := range columns {
			if f, ok := values[i].(float64); ok {
				values[i] = strconv.FormatFloat(f, 'f', -1, 64)
			}
			all[c] = append(all[c], fmt.Sprint(values[i]))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheSameSeedMakesTheSameRows(t *testing.T) {
	o := sampledms.Options{First: fieldmap.Week{Year: 2026, Number: 45}, Weeks: 2, OrdersPerWeek: 50, Seed: 7}
	a, _ := create(t, o)
	b, _ := create(t, o)
	o.Seed++
	c, _ := create(t, o)
	for _, table := range []string{"Customer", "Vehicle", "RepairOrder", "Job", "Part"} {
		query := "SELECT * FROM " + table
		if diff := cmp.Diff(dump(t, a, query), dump(t, b, query)); diff != "" {
			t.Errorf("%s: %s", table, diff)
		}
		if cmp.Equal(dump(t, a, query), dump(t, c, query)) {
			t.Errorf("%s: another seed makes the same rows", table)
		}
	}
}

// Every value of a forbidden column holds a canary, and no other value does; the whitelist names none of them.
func TestCanaries(t *testing.T) {
	db, _ := create(t, sampledms.Options{First: fieldmap.Week{Year: 2026, Number: 46}, OrdersPerWeek: 100})
	forbidden := strings.Join(sampledms.Forbidden(), " ") + " "
	for _, table := range []string{"Customer", "Vehicle", "RepairOrder", "Job", "Part"} {
		for column, values := range dump(t, db, "SELECT * FROM "+table) {
			for _, v := range values {
				is := false
				for _, canary := range sampledms.Canaries() {
					is = is || strings.Contains(v, canary)
				}
				if want := strings.Contains(forbidden, table+"."+column+" ") && v != "<nil>"; is != want {
					t.Fatalf("%s.%s holds %q: a canary: %v, forbidden: %v", table, column, v, is, want)
				}
			}
		}
	}
	w, err := fieldmap.Parse("fieldmap.yaml", []byte(sampledms.Whitelist))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range w.Compile().Levels {
		for _, c := range l.Columns() {
			for _, table := range []string{l.From.Name, strings.ToUpper(c.Join[:min(1, len(c.Join))]) + c.Join[min(1, len(c.Join)):]} {
				if c.Join == "" == (table == l.From.Name) && strings.Contains(forbidden, table+"."+c.Name+" ") {
					t.Errorf("the whitelist names %s.%s", table, c.Name)
				}
			}
		}
	}
}

func TestItIsADealership(t *testing.T) {
	first := fieldmap.Week{Year: 2026, Number: 52}
	db, path := create(t, sampledms.Options{First: first, Weeks: 3})
	for query, want := range map[string][2]int{
		"SELECT COUNT(*) FROM RepairOrder":                                                                                  {1800, 1800},
		"SELECT COUNT(*) FROM RepairOrder WHERE ROType = 'I'":                                                               {90, 220},
		"SELECT COUNT(*) FROM RepairOrder WHERE ClosedAt < '2026-12-21' OR ClosedAt >= '2027-01-11'":                        {0, 0},
		"SELECT COUNT(*) FROM RepairOrder WHERE ClosedAt >= '2026-12-28' AND ClosedAt < '2027-01-04'":                       {600, 600},
		"SELECT COUNT(*) FROM Job":                                                                                          {1800, 9000},
		"SELECT MAX([LineNo]) FROM Job":                                                                                     {5, 5},
		"SELECT COUNT(*) FROM Part":                                                                                         {1800, 16000},
		"SELECT COUNT(*) FROM Customer WHERE OptOut = 'Y'":                                                                  {30, 120},
		"SELECT COUNT(*) FROM Job j WHERE NOT EXISTS (SELECT 1 FROM RepairOrder o WHERE o.RONumber = j.RONumber)":           {0, 0},
		"SELECT COUNT(*) FROM RepairOrder o LEFT JOIN Customer c ON c.CustomerNo = o.CustomerNo WHERE c.CustomerNo IS NULL": {0, 0},
	} {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(query, err)
		}
		if n < want[0] || n > want[1] {
			t.Errorf("%s: %d, not %d to %d", query, n, want[0], want[1])
		}
	}
	before, err := sampledms.Numbers(t.Context(), db, "sqlite", first)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := sampledms.Change(t.Context(), path, []fieldmap.Week{first, first.Next()})
	if err != nil || changes != (sampledms.Changes{Edited: 10, Deleted: 4}) {
		t.Fatal(changes, err)
	}
	after, err := sampledms.Numbers(t.Context(), db, "sqlite", first)
	if err != nil || len(before)-len(after) != 2 {
		t.Errorf("%d orders before, %d after: %v", len(before), len(after), err)
	}
	var edited int
	late := first.End(time.UTC).Format(time.DateOnly)
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM RepairOrder WHERE UpdatedAt >= ? AND ClosedAt < ?", late, late).Scan(&edited); err != nil || edited != 5 {
		t.Errorf("%d orders have a late UpdatedAt: %v", edited, err)
	}
}
