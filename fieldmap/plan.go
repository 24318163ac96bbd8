package fieldmap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap/class"
	"roagent/fieldmap/strictyaml"
)

// Digest is the SHA-256 of a whitelist's canonical form.
type Digest [sha256.Size]byte

// String returns the digest in lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Plan is a whitelist compiled: what each statement may select, and where each value goes. Package extract writes
// the SQL for it and can name no column that is not in it.
type Plan struct {
	Whitelist *Whitelist
	Digest    Digest
	Orders    *Level
	Levels    []*Level // depth first, parents before their lists; Levels[0] is Orders

	classes *class.Table
}

// Level is one table of the whitelist with everything that is read of it.
type Level struct {
	Index   int    // in Plan.Levels
	Path    string // "" for the orders, else job or job.service_parts
	From    Table
	Joins   []Join   // orders only
	Key     []string // orders only
	Week    string   // orders only
	Changed string   // orders only; "" where there is none
	Parent  *Level   // nil for the orders
	Link    []Pair   // Left is this table's column, Right the parent's
	Order   []string // ascending
	Skip    []Rule
	Select  []Selected // what is selected, in this order: [Page.Add] takes rows of exactly these values
	Lists   []*Level

	key     []int   // of Select: the orders' key
	link    []int   // of Select: this level's side of Link
	anchors [][]int // of Select, for each of Lists: the columns that the list's rows name
	order   []int   // of Select
	fields  []fieldPlan
	classes *class.Table
	at      levelPlaces
}

// levelPlaces are where the whitelist names what a level is read by.
type levelPlaces struct{ key, changed, link, order strictyaml.Pos }

// Selected is one value of a row.
type Selected struct {
	Column   Column
	Withhold []Rule // where any of them matches, the database answers NULL in place of the value
	Flag     bool   // not the value but 1 where Withhold matches, else 0
}

type fieldPlan struct {
	field *Field
	value int // of Level.Select
	flag  int // of Level.Select; -1: never withheld
}

// Compile makes the plan of a whitelist that [Parse] has accepted.
func (w *Whitelist) Compile() *Plan {
	p := &Plan{Whitelist: w, Digest: w.Digest(), classes: w.classTable()}
	o := &w.Orders
	p.Orders = &Level{From: o.From, Joins: o.Joins, Key: o.Key, Week: o.Week, Changed: o.Changed, Skip: o.Skip}
	p.Orders.at = levelPlaces{key: o.KeyAt, changed: o.ChangedAt}
	p.Orders.key = p.Orders.selectOwn(o.Key)
	p.grow(p.Orders, o.Fields, o.Lines)
	return p
}

func (p *Plan) grow(l *Level, fields []Field, lists []Lines) {
	l.Index, l.classes = len(p.Levels), p.classes
	p.Levels = append(p.Levels, l)
	for i := range fields {
		f := &fields[i]
		fp := fieldPlan{field: f, value: l.selects(Selected{Column: f.Column, Withhold: f.Withhold}), flag: -1}
		if len(f.Withhold) > 0 {
			fp.flag = l.selects(Selected{Withhold: f.Withhold, Flag: true})
		}
		l.fields = append(l.fields, fp)
	}
	for i := range lists {
		list := &lists[i]
		child := &Level{
			Path: strings.TrimPrefix(l.Path+"."+list.Send, "."), From: list.From,
			Parent: l, Link: list.Parent, Order: list.Order, Skip: list.Skip,
			at: levelPlaces{link: list.ParentAt, order: list.OrderAt},
		}
		var theirs, ours []string
		for _, pair := range list.Parent {
			ours, theirs = append(ours, pair.Left), append(theirs, pair.Right)
		}
		l.anchors = append(l.anchors, l.selectOwn(theirs))
		child.link = child.selectOwn(ours)
		child.order = child.selectOwn(list.Order)
		l.Lists = append(l.Lists, child)
		p.grow(child, list.Fields, list.Lines)
	}
}

// selects returns the place of s in l.Select, adding it where it is not there yet.
func (l *Level) selects(s Selected) int {
	i := slices.IndexFunc(l.Select, func(have Selected) bool {
		return have.Column == s.Column && have.Flag == s.Flag && rulesText(have.Withhold) == rulesText(s.Withhold)
	})
	if i < 0 {
		i = len(l.Select)
		l.Select = append(l.Select, s)
	}
	return i
}

func (l *Level) selectOwn(names []string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		places[i] = l.selects(Selected{Column: Column{Name: name}})
	}
	return places
}

// Columns returns every column of the level that a statement names, selected or only tested, without repetition.
func (l *Level) Columns() []Column {
	var columns []Column
	add := func(c Column) {
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	rules := func(rules []Rule) {
		for _, r := range rules {
			for _, c := range r.All {
				add(c.Column)
			}
		}
	}
	for _, s := range l.Select {
		if !s.Flag {
			add(s.Column)
		}
		rules(s.Withhold)
	}
	rules(l.Skip)
	for _, name := range []string{l.Week, l.Changed} {
		if name != "" {
			add(Column{Name: name})
		}
	}
	for _, j := range l.Joins {
		for _, on := range j.On {
			add(Column{Name: on.Left})
			add(Column{Join: j.Name, Name: on.Right})
		}
	}
	return columns
}

// Fields returns the fields of the level, in the order of the whitelist.
func (l *Level) Fields() []*Field {
	fields := make([]*Field, len(l.fields))
	for i, f := range l.fields {
		fields[i] = f.field
	}
	return fields
}

// rulesText tells two lists of rules apart by what they do, whatever reasons they give.
func rulesText(rules []Rule) string {
	var b strings.Builder
	for _, r := range rules {
		for _, c := range r.All {
			fmt.Fprintf(&b, "%q %d %q %s %v;", c.Column.String(), c.Op, c.Values, c.Time.Format(canonicalTime), c.Age)
		}
		b.WriteByte('|')
	}
	return b.String()
}
