package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roagent/extract"
	"roagent/extract/extracttest"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// serverRig is a rig whose DMS is a database of its own on the SQL Server of ROAGENT_TEST_SQLSERVER.
type serverRig struct {
	*rig
	admin *sql.DB // in the database
	url   *url.URL
	name  string // of the database
	key   string // of the collector's receipts
	to    string // the collector's URL
}

// onServer runs a test on it: SQLite has no logins.
func onServer(t *testing.T, test func(*testing.T, *serverRig)) {
	t.Helper()
	t.Run("sqlserver", func(t *testing.T) {
		server := os.Getenv("ROAGENT_TEST_SQLSERVER")
		if server == "" {
			t.Skip("NOT TESTED ON SQL SERVER: set ROAGENT_TEST_SQLSERVER=sqlserver://user:password@host:port?encrypt=…")
		}
		test(t, newServerRig(t, server))
	})
}

func newServerRig(t *testing.T, server string) *serverRig {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("ROAGENT_TEST_SQLSERVER is no URL")
	}
	r := &serverRig{rig: &rig{dir: t.TempDir(), store: collector.NewMemStore()}, url: u, name: "roagent_test_" + strings.ToLower(rand.Text()[:10])}
	master := r.connect(t, "master")
	mustExec(t, master, "CREATE DATABASE "+r.name)
	t.Cleanup(func() {
		_, _ = master.Exec("ALTER DATABASE " + r.name + " SET SINGLE_USER WITH ROLLBACK IMMEDIATE") // some servers need it, some refuse it
		for _, what := range []string{"DATABASE " + r.name, "LOGIN " + r.login()} {
			drop(t, master, what)
		}
		_ = master.Close()
	})
	r.admin = r.connect(t, r.name)
	t.Cleanup(func() { _ = r.admin.Close() })
	last := Schedule{Zone: zone(t, "America/Los_Angeles"), Settle: 10 * time.Minute}.Ended(time.Now())
	r.weeks = []fieldmap.Week{last}
	if err := sampledms.Create(t.Context(), r.admin, "sqlserver", sampledms.Options{First: last, OrdersPerWeek: 30, Seed: 8}); err != nil {
		t.Fatal(err)
	}
	key, err := collector.OpenKey(t.Context(), r.store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	token, err := collector.AddDealer(t.Context(), r.store, rigDealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	r.verifier, r.key, r.to = key.Verifier, key.Public, serve(t, r.store, nil)
	r.write(t, "fieldmap.yaml", sampledms.Whitelist)
	r.write(t, "collector.token", token)
	r.config = filepath.Join(r.dir, "roagent.yaml")
	r.signIn(t, r.login(), "Str0ng-Pass-1")
	return r
}

// login is the restricted one.
func (r *serverRig) login() string { return r.name + "_ro" }

func (r *serverRig) connect(t *testing.T, database string) *sql.DB {
	t.Helper()
	query := r.url.Query()
	query.Set("database", database)
	u := *r.url
	u.RawQuery = query.Encode()
	db, err := sql.Open("sqlserver", u.String())
	if err != nil {
		t.Fatal("ROAGENT_TEST_SQLSERVER cannot be opened")
	}
	return db
}

// signIn writes the configuration with another login.
func (r *serverRig) signIn(t *testing.T, user, password string) {
	t.Helper()
	encrypt := "true"
	if q := r.url.Query(); q.Get("encrypt") == "disable" || q.Get("trustServerCertificate") == "true" {
		encrypt = "false" // no configuration trusts whatever certificate a server made for itself
	}
	r.write(t, "dms.password", password)
	dms := fmt.Sprintf("{driver: sqlserver, server: %q, database: %s, user: %q, password: %q, encrypt: %q", r.url.Host, r.name, user, "file:dms.password", encrypt)
	if certificate := r.url.Query().Get("certificate"); certificate != "" {
		dms += fmt.Sprintf(", certificate: %q", certificate)
	}
	text := fmt.Sprintf(rigConfig, rigDealer, "dms.db", r.to, r.key, 10)
	r.write(t, "roagent.yaml", strings.Replace(text, `{driver: sqlite, path: "dms.db"`, dms, 1))
}

// grant runs the script that `fieldmap grants` prints, as the DBA.
func (r *serverRig) grant(t *testing.T, flags ...string) {
	t.Helper()
	script := strings.ReplaceAll(r.mustRun(t, append([]string{"fieldmap", "grants"}, flags...)...), "<PASSWORD>", "N'Str0ng-Pass-1'")
	for part := range strings.SplitSeq(script, "\nGO\n") {
		if strings.TrimSpace(part) != "" {
			mustExec(t, r.admin, part)
		}
	}
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// drop drops a thing; a server may take a moment to see that a connection is closed.
func drop(t *testing.T, db *sql.DB, what string) {
	t.Helper()
	var err error
	for range 50 {
		if _, err = db.Exec("DROP " + what); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("drop %s: %v", what, err)
}

func (r *serverRig) entries(t *testing.T, kind upload.EntryKind) []upload.Entry {
	t.Helper()
	q := r.open(t)
	defer q.Close()
	var found []upload.Entry
	for e, err := range q.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == kind {
			found = append(found, e.Entry)
		}
	}
	return found
}

// refused runs a pull that must be refused, and returns what it said.
func (r *serverRig) refused(t *testing.T, wants ...string) {
	t.Helper()
	code, out := r.run(t, "pull")
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if code != exitRefused {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// A login with the printed grants pulls, and each week's pull proves that it cannot read what it must not.
func TestPullWithTheGrantsAlone(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		out := r.mustRun(t, "pull")
		if !strings.Contains(out, "access proof: ") || strings.Count(r.export(t), "\n") < 15 {
			t.Error(out)
		}
		out = r.mustRun(t, "check")
		for _, want := range []string{"the login can read nothing beyond the whitelist", "ok       DMS connection", "is let into the database", "orders to read, counted", "if the others are like these", "DMS snapshot"} {
			if !strings.Contains(out, want) {
				t.Errorf("check lacks %q:\n%s", want, out)
			}
		}
		r.mustRun(t, "pull") // not again in the same week
		proofs := r.entries(t, upload.AccessProofEntry)
		if len(proofs) != 1 || len(proofs[0].Readable) > 0 || proofs[0].Refused != len(proofs[0].Names) {
			t.Fatalf("%+v", proofs)
		}
		for _, column := range []string{"Customer.SSN", "Customer.BankAccount", "RepairOrder.GLAccount", "Part.DealerCost"} {
			if !slices.ContainsFunc(proofs[0].Names, func(name string) bool { return strings.HasSuffix(name, column) }) {
				t.Errorf("%s was not tried: %v", column, proofs[0].Names)
			}
		}
		r.verify(t)
	})
}

// A column that must be refused and is not, though the server did not say so, is told and stops the next pull, until it is
// refused again. A right given that very moment stands for a server that tells less than it lets through.
func TestProofThatFails(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		mustExec(t, r.admin, "CREATE ROLE auditors")
		mustExec(t, r.admin, "GRANT SELECT ON dbo.Customer (SSN) TO auditors")
		grant, revoke := "ALTER ROLE auditors ADD MEMBER ["+r.login()+"]", "ALTER ROLE auditors DROP MEMBER ["+r.login()+"]"
		asked := 0
		pull := func() (code int, out string) {
			var b bytes.Buffer
			faults := &extracttest.Faults{Statement: func(_ int, statement string) error {
				switch {
				case strings.Contains(statement, "INFORMATION_SCHEMA.COLUMNS") && strings.Contains(statement, "HAS_PERMS_BY_NAME"):
					if asked++; asked == 3 {
						mustExec(t, r.admin, revoke)
					}
				case strings.Contains(statement, "HAS_DBACCESS") && asked > 1: // the rights were told: before the proof, or the next pull
					mustExec(t, r.admin, grant)
				}
				return nil
			}}
			p := &program{ctx: t.Context(), stdout: &b, stderr: &b, config: r.config, seams: seams{wrap: faults.Wrap}}
			err := pullCommand{}.Run(p)
			explain(&b, err)
			return exitCode(err), b.String()
		}
		code, out := pull()
		if want := "access proof: NONE: could be read and must not: dbo.Customer.SSN; the next pull is refused"; code != exitDone || !strings.Contains(out, want) {
			t.Errorf("ended with %d:\n%s", code, out)
		}
		proofs := r.entries(t, upload.AccessProofEntry)
		if len(proofs) != 1 || !slices.Equal(proofs[0].Readable, []string{"dbo.Customer.SSN"}) || proofs[0].Tried != len(proofs[0].Names)+1 || slices.Contains(proofs[0].Names, "dbo.Customer.SSN") {
			t.Errorf("%+v", proofs)
		}
		if code, out = pull(); code != exitRefused || !strings.Contains(out, "column dbo.Customer.SSN") {
			t.Errorf("the next pull ended with %d:\n%s", code, out)
		}
		mustExec(t, r.admin, revoke)
		r.mustRun(t, "pull")
	})
}

// What the login may read beyond the whitelist stops the pull until it is revoked, or approved by its name.
func TestPullIsRefusedWhereTheLoginMayReadMore(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		login := "[" + r.login() + "]"
		mustExec(t, r.admin, "GRANT SELECT ON dbo.Customer (SSN, Street) TO "+login)
		r.refused(t, "column dbo.Customer.SSN", "column dbo.Customer.Street", "roagent fieldmap grants", "approve --access")
		if code, out := r.run(t, "check"); code != exitRefused || !strings.Contains(out, "column dbo.Customer.SSN") {
			t.Errorf("check: %d\n%s", code, out)
		}
		if out := r.mustRun(t, "preview", "--limit", "1"); out == "" {
			t.Error("a preview asks for no approval")
		}
		r.mustRun(t, "fieldmap", "approve", "--access", "--by", "Dana Dealer")
		if e := r.entries(t, upload.AccessEntry); len(e) != 1 || e[0].Who != "Dana Dealer" || !slices.Equal(e[0].Names, []string{"column dbo.Customer.SSN", "column dbo.Customer.Street"}) || len(e[0].ID) != 64 {
			t.Errorf("%+v", e)
		}
		r.mustRun(t, "pull")
		mustExec(t, r.admin, "REVOKE SELECT ON dbo.Customer (Street) FROM "+login)
		r.mustRun(t, "pull") // less is fine
		mustExec(t, r.admin, "GRANT SELECT ON dbo.Part (DealerCost) TO "+login)
		r.refused(t, "new since then", "column dbo.Part.DealerCost")
		if code, out := r.run(t, "pull"); code != exitRefused || strings.Contains(out, "SSN") {
			t.Errorf("%d: what was approved is told as new:\n%s", code, out)
		}
	})
}

// An administrator's login is refused, and goes on only where that was approved by name.
func TestPullAsAdministrator(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t) // so that there is a login to drop
		password, _ := r.url.User.Password()
		r.signIn(t, r.url.User.Username(), password)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		r.refused(t, "server role sysadmin")
		if strings.Count(r.export(t), "\n") > 0 {
			t.Error("something was sent")
		}
		r.mustRun(t, "fieldmap", "approve", "--access", "--by", "Dana Dealer")
		r.mustRun(t, "pull")
		mustExec(t, r.admin, "CREATE TABLE dbo.Payroll (Salary int NULL)")
		r.refused(t, "table dbo.Payroll")
	})
}

// The rules move into views after a pull: the next one sends nothing again, though it reads everything; and the login that
// had rights on the tables has none but on the views.
func TestPullGoesOnThroughViews(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		r.mustRun(t, "pull")
		sent := r.export(t)
		r.grant(t, "--views")
		file := filepath.Join(r.dir, "views.yaml")
		r.mustRun(t, "fieldmap", "grants", "--views", "--whitelist", file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r.write(t, "fieldmap.yaml", string(text))
		r.refused(t, "approve")
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		if out := r.mustRun(t, "check"); !strings.Contains(out, "the login can read nothing beyond the whitelist") || !strings.Contains(out, "is a view: nothing says that RONumber is unique in it") {
			t.Error(out)
		}
		batches := len(r.entries(t, upload.BatchEntry))
		if out := r.mustRun(t, "pull"); !strings.Contains(out, "sent 0 batches with 0 lines") {
			t.Error(out)
		}
		if after := len(r.entries(t, upload.BatchEntry)); after != batches || r.export(t) != sent || strings.Count(sent, "\n") < 15 {
			t.Errorf("%d batches, then %d", batches, after)
		}
		mustExec(t, r.admin, "GRANT SELECT ON dbo.Customer (OptOut) TO ["+r.login()+"]")
		r.refused(t, "column dbo.Customer.OptOut")
		r.verify(t)
	})
}

func TestCandidates(t *testing.T) {
	w, err := fieldmap.Parse("fieldmap.yaml", []byte(sampledms.Whitelist))
	if err != nil {
		t.Fatal(err)
	}
	customer := fieldmap.Table{Schema: "dbo", Name: "Customer"}
	found := extract.Access{
		Excess: []extract.Excess{{Kind: extract.SingleColumn, Name: "dbo.Customer.SSN"}, {Kind: extract.WholeTable, Name: "dbo.Part"}},
		Denied: []extract.Unlisted{{Table: customer, Column: "Street"}, {Table: customer, Column: "CreditLimit"}},
	}
	names := columnNames(candidates(w.Compile(), found))
	if names[0] != "dbo.Customer.CreditLimit" || names[1] != "dbo.Customer.Street" {
		t.Errorf("what must not leave does not come first: %v", names[:2])
	}
	for _, name := range names {
		if name == "dbo.Customer.SSN" || strings.HasPrefix(name, "dbo.Part.") || slices.Index(names, name) != slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			t.Errorf("%s is known to be readable, or is there twice", name)
		}
	}
	if !slices.Contains(names, "dbo.Job.GLAccount") {
		t.Error("the usual columns are not tried")
	}
}
