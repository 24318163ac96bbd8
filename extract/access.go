package extract

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// ExcessKind says what lets a login read more than a plan lists.
type ExcessKind string

// The kinds of excess.
const (
	ServerRole    ExcessKind = "server role"
	ServerRight   ExcessKind = "server right"
	DatabaseRole  ExcessKind = "database role"
	DatabaseRight ExcessKind = "database right"
	WholeTable    ExcessKind = "table"  // all its columns, those that are added later too
	SingleColumn  ExcessKind = "column" // schema.table.column
	Routine       ExcessKind = "routine"
	OtherDatabase ExcessKind = "database"
	Unexamined    ExcessKind = "not examined" // more than was asked about
)

// Excess is one thing that a login may read, or by which it may, and that the plan does not list.
type Excess struct {
	Kind ExcessKind `json:"kind"`
	Name string     `json:"name"`
}

// String returns the excess as people approve it by name: column dbo.Customer.SSN.
func (e Excess) String() string { return string(e.Kind) + " " + e.Name }

// Unlisted is a column of the DMS that a plan does not list.
type Unlisted struct {
	Table  fieldmap.Table
	Column string
}

// String returns the column as its owner knows it: dbo.Customer.SSN.
func (u Unlisted) String() string {
	return u.Table.String() + "." + fieldmap.Table{Name: u.Column}.String()
}

// Access is what a login may read beyond a plan.
type Access struct {
	Applies bool       // false: the database has no rights to ask about (SQLite)
	Excess  []Excess   // sorted
	Denied  []Unlisted // columns that the login sees in the catalog and may not read, in the catalog's order
	Lacking []string   // columns that the plan lists, and that the server says the login may not read: schema.table.column
}

// Access asks the DMS what its login may read, and returns what of it the plan does not list.
func (d *DMS) Access(ctx context.Context, plan *fieldmap.Plan) (Access, error) {
	const op = "ask the DMS what its login may read"
	s, err := d.session(ctx)
	if err != nil {
		return Access{}, d.unreachable(ctx, op, err)
	}
	defer s.close()
	a, err := d.dialect.access(ctx, s, listedTables(d.dialect.syntax(), plan))
	if err != nil {
		return Access{}, d.unreachable(ctx, op, err)
	}
	slices.SortFunc(a.Excess, func(a, b Excess) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	a.Excess = slices.Compact(a.Excess)
	return a, nil
}

// Tried says what came of trying to read columns.
type Tried struct {
	Refused  []Unlisted // by the login's lack of a right
	Readable []Unlisted
	Absent   []Unlisted // the DMS has no such column
}

// Try tries to read columns, of one row each, and asks for no value: only whether it is NULL. It stops when enough
// columns were refused.
func (d *DMS) Try(ctx context.Context, columns []Unlisted, enough int) (Tried, error) {
	const op = "try columns that must not be read"
	var t Tried
	s, err := d.session(ctx)
	if err != nil {
		return t, d.unreachable(ctx, op, err)
	}
	defer s.close()
	for _, u := range columns {
		if len(t.Refused) >= enough {
			break
		}
		err := s.query(ctx, tryStatement(d.dialect.syntax(), u), nil, func(row) error { return nil })
		switch number := d.dialect.errorNumber(err); {
		case err == nil:
			t.Readable = append(t.Readable, u)
		case number == 229 || number == 230:
			t.Refused = append(t.Refused, u)
		case number == 207 || number == 208:
			t.Absent = append(t.Absent, u)
		default:
			return t, d.unreachable(ctx, op, err)
		}
	}
	return t, nil
}

func tryStatement(sx *syntax, u Unlisted) string {
	return "SELECT CASE WHEN EXISTS (SELECT 1 FROM (SELECT TOP (1) p." + sx.name(u.Column) + " AS v FROM " + sx.table(u.Table) +
		" AS p) AS q WHERE q.v IS NOT NULL) THEN 1 ELSE 0 END"
}

// AccessStatements returns what a pull asks besides its own statements: what the login may read, and whether it can read
// what it must not. The last one stands for all columns that are tried.
func AccessStatements(driver string) []Statement {
	if driver != "sqlserver" {
		return nil
	}
	sx := sqlServerDialect{}.syntax()
	return []Statement{
		{Name: "rights: roles, and rights on all of the server or the database", SQL: rolesStatement()},
		{Name: "rights: columns", SQL: columnsStatement},
		{Name: "rights: routines", SQL: routinesStatement},
		{Name: "rights: other databases", SQL: databasesStatement},
		{
			Name: "try, once a week, of up to ten columns that are not listed", SQL: tryStatement(sx, Unlisted{fieldmap.Table{Schema: "schema", Name: "table"}, "column"}),
			Params: []string{"[schema].[table] and [column]: one that must be refused; no value is asked for"},
		},
	}
}

// sort sorts a column of the catalog: what the login may read of what is not listed, what it may not, and what it should.
func (a *Access) sort(listed *listedTable, u Unlisted, whole, readable bool) {
	switch {
	case listed != nil && listed.lists(u.Column):
		if !whole && !readable {
			a.Lacking = append(a.Lacking, u.String())
		}
	case whole:
		a.Excess = append(a.Excess, Excess{WholeTable, u.Table.String()})
	case readable:
		a.Excess = append(a.Excess, Excess{SingleColumn, u.String()})
	default:
		a.Denied = append(a.Denied, u)
	}
}

// tableIn returns the table of a name among those of a plan, or nil.
func tableIn(sx *syntax, listed []*listedTable, name fieldmap.Table) *listedTable {
	i := slices.IndexFunc(listed, func(t *listedTable) bool { return strings.EqualFold(sx.table(t.name), sx.table(name)) })
	if i < 0 {
		return nil
	}
	return listed[i]
}
