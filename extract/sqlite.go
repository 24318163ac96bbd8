package extract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"roagent/fieldmap"
)

// sqliteDialect reads SQLite databases. The schemas dbo and main are the database itself, so that one whitelist fits
// a DMS and a copy of it.
type sqliteDialect struct{}

func (sqliteDialect) syntax() *syntax {
	return &syntax{
		openQuote: `"`, closeQuote: `"`, param: "?", listParam: "?", maxParams: 32766, schema: "main", aliases: true,
		raw:       "+", // the value as it is stored: the driver turns texts of date columns into UTC times
		unindexed: "+", // likewise
		textTimes: true,
		rowValues: true,

		blanksCount: true,
	}
}

func (sqliteDialect) connector(c *Config) (driver.Connector, error) {
	if _, err := os.Stat(c.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, &UnreachableError{Op: "open the DMS", Place: c.Path, Reason: "there is no such file", Hint: "correct dms.path in roagent.yaml", Err: err}
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("dms.path: %w", err)
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // file:///C:/…
	}
	query := url.Values{
		"mode":          {"ro"},
		"_query_only":   {"true"},
		"_dqs":          {"false"}, // a "name" that is no column is an error, not a text
		"_busy_timeout": {strconv.FormatInt(c.LockTimeout.Milliseconds(), 10)},
	}
	for name, value := range c.Params {
		if _, ours := query[name]; ours {
			return nil, fmt.Errorf("dms.params: %s is set by roagent; take it out", name)
		}
		query.Set(name, value)
	}
	connector, err := sqlite.NewConnector("file://" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the DMS %s: %w", c.Path, err)
	}
	return connector, nil
}

// prepare makes sure that the file is a database. The transaction is a snapshot from its first statement on.
func (sqliteDialect) prepare(ctx context.Context, s *session) (*sql.TxOptions, error) {
	err := s.query(ctx, `SELECT 1 FROM "main"."sqlite_schema" LIMIT 1`, nil, func(row) error { return nil })
	return &sql.TxOptions{ReadOnly: true}, err
}

// argument leaves values as they are: SQLite gives them the column's affinity. Only words for booleans are numbers.
func (sqliteDialect) argument(t *columnType, value any) (any, error) {
	if text, ok := value.(string); ok && t.Kind == fieldmap.KindBoolean {
		switch strings.ToLower(text) {
		case "true":
			return int64(1), nil
		case "false":
			return int64(0), nil
		}
	}
	return value, nil
}

const (
	isoSpace = "2006-01-02 15:04:05"
	isoT     = "2006-01-02T15:04:05"
	utcOnly  = "Z" // at the end of a layout of texts that are instants
)

// layout looks how a column keeps its times, unless the whitelist says so: its least and greatest value show it.
func (sqliteDialect) layout(t *columnType, least, greatest any) {
	if t.layout != "" {
		t.checkLayout()
		return
	}
	switch t.Kind {
	case fieldmap.KindText, fieldmap.KindDate, fieldmap.KindDateTime, fieldmap.KindInstant:
		t.layout, t.untimed = isoLayout(least, greatest, t.Kind == fieldmap.KindText)
	}
}

// isoLayout tells the layout of two values of a column. It is "" where they are no ISO 8601 and need not be.
func isoLayout(least, greatest any, free bool) (layout, untimed string) {
	if least == nil {
		return isoSpace, ""
	}
	low, lowText := least.(string)
	high, highText := greatest.(string)
	if !lowText || !highText {
		return "", ", and it holds values that are no text"
	}
	a, b := isoLayoutOf(low), isoLayoutOf(high)
	switch {
	case (a == "" || b == "") && free:
		return "", ""
	case a == "" || b == "":
		return "", ", and it holds texts that are no date and time in ISO 8601, or have an offset other than UTC's, which does not sort by time"
	case strings.HasSuffix(a, utcOnly) != strings.HasSuffix(b, utcOnly):
		return "", ", and it mixes times with and without a zone"
	case a == time.DateOnly:
		return b, ""
	}
	return a, ""
}

func isoLayoutOf(text string) string {
	bare, zoned := text, ""
	for _, suffix := range []string{"Z", "+00:00", " +0000 UTC"} {
		if cut, found := strings.CutSuffix(text, suffix); found {
			bare, zoned = cut, utcOnly
			break
		}
	}
	for _, layout := range []string{isoSpace, isoT} {
		for _, short := range []string{layout, strings.TrimSuffix(layout, ":05")} {
			if _, err := time.Parse(short, bare); err == nil {
				return layout + zoned
			}
		}
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return time.DateOnly
	}
	return ""
}

// moment writes a text that compares with the column's texts as the times do: as short as may be, so that it is no
// greater than any text of the same time; and longer than any of them where values are to be after it.
func (sqliteDialect) moment(t *columnType, m moment) (any, error) {
	switch {
	case t.layout != "" && (t.Kind == fieldmap.KindInteger || t.Kind == fieldmap.KindDecimal):
		return m.number(t.layout)
	case t.Kind == fieldmap.KindDate || t.layout == time.DateOnly:
		if m.after {
			return m.date.Format(time.DateOnly) + "T24", nil
		}
		return m.date.Format(time.DateOnly), nil
	case strings.HasPrefix(t.layout, isoSpace), strings.HasPrefix(t.layout, isoT):
		wall, layout := m.wall, t.layout
		if cut, zoned := strings.CutSuffix(layout, utcOnly); zoned {
			wall, layout = m.instant.UTC(), cut
		}
		if m.after {
			return wall.Format(layout + ".000000000"), nil
		}
		return shortest(wall, layout), nil
	case t.layout != "":
		return m.text(t.layout), nil
	}
	return nil, fmt.Errorf("a %s column cannot be compared with a time", t.Database)
}

// shortest writes a time without the zeros at its end.
func shortest(t time.Time, layout string) string {
	switch {
	case t.Nanosecond() != 0:
		return t.Format(layout + ".999999999")
	case t.Second() != 0:
		return t.Format(layout)
	case t.Hour() != 0 || t.Minute() != 0:
		return t.Format(strings.TrimSuffix(layout, ":05"))
	}
	return t.Format(time.DateOnly)
}

// convert does nothing: the statements select values as they are stored, and a Page reads them.
func (sqliteDialect) convert(*columnType) func(any) any { return nil }

func (sqliteDialect) classify(err error) *DatabaseError {
	var known *DatabaseError
	if errors.As(err, &known) {
		return known
	}
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
			return &DatabaseError{Reason: "the connection was lost", Again: true}
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return &DatabaseError{Reason: "the database did not answer in time", Again: true, Hint: "look for what keeps the disk busy"}
		}
		return &DatabaseError{Reason: "the database driver failed", Hint: "look at the disk and the file"}
	}
	known = &DatabaseError{Number: fault.Code()}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		known.Reason, known.Again = "another program holds the database locked", true
		known.Hint = "wait until it has finished, or put the database into WAL mode"
	case sqlite3.SQLITE_SCHEMA:
		known.Reason, known.Again = "the schema changed meanwhile", true
	case sqlite3.SQLITE_IOERR:
		known.Reason, known.Again = "the file cannot be read", true
		known.Hint = "look at the disk, or at the network if the file is on a share"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		known.Reason, known.Hint = "the file cannot be opened", "let the agent's account read the file, and in WAL mode write to its folder"
	case sqlite3.SQLITE_NOTADB:
		known.Reason, known.Hint = "the file is no SQLite database", "correct dms.path in roagent.yaml"
	case sqlite3.SQLITE_CORRUPT:
		known.Reason, known.Hint = "the database is damaged", "run PRAGMA integrity_check, and restore a backup"
	case sqlite3.SQLITE_READONLY:
		known.Reason, known.Hint = "the database asks to be written before it can be read", "open it once with the program that writes it"
	case sqlite3.SQLITE_ERROR:
		if text := fault.Error(); strings.Contains(text, "integer overflow") || strings.Contains(text, "malformed JSON") {
			known.Reason, known.Hint, known.Row = "SQLite cannot reckon a value", "a view or computed column fails on one of its rows; ask who made it", true
			return known
		}
		known.Reason, known.Hint = "SQLite refused a statement", "run `roagent preview`: the schema may have changed"
	default:
		known.Reason = "SQLite reports a fault"
	}
	return known
}
