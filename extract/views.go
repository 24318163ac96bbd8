package extract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// ViewSchema is the schema of the views that carry a whitelist's rules inside the database.
const ViewSchema = "roagent"

// ErrReadsViews is a whitelist for which no views can be made, since it reads those of another.
var ErrReadsViews = errors.New("the whitelist reads the views of the schema " + ViewSchema + " already")

// view is one table of a whitelist, in one of its roles, with what is left of it when the rules have done their work.
type view struct {
	name    fieldmap.Table
	of      fieldmap.Table // the table that it shows
	level   *fieldmap.Level
	join    string // of level's joins; "": level's own table
	columns []viewColumn
	skip    []fieldmap.Rule // of whose rows it shows none
	above   *view           // it shows only rows that belong to one of its rows; nil: all
	links   []fieldmap.Pair // Left is the table's own column, Right one of the view above
}

// viewColumn is a column of a view.
type viewColumn struct {
	name     string
	of       string          // the table's own column
	withhold []fieldmap.Rule // where any of them matches it is NULL
}

// viewMaker divides a whitelist: into views, and into the whitelist that reads them.
type viewMaker struct {
	syntax *syntax
	plan   *fieldmap.Plan
	table  func(name string) fieldmap.Table // what a view of that name is called
	views  []*view                          // each after those that it refers to
	stays  []staying                        // what no view can carry
}

// staying is a rule that stays in the whitelist.
type staying struct {
	of   []string // the values that it withholds; rows, where it skips
	rule string
}

// whitelist makes the views, and returns the whitelist that reads them.
func (m *viewMaker) whitelist() *fieldmap.Whitelist {
	w := *m.plan.Whitelist
	w.Recipient, w.Purpose, w.Agreement = oneLine(w.Recipient), oneLine(w.Purpose), oneLine(w.Agreement)
	w.Orders = m.orders(w.Orders)
	w.Classes = m.classes(w.Classes)
	return &w
}

func (m *viewMaker) orders(o fieldmap.Orders) fieldmap.Orders {
	l := m.plan.Orders
	v := m.of(l, "")
	o.From = v.name
	o.Key, o.Week = v.raw(o.Key), v.column(o.Week, nil)
	if o.Changed != "" {
		o.Changed = v.column(o.Changed, nil)
	}
	o.Skip = m.skip(v, o.Skip)
	o.Fields = m.fields(l, o.Fields)
	o.Joins = m.joins(v, o.Joins)
	o.Lines = m.lists(v, o.Lines)
	return o
}

func (m *viewMaker) lists(above *view, lists []fieldmap.Lines) []fieldmap.Lines {
	var rest []fieldmap.Lines
	for i, list := range lists {
		l := above.level.Lists[i]
		v := m.of(l, "")
		list.From = v.name
		list.Parent = v.link(above, list.Parent)
		list.Order = v.raw(list.Order)
		list.Skip = m.skip(v, list.Skip)
		list.Fields = m.fields(l, list.Fields)
		list.Lines = m.lists(v, list.Lines)
		rest = append(rest, list)
	}
	return rest
}

// joins returns the joins that what is left of the whitelist names.
func (m *viewMaker) joins(orders *view, joins []fieldmap.Join) []fieldmap.Join {
	var rest []fieldmap.Join
	for _, j := range joins {
		v := m.find(orders.level, j.Name)
		if v == nil {
			continue
		}
		var theirs []fieldmap.Pair
		for _, pair := range j.On {
			theirs = append(theirs, fieldmap.Pair{Left: pair.Right, Right: pair.Left})
		}
		j.From, j.On = v.name, nil
		for _, pair := range v.link(orders, theirs) {
			j.On = append(j.On, fieldmap.Pair{Left: pair.Right, Right: pair.Left})
		}
		rest = append(rest, j)
	}
	return rest
}

// skip gives a view the rules that it can carry, and returns the others.
func (m *viewMaker) skip(v *view, rules []fieldmap.Rule) []fieldmap.Rule {
	var rest []fieldmap.Rule
	for _, r := range rules {
		if why := uncarried(r); why != "" {
			rest = append(rest, m.stay(v.level, r, "rows", why))
			continue
		}
		v.skip = append(v.skip, r)
	}
	return rest
}

func (m *viewMaker) fields(l *fieldmap.Level, fields []fieldmap.Field) []fieldmap.Field {
	var rest []fieldmap.Field
	for _, f := range fields {
		f.Why, f.Override = oneLine(f.Why), oneLine(f.Override)
		var carried, stay []fieldmap.Rule
		for _, r := range f.Withhold {
			why := uncarried(r)
			if slices.ContainsFunc(r.All, func(c fieldmap.Condition) bool { return c.Column.Join != f.Column.Join }) {
				why = "it tests another table than the value's"
			}
			if why != "" {
				stay = append(stay, m.stay(l, r, f.Column.String(), why))
				continue
			}
			carried = append(carried, r)
		}
		f.Column.Name = m.of(l, f.Column.Join).column(f.Column.Name, carried)
		f.Withhold = stay
		rest = append(rest, f)
	}
	return rest
}

// uncarried says why a view cannot carry a rule; "" where it can. A view has no parameters, and its text is the same
// whatever types the columns have. So it compares with no time, since dates are read in the language of whoever asks.
func uncarried(r fieldmap.Rule) string {
	for _, c := range r.All {
		if c.Op == fieldmap.Before || c.Op == fieldmap.After || c.Op == fieldmap.OlderThan {
			return "it compares times, which takes the week that is read and the DMS's time zone"
		}
		for _, v := range c.Values {
			if _, err := timeArgument(v); err == nil {
				return "it names a date, which servers read in more than one way"
			}
			if unsafe(v) {
				return "it names a value that no script can hold safely"
			}
		}
	}
	return ""
}

// stay notes a rule that stays in the whitelist, and returns it with the names that its columns have in the views.
func (m *viewMaker) stay(l *fieldmap.Level, r fieldmap.Rule, of, why string) fieldmap.Rule {
	if l.Path != "" {
		of = l.Path + ": " + of
	}
	m.note(of, fmt.Sprintf("%s (%s): %s", r, r.Why, why))
	r.Why = oneLine(r.Why)
	r.All = slices.Clone(r.All)
	for i := range r.All {
		c := &r.All[i].Column
		c.Name = m.of(l, c.Join).column(c.Name, nil)
	}
	return r
}

func (m *viewMaker) note(of, rule string) {
	for i := range m.stays {
		if m.stays[i].rule == rule {
			m.stays[i].of = append(m.stays[i].of, of)
			return
		}
	}
	m.stays = append(m.stays, staying{[]string{of}, rule})
}

// classes adds the views to the names that the whitelist gives with a table.
func (m *viewMaker) classes(classes []fieldmap.Classed) []fieldmap.Classed {
	rest := slices.Clone(classes)
	add := func(c fieldmap.Classed, table, name string) {
		n := len(table) + 1
		if len(c.Name) <= n || !strings.EqualFold(c.Name[:n], table+".") {
			return
		}
		c.Name = name + "." + c.Name[n:]
		if !slices.ContainsFunc(rest, func(have fieldmap.Classed) bool { return strings.EqualFold(have.Name, c.Name) }) {
			rest = append(rest, c)
		}
	}
	for _, c := range classes {
		for _, v := range m.views {
			add(c, v.of.String(), v.name.String())
			add(c, v.of.Name, v.name.Name)
		}
	}
	return rest
}

// find returns the view of a level's own table, or of one joined to it; nil where none is made.
func (m *viewMaker) find(l *fieldmap.Level, join string) *view {
	i := slices.IndexFunc(m.views, func(v *view) bool { return v.level == l && v.join == join })
	if i < 0 {
		return nil
	}
	return m.views[i]
}

// of returns the view of a level's own table, or of one joined to it. A table in two roles has two views, since each
// role has rules of its own.
func (m *viewMaker) of(l *fieldmap.Level, join string) *view {
	if v := m.find(l, join); v != nil {
		return v
	}
	v := &view{level: l, join: join, of: l.From}
	role := join
	if join == "" {
		role = l.Path[strings.LastIndexByte(l.Path, '.')+1:]
	}
	for _, j := range l.Joins {
		if j.Name == join {
			v.of = j.From
		}
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(m.views, func(have *view) bool { return strings.EqualFold(have.name.Name, m.table(name).Name) })
	}
	name := v.of.Name
	if taken(name) {
		name = free(name+"_"+role, taken)
	}
	v.name = m.table(name)
	m.views = append(m.views, v)
	return v
}

// column returns the name under which a view shows a column of its table with these rules, and shows it from now on.
func (v *view) column(of string, withhold []fieldmap.Rule) string {
	for _, c := range v.columns {
		if c.of == of && slices.EqualFunc(c.withhold, withhold, sameTest) {
			return c.name
		}
	}
	name := free(of, func(name string) bool {
		return slices.ContainsFunc(v.columns, func(c viewColumn) bool { return strings.EqualFold(c.name, name) })
	})
	v.columns = append(v.columns, viewColumn{name, of, withhold})
	return name
}

// sameTest reports whether two rules that views carry match the same rows.
func sameTest(a, b fieldmap.Rule) bool {
	return slices.EqualFunc(a.All, b.All, func(a, b fieldmap.Condition) bool {
		return a.Column == b.Column && a.Op == b.Op && slices.Equal(a.Values, b.Values)
	})
}

func (v *view) raw(names []string) []string {
	var shown []string
	for _, name := range names {
		shown = append(shown, v.column(name, nil))
	}
	return shown
}

// link has a view show only what belongs to a row of the view above: Left is a column of its table, Right of the table
// above. It returns the link between the two views.
func (v *view) link(above *view, pairs []fieldmap.Pair) []fieldmap.Pair {
	var shown []fieldmap.Pair
	v.above = above
	for _, pair := range pairs {
		right := above.column(pair.Right, nil)
		v.links = append(v.links, fieldmap.Pair{Left: pair.Left, Right: right})
		shown = append(shown, fieldmap.Pair{Left: v.column(pair.Left, nil), Right: right})
	}
	return shown
}

// free returns the name, or the name with a number, that is not taken.
func free(name string, taken func(string) bool) string {
	for n, base := 2, name; taken(name); n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	return name
}

// oneLine writes a text of several lines as one.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, breaksLine), " ")
}
