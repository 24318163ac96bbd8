package sampledms

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// writer inserts rows in groups.
type writer struct {
	ctx     context.Context
	tx      *sql.Tx
	dialect string
	tables  map[string]*tableWriter
}

// tableWriter collects rows of one table until a group is full.
type tableWriter struct {
	spec tableSpec
	full *sql.Stmt // inserts a whole group
	args []any
}

// groupArgs bounds the parameters of one INSERT: SQL Server takes 2,100, and 1,000 rows.
const groupArgs = 2000

func (t *tableWriter) rows() int { return groupArgs / len(t.spec.columns) }

func (w *writer) add(table string, values ...any) error {
	t := w.tables[table]
	t.args = append(t.args, values...)
	if len(t.args) < t.rows()*len(t.spec.columns) {
		return nil
	}
	if t.full == nil {
		var err error
		if t.full, err = w.tx.PrepareContext(w.ctx, w.insert(t.spec, t.rows())); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	_, err := t.full.ExecContext(w.ctx, t.args...)
	t.args = t.args[:0]
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// flush inserts the rows that fill no group.
func (w *writer) flush() error {
	for _, spec := range tables() {
		t := w.tables[spec.name]
		if n := len(t.args) / len(spec.columns); n > 0 {
			if _, err := w.tx.ExecContext(w.ctx, w.insert(spec, n), t.args...); err != nil {
				return fmt.Errorf("insert into %s: %w", spec.name, err)
			}
		}
		if t.full != nil {
			if err := t.full.Close(); err != nil {
				return fmt.Errorf("insert into %s: %w", spec.name, err)
			}
		}
	}
	return nil
}

func (w *writer) insert(t tableSpec, rows int) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i], _, _ = strings.Cut(c, " ")
	}
	var b strings.Builder
	prefix := ""
	if w.dialect == "sqlserver" {
		prefix = "dbo."
	}
	fmt.Fprintf(&b, "INSERT INTO %s%s (%s) VALUES ", prefix, t.name, strings.Join(names, ", "))
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j := range names {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(placeholder(w.dialect, i*len(names)+j+1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// placeholder writes the nth parameter. SQLite counts them itself: it looks written numbers up one by one.
func placeholder(dialect string, n int) string {
	if dialect == "sqlserver" {
		return "@p" + strconv.Itoa(n)
	}
	return "?"
}

// clock writes a wall-clock time as the dialect reads it.
func clock(dialect string, t time.Time) string {
	if dialect == "sqlserver" {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}
