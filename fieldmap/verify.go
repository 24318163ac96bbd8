package fieldmap

import (
	"slices"
	"strings"

	"roagent/fieldmap/class"
	"roagent/fieldmap/strictyaml"
)

// Limits of a whitelist. They keep what a person must answer for within what a person can read.
const (
	maxFields = 1000
	maxLevels = 5 // of lines within lines
)

// verify notes what does not go together across the parts of a whitelist.
func (w *Whitelist) verify(problems *strictyaml.Problems) {
	o := &w.Orders
	v := verifier{problems: problems, classes: w.classTable()}
	v.sentNames(o.Fields, o.Lines)
	v.keyFields(o)
	v.overrides("", o.From, o.Joins, o.Fields)
	v.readColumns(o.Fields, slices.Concat(o.Key, []string{o.Week, o.Changed}, anchors(o.Lines)))
	v.fields += len(o.Fields)
	for i := range o.Lines {
		v.list(o.Lines[i].Send, &o.Lines[i], []table{{from: o.From}})
	}
	if v.fields > maxFields {
		problems.Add(o.At, "", "a whitelist has at most %d fields; this one has %d", maxFields, v.fields)
	}
}

type verifier struct {
	problems *strictyaml.Problems
	fields   int // of all levels
	classes  *class.Table
}

// table is one of those that a list hangs from.
type table struct {
	from Table
	link []Pair
}

func (v *verifier) list(path string, l *Lines, above []table) {
	if len(above) > maxLevels {
		v.problems.Add(l.At, "", "lines are nested more than %d deep", maxLevels)
	}
	if slices.ContainsFunc(above, func(t table) bool { return sameTable(t.from, l.From) && circular(l.Parent, t.link) }) {
		v.problems.Add(l.At, "name the parent's column that this table's column points to", "the table %s hangs from itself", l.From)
	}
	v.sentNames(l.Fields, l.Lines)
	v.overrides(path, l.From, nil, l.Fields)
	own := slices.Concat(l.Order, anchors(l.Lines))
	for _, pair := range l.Parent {
		own = append(own, pair.Left)
	}
	v.readColumns(l.Fields, own)
	v.fields += len(l.Fields)
	for i := range l.Lines {
		v.list(path+"."+l.Lines[i].Send, &l.Lines[i], append(slices.Clone(above), table{l.From, l.Parent}))
	}
}

// circular reports whether a table that stands above itself is linked so that rows come back to themselves: by the
// same columns on both sides, or by the link that it has above already.
func circular(link, linkAbove []Pair) bool {
	same := func(p Pair) bool { return sameName(p.Left, p.Right) }
	again := func(p Pair) bool {
		return slices.ContainsFunc(linkAbove, func(q Pair) bool { return sameName(p.Left, q.Left) && sameName(p.Right, q.Right) })
	}
	return !slices.ContainsFunc(link, func(p Pair) bool { return !same(p) }) ||
		!slices.ContainsFunc(link, func(p Pair) bool { return !again(p) })
}

// sameTable reports whether two names may mean one table: a schema left out may be any.
func sameTable(a, b Table) bool {
	return a.Name != "" && sameName(a.Name, b.Name) && (a.Schema == "" || b.Schema == "" || sameName(a.Schema, b.Schema))
}

// anchors returns the columns of a table that the lists below it name.
func anchors(lists []Lines) []string {
	var columns []string
	for _, l := range lists {
		for _, pair := range l.Parent {
			columns = append(columns, pair.Right)
		}
	}
	return columns
}

// sentNames notes two values of one level that would be sent to one name, or one within the other.
func (v *verifier) sentNames(fields []Field, lists []Lines) {
	type sent struct {
		name string
		at   strictyaml.Pos
	}
	var all []sent
	for _, f := range fields {
		all = append(all, sent{f.Send, f.At})
	}
	for _, l := range lists {
		all = append(all, sent{l.Send, l.At})
	}
	whole, within := map[string]sent{}, map[string]sent{} // values by name, and by each object that they lie in
	for _, s := range all {
		if s.name == "" {
			continue // reported already
		}
		if first, taken := whole[s.name]; taken {
			v.problems.Add(s.at, "", "%s is sent already, by line %d", s.name, first.at.Line)
			continue
		}
		if first, taken := within[s.name]; taken {
			v.problems.Add(s.at, "", "%s cannot be sent as a whole: line %d sends %s within it", s.name, first.at.Line, first.name)
		}
		for object := parentPath(s.name); object != ""; object = parentPath(object) {
			if first, taken := whole[object]; taken {
				v.problems.Add(s.at, "", "%s cannot lie within %s: line %d sends that as a value or list", s.name, object, first.at.Line)
			}
			within[object] = s
		}
		whole[s.name] = s
	}
}

// parentPath returns the path of the object that a sent path lies in, or "".
func parentPath(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// keyFields notes whatever would hide or change a key.
func (v *verifier) keyFields(o *Orders) {
	for _, f := range o.Fields {
		if f.Column.Join != "" || !containsName(o.Key, f.Column.Name) {
			continue
		}
		switch {
		case f.Mask.Strategy != MaskNone && f.Mask.Strategy != "":
			v.problems.Add(f.At, "the key is sent with every order; choose another key column or no mask", "%s is the key and cannot be masked", f.Column)
		case f.Map != nil:
			v.problems.Add(f.At, "the key is sent with every order as it is", "%s is the key and cannot be translated", f.Column)
		}
	}
}

// overrides notes a reason to let something go that nothing keeps back.
func (v *verifier) overrides(path string, from Table, joins []Join, fields []Field) {
	for _, f := range fields {
		if f.Override != "" && !classOf(v.classes, path, from, joins, &f).Forbidden() {
			v.problems.Add(f.At, "take the override out; to forbid the column first, name it under classes: {forbidden: [..]}", "an override belongs to a forbidden field, and %s is none", f.Column)
		}
	}
}

// readColumns notes a withhold of a column that must be read of every row.
func (v *verifier) readColumns(fields []Field, columns []string) {
	for _, f := range fields {
		if len(f.Withhold) > 0 && f.Column.Join == "" && containsName(columns, f.Column.Name) {
			v.problems.Add(f.At, "leave the row out with skip instead", "%s cannot be withheld: orders or lines are found and sorted by it", f.Column)
		}
	}
}
