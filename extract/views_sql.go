package extract

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// ViewScript moves a whitelist's rules into the database.
type ViewScript struct {
	SQL       string // T-SQL for the DBA: the login, the views, and rights on them alone
	Whitelist []byte // a fieldmap.yaml that reads the views, and makes the same Records
}

// Views returns the T-SQL with which a DBA makes views that show a plan's tables without what its rules leave out, and a
// login that may read them and nothing else; and the whitelist that reads them. Both are the same for the same plan and
// options. Of a whitelist that reads such views already the error is [ErrReadsViews].
func Views(plan *fieldmap.Plan, o GrantOptions) (*ViewScript, error) {
	sx := sqlServerDialect{}.syntax()
	tables := listedTables(sx, plan)
	for _, t := range tables {
		if strings.EqualFold(t.name.Schema, ViewSchema) {
			return nil, fmt.Errorf("write the views: %w: %s", ErrReadsViews, t.name)
		}
	}
	if err := o.verify(tables); err != nil {
		return nil, err
	}
	m := &viewMaker{syntax: sx, plan: plan, table: func(name string) fieldmap.Table { return fieldmap.Table{Schema: ViewSchema, Name: name} }}
	whitelist := m.whitelist()
	file, err := m.file(whitelist)
	if err != nil {
		return nil, err
	}
	return &ViewScript{SQL: m.script(o, whitelist.Digest(), tables), Whitelist: file}, nil
}

// file writes the whitelist that reads the views, and reads it back: no other may be approved in its place.
func (m *viewMaker) file(w *fieldmap.Whitelist) ([]byte, error) {
	var b strings.Builder
	say := func(format string, args ...any) { b.WriteString("# " + oneLine(fmt.Sprintf(format, args...)) + "\n") }
	say("Written by `roagent fieldmap grants --views` for the whitelist %s.", m.plan.Digest)
	say("It reads the views of the schema %s and sends what that whitelist does, to the same names. The rules that the views carry", ViewSchema)
	say("are no longer here: the login cannot read what they leave out, nor most of what they test. It takes an approval of its own")
	say("(roagent fieldmap diff, then approve), and the views must be there before it can be pulled under.")
	for _, v := range m.views {
		for _, line := range v.carried() {
			say("%s: %s", v.name, line)
		}
	}
	for _, stays := range m.stays {
		say("Still here: no %s where %s.", strings.Join(stays.of, ", "), stays.rule)
	}
	b.WriteByte('\n')
	b.Write(w.YAML())
	read, err := fieldmap.Parse("the whitelist of the views", []byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("write the whitelist that reads the views: %w", err)
	}
	if read.Digest() != w.Digest() {
		return nil, fmt.Errorf("write the whitelist that reads the views: it reads back as another")
	}
	return []byte(b.String()), nil
}

// carried says in words what a view leaves out.
func (v *view) carried() []string {
	var lines []string
	for _, r := range v.skip {
		lines = append(lines, fmt.Sprintf("no row where %s (%s)", r, r.Why))
	}
	var rules []string
	columns := map[string][]string{}
	for _, c := range v.columns {
		for _, r := range c.withhold {
			rule := fmt.Sprintf("%s (%s)", r, r.Why)
			if columns[rule] == nil {
				rules = append(rules, rule)
			}
			columns[rule] = append(columns[rule], c.name)
		}
	}
	for _, rule := range rules {
		lines = append(lines, fmt.Sprintf("no %s where %s", strings.Join(columns[rule], ", "), rule))
	}
	return lines
}

// script writes all that the DBA runs. It can be run again, and then makes the views anew.
func (m *viewMaker) script(o GrantOptions, digest fieldmap.Digest, tables []*listedTable) string {
	sx, w := m.syntax, m.plan.Whitelist
	login := sx.name(o.Login)
	var b strings.Builder
	comment(&b, "What roagent needs to read for %s: %s", w.Recipient, w.Purpose)
	comment(&b, "These views carry the rules of its whitelist: rows that it skips are not in them, values that it withholds are NULL in them.")
	comment(&b, "The login may read the views and no table. Whitelist %s, agreement %s.", m.plan.Digest, w.Agreement)
	comment(&b, "The whitelist that reads the views is %s (roagent fieldmap grants --views --whitelist FILE); it takes an approval of its own.", digest)
	comment(&b, "The script can be run again. A view of an earlier whitelist that this one does not need stays until you drop it: roagent check names it.")
	b.WriteByte('\n')
	o.signIn(&b, sx)
	comment(&b, "Whoever may read a view reads the tables below it only where all have one owner. If the owner of the tables is not dbo, name it here;")
	comment(&b, "where the two differ the login is refused, and can read no more than it should.")
	batch(&b, "IF SCHEMA_ID(%s) IS NULL\n    EXEC (N'CREATE SCHEMA %s AUTHORIZATION [dbo]')", sx.unicode(ViewSchema), sx.name(ViewSchema))
	comment(&b, "The views keep these settings. Without them a NULL would decide.")
	batch(&b, "SET ANSI_NULLS ON;\nSET QUOTED_IDENTIFIER ON")
	for _, v := range slices.Backward(m.views) {
		name := sx.table(v.name)
		batch(&b, "IF OBJECT_ID(%s, N'V') IS NOT NULL\n    DROP VIEW %s", sx.unicode(name), name)
	}
	for _, v := range m.views {
		m.describe(&b, v)
		batch(&b, "%s", m.create(v))
		batch(&b, "GRANT SELECT ON %s TO %s", sx.table(v.name), login)
	}
	for _, stays := range m.stays {
		comment(&b, "Stays in the whitelist, and what it tests stays readable: no %s where %s.", strings.Join(stays.of, ", "), stays.rule)
	}
	comment(&b, "What the login was granted on the tables themselves, by roagent fieldmap grants; roagent check names whatever else it may read.")
	for _, t := range tables {
		batch(&b, "REVOKE SELECT ON %s (%s) FROM %s", sx.table(t.name), strings.Join(sx.names(t.columns), ", "), login)
		batch(&b, "REVOKE SELECT ON %s FROM %s", sx.table(t.name), login)
	}
	return b.String()
}

// describe says above a view what it is.
func (m *viewMaker) describe(b *strings.Builder, v *view) {
	what := "the repair orders"
	switch {
	case v.join != "":
		what = "what belongs to an order as " + v.join
	case v.level.Path != "":
		what = "the lines " + v.level.Path
	}
	comment(b, "%s: %s, of %s", v.name, what, v.of)
	for _, line := range v.carried() {
		comment(b, "  %s", line)
	}
	if v.above == nil {
		return
	}
	var theirs []string
	for _, pair := range v.links {
		theirs = append(theirs, pair.Right)
	}
	comment(b, "  no row that belongs to none of %s; %s should have an index on %s", v.above.name, v.above.of, strings.Join(theirs, ", "))
}

// create writes the statement that makes a view.
func (m *viewMaker) create(v *view) string {
	c := &compiler{syntax: m.syntax, plan: m.plan, joined: "j", inline: true}
	var a applies
	shown := make([]string, len(v.columns))
	for i, column := range v.columns {
		of := fieldmap.Column{Join: v.join, Name: column.of}
		shown[i] = c.column(v.level, of)
		if len(column.withhold) > 0 {
			shown[i] = c.withheld(&a, v.level, of, column.withhold)
		}
		if len(column.withhold) > 0 || column.name != column.of {
			shown[i] += " AS " + m.syntax.name(column.name)
		}
	}
	text := "CREATE VIEW " + m.syntax.table(v.name) + " AS\nSELECT " + strings.Join(shown, ",\n       ") +
		"\nFROM " + m.syntax.table(v.of) + " AS " + c.alias(v.level, v.join) + a.String()
	where := c.noneOf(v.level, v.skip)
	if v.above != nil {
		where = append(where, m.belongs(c, v))
	}
	if len(where) == 0 {
		return text
	}
	return text + whereAll(where)
}

// belongs writes that a row belongs to one that the view above shows.
func (m *viewMaker) belongs(c *compiler, v *view) string {
	above := c.alias(v.above.level, v.above.join)
	links := make([]string, len(v.links))
	for i, pair := range v.links {
		links[i] = above + "." + m.syntax.name(pair.Right) + " = " + c.column(v.level, fieldmap.Column{Join: v.join, Name: pair.Left})
	}
	return "EXISTS (SELECT 1 FROM " + m.syntax.table(v.above.name) + " AS " + above + " WHERE " + strings.Join(links, " AND ") + ")"
}
