package extract

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// alias is what a statement calls a level's table: o the orders, l1 the first list of a chain, l2 the one below it.
// A table joined to the orders is j1, j2 … in the whitelist's order.
func (c *compiler) alias(l *fieldmap.Level, join string) string {
	if join != "" {
		return fmt.Sprintf("j%d", 1+slices.IndexFunc(l.Joins, func(j fieldmap.Join) bool { return j.Name == join }))
	}
	if l.Parent == nil {
		return "o"
	}
	return fmt.Sprintf("l%d", len(l.Chain()))
}

// column names a column with its table's alias, always: SQLite takes a bare "name" that it does not know for a text.
func (c *compiler) column(l *fieldmap.Level, column fieldmap.Column) string {
	return c.alias(l, column.Join) + "." + c.syntax.name(column.Name)
}

func (c *compiler) own(l *fieldmap.Level, names []string) []string {
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = c.column(l, fieldmap.Column{Name: name})
	}
	return columns
}

func (c *compiler) as(l *fieldmap.Level) string {
	return c.syntax.table(l.From) + " AS " + c.alias(l, "")
}

// selected writes a level's values. A withheld value does not leave the database.
func (c *compiler) selected(l *fieldmap.Level) string {
	values := make([]string, len(l.Select))
	for i, s := range l.Select {
		switch {
		case s.Flag:
			values[i] = "CASE WHEN " + c.rules(l, s.Withhold) + " THEN 1 ELSE 0 END"
		case len(s.Withhold) > 0:
			values[i] = "CASE WHEN " + c.rules(l, s.Withhold) + " THEN NULL ELSE " + c.column(l, s.Column) + " END"
		default:
			values[i] = c.syntax.raw + c.column(l, s.Column)
		}
	}
	return strings.Join(values, ",\n       ")
}

// from writes the orders' table with some of the tables joined to it. The join is an outer one: an order without a
// customer is an order all the same.
func (c *compiler) from(joins []fieldmap.Join) string {
	o := c.plan.Orders
	var b strings.Builder
	b.WriteString("\nFROM " + c.as(o))
	for _, j := range joins {
		b.WriteString("\nLEFT JOIN " + c.syntax.table(j.From) + " AS " + c.alias(o, j.Name) + " ON ")
		for i, pair := range j.On {
			if i > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(c.column(o, fieldmap.Column{Join: j.Name, Name: pair.Right}) + " = " + c.column(o, fieldmap.Column{Name: pair.Left}))
		}
	}
	return b.String()
}

// chain joins levels to the one above the first of them.
func (c *compiler) chain(levels []*fieldmap.Level) string {
	var b strings.Builder
	for _, l := range levels {
		b.WriteString("\nJOIN " + c.as(l) + " ON ")
		for i, pair := range l.Link {
			if i > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(c.column(l, fieldmap.Column{Name: pair.Left}) + " = " + c.column(l.Parent, fieldmap.Column{Name: pair.Right}))
		}
	}
	return b.String()
}

// joins returns the joined tables of the orders that rules name.
func (c *compiler) joins(rules []fieldmap.Rule) []fieldmap.Join {
	var joins []fieldmap.Join
	for _, j := range c.plan.Orders.Joins {
		if slices.ContainsFunc(rules, func(r fieldmap.Rule) bool {
			return slices.ContainsFunc(r.All, func(c fieldmap.Condition) bool { return c.Column.Join == j.Name })
		}) {
			joins = append(joins, j)
		}
	}
	return joins
}

func (c *compiler) week() []string {
	o := c.plan.Orders
	week := fieldmap.Column{Name: o.Week}
	return []string{
		c.column(o, week) + " >= " + c.param(param{use: useWeekStart, level: o, column: week}),
		c.column(o, week) + " < " + c.param(param{use: useWeekEnd, level: o, column: week}),
	}
}

// notSkipped writes that none of a level's skip rules matches. A rule that NULL leaves undecided does not match.
func (c *compiler) notSkipped(l *fieldmap.Level) []string {
	if len(l.Skip) == 0 {
		return nil
	}
	return []string{"CASE WHEN " + c.rules(l, l.Skip) + " THEN 1 ELSE 0 END = 0"}
}

func (c *compiler) rules(l *fieldmap.Level, rules []fieldmap.Rule) string {
	any := make([]string, len(rules))
	for i, r := range rules {
		any[i] = c.rule(l, r)
	}
	return strings.Join(any, " OR ")
}

func (c *compiler) rule(l *fieldmap.Level, r fieldmap.Rule) string {
	all := make([]string, len(r.All))
	for i, condition := range r.All {
		all[i] = c.condition(l, condition)
	}
	return "(" + strings.Join(all, " AND ") + ")"
}

func (c *compiler) condition(l *fieldmap.Level, t fieldmap.Condition) string {
	column := c.column(l, t.Column)
	switch t.Op {
	case fieldmap.In, fieldmap.NotIn:
		values := make([]string, len(t.Values))
		for i, v := range t.Values {
			values[i] = c.param(param{use: useLiteral, level: l, column: t.Column, text: v})
		}
		list := " IN ("
		if t.Op == fieldmap.NotIn {
			list = " NOT IN ("
		}
		return column + list + strings.Join(values, ", ") + ")"
	case fieldmap.IsNull:
		return column + " IS NULL"
	case fieldmap.NotNull:
		return column + " IS NOT NULL"
	case fieldmap.Before:
		return column + " < " + c.param(param{use: useBefore, level: l, column: t.Column, time: t.Time})
	case fieldmap.After:
		return column + " > " + c.param(param{use: useAfterTime, level: l, column: t.Column, time: t.Time})
	default: // OlderThan
		return column + " < " + c.param(param{use: useAge, level: l, column: t.Column, age: t.Age})
	}
}
