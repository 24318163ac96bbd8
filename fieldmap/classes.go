package fieldmap

import (
	"fmt"
	"strings"

	"roagent/fieldmap/class"
	"roagent/fieldmap/strictyaml"
)

// parseClasses reads what a whitelist adds to the classes. What the built-in table forbids stays forbidden.
func parseClasses(n strictyaml.Node) []Classed {
	if !n.Given() {
		return nil
	}
	var words []string
	for _, c := range class.All() {
		words = append(words, string(c))
	}
	o := n.Object("", strings.Join(words, " "))
	builtIn := class.NewTable()
	first := map[string]class.Class{}
	var classes []Classed
	for _, c := range class.All() {
		list := o.Get(string(c))
		if !list.Given() {
			continue
		}
		for _, entry := range list.OneOrMore() {
			name := entry.Text()
			if name == "" {
				continue
			}
			if have, taken := first[strings.ToLower(name)]; taken {
				entry.Problem("", "%s is in the class %s already", name, have)
			}
			first[strings.ToLower(name)] = c
			if f := builtIn.Of(class.Name(strings.Split(name, "."))); f.Forbidden() && c != class.Forbidden {
				entry.Problem("take it out: what is forbidden by its name cannot be put into another class; a field of it needs an override and a second approver", "%s names %s", name, f)
			}
			classes = append(classes, Classed{Class: c, Name: name, At: entry.At})
		}
	}
	return classes
}

// classTable returns the built-in classes with what the whitelist adds.
func (w *Whitelist) classTable() *class.Table {
	t := class.NewTable()
	for _, c := range w.Classes {
		t.Add(c.Class, c.Name)
	}
	return t
}

// classOf returns the class of a field: by the name under which it is sent and by that of its column.
func classOf(t *class.Table, path string, from Table, joins []Join, f *Field) class.Finding {
	return t.Of(class.Name(strings.Split(strings.TrimPrefix(path+"."+f.Send, "."), ".")), columnPath(from, joins, f.Column))
}

func columnPath(from Table, joins []Join, c Column) class.Name {
	for _, j := range joins {
		if j.Name == c.Join {
			from = j.From
		}
	}
	if from.Schema == "" {
		return class.Name{from.Name, c.Name}
	}
	return class.Name{from.Schema, from.Name, c.Name}
}

// ClassOf returns the class of a field of the level.
func (l *Level) ClassOf(f *Field) class.Finding {
	return classOf(l.classes, l.Path, l.From, l.Joins, f)
}

// columnClass returns the class of a column of the level by its own name alone.
func (l *Level) columnClass(c Column) class.Finding {
	return l.classes.Of(columnPath(l.From, l.Joins, c))
}

// Forbidden is something that a whitelist reads though its name says that it must not leave.
type Forbidden struct {
	Level  *Level
	Column Column
	Field  *Field // nil for a column that is read to name, link or sort
	Found  class.Finding
	At     strictyaml.Pos
	use    string
}

// String says what is read, what it is and by which words that shows.
func (f Forbidden) String() string {
	if f.Field == nil {
		return fmt.Sprintf("%s %s looks like %s", f.use, f.Source(), f.Found)
	}
	return fmt.Sprintf("%s, read from %s, looks like %s", f.Send(), f.Source(), f.Found)
}

// Source returns the column as its owner knows it: dbo.Customer.DL_NO.
func (f Forbidden) Source() string { return f.Level.source(f.Column) }

// Send returns the field's sent name from the order's root.
func (f Forbidden) Send() string { return strings.TrimPrefix(f.Level.Path+"."+f.Field.Send, ".") }

// Forbidden returns what the plan reads that must not leave, in the order of the whitelist: fields with an override and
// everything that nothing excuses. A column that names, links or sorts is excused where a field sends it with an override.
func (p *Plan) Forbidden() (refused, overridden []Forbidden) {
	for _, l := range p.Levels {
		excused := map[Column]bool{}
		for _, field := range l.Fields() {
			found := l.ClassOf(field)
			if !found.Forbidden() {
				continue
			}
			f := Forbidden{Level: l, Column: field.Column, Field: field, Found: found, At: field.At}
			if field.Override == "" {
				refused = append(refused, f)
			} else {
				overridden = append(overridden, f)
			}
			excused[field.Column] = true // or listed already
		}
		for _, f := range l.unsent() {
			if found := l.columnClass(f.Column); found.Forbidden() && !excused[f.Column] {
				f.Found = found
				refused = append(refused, f)
				excused[f.Column] = true
			}
		}
	}
	return refused, overridden
}

// unsent returns the columns that are selected to name, link, sort and compare rows.
func (l *Level) unsent() []Forbidden {
	var all []Forbidden
	add := func(use string, at strictyaml.Pos, names ...string) {
		for _, name := range names {
			if name != "" {
				all = append(all, Forbidden{Level: l, Column: Column{Name: name}, At: at, use: use})
			}
		}
	}
	add("the key", l.at.key, l.Key...)
	add("the changed column", l.at.changed, l.Changed)
	for _, pair := range l.Link {
		add("the link", l.at.link, pair.Left)
	}
	for _, list := range l.Lists {
		for _, pair := range list.Link {
			add("the link", list.at.link, pair.Right)
		}
	}
	add("the order", l.at.order, l.Order...)
	return all
}

// TestedForbidden returns the columns that conditions and joins test and nothing selects, though their names say that
// they must not leave. The database compares them; they do not leave it.
func (l *Level) TestedForbidden() []Forbidden {
	var all []Forbidden
	for _, c := range l.Columns() {
		if l.selected(c) {
			continue
		}
		if found := l.columnClass(c); found.Forbidden() {
			all = append(all, Forbidden{Level: l, Column: c, Found: found, use: "the condition on"})
		}
	}
	return all
}

// selected reports whether the values of a column leave the database.
func (l *Level) selected(c Column) bool {
	for _, s := range l.Select {
		if !s.Flag && s.Column == c {
			return true
		}
	}
	return c.Join == "" && c.Name == l.Changed
}
