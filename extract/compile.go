package extract

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// Statement is one of the SELECTs that a pull runs.
type Statement struct {
	Name   string   // what it reads: keys, orders, job, job.service_parts, skipped orders …
	SQL    string   // the very text; where it ends in a list of keys, with a list of one of the lengths used
	Params []string // what each parameter is, in words
}

// statement is a compiled SELECT. Its text is head + a list of keys + tail where it has a list, else head alone.
type statement struct {
	name       string
	level      *fieldmap.Level
	head, tail string
	params     []param         // those of head and tail, numbered from 1
	column     fieldmap.Column // of level; forms only
	list       []listed        // what the rows of the list are, in their order; they are numbered after params
	columns    []string        // the list's columns, as they are spelt
	syntax     *syntax
}

// listed is one column of a list of keys.
type listed struct {
	level  *fieldmap.Level
	column fieldmap.Column
}

// statements are all that a pull runs.
type statements struct {
	size     *statement // how many rows a week has; nil: all weeks are read in one way
	weekly   weekly     // of a week
	large    weekly     // of a week that is large; nothing where size is nil
	nextKeys *statement
	orders   *statement
	lists    []*statement // by Level.Index less one
	forms    []*statement // how columns keep their times; none where their types say it
}

// weekly are the statements that look at all orders of a week.
type weekly struct {
	firstKeys *statement
	tally     *statement
	skipped   []*statement // of the lists that have rules
}

func (s *statements) all() []*statement {
	all := append([]*statement{s.weekly.firstKeys, s.nextKeys, s.orders}, s.lists...)
	all = append(append(all, s.weekly.tally), s.weekly.skipped...)
	if s.size != nil {
		all = append(append(all, s.size, s.large.firstKeys, s.large.tally), s.large.skipped...)
	}
	return append(all, s.forms...)
}

// Statements returns the statements that a pull runs, word for word, without a DMS at hand. The driver is sqlserver
// or sqlite.
func Statements(driver string, plan *fieldmap.Plan) ([]Statement, error) {
	d, ok := dialectOf(driver)
	if !ok {
		return nil, fmt.Errorf("compile the whitelist for %q: the driver is sqlserver or sqlite", driver)
	}
	var printed []Statement
	for _, s := range compile(d.syntax(), plan).all() {
		p := Statement{Name: s.name, SQL: s.text(1)}
		for _, param := range s.params {
			p.Params = append(p.Params, param.String())
		}
		if len(s.list) > 0 {
			longest := s.longest()
			n := min(longest, 10)
			p.SQL = s.text(n)
			p.Params = append(p.Params, fmt.Sprintf("from %s on: %s of up to %d orders, in lists of fixed lengths (here %d), a short one filled up with its last",
				s.syntax.placeholder(len(s.params)+1), strings.Join(s.listWords(), ", "), longest, n))
		}
		printed = append(printed, p)
	}
	return printed, nil
}

func (s *statement) listWords() []string {
	var words []string
	for _, l := range s.list {
		words = append(words, l.column.Name)
	}
	return words
}

// text returns the statement with a list of n rows.
func (s *statement) text(n int) string {
	if len(s.list) == 0 {
		return s.head
	}
	return s.head + s.syntax.list(s.columns, len(s.params)+1, n) + s.tail
}

// longest returns how many rows the statement's list may have.
func (s *statement) longest() int { return s.syntax.longest(len(s.list), len(s.params)) }

func compile(sx *syntax, plan *fieldmap.Plan) *statements {
	c := &compiler{syntax: sx, plan: plan, joined: "j"}
	out := &statements{weekly: c.weekly("week"), orders: c.orders()}
	if sx.unindexed != "" {
		out.size = c.size()
		c.walk = sx.unindexed
		out.large = c.weekly("large week")
	}
	out.nextKeys = c.keys("keys of a week, next page", true)
	for _, l := range plan.Levels[1:] {
		out.lists = append(out.lists, c.lines(l))
	}
	for _, l := range plan.Levels {
		for _, column := range l.Columns() {
			if sx.textTimes && timed(l, column) && layoutIn(l.Fields(), column) == "" {
				out.forms = append(out.forms, c.form(l, column))
			}
		}
	}
	return out
}

// compiler writes statements, one at a time.
type compiler struct {
	syntax *syntax
	plan   *fieldmap.Plan
	params []param // of the statement being written
	joined string  // what aliases of joined tables begin with
	walk   string  // before the week's column: keeps its index from being used
	inline bool    // the whitelist's values stand in the text itself: a view has no parameters
}

// weekly writes the statements that look at all orders of a week.
func (c *compiler) weekly(week string) weekly {
	w := weekly{firstKeys: c.keys("keys of a "+week+", first page", false), tally: c.tally("orders of a " + week)}
	for _, l := range c.plan.Levels[1:] {
		if len(l.Skip) > 0 {
			w.skipped = append(w.skipped, c.skipped(l, "skipped "+l.Path+" of a "+week))
		}
	}
	return w
}

func (c *compiler) start() { c.params = nil }

// param returns the placeholder of p, which it has once in a statement however often it is named.
func (c *compiler) param(p param) string {
	if c.inline { // of rules that test nothing but such values: see uncarried
		return c.syntax.text(p.text)
	}
	i := slices.Index(c.params, p)
	if i < 0 {
		i = len(c.params)
		c.params = append(c.params, p)
	}
	return c.syntax.placeholder(i + 1)
}

// keys selects the keys of a week, in their order, from the first or from the one after the last page's.
func (c *compiler) keys(name string, next bool) *statement {
	c.start()
	o := c.plan.Orders
	keys := c.own(o, o.Key)
	selected := slices.Clone(keys)
	if o.Changed != "" {
		selected = append(selected, c.column(o, fieldmap.Column{Name: o.Changed}))
	}
	for i := range selected {
		selected[i] = c.syntax.raw + selected[i]
	}
	limit := c.param(param{use: useLimit})
	where := c.week()
	for _, k := range keys {
		where = append(where, k+" IS NOT NULL")
	}
	where = append(where, c.notSkipped(o)...)
	if next {
		where = append(where, c.after(keys))
	}
	head := "SELECT "
	if c.syntax.top {
		head += "TOP (" + limit + ") "
	}
	head += strings.Join(selected, ", ") + c.from(nil) + whereAll(where) +
		"\nORDER BY " + strings.Join(keys, ", ")
	if !c.syntax.top {
		head += "\nLIMIT " + limit
	}
	return &statement{name: name, level: o, head: head, params: c.params, syntax: c.syntax}
}

// after writes that a key of one or several columns does not come before the last page's. The last page's own key is
// among them: the database may hold other keys equal to it (a difference in case), which a page's end must not lose.
func (c *compiler) after(keys []string) string {
	last := len(keys) - 1
	value := func(i int) string {
		return c.param(param{use: useAfter, level: c.plan.Orders, column: fieldmap.Column{Name: c.plan.Orders.Key[i]}, at: i})
	}
	condition := keys[last] + " >= " + value(last)
	for i := last - 1; i >= 0; i-- {
		// The first part is implied by the second, but lets an index be used.
		condition = fmt.Sprintf("%[1]s >= %[2]s AND (%[1]s > %[2]s OR %[3]s)", keys[i], value(i), condition)
	}
	return condition
}

// orders selects the orders of a list of keys.
func (c *compiler) orders() *statement {
	c.start()
	o := c.plan.Orders
	var used []fieldmap.Rule
	selected, applied := c.selected(o)
	for _, s := range o.Select {
		used = append(used, fieldmap.Rule{All: []fieldmap.Condition{{Column: s.Column}}})
		used = append(used, s.Withhold...)
	}
	where := append(c.week(), c.notSkipped(o)...)
	s := &statement{
		name: "orders", level: o, syntax: c.syntax, columns: c.own(o, o.Key),
		head: "SELECT " + selected + c.from(c.joins(used)) + applied + whereAll(where) + "\n  AND ",
	}
	for _, name := range o.Key {
		s.list = append(s.list, listed{o, fieldmap.Column{Name: name}})
	}
	s.params = c.params
	return s
}

// lines selects the rows of a list that belong to a page's orders: a chain from the list right below the orders down
// to this one.
func (c *compiler) lines(l *fieldmap.Level) *statement {
	c.start()
	chain := l.Chain()
	selected, applied := c.selected(l)
	var where []string
	for _, up := range chain {
		where = append(where, c.notSkipped(up)...)
	}
	s := &statement{name: l.Path, level: l, syntax: c.syntax}
	for _, pair := range chain[0].Link {
		s.list = append(s.list, listed{chain[0], fieldmap.Column{Name: pair.Left}})
		s.columns = append(s.columns, c.column(chain[0], fieldmap.Column{Name: pair.Left}))
	}
	s.head = "SELECT " + selected + "\nFROM " + c.as(chain[0]) + c.chain(chain[1:]) + applied + "\nWHERE " + strings.Join(append(where, ""), "\n  AND ")
	if len(l.Order) > 0 {
		s.tail = "\nORDER BY " + strings.Join(c.sort(l), ", ")
	}
	s.params = c.params
	return s
}

// sort returns what a list is sorted by: the rows of one parent together, since an index may give them so.
func (c *compiler) sort(l *fieldmap.Level) []string {
	var columns, seen []string
	add := func(name string) {
		if folded := strings.ToLower(name); !slices.Contains(seen, folded) {
			seen = append(seen, folded)
			columns = append(columns, c.column(l, fieldmap.Column{Name: name}))
		}
	}
	for _, pair := range l.Link {
		add(pair.Left)
	}
	for _, name := range l.Order {
		add(name)
	}
	return columns
}

// What tally counts besides the rows that a rule skips, which it counts by the rule's number.
const (
	tallyKeyless = -1 // not skipped, but a column of the key is NULL
	tallyOrders  = -2 // all others
)

// tally counts the orders of a week: those that a rule leaves out, those without a key, and all others.
func (c *compiler) tally(name string) *statement {
	c.start()
	o := c.plan.Orders
	null := c.own(o, o.Key)
	for i := range null {
		null[i] += " IS NULL"
	}
	kinds := fmt.Sprintf("%s WHEN %s THEN %d ELSE %d END", c.firstRule(o), strings.Join(null, " OR "), tallyKeyless, tallyOrders)
	return c.counted(name, o, kinds, c.from(nil)+whereAll(c.week()))
}

// size counts the rows of a week, of which an index on it knows all.
func (c *compiler) size() *statement {
	c.start()
	return &statement{name: "rows of a week", level: c.plan.Orders, head: "SELECT COUNT(*)" + c.from(nil) + whereAll(c.week()), params: c.params, syntax: c.syntax}
}

// skipped counts the rows of a list in a week that its rules leave out.
func (c *compiler) skipped(l *fieldmap.Level, name string) *statement {
	c.start()
	o := c.plan.Orders
	rule := c.firstRule(l) + " END"
	where := append(c.week(), c.notSkipped(o)...)
	chain := l.Chain()
	for _, up := range chain[:len(chain)-1] {
		where = append(where, c.notSkipped(up)...)
	}
	return c.counted(name, l, rule, c.from(nil)+c.chain(chain)+whereAll(where))
}

// firstRule writes the number of the first skip rule that matches a row, without the END of its CASE.
func (c *compiler) firstRule(l *fieldmap.Level) string {
	var b strings.Builder
	b.WriteString("CASE")
	for i, r := range l.Skip {
		fmt.Fprintf(&b, " WHEN %s THEN %d", c.skips(l, r), i)
	}
	return b.String()
}

// counted counts rows by a number.
func (c *compiler) counted(name string, l *fieldmap.Level, number, rows string) *statement {
	head := "SELECT s.n, COUNT(*)\nFROM (SELECT " + number + " AS n" + rows + ") AS s\nWHERE s.n IS NOT NULL\nGROUP BY s.n\nORDER BY s.n"
	return &statement{name: name, level: l, head: head, params: c.params, syntax: c.syntax}
}

// form looks how a column keeps its times: its least and greatest value show it.
func (c *compiler) form(l *fieldmap.Level, column fieldmap.Column) *statement {
	table := l.From
	for _, j := range l.Joins {
		if j.Name == column.Join {
			table = j.From
		}
	}
	name := "t." + c.syntax.name(column.Name)
	return &statement{
		name: "form of " + column.String(), level: l, column: column, syntax: c.syntax,
		head: "SELECT MIN(" + name + "), MAX(" + name + ")\nFROM " + c.syntax.table(table) + " AS t",
	}
}

func whereAll(conditions []string) string { return "\nWHERE " + strings.Join(conditions, "\n  AND ") }
