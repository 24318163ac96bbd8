package extract

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// alias is what a statement calls a level's table: o the orders, l1 the first list of a chain, l2 the one below it.
// A table joined to the orders is j1, j2 … in the whitelist's order; where a skip rule looks at its rows, s1, s2 ….
func (c *compiler) alias(l *fieldmap.Level, join string) string {
	if join != "" {
		return fmt.Sprintf("%s%d", c.joined, 1+slices.IndexFunc(l.Joins, func(j fieldmap.Join) bool { return j.Name == join }))
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

// selected writes a level's values, and what is to follow its tables. A withheld value does not leave the database.
func (c *compiler) selected(l *fieldmap.Level) (values, applied string) {
	var a applies
	list := make([]string, len(l.Select))
	for i, s := range l.Select {
		switch {
		case s.Flag:
			list[i] = "CASE WHEN " + c.rules(l, s.Withhold) + " THEN 1 ELSE 0 END"
		case len(s.Withhold) > 0:
			list[i] = c.withheld(&a, l, s.Column, s.Withhold)
		default:
			list[i] = c.syntax.raw + c.column(l, s.Column)
		}
	}
	return strings.Join(list, ",\n       "), a.String()
}

// withheld writes a value that is NULL where any of the rules matches.
func (c *compiler) withheld(a *applies, l *fieldmap.Level, column fieldmap.Column, rules []fieldmap.Rule) string {
	if c.syntax.apply {
		return a.add(c.rules(l, rules), c.column(l, column))
	}
	return "CASE WHEN " + c.rules(l, rules) + " THEN NULL ELSE " + c.column(l, column) + " END"
}

// applies withhold values by rows that are not there: so a value keeps the type of its column, as it would not in a CASE
// on every server.
type applies []apply

// apply is the columns that the same rules withhold.
type apply struct {
	rules   string
	columns []string
}

// add returns the name of a column where rules withhold it.
func (a *applies) add(rules, column string) string {
	at := slices.IndexFunc(*a, func(have apply) bool { return have.rules == rules })
	if at < 0 {
		at = len(*a)
		*a = append(*a, apply{rules: rules})
	}
	(*a)[at].columns = append((*a)[at].columns, column)
	return fmt.Sprintf("w%d.v%d", at+1, len((*a)[at].columns))
}

func (a applies) String() string {
	var b strings.Builder
	for i, w := range a {
		b.WriteString("\nOUTER APPLY (SELECT ")
		for j, column := range w.columns {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s AS v%d", column, j+1)
		}
		fmt.Fprintf(&b, " WHERE CASE WHEN %s THEN 1 ELSE 0 END = 0) AS w%d", w.rules, i+1)
	}
	return b.String()
}

// from writes the orders' table with some of the tables joined to it. The join is an outer one: an order without a
// customer is an order all the same.
func (c *compiler) from(joins []fieldmap.Join) string {
	return "\nFROM " + c.as(c.plan.Orders) + c.outer(joins)
}

func (c *compiler) outer(joins []fieldmap.Join) string {
	o := c.plan.Orders
	var b strings.Builder
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
		c.walk + c.column(o, week) + " >= " + c.param(param{use: useWeekStart, level: o, column: week}),
		c.walk + c.column(o, week) + " < " + c.param(param{use: useWeekEnd, level: o, column: week}),
	}
}

// notSkipped writes that none of a level's skip rules matches.
func (c *compiler) notSkipped(l *fieldmap.Level) []string { return c.noneOf(l, l.Skip) }

// noneOf writes that none of some rules on rows matches. A rule that NULL leaves undecided does not match.
func (c *compiler) noneOf(l *fieldmap.Level, rules []fieldmap.Rule) []string {
	var own []fieldmap.Rule
	var conditions []string
	for _, r := range rules {
		if joins := c.joins([]fieldmap.Rule{r}); len(joins) > 0 {
			conditions = append(conditions, "NOT "+c.anyJoined(l, r, joins))
			continue
		}
		own = append(own, r)
	}
	if len(own) > 0 {
		conditions = slices.Insert(conditions, 0, "CASE WHEN "+c.rules(l, own)+" THEN 1 ELSE 0 END = 0")
	}
	return conditions
}

// skips writes that a skip rule matches.
func (c *compiler) skips(l *fieldmap.Level, r fieldmap.Rule) string {
	if joins := c.joins([]fieldmap.Rule{r}); len(joins) > 0 {
		return c.anyJoined(l, r, joins)
	}
	return c.rule(l, r)
}

// anyJoined writes that a rule matches an order with any of the rows joined to it, or with none where none is joined. A
// rule tried on each joined row by itself would leave an order with two customers to the one whom it does not match.
func (c *compiler) anyJoined(l *fieldmap.Level, r fieldmap.Rule, joins []fieldmap.Join) string {
	inner := *c
	inner.joined = "s"
	text := "EXISTS (SELECT 1 FROM (SELECT 1 AS n) AS s" + inner.outer(joins) + "\n    WHERE " + inner.rule(l, r) + ")"
	c.params = inner.params
	return text
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
		return c.in(column, t.Op == fieldmap.NotIn, "("+strings.Join(values, ", ")+")")
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

// in writes that a column is, or is not, one of a list of values. Blanks at a text's end never count, which some
// databases must be told: CHAR columns are full of them.
func (c *compiler) in(column string, not bool, list string) string {
	in, and := " IN ", " OR "
	if not {
		in, and = " NOT IN ", " AND "
	}
	if !c.syntax.blanksCount {
		return column + in + list
	}
	return "(" + column + in + list + and + column + " COLLATE RTRIM" + in + list + ")"
}
