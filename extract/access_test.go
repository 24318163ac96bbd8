package extract_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

func (r *rig) access(t *testing.T, whitelist string) (excess []string, denied []extract.Unlisted) {
	t.Helper()
	a, err := r.open(t).Access(t.Context(), plan(t, whitelist))
	if err != nil || !a.Applies {
		t.Fatalf("applies %v: %v", a.Applies, err)
	}
	for _, e := range a.Excess {
		excess = append(excess, e.String())
	}
	return excess, a.Denied
}

// A login with the printed grants may read nothing more; whatever it is given beyond is told by its name.
func TestAccess(t *testing.T) {
	serverOnly(t, func(t *testing.T, r *rig) {
		if err := sampledms.Create(t.Context(), r.db, r.dialect, sampledms.Options{First: week(t, "2026-W46"), OrdersPerWeek: 5}); err != nil {
			t.Fatal(err)
		}
		as := r.granted(t, sampledms.Whitelist, "roagent")
		if excess, _ := as.access(t, sampledms.Whitelist); len(excess) > 0 {
			t.Errorf("beyond the grants: %v", excess)
		}
		login := "[" + as.config.User + "]"
		r.exec(t, "CREATE TABLE dbo.Payroll (Employee int NULL, Salary money NULL)", "CREATE TABLE dbo.[odd one] ([a.b] int NULL)",
			"GRANT SELECT ON dbo.Customer (SSN) TO "+login, "GRANT SELECT ON dbo.Payroll TO "+login, "GRANT SELECT ON dbo.[odd one] ([a.b]) TO "+login)
		mustExec(t, r.db, "CREATE PROCEDURE dbo.allcustomers AS SELECT 1")
		mustExec(t, r.db, "GRANT EXECUTE ON dbo.allcustomers TO "+login)
		want := []string{"column dbo.Customer.SSN", "column dbo.odd one.[a.b]", "routine dbo.allcustomers", "table dbo.Payroll"}
		if excess, _ := as.access(t, sampledms.Whitelist); cmp.Diff(want, excess) != "" {
			t.Error(cmp.Diff(want, excess))
		}
		excess, _ := r.access(t, sampledms.Whitelist)
		for _, want := range []string{"server role sysadmin", "table dbo.Customer", "table dbo.Payroll"} {
			if !slices.Contains(excess, want) {
				t.Errorf("an administrator lacks %s: %v", want, excess)
			}
		}
	})
}

// What a login may not read is refused though no value is asked for.
func TestTry(t *testing.T) {
	serverOnly(t, func(t *testing.T, r *rig) {
		if err := sampledms.Create(t.Context(), r.db, r.dialect, sampledms.Options{First: week(t, "2026-W46"), OrdersPerWeek: 5}); err != nil {
			t.Fatal(err)
		}
		customer := fieldmap.Table{Name: "Customer"}
		of := func(columns ...string) (all []extract.Unlisted) {
			for _, c := range columns {
				all = append(all, extract.Unlisted{Table: customer, Column: c})
			}
			return all
		}
		want := extract.Tried{Refused: of("SSN", "BankAccount"), Readable: of("Phone"), Absent: of("No such")}
		as := r.granted(t, sampledms.Whitelist, "roagent")
		got, err := as.open(t).Try(t.Context(), of("No such", "SSN", "Phone", "BankAccount", "CreditLimit"), 2)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestAccessOfSQLite(t *testing.T) {
	r := sqliteRig(t)
	small(t, r)
	a, err := r.open(t).Access(t.Context(), plan(t, smallMap))
	if diff := cmp.Diff(extract.Access{}, a); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if len(extract.AccessStatements("sqlite")) > 0 || len(extract.AccessStatements("sqlserver")) != 5 {
		t.Error("SQLite is asked for rights, or SQL Server is not")
	}
}
