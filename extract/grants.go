package extract

import (
	"fmt"
	"strings"
	"unicode"

	"roagent/fieldmap"
)

// GrantOptions say to whom rights are given.
type GrantOptions struct {
	Database string
	Login    string // name of the login, and of its user in the database
	Windows  bool   // the login is a Windows account: DOMAIN\name
}

// Grants returns the T-SQL with which a DBA makes the login that a plan needs: it may read the columns that the plan's
// statements name, and nothing else. Its password is left to be filled in; as it is, the statement cannot run.
func Grants(plan *fieldmap.Plan, o GrantOptions) (string, error) {
	sx := sqlServerDialect{}.syntax()
	tables := listedTables(sx, plan)
	if err := o.verify(tables); err != nil {
		return "", err
	}
	login := sx.name(o.Login)
	var b strings.Builder
	comment(&b, "What roagent needs to read for %s: %s", plan.Whitelist.Recipient, plan.Whitelist.Purpose)
	comment(&b, "These are the columns that the statements of its whitelist name (roagent fieldmap sql), and nothing else.")
	comment(&b, "Whitelist %s, agreement %s.", plan.Digest, plan.Whitelist.Agreement)
	b.WriteByte('\n')
	o.signIn(&b, sx)
	for _, t := range tables {
		comment(&b, "%s: %s", t.name, strings.Join(t.why, "; "))
		batch(&b, "GRANT SELECT ON %s (%s) TO %s", sx.table(t.name), strings.Join(sx.names(t.columns), ", "), login)
	}
	return b.String(), nil
}

// Revocation returns the T-SQL that takes away what [Grants] gives: the rights, the user and the login. Whatever else was
// granted to the user in that database goes with the user.
func Revocation(plan *fieldmap.Plan, o GrantOptions) (string, error) {
	sx := sqlServerDialect{}.syntax()
	tables := listedTables(sx, plan)
	if err := o.verify(tables); err != nil {
		return "", err
	}
	login := sx.name(o.Login)
	var b strings.Builder
	comment(&b, "Takes away what roagent was given to read for %s.", plan.Whitelist.Recipient)
	comment(&b, "Whitelist %s, agreement %s.", plan.Digest, plan.Whitelist.Agreement)
	b.WriteByte('\n')
	batch(&b, "USE %s", sx.name(o.Database))
	for _, t := range tables {
		batch(&b, "REVOKE SELECT ON %s (%s) FROM %s", sx.table(t.name), strings.Join(sx.names(t.columns), ", "), login)
	}
	batch(&b, "DROP USER %s", login)
	comment(&b, "Leave this out where the login serves anything else. It fails while somebody is signed in with it.")
	batch(&b, "DROP LOGIN %s", login)
	return b.String(), nil
}

// signIn makes the login, and its user in the database, where there are none yet.
func (o GrantOptions) signIn(b *strings.Builder, sx *syntax) {
	login := sx.name(o.Login)
	if o.Windows {
		comment(b, "The Windows account of the service.")
		batch(b, "IF SUSER_ID(%s) IS NULL\n    CREATE LOGIN %s FROM WINDOWS", sx.unicode(o.Login), login)
	} else {
		comment(b, "Replace <PASSWORD> by a password of your own, in quotes: N'…'. Where there is such a login, leave the statement out: as it is it cannot run.")
		batch(b, "IF SUSER_ID(%s) IS NULL\n    CREATE LOGIN %s WITH PASSWORD = <PASSWORD>", sx.unicode(o.Login), login)
	}
	batch(b, "USE %s", sx.name(o.Database))
	batch(b, "IF DATABASE_PRINCIPAL_ID(%s) IS NULL\n    CREATE USER %s FOR LOGIN %s", sx.unicode(o.Login), login, login)
}

// unsafe reports whether a script cannot hold a text: the tools that run T-SQL end a batch at a line that says GO, and one of
// them puts a variable where it finds $(NAME), both also within a name or a text in quotes.
func unsafe(text string) bool {
	return strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "$(")
}

// verify refuses names that no script can hold safely.
func (o GrantOptions) verify(tables []*listedTable) error {
	names := []string{o.Database, o.Login}
	for _, t := range tables {
		names = append(append(names, t.name.Schema, t.name.Name), t.columns...)
	}
	for _, name := range names {
		if unsafe(name) {
			return fmt.Errorf("write the grants: the name %q has a control character or $(, which no script can hold safely; ask the DBA to grant it by hand", name)
		}
	}
	return nil
}

func comment(b *strings.Builder, format string, args ...any) {
	b.WriteString("-- " + strings.ReplaceAll(oneLine(fmt.Sprintf(format, args...)), "$(", "$ (") + "\n")
}

// breaksLine reports whether a character may end a comment.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

func batch(b *strings.Builder, format string, args ...any) {
	fmt.Fprintf(b, format+";\nGO\n\n", args...)
}

// listedTable is a table of a plan with the columns that its statements name.
type listedTable struct {
	name    fieldmap.Table
	columns []string
	why     []string // what it is read for
}

// listedTables returns the tables of a plan, each once, whatever levels read it.
func listedTables(sx *syntax, plan *fieldmap.Plan) []*listedTable {
	var tables []*listedTable
	byName := map[string]*listedTable{}
	add := func(name fieldmap.Table, why string) *listedTable {
		key := strings.ToLower(sx.table(name))
		if byName[key] == nil {
			byName[key] = &listedTable{name: name}
			tables = append(tables, byName[key])
		}
		byName[key].why = append(byName[key].why, why)
		return byName[key]
	}
	for _, l := range plan.Levels {
		what := "the repair orders"
		if l.Path != "" {
			what = "their lines " + l.Path
		}
		of := map[string]*listedTable{"": add(l.From, what)}
		for _, j := range l.Joins {
			of[j.Name] = add(j.From, "what belongs to an order as "+j.Name)
		}
		for _, c := range l.Columns() {
			of[c.Join].list(c.Name)
		}
	}
	return tables
}

func (t *listedTable) list(column string) {
	if !t.lists(column) {
		t.columns = append(t.columns, column)
	}
}

func (t *listedTable) lists(column string) bool { return within([]string{column}, t.columns) }
