package extract

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
)

// checker holds a plan against a schema and collects what it finds.
type checker struct {
	dms        *DMS
	plan       *fieldmap.Plan
	statements *statements
	tables     map[fieldmap.Table]*table // nil where the DMS has no such table
	schema     *schema
	findings   []Finding
	told       map[strictyaml.Pos]bool // where a failure is told already
}

// read takes what the check needs out of the catalog, on a connection of its own.
func (c *checker) read(ctx context.Context) error {
	c.tables, c.told = map[fieldmap.Table]*table{}, map[strictyaml.Pos]bool{}
	s, err := c.dms.session(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for _, l := range c.plan.Levels {
		if err := c.readTable(ctx, s, l, "", l.From); err != nil {
			return err
		}
		for _, j := range l.Joins {
			if err := c.readTable(ctx, s, l, j.Name, j.From); err != nil {
				return err
			}
		}
	}
	return nil
}

// readTable notes the types of the columns that the plan names of a table, and never looks at another.
func (c *checker) readTable(ctx context.Context, s *session, l *fieldmap.Level, join string, name fieldmap.Table) error {
	t, err := c.dms.dialect.table(ctx, s, name)
	if err != nil {
		return err
	}
	c.tables[name] = t
	if t == nil {
		return nil
	}
	for _, column := range l.Columns() {
		if column.Join != join {
			continue
		}
		found := t.column(column.Name)
		if found == nil {
			continue
		}
		typ := found.typ
		if timed(l, column) {
			typ.layout = layoutIn(l.Fields(), column)
			least, greatest, err := c.form(ctx, s, l, column)
			if err != nil {
				return err
			}
			c.dms.dialect.layout(&typ, least, greatest)
		}
		c.schema.types[columnRef{l.Index, column}] = &typ
	}
	return nil
}

// form reads the values that tell how a column keeps times, where there is a statement for it.
func (c *checker) form(ctx context.Context, s *session, l *fieldmap.Level, column fieldmap.Column) (least, greatest any, err error) {
	for _, statement := range c.statements.forms {
		if statement.level == l && statement.column == column {
			err = s.query(ctx, statement.head, nil, func(r row) error { return r.scan(&least, &greatest) })
		}
	}
	return least, greatest, err
}

// timed reports whether a statement compares the column with a time.
func timed(l *fieldmap.Level, column fieldmap.Column) bool {
	if l.Parent == nil && column == (fieldmap.Column{Name: l.Week}) {
		return true
	}
	for _, r := range conditionRules(l) {
		for _, t := range r.All {
			if t.Column == column && (t.Op == fieldmap.Before || t.Op == fieldmap.After || t.Op == fieldmap.OlderThan) {
				return true
			}
		}
	}
	return false
}

// conditionRules returns all rules of a level: of its rows and of its values.
func conditionRules(l *fieldmap.Level) []fieldmap.Rule {
	rules := slices.Clone(l.Skip)
	for _, s := range l.Select {
		if s.Flag {
			rules = append(rules, s.Withhold...)
		}
	}
	return rules
}

// head returns where the whitelist begins with a level.
func head(plan *fieldmap.Plan, l *fieldmap.Level) strictyaml.Pos {
	o := &plan.Whitelist.Orders
	places := []strictyaml.Pos{o.At}
	var walk func(lists []fieldmap.Lines)
	walk = func(lists []fieldmap.Lines) {
		for _, l := range lists {
			places = append(places, l.At)
			walk(l.Lines)
		}
	}
	walk(o.Lines)
	return places[l.Index]
}

// at returns where the whitelist first names a column: in a field, a rule, a join, or else the level's own head.
func (c *checker) at(l *fieldmap.Level, column fieldmap.Column) strictyaml.Pos {
	for _, f := range l.Fields() {
		if f.Column == column {
			return f.At
		}
	}
	for _, r := range conditionRules(l) {
		for _, t := range r.All {
			if t.Column == column {
				return r.At
			}
		}
	}
	for _, j := range l.Joins {
		for _, pair := range j.On {
			if column == (fieldmap.Column{Name: pair.Left}) || column == (fieldmap.Column{Join: j.Name, Name: pair.Right}) {
				return j.At
			}
		}
	}
	return head(c.plan, l)
}

func (c *checker) fail(l *fieldmap.Level, at strictyaml.Pos, hint, format string, args ...any) {
	c.told[at] = true
	c.findings = append(c.findings, Finding{Level: l.Path, Severity: Failure, Message: fmt.Sprintf(format, args...), Hint: hint, At: at})
}

func (c *checker) warn(l *fieldmap.Level, hint, format string, args ...any) {
	c.findings = append(c.findings, Finding{
		Level: l.Path, Severity: Warning, Message: fmt.Sprintf(format, args...), Hint: hint, At: head(c.plan, l),
	})
}

// warnIndex is warn of an index or a key.
func (c *checker) warnIndex(l *fieldmap.Level, hint, format string, args ...any) {
	c.warn(l, hint, format, args...)
	c.findings[len(c.findings)-1].Index = true
}

// check looks at every level.
func (c *checker) check() {
	for _, l := range c.plan.Levels {
		c.checkExists(l)
		c.checkFields(l)
		c.checkConditions(l)
		if l.Parent == nil {
			c.checkKey(l)
			c.checkWeek(l)
			c.checkChanged(l)
			c.checkJoins(l)
			continue
		}
		c.checkLinks(l)
	}
}

// tableOf returns the table in which a level's column is; nil where the DMS has none.
func (c *checker) tableOf(l *fieldmap.Level, join string) (fieldmap.Table, *table) {
	name := l.From
	for _, j := range l.Joins {
		if j.Name == join {
			name = j.From
		}
	}
	return name, c.tables[name]
}

func (c *checker) checkExists(l *fieldmap.Level) {
	const invisible = "look for a misspelling; or the login may lack the right to see it, which is SELECT on the table"
	if c.tables[l.From] == nil {
		c.fail(l, head(c.plan, l), invisible, "the DMS has no table or view %s", l.From)
	}
	for _, j := range l.Joins {
		if c.tables[j.From] == nil {
			c.fail(l, j.At, invisible, "the DMS has no table or view %s", j.From)
		}
	}
	for _, f := range l.Fields() {
		if c.known(l, f.Column) == nil {
			c.told[f.At] = true // that the column, or its table, is missing
		}
	}
	for _, column := range l.Columns() {
		name, t := c.tableOf(l, column.Join)
		if t == nil || t.column(column.Name) != nil {
			continue
		}
		hint := fmt.Sprintf("%s has the columns the DMS's documentation names; compare the spelling", name)
		if near := strictyaml.Closest(column.Name, t.columnNames()); near != "" {
			hint = "did you mean " + near + "?"
		}
		hint += "; or the login may lack the right to see the column"
		if prefix, _, dotted := strings.Cut(column.Name, "."); dotted && column.Join == "" {
			hint = "there is no join " + prefix + "; add it to join, or write the column's own name"
		}
		c.fail(l, c.at(l, column), hint, "%s has no column %s", name, column.Name)
	}
}

// known returns a column's type, or nil where it is missing, which is told elsewhere.
func (c *checker) known(l *fieldmap.Level, column fieldmap.Column) *columnType {
	return c.schema.types[columnRef{l.Index, column}]
}

func (c *checker) checkFields(l *fieldmap.Level) {
	for _, f := range l.Fields() {
		if t := c.known(l, f.Column); t != nil && t.refuse != "" {
			c.fail(l, f.At, "take the field out", "%s is %s: %s", f.Column, t.Database, t.refuse)
		}
	}
}

func (c *checker) checkConditions(l *fieldmap.Level) {
	for _, r := range conditionRules(l) {
		for _, condition := range r.All {
			t := c.known(l, condition.Column)
			if t == nil || condition.Op == fieldmap.IsNull || condition.Op == fieldmap.NotNull {
				continue
			}
			if t.untestable || t.refuse != "" {
				c.fail(l, r.At, "test it with is_null or not_null, or test another column", "%s is %s, which SQL cannot compare", condition.Column, t.Database)
			}
		}
	}
}

func (c *checker) checkKey(l *fieldmap.Level) {
	for _, name := range l.Key {
		t := c.known(l, fieldmap.Column{Name: name})
		if t == nil {
			continue
		}
		if t.untestable || t.refuse != "" || t.Kind == fieldmap.KindFloat {
			c.fail(l, head(c.plan, l), "name another column as key", "%s is %s, which cannot be a key", name, t.Database)
		}
	}
	t := c.tables[l.From]
	if t == nil || t.uniqueOn(l.Key) {
		return
	}
	if t.view {
		c.warnIndex(l, "make sure that the view has one row for each key; orders with two are parked", "%s is a view: nothing says that %s is unique in it", l.From, strings.Join(l.Key, ", "))
		return
	}
	c.warnIndex(l, "orders with two rows are parked; if it is meant to be unique: "+c.createIndex(l.From, l.Key, true),
		"%s has no unique index on %s", l.From, strings.Join(l.Key, ", "))
}

func (c *checker) checkChanged(l *fieldmap.Level) {
	t := c.known(l, fieldmap.Column{Name: l.Changed})
	if l.Changed != "" && t != nil && (t.untestable || t.refuse != "") && t.base != "rowversion" {
		c.fail(l, c.at(l, fieldmap.Column{Name: l.Changed}), "leave changed out, or name a date and time, a number or a rowversion",
			"%s is %s, which cannot tell a change", l.Changed, t.Database)
	}
}

func (c *checker) checkWeek(l *fieldmap.Level) {
	week := fieldmap.Column{Name: l.Week}
	t, from := c.known(l, week), c.tables[l.From]
	if t == nil || from == nil {
		return
	}
	if !t.timed() {
		c.fail(l, c.at(l, week), "name a date or datetime column as week; for a text, send the column too and give its layout, which must sort by time (YYYY-MM-DD)",
			"%s.%s is %s, which does not say in which week an order falls%s", l.From, l.Week, t.Database, t.untimed)
	}
	if !from.view && !from.led([]string{l.Week}) {
		c.warnIndex(l, "every page reads the whole table; "+c.createIndex(l.From, []string{l.Week}, false), "%s has no index on %s", l.From, l.Week)
	}
}

func (c *checker) checkJoins(l *fieldmap.Level) {
	for _, j := range l.Joins {
		t := c.tables[j.From]
		if t == nil || t.view {
			continue
		}
		var columns []string
		for _, pair := range j.On {
			columns = append(columns, pair.Right)
		}
		for _, pair := range j.On {
			c.checkPair(l, fieldmap.Column{Join: j.Name, Name: pair.Right}, l, fieldmap.Column{Name: pair.Left})
		}
		if !t.uniqueOn(columns) {
			c.warnIndex(l, "orders to which two rows belong are parked; if it is meant to be unique: "+c.createIndex(j.From, columns, true),
				"%s has no unique index on %s, by which %s is joined", j.From, strings.Join(columns, ", "), j.Name)
		}
	}
}

func (c *checker) checkLinks(l *fieldmap.Level) {
	var columns []string
	for _, pair := range l.Link {
		columns = append(columns, pair.Left)
	}
	for _, pair := range l.Link {
		c.checkPair(l, fieldmap.Column{Name: pair.Left}, l.Parent, fieldmap.Column{Name: pair.Right})
	}
	for _, name := range append(slices.Clone(columns), l.Order...) {
		if t := c.known(l, fieldmap.Column{Name: name}); t != nil && (t.untestable || t.refuse != "") {
			c.fail(l, head(c.plan, l), "name another column", "%s.%s is %s, which SQL can neither compare nor sort", l.From, name, t.Database)
		}
	}
	if t := c.tables[l.From]; t != nil && !t.view && !t.led(columns) {
		c.warnIndex(l, "every page reads the whole table; "+c.createIndex(l.From, columns, false), "%s has no index on %s", l.From, strings.Join(columns, ", "))
	}
}

// checkPair warns of two linked columns of kinds that the database must convert to compare.
func (c *checker) checkPair(l *fieldmap.Level, column fieldmap.Column, other *fieldmap.Level, parent fieldmap.Column) {
	a, b := c.known(l, column), c.known(other, parent)
	if a == nil || b == nil || sort(a.Kind) == sort(b.Kind) {
		return
	}
	c.warn(l, "the database may pass indexes by, and orders whose value cannot be converted are parked",
		"%s is %s, and %s, to which it is linked, is %s", column, a.Database, parent, b.Database)
}

// sort tells the kinds apart that do not compare as they are.
func sort(k fieldmap.Kind) string {
	switch k {
	case fieldmap.KindInteger, fieldmap.KindDecimal, fieldmap.KindFloat, fieldmap.KindBoolean:
		return "number"
	case fieldmap.KindDate, fieldmap.KindDateTime, fieldmap.KindInstant:
		return "time"
	}
	return "text"
}

// createIndex writes the statement that a DBA may want to run.
func (c *checker) createIndex(t fieldmap.Table, columns []string, unique bool) string {
	sx := c.dms.dialect.syntax()
	table := sx.table(t)
	if sx.aliases {
		table = sx.name(t.Name) // SQLite takes no schema here
	}
	what := "CREATE INDEX "
	if unique {
		what = "CREATE UNIQUE INDEX "
	}
	return what + sx.name("ix_"+t.Name+"_"+strings.Join(columns, "_")) + " ON " + table + " (" + strings.Join(sx.names(columns), ", ") + ")"
}
