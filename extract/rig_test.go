package extract_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"roagent/extract"
	"roagent/extract/extracttest"
	"roagent/fieldmap"
)

// rig is an empty DMS of one dialect, to be filled by a test.
type rig struct {
	dialect string
	db      *sql.DB // writes, as the DMS's own program does
	config  extract.Config
	faults  *extracttest.Faults
	logins  *[]string // they are dropped after the database, in which they have rights
}

// eachDialect runs a test on SQLite, and on the SQL Server that ROAGENT_TEST_SQLSERVER names.
func eachDialect(t *testing.T, test func(*testing.T, *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteRig(t)) })
	t.Run("sqlite/large weeks", func(t *testing.T) { // of which SQLite reads all that it reads of a week in another way
		r := sqliteRig(t)
		r.config.WithLargeWeeks(1)
		test(t, r)
	})
	t.Run("sqlserver", func(t *testing.T) {
		server := os.Getenv("ROAGENT_TEST_SQLSERVER")
		if server == "" {
			t.Skip("NOT TESTED ON SQL SERVER: set ROAGENT_TEST_SQLSERVER=sqlserver://user:password@host:port?encrypt=…")
		}
		test(t, sqlServerRig(t, server))
	})
}

func newRig(t *testing.T, dialect string, db *sql.DB, config extract.Config) *rig {
	t.Helper()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	r := &rig{dialect: dialect, db: db, config: config, faults: &extracttest.Faults{}}
	r.config.Driver, r.config.DealerZone = dialect, losAngeles(t)
	r.config.Backoff = time.Millisecond
	r.config.Wrap = r.faults.Wrap
	return r
}

func sqliteRig(t *testing.T) *rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dms #1?.db")
	db, err := sql.Open("sqlite", "file://"+(&url.URL{Path: path}).EscapedPath()+"?_journal_mode=WAL&_busy_timeout=2000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 1"); err != nil { // so that there is a file
		t.Fatal(err)
	}
	return newRig(t, "sqlite", db, extract.Config{Path: path})
}

// sqlServerRig makes a database of its own, and drops it.
func sqlServerRig(t *testing.T, server string) *rig {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("ROAGENT_TEST_SQLSERVER is no URL")
	}
	name := "roagent_test_" + strings.ToLower(rand.Text()[:10])
	admin := openURL(t, u, "master")
	mustExec(t, admin, "CREATE DATABASE "+name)
	mustExec(t, admin, "ALTER DATABASE "+name+" SET ALLOW_SNAPSHOT_ISOLATION ON")
	var logins []string
	t.Cleanup(func() {
		_, _ = admin.Exec("ALTER DATABASE " + name + " SET SINGLE_USER WITH ROLLBACK IMMEDIATE") // some servers need it, some refuse it
		drop(t, admin, "DATABASE "+name)
		for _, login := range logins {
			drop(t, admin, "LOGIN ["+strings.ReplaceAll(login, "]", "]]")+"]")
		}
		_ = admin.Close()
	})
	password, _ := u.User.Password()
	config := extract.Config{
		Server: u.Host, Database: name, User: u.User.Username(), Password: password,
		Certificate: u.Query().Get("certificate"), Encrypt: map[string]string{"disable": "false"}[u.Query().Get("encrypt")],
	}
	if u.Query().Get("trustServerCertificate") == "true" {
		config.TrustAnyCertificate()
	}
	r := newRig(t, "sqlserver", openURL(t, u, name), config)
	r.logins = &logins
	return r
}

// drop drops a thing; a server may take a moment to see that a connection is closed.
func drop(t *testing.T, admin *sql.DB, what string) {
	t.Helper()
	var err error
	for range 50 {
		if _, err = admin.Exec("DROP " + what); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("drop %s: %v", what, err)
}

func openURL(t *testing.T, u *url.URL, database string) *sql.DB {
	t.Helper()
	query := u.Query()
	query.Set("database", database)
	copied := *u
	copied.RawQuery = query.Encode()
	db, err := sql.Open("sqlserver", copied.String())
	if err != nil {
		t.Fatal("ROAGENT_TEST_SQLSERVER cannot be opened")
	}
	return db
}

func mustExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func losAngeles(t testing.TB) *time.Location { return zone(t, "America/Los_Angeles") }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// exec runs statements written for SQL Server; SQLite has no dbo.
func (r *rig) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		mustExec(t, r.db, r.translate(s))
	}
}

// instant is a time with an offset, for datetimeoffset columns.
type instant string

func (i instant) in(t *testing.T, dialect string) any {
	t.Helper()
	at, err := time.Parse(time.RFC3339, string(i))
	if err != nil {
		t.Fatal(err)
	}
	if dialect == "sqlserver" {
		return mssql.DateTimeOffset(at)
	}
	return string(i)
}

func (r *rig) translate(s string) string {
	if r.dialect == "sqlite" {
		return strings.NewReplacer("dbo.", "", "[dbo].", "", "(max)", "").Replace(s)
	}
	return s
}

// insert writes rows. The columns are written as in SQL: a, [b c].
func (r *rig) insert(t *testing.T, table, columns string, rows ...[]any) {
	t.Helper()
	for _, row := range rows {
		var places []string
		for i := range row {
			if text, ok := row[i].(instant); ok {
				row[i] = text.in(t, r.dialect)
			}
			places = append(places, map[string]string{"sqlite": "?", "sqlserver": fmt.Sprintf("@p%d", i+1)}[r.dialect])
		}
		mustExec(t, r.db, r.translate("INSERT INTO "+table)+" ("+columns+") VALUES ("+strings.Join(places, ", ")+")", row...)
	}
}

func plan(t testing.TB, whitelist string) *fieldmap.Plan {
	t.Helper()
	w, err := fieldmap.Parse("fieldmap.yaml", []byte(whitelist))
	if err != nil {
		t.Fatal(err)
	}
	return w.Compile()
}

func (r *rig) open(t *testing.T) *extract.DMS {
	t.Helper()
	dms, err := extract.Open(t.Context(), r.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dms.Close(); err != nil {
			t.Error(err)
		}
	})
	return dms
}

func (r *rig) bind(t *testing.T, whitelist string) *extract.Reader {
	t.Helper()
	reader, _, err := r.open(t).Bind(t.Context(), plan(t, whitelist), make([]byte, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func begin(t *testing.T, reader *extract.Reader) *extract.Reading {
	t.Helper()
	reading, err := reader.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reading.Close(); err != nil {
			t.Error(err)
		}
	})
	return reading
}

// closeNow closes a reading before the test ends: a DMS has two connections.
func closeNow(t *testing.T, reading *extract.Reading) {
	t.Helper()
	if err := reading.Close(); err != nil {
		t.Fatal(err)
	}
}

// result is a week as it was read.
type result struct {
	Orders  []string // the records' JSON, in the order in which they were read
	Parked  []string // key: reason
	Counts  fieldmap.Counts
	Skipped []fieldmap.SkipCount
	Keyless int
}

// read reads a week in pages of a size.
func read(t *testing.T, reading *extract.Reading, week fieldmap.Week, size int) result {
	t.Helper()
	var got result
	for after := []byte(nil); ; {
		keys, err := reading.Keys(t.Context(), week, after, size, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		after = keys.Next()
		got.park(keys.Parked())
		for len(keys.Keys()) > 0 {
			page, n, err := reading.Orders(t.Context(), week, keys)
			if err != nil {
				t.Fatal(err)
			}
			for record := range page.Records() {
				got.Orders = append(got.Orders, string(record.JSON()))
			}
			got.park(page.Parked())
			got.Counts.Add(page.Counts())
			keys = keys.Rest(n)
		}
		if after == nil {
			break
		}
	}
	counted, err := reading.Count(t.Context(), week)
	if err != nil || counted < len(got.Orders) {
		t.Errorf("%d orders counted, %d read: %v", counted, len(got.Orders), err)
	}
	if got.Skipped, err = reading.Skipped(t.Context(), week); err != nil {
		t.Fatal(err)
	}
	if got.Keyless, err = reading.Keyless(t.Context(), week); err != nil {
		t.Fatal(err)
	}
	return got
}

// readWeek is read in a reading of its own.
func readWeek(t *testing.T, reader *extract.Reader, week fieldmap.Week, size int) result {
	t.Helper()
	reading := begin(t, reader)
	defer reading.Close()
	return read(t, reading, week, size)
}

func (r *result) park(parked []fieldmap.Parked) {
	for _, p := range parked {
		r.Parked = append(r.Parked, p.Key.Text+": "+p.Reason)
	}
}

func (r *rig) read(t *testing.T, whitelist string, week fieldmap.Week, size int) result {
	t.Helper()
	return readWeek(t, r.bind(t, whitelist), week, size)
}

func week(t testing.TB, name string) fieldmap.Week {
	t.Helper()
	w, err := fieldmap.ParseWeek(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// head is what every whitelist begins with.
const head = `
fieldmap: 1
recipient: Example Motor Sales
purpose: tests
agreement: DMI-2026-017
orders:
`
