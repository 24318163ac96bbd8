package extract_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/fieldmap"
)

// keysOf reads the keys of a week in pages of a size, in a reading of its own.
func keysOf(t *testing.T, reader *extract.Reader, week fieldmap.Week, size int, since time.Time) []fieldmap.OrderKey {
	t.Helper()
	reading := begin(t, reader)
	defer reading.Close()
	var all []fieldmap.OrderKey
	for after := []byte(nil); ; {
		page, err := reading.Keys(t.Context(), week, after, size, since)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Keys()...)
		if after = page.Next(); after == nil {
			return all
		}
	}
}

// keysAfter reads one page of keys in a reading of its own.
func keysAfter(t *testing.T, reader *extract.Reader, week fieldmap.Week, after []byte, size int) *extract.KeyPage {
	t.Helper()
	reading := begin(t, reader)
	defer reading.Close()
	page, err := reading.Keys(t.Context(), week, after, size, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func texts(keys []fieldmap.OrderKey) []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Text)
	}
	return all
}

func TestCompositeKeys(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.RO (Store int NULL, No varchar(10) NULL, Sub smallint NULL, Closed datetime2(0) NULL)",
			"CREATE TABLE dbo.Job (St int NULL, Num varchar(10) NULL, S smallint NULL, Line int NULL)")
		var want []string
		for store := range 3 {
			for no := range 5 {
				for sub := range 2 {
					r.insert(t, "dbo.RO", "Store, No, Sub, Closed", []any{store, fmt.Sprintf("R%d", no), sub, "2026-11-10T10:00:00"})
					r.insert(t, "dbo.Job", "St, Num, S, Line", []any{store, fmt.Sprintf("R%d", no), sub, 100*store + 10*no + sub})
					want = append(want, fmt.Sprintf(`{"store":%d,"job":[{"line":%d}]}`, store, 100*store+10*no+sub))
				}
			}
		}
		r.insert(t, "dbo.RO", "Store, No, Sub, Closed",
			[]any{1, nil, 0, "2026-11-10T10:00:00"}, []any{1, "R1|X", 0, "2026-11-10T10:00:00"})
		whitelist := head + `
  from: dbo.RO
  key: [Store, No, Sub]
  week: Closed
  fields: [{send: store, column: Store, why: test}]
  lines:
    - send: job
      from: dbo.Job
      parent: {St: Store, Num: No, S: Sub}
      fields: [{send: line, column: Line, why: test}]
`
		reader := r.bind(t, whitelist)
		for _, size := range []int{1, 2, 4, 30, 1000} {
			got := readWeek(t, reader, week(t, "2026-W46"), size)
			if diff := cmp.Diff(want, got.Orders); diff != "" {
				t.Errorf("pages of %d:\n%s", size, diff)
			}
			if got.Keyless != 1 {
				t.Errorf("pages of %d: %d without a key", size, got.Keyless)
			}
			wantParked := []string{`[["integer","1"],["text","R1|X"],["integer","0"]]: No holds the character |, which separates the columns of a key; correct the order's key in the DMS`}
			if diff := cmp.Diff(wantParked, got.Parked); diff != "" {
				t.Errorf("pages of %d:\n%s", size, diff)
			}
		}
	})
}

// A reading goes on at any key's position, in a reading of its own, whatever the page sizes.
func TestPositions(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		for _, typ := range []string{"int", "bigint", "decimal(9,2)", "varchar(10)", "nvarchar(10)", "char(10)", "uniqueidentifier", "datetime", "datetime2(3)", "date"} {
			t.Run(typ, func(t *testing.T) {
				r.exec(t, "CREATE TABLE dbo.T (k "+typ+" NOT NULL, wk datetime NULL)")
				defer r.exec(t, "DROP TABLE dbo.T")
				for i := range 9 {
					values := map[string]any{
						"uniqueidentifier": fmt.Sprintf("6F9619FF-8B86-D011-B42D-00C04FC9640%d", i),
						"datetime":         fmt.Sprintf("2026-11-09T10:00:00.%d10", i+1),
						"datetime2(3)":     fmt.Sprintf("2026-11-09T10:00:00.00%d", i+1),
						"date":             fmt.Sprintf("2026-11-0%d", i+1),
						"decimal(9,2)":     fmt.Sprintf("%d.25", i),
						"nvarchar(10)":     fmt.Sprintf("é%d", i),
					}
					v, ok := values[typ]
					if !ok {
						v = fmt.Sprint(100 + i)
					}
					r.insert(t, "dbo.T", "k, wk", []any{v, "2026-11-09T12:00:00"})
				}
				reader := r.bind(t, head+"  from: dbo.T\n  key: k\n  week: wk\n  fields: [{send: k, column: k, why: test}]\n")
				w := week(t, "2026-W46")
				whole := texts(keysOf(t, reader, w, 100, time.Time{}))
				if len(whole) != 9 || !slices.IsSorted(whole) {
					t.Fatalf("keys %q", whole)
				}
				first := keysAfter(t, reader, w, nil, 9)
				testBuffer(t, reader, w, first)
				for n := 1; n < 9; n++ {
					if diff := cmp.Diff(whole[n:], texts(keysAfter(t, reader, w, first.NextAt(n), 100).Keys())); diff != "" {
						t.Errorf("after %d: %s", n, diff)
					}
				}
			})
		}
	})
}

// testBuffer holds that keys which were read ahead are not taken for those after another position.
func testBuffer(t *testing.T, reader *extract.Reader, w fieldmap.Week, whole *extract.KeyPage) {
	t.Helper()
	reading := begin(t, reader)
	defer closeNow(t, reading)
	for _, n := range []int{0, 2, 6, 4, 4} {
		var after []byte
		if n > 0 {
			after = whole.NextAt(n)
		}
		page, err := reading.Keys(t.Context(), w, after, 2, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(texts(whole.Keys())[n:n+2], texts(page.Keys())); diff != "" {
			t.Errorf("after %d, in one reading: %s", n, diff)
		}
	}
}

// More keys than a list takes are read by several statements.
func TestManyKeys(t *testing.T) {
	r := sqliteRig(t)
	small(t, r)
	r.exec(t, "INSERT INTO RO (No, Closed) WITH RECURSIVE c(i) AS (SELECT 10000 UNION ALL SELECT i+1 FROM c WHERE i < 14499) SELECT 'A' || i, '2026-11-11 10:00:00' FROM c",
		"INSERT INTO Job (No, Line, Pay) SELECT No, 1, 'C' FROM RO")
	got := r.read(t, smallMap, week(t, "2026-W46"), 4500)
	if len(got.Orders) != 4500 || got.Orders[4499] != `{"id":"A14499","job":[{"line":1}]}` || len(got.Parked) != 0 {
		t.Errorf("%d orders, parked %v, the last is %s", len(got.Orders), got.Parked, got.Orders[len(got.Orders)-1])
	}
}

// Keys that the database holds equal (a difference in case) are not lost at a page's end, and a key of many rows does
// not stop a reading.
func TestKeysThatAreEqualToTheDatabase(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		collate := map[string]string{"sqlite": "COLLATE NOCASE", "sqlserver": ""}[r.dialect]
		r.exec(t, "CREATE TABLE dbo.T (k varchar(10) "+collate+" NULL, wk datetime NULL)")
		var want []string
		for _, k := range []string{"ro1", "RO1", "Ro1", "RO2", "ro2", "RO3"} {
			r.insert(t, "dbo.T", "k, wk", []any{k, "2026-11-09T12:00:00"})
			want = append(want, k)
		}
		for i := range 32 { // more than are read ahead in pages of one
			k := []byte("roabcd")
			for bit := range 5 {
				k[bit+1] -= byte(i >> bit & 1 << 5)
			}
			r.insert(t, "dbo.T", "k, wk", []any{string(k), "2026-11-09T12:00:00"})
			want = append(want, string(k))
		}
		for range 40 {
			r.insert(t, "dbo.T", "k, wk", []any{"RO4", "2026-11-09T12:00:00"})
		}
		r.insert(t, "dbo.T", "k, wk", []any{"RO5", "2026-11-09T12:00:00"})
		reader := r.bind(t, head+"  from: dbo.T\n  key: k\n  week: wk\n  fields: [{send: k, column: k, why: test}]\n")
		for _, size := range []int{1, 2, 50} {
			got := texts(keysOf(t, reader, week(t, "2026-W46"), size, time.Time{}))
			slices.Sort(got)
			wanted := append(slices.Clone(want), "RO4", "RO5")
			slices.Sort(wanted)
			if diff := cmp.Diff(wanted, slices.Compact(got)); diff != "" {
				t.Errorf("pages of %d: %s", size, diff)
			}
		}
	})
}

// Complaints 2 and 3: what commits late, with an earlier time than what was read before, is found: by its key, in the
// next reading. An edit of the same instant is found too, since Recent asks for the order to be read.
func TestLateCommits(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.insert(t, "dbo.RO", "No, Closed, Changed",
			[]any{"A1", "2026-11-11T10:00:00", "2026-11-11T10:00:00"},
			[]any{"A3", "2026-11-11T12:00:00", "2026-11-13T12:00:00"},
			[]any{"A4", "2026-11-11T12:00:00", nil})
		reader := r.bind(t, smallMap)
		w := week(t, "2026-W46")
		before := keysOf(t, reader, w, 10, time.Time{})
		r.insert(t, "dbo.RO", "No, Closed, Changed", []any{"A2", "2026-11-09T00:00:00", "2026-11-09T00:00:00"})
		since := time.Date(2026, 11, 12, 0, 0, 0, 0, losAngeles(t))
		after := keysOf(t, reader, w, 10, since)
		want := []fieldmap.OrderKey{
			{Text: "A1", Changed: before[0].Changed},
			{Text: "A2", Changed: after[1].Changed},
			{Text: "A3", Changed: before[1].Changed, Recent: true},
			{Text: "A4"},
		}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Error(diff)
		}
		if before[0].Changed == "" || before[0].Changed == before[1].Changed {
			t.Errorf("the changed values %v do not tell edits apart", before)
		}
	})
}

// The rows of one reading are those of one moment, whatever is written meanwhile.
func TestConsistentRead(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.insert(t, "dbo.RO", "No, Type, Closed", []any{"A1", "C", "2026-11-11T10:00:00"}, []any{"A2", "C", "2026-11-11T10:00:00"})
		r.insert(t, "dbo.Job", "No, Line, Pay", []any{"A1", 1, "C"})
		reader := r.bind(t, smallMap)
		reading := begin(t, reader)
		w := week(t, "2026-W46")
		keys, err := reading.Keys(t.Context(), w, nil, 10, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		r.exec(t, "UPDATE dbo.RO SET Type = 'W' WHERE No = 'A1'", "DELETE FROM dbo.RO WHERE No = 'A2'", "INSERT INTO dbo.Job (No, Line, Pay) VALUES ('A1', 2, 'C')")
		page, _, err := reading.Orders(t.Context(), w, keys)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for record := range page.Records() {
			got = append(got, string(record.JSON()))
		}
		if diff := cmp.Diff([]string{`{"id":"A1","type":"C","job":[{"line":1}]}`, `{"id":"A2","type":"C"}`}, got); diff != "" {
			t.Error(diff)
		}
		if err := reading.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`{"id":"A1","type":"W","job":[{"line":1},{"line":2}]}`}, readWeek(t, reader, w, 10).Orders); diff != "" {
			t.Error(diff)
		}
	})
}

// An order that vanished since its key was read has no row, and is no error.
func TestVanishedOrder(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.insert(t, "dbo.RO", "No, Closed", []any{"A1", "2026-11-11T10:00:00"}, []any{"A2", "2026-11-11T10:00:00"})
		reader := r.bind(t, smallMap)
		w := week(t, "2026-W46")
		reading := begin(t, reader)
		keys, err := reading.Keys(t.Context(), w, nil, 10, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		closeNow(t, reading)
		r.exec(t, "DELETE FROM dbo.RO WHERE No = 'A1'")
		page, n, err := begin(t, reader).Orders(t.Context(), w, keys)
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if got := len(slices.Collect(page.Records())); got != 1 || len(page.Parked()) != 0 {
			t.Errorf("%d records, parked %v", got, page.Parked())
		}
	})
}

// Complaint 12: a page is cut by its bytes, and the rest is read from the position that goes with the cut.
func TestBudget(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		r.config.PageBytes = 1000
		want := 0
		for i := range 20 {
			no := fmt.Sprintf("A%02d", i)
			r.insert(t, "dbo.RO", "No, Closed", []any{no, "2026-11-11T10:00:00"})
			r.insert(t, "dbo.Job", "No, Line, Pay, Note", []any{no, 1, "C", strings.Repeat("n", 190)}, []any{no, 2, "C", strings.Repeat("m", i*10)})
			want++
		}
		reader := r.bind(t, smallMap)
		w := week(t, "2026-W46")
		reading := begin(t, reader)
		keys, err := reading.Keys(t.Context(), w, nil, 20, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		got, cuts := 0, 0
		for len(keys.Keys()) > 0 {
			page, n, err := reading.Orders(t.Context(), w, keys)
			if err != nil {
				t.Fatal(err)
			}
			if records := len(slices.Collect(page.Records())); records != n {
				t.Fatalf("%d records of %d keys", records, n)
			}
			got += n
			if n < len(keys.Keys()) {
				cuts++
				if next := keysAfter(t, reader, w, keys.NextAt(n), 1).Keys()[0].Text; next != keys.Keys()[n].Text {
					t.Fatalf("NextAt(%d) goes on at %s", n, next)
				}
			} else if keys.NextAt(n) != nil {
				t.Error("the last page has a next position")
			}
			keys = keys.Rest(n)
		}
		if cuts == 0 || got != want {
			t.Errorf("%d cuts, %d orders of %d", cuts, got, want)
		}
		closeNow(t, reading)
		if n := len(readWeek(t, reader, w, 20).Orders); n != want {
			t.Errorf("%d orders of %d", n, want)
		}
	})
}

func TestPick(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		small(t, r)
		for i := range 5 {
			r.insert(t, "dbo.RO", "No, Closed", []any{fmt.Sprint("A", i), "2026-11-11T10:00:00"})
		}
		reading := begin(t, r.bind(t, smallMap))
		w := week(t, "2026-W46")
		keys, err := reading.Keys(t.Context(), w, nil, 4, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, places := range [][]int{{}, {2}, {0, 3}} {
			picked := keys.Pick(places)
			page, n, err := reading.Orders(t.Context(), w, picked)
			if err != nil || n != len(places) {
				t.Fatal(n, err)
			}
			var got []string
			for record := range page.Records() {
				got = append(got, record.Key().Text)
			}
			var want []string
			for _, i := range places {
				want = append(want, fmt.Sprint("A", i))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if string(picked.NextAt(n)) != string(keys.Next()) || keys.Next() == nil {
				t.Errorf("after a pick of %v the reading goes on at %s, not at %s", places, picked.NextAt(n), keys.Next())
			}
		}
	})
}

// An order whose lines cannot be looked for, or whose lines name it in another way, is parked; the others are read.
func TestOddLinks(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.RO (No varchar(12) NOT NULL PRIMARY KEY, Wk datetime NULL)", "CREATE TABLE dbo.Job (No int NULL, Line int NULL)")
		r.insert(t, "dbo.RO", "No, Wk", []any{"1", "2026-11-11T10:00:00"}, []any{"2", "2026-11-11T10:00:00"}, []any{"x", "2026-11-11T10:00:00"})
		r.insert(t, "dbo.Job", "No, Line", []any{1, 10}, []any{2, 20})
		got := r.read(t, head+"  from: dbo.RO\n  key: No\n  week: Wk\n  fields: [{send: no, column: No, why: t}]\n  lines:\n    - {send: job, from: dbo.Job, parent: {No: No}, fields: [{send: l, column: Line, why: t}]}", week(t, "2026-W46"), 10)
		want := result{Orders: []string{`{"no":"1","job":[{"l":10}]}`, `{"no":"2","job":[{"l":20}]}`}}
		if r.dialect == "sqlite" { // compares any two values
			want.Orders = append(want.Orders, `{"no":"x"}`)
		} else {
			want.Parked = []string{"x: its job cannot be looked for: No holds a value that cannot be compared with int; look at the parent of job in the whitelist, or correct the order in the DMS"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A database that holds texts equal which are not gives lines to orders that they do not name.
func TestOrphansParkTheirOrderOnly(t *testing.T) {
	r := sqliteRig(t)
	r.exec(t, "CREATE TABLE RO (No text NOT NULL PRIMARY KEY, Wk datetime NULL)", "CREATE TABLE Job (No decimal NULL, Line int NULL)")
	for i := range 9 {
		r.insert(t, "RO", "No, Wk", []any{fmt.Sprint("1", i), "2026-11-11T10:00:00"})
	}
	r.insert(t, "RO", "No, Wk", []any{"15e0", "2026-11-11T10:00:00"}) // equal to 15 as a number
	r.insert(t, "Job", "No, Line", []any{12, 1}, []any{15, 2})
	r.exec(t, "DELETE FROM RO WHERE No = '15'")
	got := r.read(t, head+"  from: RO\n  key: No\n  week: Wk\n  fields: [{send: no, column: No, why: t}]\n  lines:\n    - {send: job, from: Job, parent: {No: No}, fields: [{send: l, column: Line, why: t}]}", week(t, "2026-W46"), 10)
	if len(got.Orders) != 8 || len(got.Parked) != 1 || !strings.HasPrefix(got.Parked[0], "15e0: the database takes lines for this order's") {
		t.Errorf("%d orders, parked %v", len(got.Orders), got.Parked)
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add([]byte(`[["text","RO1"]]`), 1)
	f.Add([]byte(`[["integer","1"],["bytes","//8="]]`), 2)
	f.Add([]byte(`[["float","0x1p-2"],["time","2026-11-09T00:00:00Z"],["boolean","true"]]`), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		values, err := extract.ParsePosition(b, n)
		if err != nil {
			return
		}
		again, err := extract.ParsePosition(extract.Position(values), n)
		if err != nil {
			t.Fatalf("%s: what was read cannot be read again: %v", b, err)
		}
		if diff := cmp.Diff(values, again, cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestForeignPosition(t *testing.T) {
	r := sqliteRig(t)
	small(t, r)
	reading := begin(t, r.bind(t, smallMap))
	for _, foreign := range []string{"x", `[]`, `[["text","a"],["text","b"]]`, `[["integer","x"]]`, `[["text","a"]] x`, `[["text"]]`} {
		_, err := reading.Keys(context.Background(), week(t, "2026-W46"), []byte(foreign), 1, time.Time{})
		var unreachable *extract.UnreachableError
		if err == nil || errors.As(err, &unreachable) {
			t.Errorf("%s: %v", foreign, err)
		}
	}
}
