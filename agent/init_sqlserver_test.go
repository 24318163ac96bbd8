package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roagent/extract"
	"roagent/fieldmap/draft"
)

// The catalogue of SQL Server says the same of the three schemas as SQLite's: the same tables and columns are taken.
func TestDraftsOfSQLServer(t *testing.T) {
	server := os.Getenv("ROAGENT_TEST_SQLSERVER")
	if server == "" {
		t.Skip("NOT TESTED ON SQL SERVER: set ROAGENT_TEST_SQLSERVER=sqlserver://user:password@host:port?encrypt=…")
	}
	for _, schema := range []string{"flat", "normalised", "pick"} {
		text, err := os.ReadFile(filepath.Join("..", "fieldmap", "draft", "testdata", schema+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal("ROAGENT_TEST_SQLSERVER is no URL")
		}
		name := "roagent_init_" + strings.ToLower(rand.Text()[:10])
		master := openSQLServer(t, *u, "master")
		if _, err := master.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = master.ExecContext(context.Background(), "DROP DATABASE "+name) })
		db := openSQLServer(t, *u, name)
		for statement := range strings.SplitSeq(string(text), ";\n") {
			if !strings.Contains(statement, "CREATE") {
				continue
			}
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		password, _ := u.User.Password()
		config := extract.Config{
			Driver: "sqlserver", Server: u.Host, Database: name, User: u.User.Username(), Password: password, DealerZone: zone(t, "America/Los_Angeles"),
			Certificate: u.Query().Get("certificate"), Encrypt: map[string]string{"disable": "false"}[u.Query().Get("encrypt")],
		}
		names, err := extract.Databases(t.Context(), config)
		if err != nil || !strings.Contains(strings.Join(names, " "), name) {
			t.Errorf("the databases are %q: %v", names, err)
		}
		dms, err := extract.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		s, err := dms.Catalog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, err := draft.Make(s, draft.Options{Recipient: "x", Purpose: "x", Agreement: "x", Unit: "SMI", Currency: "USD"})
		if err != nil {
			t.Fatal(err)
		}
		golden, err := os.ReadFile(filepath.Join("..", "fieldmap", "draft", "testdata", schema+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.Fields {
			_, column, _ := strings.Cut(strings.TrimPrefix(f.Column, "dbo."), ".")
			if f.Off == "" && !strings.Contains(string(golden), column) {
				t.Errorf("%s: %s is proposed on SQL Server only", schema, f.Column)
			}
		}
		for _, g := range d.Tables {
			if !strings.Contains(string(golden), g.Role.Words()+": "+strings.TrimPrefix(g.Table, "dbo.")+", ") || g.Link != "" && schema == "normalised" && !strings.Contains(g.Link, "foreign key") {
				t.Errorf("%s: %s is %s (%s)", schema, g.Role, g.Table, g.Link)
			}
		}
		if got, want := strings.Count(string(d.YAML), "- {send:"), strings.Count(string(golden), "- {send:"); got != want {
			t.Errorf("%s: %d fields, on SQLite %d", schema, got, want)
		}
		if err := dms.Close(); err != nil {
			t.Error(err)
		}
		_ = db.Close()
	}
}

func openSQLServer(t *testing.T, u url.URL, database string) *sql.DB {
	t.Helper()
	query := u.Query()
	query.Set("database", database)
	u.RawQuery = query.Encode()
	db, err := sql.Open("sqlserver", u.String())
	if err != nil {
		t.Fatal("ROAGENT_TEST_SQLSERVER cannot be opened")
	}
	return db
}
