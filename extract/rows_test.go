package extract_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A driver may write a row's bytes over those of the row before, as package extracttest does: what is kept is a copy.
func TestBytesOfRowsAreCopied(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		typ := map[string]string{"sqlite": "varchar(9)", "sqlserver": "decimal(9,2)"}[r.dialect] // the driver gives decimals as bytes
		r.exec(t, "CREATE TABLE dbo.T (id "+typ+" NOT NULL PRIMARY KEY, wk datetime NULL)")
		var want []string
		for _, id := range []string{"1.00", "2.00", "3.00"} {
			value := any(id)
			if r.dialect == "sqlite" {
				value = []byte(id)
			}
			r.insert(t, "dbo.T", "id, wk", []any{value, "2026-11-10T00:00:00"})
			want = append(want, `{"id":"`+id+`"}`)
		}
		got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  fields: [{send: id, column: id, as: text, why: test}]\n", week(t, "2026-W46"), 10)
		if diff := cmp.Diff(want, got.Orders); diff != "" {
			t.Error(diff)
		}
	})
}

// Reading ends at the row at which its context does, not with its statement.
func TestCancelBetweenRows(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		reader, _ := threeOrders(t, r)
		reading := begin(t, reader)
		ctx, cancel := context.WithCancel(t.Context())
		rows := 0
		r.faults.Row = func(n int, text string) error {
			if !strings.Contains(text, "ORDER BY") {
				return nil // it counts
			}
			if rows = n; n == 2 {
				cancel()
			}
			return nil
		}
		_, err := reading.Keys(ctx, week(t, "2026-W46"), nil, 10, time.Time{})
		if !errors.Is(err, context.Canceled) || rows != 2 {
			t.Errorf("after row %d: %v", rows, err)
		}
	})
}

// A fault of the program itself ends it: it must not wait for a connection that its own transaction holds.
func TestPanicInRowsIsNoDeadlock(t *testing.T) {
	r := sqliteRig(t)
	reader, _ := threeOrders(t, r)
	reading := begin(t, reader)
	r.faults.Row = func(int, string) error { panic("test") }
	defer func() {
		if got := recover(); got != "test" {
			t.Errorf("recovered %v", got)
		}
	}()
	_, _ = reading.Keys(t.Context(), week(t, "2026-W46"), nil, 10, time.Time{})
	t.Error("no panic")
}
