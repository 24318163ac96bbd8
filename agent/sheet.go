package main

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// sheet is a whitelist in the words of the person who answers for it: what `fieldmap show` prints and `fieldmap review`
// writes.
type sheet struct {
	Recipient, Purpose, Agreement string
	FreeText                      string // what becomes of secrets in it
	Digest                        string
	Tables                        []sheetTable
	NotSTAR                       []string
}

// sheetTable is one table of the whitelist: what is sent of it, what is left out, what is read only to decide.
type sheetTable struct {
	Name    string // orders, job, job.service_parts
	About   string // the table and how its rows are found
	Joins   []string
	Fields  []sheetField
	Skips   []sheetRule
	Decides []string // columns that are read and never sent, each with what for

	Forbidden []string // what must not leave, each with why it may all the same, or that it may not
	Tested    []string // what must not leave and only the database looks at
}

// sheetField is one value that is sent.
type sheetField struct {
	Send, Column, How, Why string
	Class                  string // or FORBIDDEN
	Path                   string // Send, with the lists above it
	Codes                  string // what the map makes of codes
	Withheld               []sheetRule
	Samples                []string // real values as they would be sent; none unless they were asked for
}

type sheetRule struct{ Where, Why string }

func newSheet(plan *fieldmap.Plan) *sheet {
	w := plan.Whitelist
	s := &sheet{Recipient: w.Recipient, Purpose: w.Purpose, Agreement: w.Agreement, FreeText: narrativesText(w.Narratives), Digest: plan.Digest.String(), NotSTAR: w.NotSTAR()}
	refused, overridden := plan.Forbidden()
	for _, l := range plan.Levels {
		t := newSheetTable(l)
		t.Forbidden, t.Tested = forbiddenOf(l, slices.Concat(refused, overridden)), testedOf(l)
		s.Tables = append(s.Tables, t)
	}
	return s
}

// narrativesText says what becomes of secrets in free text.
func narrativesText(n fieldmap.Narratives) string {
	switch n {
	case fieldmap.HoldNarratives:
		return "scanned: an order with a secret in it waits until a person releases it, and is sent redacted"
	case fieldmap.SendNarratives:
		return "scanned, and SENT AS IT IS: secrets in it are only counted"
	}
	return "scanned: secrets in it are redacted"
}

func newSheetTable(l *fieldmap.Level) sheetTable {
	t := sheetTable{Name: l.Path, Skips: sheetRules(l.Skip), Decides: decides(l)}
	if l.Parent != nil {
		t.About = fmt.Sprintf("%s, any number each %s", l.From, parentWord(l))
	} else {
		t.Name = "orders"
		t.About = fmt.Sprintf("%s, each named by %s, of the week in which %s falls", l.From, strings.Join(l.Key, ", "), l.Week)
	}
	for _, j := range l.Joins {
		t.Joins = append(t.Joins, fmt.Sprintf("%s, the row of %s %s", j.Name, j.From, linkWords(j.On)))
	}
	for _, f := range l.Fields() {
		field := sheetField{
			Send: f.Send, Column: f.Column.String(), How: f.How(), Why: f.Why, Withheld: sheetRules(f.Withhold),
			Path: fieldPath(l, f), Class: className(l.ClassOf(f)),
		}
		if f.Map != nil {
			field.Codes = f.Map.String()
		}
		t.Fields = append(t.Fields, field)
	}
	return t
}

func sheetRules(rules []fieldmap.Rule) []sheetRule {
	var said []sheetRule
	for _, r := range rules {
		said = append(said, sheetRule{Where: r.String(), Why: r.Why})
	}
	return said
}

func parentWord(l *fieldmap.Level) string {
	if l.Parent.Parent == nil {
		return "order"
	}
	return l.Parent.Path
}

func linkWords(pairs []fieldmap.Pair) string {
	var words []string
	for _, p := range pairs {
		words = append(words, fmt.Sprintf("whose %s is the order's %s", p.Right, p.Left))
	}
	return strings.Join(words, " and ")
}

// decides returns the columns of a level that are read and never sent, each with what for. The key is not among them:
// it names every order that is sent.
func decides(l *fieldmap.Level) []string {
	var said []string
	for _, c := range l.Columns() {
		sent := slices.ContainsFunc(l.Fields(), func(f *fieldmap.Field) bool { return f.Column == c })
		if !sent && (c.Join != "" || !slices.Contains(l.Key, c.Name)) {
			said = append(said, fmt.Sprintf("%s (%s)", c, strings.Join(uses(l, c), ", ")))
		}
	}
	return said
}

// uses says what a column that is not sent is read for.
func uses(l *fieldmap.Level, c fieldmap.Column) []string {
	own := func(names ...string) bool { return c.Join == "" && slices.Contains(names, c.Name) }
	tested := func(rules []fieldmap.Rule) bool {
		return slices.ContainsFunc(rules, func(r fieldmap.Rule) bool {
			return slices.ContainsFunc(r.All, func(test fieldmap.Condition) bool { return test.Column == c })
		})
	}
	links := own(lefts(l.Link)...)
	for _, list := range l.Lists {
		links = links || own(rights(list.Link)...)
	}
	for _, j := range l.Joins {
		links = links || own(lefts(j.On)...) || c.Join == j.Name && slices.Contains(rights(j.On), c.Name)
	}
	var words []string
	for _, use := range []struct {
		is   bool
		word string
	}{
		{own(l.Week), "tells the week"},
		{own(l.Changed), "tells what was edited"},
		{links, "links tables"},
		{own(l.Order...), "sorts"},
		{tested(l.Skip), "skips rows"},
		{slices.ContainsFunc(l.Fields(), func(f *fieldmap.Field) bool { return tested(f.Withhold) }), "withholds values"},
	} {
		if use.is {
			words = append(words, use.word)
		}
	}
	return words
}

func lefts(pairs []fieldmap.Pair) []string {
	var names []string
	for _, p := range pairs {
		names = append(names, p.Left)
	}
	return names
}

func rights(pairs []fieldmap.Pair) []string {
	var names []string
	for _, p := range pairs {
		names = append(names, p.Right)
	}
	return names
}
