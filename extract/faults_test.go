package extract_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/extract/extracttest"
	"roagent/fieldmap"
)

// threeOrders fills a small DMS, and returns a reader and what it should read.
func threeOrders(t *testing.T, r *rig) (*extract.Reader, []string) {
	t.Helper()
	small(t, r)
	r.insert(t, "dbo.RO", "No, Closed", []any{"A1", "2026-11-11T10:00:00"}, []any{"A2", "2026-11-11T10:00:00"}, []any{"A3", "2026-11-11T10:00:00"})
	r.insert(t, "dbo.Job", "No, Line, Pay", []any{"A1", 1, "C"}, []any{"A2", 1, "C"}, []any{"A2", 2, "C"})
	return r.bind(t, smallMap), []string{`{"id":"A1","job":[{"line":1}]}`, `{"id":"A2","job":[{"line":1},{"line":2}]}`, `{"id":"A3"}`}
}

// Complaint 13: a deadlock, a lock or a broken connection at any statement or row of a page is met by reading the page
// again, and what was read is what would have been read without it.
func TestPageIsReadAgain(t *testing.T) {
	for name, fault := range map[string]error{
		"deadlock":          &extract.DatabaseError{Number: 1205, Reason: "deadlock", Again: true},
		"broken connection": extracttest.Broken(),
	} {
		t.Run(name, func(t *testing.T) {
			eachDialect(t, func(t *testing.T, r *rig) {
				reader, want := threeOrders(t, r)
				begun := len(r.faults.Statements())
				clean := readWeek(t, reader, week(t, "2026-W46"), 2)
				if diff := cmp.Diff(want, clean.Orders); diff != "" {
					t.Fatal(diff)
				}
				statements := len(r.faults.Statements()) - begun
				for at := 1; at <= statements; at++ {
					for _, row := range []int{0, 2} { // before the statement, and before its second row
						left, n := 1, 0
						fail := func() error {
							if left == 0 {
								return nil
							}
							left--
							return fault
						}
						r.faults.Statement = func(int, string) error {
							if n++; n == at && row == 0 {
								return fail()
							}
							return nil
						}
						r.faults.Row = func(i int, _ string) error {
							if n == at && row == i {
								return fail()
							}
							return nil
						}
						got := readWeek(t, reader, week(t, "2026-W46"), 2)
						if diff := cmp.Diff(clean, got); diff != "" {
							t.Fatalf("a fault at statement %d, row %d:\n%s", at, row, diff)
						}
					}
				}
			})
		})
	}
}

// After so many tries the error says what, where, why and what to do.
func TestUnreachable(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.config.Tries = 3
		reader, _ := threeOrders(t, r)
		reading := begin(t, reader)
		tries := 0
		r.faults.Statement = func(_ int, text string) error {
			if strings.Contains(text, "Changed") { // the keys
				tries++
				return &extract.DatabaseError{Reason: "the connection was lost", Again: true}
			}
			return nil
		}
		_, err := reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
		var unreachable *extract.UnreachableError
		if !errors.As(err, &unreachable) {
			t.Fatalf("%v", err)
		}
		if tries != 3 || unreachable.Op != "read the keys of 2026-W46" || unreachable.Place == "" || unreachable.Reason != "the connection was lost" {
			t.Errorf("after %d tries: %+v", tries, unreachable)
		}
		r.faults.Statement = nil
		if _, err := reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{}); err != nil {
			t.Errorf("once the DMS is back: %v", err)
		}
	})
}

// What does not pass is not tried again: an error of the server's own, a blocked field.
func TestFinalErrors(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		reader, _ := threeOrders(t, r)
		reading := begin(t, reader)
		tries := 0
		r.faults.Statement = func(int, string) error {
			tries++
			return &extract.DatabaseError{Number: 245, Reason: "the server cannot convert a value"}
		}
		_, err := reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
		var known *extract.DatabaseError
		if !errors.As(err, &known) || known.Number != 245 || tries != 1 {
			t.Errorf("%d tries: %v", tries, err)
		}
		first := map[string]string{"sqlite": "rows of a week", "sqlserver": "keys of a week, first page"}[r.dialect]
		if !strings.Contains(err.Error(), `the statement "`+first+`"`) {
			t.Errorf("it is not said which statement failed: %v", err)
		}
		r.faults.Statement = nil
		closeNow(t, reading)

		blocked := strings.Replace(smallMap, "{send: type, column: Type, why: test}", "{send: type, column: Type, mask: BLOCK, why: test}", 1)
		r.insert(t, "dbo.RO", "No, Type, Closed", []any{"A4", "C", "2026-11-11T10:00:00"})
		other := begin(t, r.bind(t, blocked))
		keys, err := other.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Orders(t.Context(), week(t, "2026-W46"), keys); !errors.Is(err, fieldmap.ErrBlocked) {
			t.Errorf("%v", err)
		}
	})
}

func TestCancel(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		reader, _ := threeOrders(t, r)
		reading := begin(t, reader)
		ctx, cancel := context.WithCancel(t.Context())
		r.faults.Statement = func(int, string) error {
			cancel()
			return extracttest.Broken()
		}
		_, err := reading.Keys(ctx, week(t, "2026-W46"), nil, 10, time.Time{})
		var unreachable *extract.UnreachableError
		if !errors.Is(err, context.Canceled) || errors.As(err, &unreachable) {
			t.Errorf("%v", err)
		}
	})
}

// The waits between tries grow, vary, and end with the context.
func TestBackoff(t *testing.T) {
	r := sqliteRig(t)
	r.config.Backoff, r.config.Tries = time.Second, 8
	reader, _ := threeOrders(t, r)
	r.faults.Statement = func(int, string) error { return &extract.DatabaseError{Number: 1222, Reason: "locked", Again: true} }
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := reader.Begin(t.Context())
		if _, ok := errors.AsType[*extract.UnreachableError](err); !ok {
			t.Fatal(err)
		}
		waited := time.Since(start) // 1+2+4+8+16+30+30 s, each between half and whole
		if waited < 45*time.Second || waited > 91*time.Second {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start = time.Now()
		if _, err := reader.Begin(ctx); err == nil || time.Since(start) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// Another program's lock on the whole file: reading waits, tries again, and goes on when the lock is gone.
func TestLockedFile(t *testing.T) {
	r := sqliteRig(t)
	r.exec(t, "PRAGMA journal_mode = DELETE")
	r.config.LockTimeout = 10 * time.Millisecond
	reader, want := threeOrders(t, r)
	writer, err := r.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := writer.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	locked := 0
	r.faults.Statement = func(int, string) error {
		if locked++; locked == 3 {
			if _, err := writer.ExecContext(context.Background(), "COMMIT"); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if diff := cmp.Diff(want, readWeek(t, reader, week(t, "2026-W46"), 10).Orders); diff != "" || locked < 3 {
		t.Errorf("after %d statements: %s", locked, diff)
	}
}

// A slow statement ends at its deadline, with a hint, and is not repeated for hours.
func TestSlowStatement(t *testing.T) {
	r := sqliteRig(t)
	r.exec(t, "CREATE TABLE T (id int, wk datetime)",
		"CREATE VIEW V AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 50000000) SELECT t.id, t.wk, (SELECT COUNT(*) FROM c) AS n FROM T AS t")
	r.insert(t, "T", "id, wk", []any{1, "2026-11-10 10:00:00"})
	r.config.StatementTimeout = 50 * time.Millisecond
	reading := begin(t, r.bind(t, head+"  from: V\n  key: id\n  week: wk\n  skip: [{column: n, in: [7], why: test}]\n  fields: [{send: id, column: id, why: test}]\n"))
	_, err := reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
	var unreachable *extract.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(unreachable.Reason, "took too long") || unreachable.Hint == "" {
		t.Errorf("%v", err)
	}
}

// What a server says may quote rows. None of it is in an error.
func TestErrorsQuoteNoRows(t *testing.T) {
	const secret = "SECRET-900-55-1234"
	eachDialect(t, func(t *testing.T, r *rig) {
		reader, _ := threeOrders(t, r)
		reading := begin(t, reader)
		r.faults.Row = func(int, string) error {
			return errors.New("Conversion failed when converting the varchar value '" + secret + "'")
		}
		_, err := reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("%T: %v", e, e)
			}
		}
		if err == nil {
			t.Error("no error")
		}
		r.faults.Row = nil
		if r.dialect != "sqlserver" {
			return
		}
		closeNow(t, reading)
		r.exec(t, "CREATE VIEW dbo.V AS SELECT r.No, r.Closed, CAST(r.No AS int) AS N FROM dbo.RO AS r")
		r.insert(t, "dbo.RO", "No, Closed", []any{"SECRET-900", "2026-11-11T10:00:00"})
		bad := begin(t, r.bind(t, head+"  from: dbo.V\n  key: No\n  week: Closed\n  skip: [{column: N, in: [7], why: test}]\n  fields: [{send: id, column: No, why: test}]\n"))
		_, err = bad.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v", err)
		}
	})
}
