package fieldmap

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// YAML writes the whitelist as a file that [Parse] reads back as the same whitelist, with the same digest. Comments and
// layout of the file that it was read from are lost. A text with a line break is written as it is, and Parse refuses it.
func (w *Whitelist) YAML() []byte { return w.yaml(Notes{}) }

func (w *Whitelist) yaml(n Notes) []byte {
	y := &yamlWriter{notes: n}
	y.comment(n.Head)
	y.line("fieldmap: %d", w.Version)
	y.line("recipient: %s", scalar(w.Recipient))
	y.line("purpose: %s", scalar(w.Purpose))
	y.line("agreement: %s", scalar(w.Agreement))
	y.line("narratives: %s", w.Narratives)
	y.classes(w.Classes)
	y.b.WriteByte('\n')
	y.line("orders:")
	y.within(func() { y.orders(&w.Orders) })
	return []byte(y.b.String())
}

type yamlWriter struct {
	b      strings.Builder
	indent string
	mark   string // before each line: OffMark where it is left out
	notes  Notes
}

func (y *yamlWriter) line(format string, args ...any) {
	y.b.WriteString(y.indent + y.mark)
	fmt.Fprintf(&y.b, format, args...)
	y.b.WriteByte('\n')
}

func (y *yamlWriter) within(write func()) {
	outer := y.indent
	y.indent += "  "
	write()
	y.indent = outer
}

func (y *yamlWriter) classes(classes []Classed) {
	var done []string
	for i, c := range classes {
		if slices.Contains(done, string(c.Class)) {
			continue
		}
		if i == 0 {
			y.line("classes:")
		}
		var names []string
		for _, of := range classes {
			if of.Class == c.Class {
				names = append(names, of.Name)
			}
		}
		y.line("  %s: %s", c.Class, scalars(names))
		done = append(done, string(c.Class))
	}
}

func (y *yamlWriter) orders(o *Orders) {
	note := y.notes.At[o]
	y.comment(note.Above)
	y.line("from: %s", tableName(o.From))
	y.line("key: %s", oneOrMore(o.Key))
	y.line("week: %s", scalar(o.Week))
	if o.Changed != "" {
		y.line("changed: %s", scalar(o.Changed))
	}
	if note.OffChanged != "" {
		y.off(func() { y.line("changed: %s", scalar(note.OffChanged)) })
	}
	for i := range o.Joins {
		if i == 0 {
			y.line("join:")
		}
		y.within(func() { y.comment(y.notes.At[&o.Joins[i]].Above) })
		y.join(&o.Joins[i])
	}
	y.offJoins(o)
	y.rules("skip", o.Skip)
	y.fields(o.Fields)
	y.offFields(o)
	y.comment(note.Below)
	y.lists(o.Lines)
}

func (y *yamlWriter) join(j *Join) {
	y.line("  %s: {from: %s, on: %s}", scalar(j.Name), tableName(j.From), pairs(j.On))
}

func (y *yamlWriter) lists(lists []Lines) {
	if len(lists) > 0 {
		y.line("lines:")
	}
	for i := range lists {
		l := &lists[i]
		y.line("  - send: %s", scalar(l.Send))
		y.within(func() { y.within(func() { y.list(l) }) })
	}
}

func (y *yamlWriter) list(l *Lines) {
	note := y.notes.At[l]
	y.comment(note.Above)
	y.line("from: %s", tableName(l.From))
	y.line("parent: %s", pairs(l.Parent))
	if len(l.Order) > 0 {
		y.line("order: %s", oneOrMore(l.Order))
	}
	y.rules("skip", l.Skip)
	y.fields(l.Fields)
	y.offFields(l)
	y.comment(note.Below)
	y.lists(l.Lines)
}

func (y *yamlWriter) rules(key string, rules []Rule) {
	if len(rules) > 0 {
		y.line("%s:", key)
	}
	for i := range rules {
		y.within(func() { y.comment(y.notes.At[&rules[i]].Above) })
		y.line("  - %s", ruleEntry(rules[i]))
	}
}

func (y *yamlWriter) fields(fields []Field) {
	if len(fields) > 0 {
		y.line("fields:")
	}
	for i := range fields {
		y.within(func() { y.comment(y.notes.At[&fields[i]].Above) })
		y.field(&fields[i])
	}
}

func (y *yamlWriter) field(f *Field) {
	keys := fieldKeys(f)
	if len(f.Withhold) == 0 {
		y.line("  - {%s}", strings.Join(keys, ", "))
		return
	}
	y.line("  - %s", keys[0])
	y.within(func() {
		y.within(func() {
			for _, key := range keys[1:] {
				y.line("%s", key)
			}
			y.rules("withhold", f.Withhold)
		})
	})
}

// fieldKeys returns what a field says but its withhold rules, each key with its value.
func fieldKeys(f *Field) []string {
	var keys []string
	add := func(key, value string) { keys = append(keys, key+": "+value) }
	add("send", scalar(f.Send))
	add("column", scalar(f.Column.String()))
	if f.As != KindUnknown {
		add("as", f.As.String())
	}
	for _, k := range []struct{ key, text string }{{"layout", f.Layout}, {"unit", f.Unit}, {"currency", f.Currency}} {
		if k.text != "" {
			add(k.key, scalar(k.text))
		}
	}
	if f.Map != nil {
		add("map", mapEntries(f.Map))
	}
	if f.Mask.Strategy != MaskNone && f.Mask.Strategy != "" {
		add("mask", maskEntry(f.Mask))
	}
	if f.Narrative {
		add("narrative", "true")
	}
	if f.Override != "" {
		add("override", scalar(f.Override))
	}
	add("why", scalar(f.Why))
	return keys
}

func mapEntries(m *ValueMap) string {
	var entries []string
	for _, e := range m.Codes {
		entries = append(entries, scalar(e.Code)+": "+scalar(e.Send))
	}
	if m.HasElse {
		entries = append(entries, elseKey+": "+scalar(m.Else))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

func maskEntry(m Mask) string {
	switch m.Strategy {
	case MaskPartial:
		return fmt.Sprintf("{%s: keep-last-%d}", m.Strategy, m.Keep)
	case MaskTruncate:
		return fmt.Sprintf("{%s: keep-first-%d}", m.Strategy, m.Keep)
	case MaskGeneralize:
		return fmt.Sprintf("{%s: %s}", m.Strategy, m.To)
	}
	return string(m.Strategy)
}

func ruleEntry(r Rule) string {
	if len(r.All) == 1 {
		return "{" + conditionEntry(r.All[0]) + ", why: " + scalar(r.Why) + "}"
	}
	all := make([]string, len(r.All))
	for i, c := range r.All {
		all[i] = "{" + conditionEntry(c) + "}"
	}
	return "{all: [" + strings.Join(all, ", ") + "], why: " + scalar(r.Why) + "}"
}

func conditionEntry(c Condition) string {
	operand := "true"
	switch c.Op {
	case In, NotIn:
		operand = scalars(c.Values)
	case Before, After:
		operand = scalar(c.Time.Format("2006-01-02 15:04:05"))
	case OlderThan:
		operand = fmt.Sprintf("%d %s", c.Age.N, c.Age.Unit)
	}
	return fmt.Sprintf("column: %s, %s: %s", scalar(c.Column.String()), c.Op, operand)
}

func pairs(pairs []Pair) string {
	entries := make([]string, len(pairs))
	for i, p := range pairs {
		entries[i] = scalar(p.Left) + ": " + scalar(p.Right)
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

func oneOrMore(names []string) string {
	if len(names) == 1 {
		return scalar(names[0])
	}
	return scalars(names)
}

func scalars(texts []string) string {
	entries := make([]string, len(texts))
	for i, text := range texts {
		entries[i] = scalar(text)
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

var (
	plainName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainScalar = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*( [A-Za-z0-9_.-]+)*$`)
)

// tableName writes a table's name. One that is more than a word is bracketed whole: so none is taken for SQL.
func tableName(t Table) string {
	if plainName.MatchString(t.Name) && (t.Schema == "" || plainName.MatchString(t.Schema)) {
		return scalar(t.String())
	}
	bracket := func(s string) string { return "[" + strings.ReplaceAll(s, "]", "]]") + "]" }
	if t.Schema == "" {
		return scalar(bracket(t.Name))
	}
	return scalar(bracket(t.Schema) + "." + bracket(t.Name))
}

// scalar writes a text, in quotes wherever YAML might take it for something else.
func scalar(text string) string {
	words := []string{"null", "true", "false"}
	if plainScalar.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(fmt.Sprintf("fieldmap: write a text: %v", err)) // JSON can hold any text
	}
	return strings.TrimSuffix(b.String(), "\n")
}
