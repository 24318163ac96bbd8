package fieldmap

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap/class"
)

// Effect is what a change of a whitelist does to what may be read and sent.
type Effect string

// The effects. What cannot be proven to be narrower, or the same in other words, counts as wider: see DESIGN.md.
const (
	Widened  Effect = "widened"  // more can be read or sent, or to another recipient or purpose
	Narrowed Effect = "narrowed" // surely less
	Reworded Effect = "reworded" // the same, with other reasons or in another order
)

// Change is one difference between two whitelists.
type Change struct {
	Effect Effect `json:"effect"`
	Where  string `json:"where"` // a sent path, a list, orders, or a part of the whitelist's head: recipient
	What   string `json:"what"`  // mask changed
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Diff returns what changed from one whitelist to another, in the order of the whitelist. It is empty only where both
// have the same canonical form.
func Diff(before, after *Whitelist) []Change {
	d := &differ{}
	d.text("roagent", "version of the whitelist changed", fmt.Sprint(before.Version), fmt.Sprint(after.Version))
	d.text("recipient", "changed", before.Recipient, after.Recipient)
	d.text("purpose", "changed", before.Purpose, after.Purpose)
	d.text("agreement", "changed", before.Agreement, after.Agreement)
	d.narratives(before.Narratives, after.Narratives)
	d.classes(before.Classes, after.Classes)
	d.level(before.Compile().Orders, after.Compile().Orders)
	if len(d.changes) == 0 && !bytes.Equal(before.Canonical(), after.Canonical()) {
		d.note(Widened, "whitelist", "changed in a way that this roagent has no word for", "", "")
	}
	return d.changes
}

// OnlyNarrowed reports whether changes take away and do nothing else: what was approved covers all that is left.
func OnlyNarrowed(changes []Change) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(c Change) bool { return c.Effect != Narrowed })
}

type differ struct{ changes []Change }

func (d *differ) note(effect Effect, where, what, before, after string) {
	d.changes = append(d.changes, Change{Effect: effect, Where: where, What: what, Before: before, After: after})
}

// text notes a change of what no order among values can be claimed for.
func (d *differ) text(where, what, before, after string) {
	if before != after {
		d.note(Widened, where, what, before, after)
	}
}

// narratives compares what becomes of secrets in free text. What is held is sent redacted once a person has looked.
func (d *differ) narratives(before, after Narratives) {
	if before == after {
		return
	}
	effect, lets := Widened, []Narratives{HoldNarratives, RedactNarratives, SendNarratives}
	if slices.Index(lets, after) < slices.Index(lets, before) {
		effect = Narrowed
	}
	d.note(effect, "narratives", "changed", string(before), string(after))
}

// classes compares what a whitelist adds to the classes. Only what it forbids decides about anything.
func (d *differ) classes(before, after []Classed) {
	pairs, _ := match(before, after, func(c Classed) string { return string(c.Class) + ": " + c.Name })
	for _, p := range pairs {
		switch {
		case p.before == nil && p.after.Class == class.Forbidden:
			d.note(Narrowed, "classes", "name forbidden", "", p.after.Name)
		case p.before == nil:
			d.note(Reworded, "classes", "name added to "+string(p.after.Class), "", p.after.Name)
		case p.after == nil && p.before.Class == class.Forbidden:
			d.note(Widened, "classes", "name forbidden no more", p.before.Name, "")
		case p.after == nil:
			d.note(Reworded, "classes", "name taken out of "+string(p.before.Class), p.before.Name, "")
		}
	}
}

// level compares one table of the whitelist, with all that hangs from it.
func (d *differ) level(before, after *Level) {
	where := levelName(after)
	if before.From != after.From {
		d.note(Widened, where, "table changed", before.From.String(), after.From.String())
	}
	d.columns(where, "key changed", before.Key, after.Key)
	d.text(where, "column of the week changed", before.Week, after.Week)
	d.text(where, "column of the last edit changed", before.Changed, after.Changed)
	if !samePairs(before.Link, after.Link) {
		d.note(Widened, where, "link to the parent changed", pairsText(before.Link), pairsText(after.Link))
	}
	d.columns(where, "columns that order the lines changed", before.Order, after.Order)
	d.joins(where, before.Joins, after.Joins)
	d.rules(ruleScope{where: where, kind: "skip rule", known: before.Columns(), guarded: before.blocks()}, before.Skip, after.Skip)
	d.fields(before, after)
	d.lists(before, after)
}

func (d *differ) columns(where, what string, before, after []string) {
	if !slices.Equal(before, after) {
		d.note(Widened, where, what, strings.Join(before, ", "), strings.Join(after, ", "))
	}
}

func levelName(l *Level) string {
	if l.Parent == nil {
		return "orders"
	}
	return l.Path
}

func pairsText(pairs []Pair) string {
	var words []string
	for _, p := range canonicalPairs(pairs) {
		words = append(words, p[0]+": "+p[1])
	}
	return strings.Join(words, ", ")
}

func samePairs(a, b []Pair) bool { return slices.Equal(canonicalPairs(a), canonicalPairs(b)) }

// blocks reports whether the level, or a list below it, has a field that stops the pull: there, reading less lets pass
// what was stopped.
func (l *Level) blocks() bool {
	return slices.ContainsFunc(l.Fields(), func(f *Field) bool { return f.Mask.Strategy == MaskBlock }) ||
		slices.ContainsFunc(l.Lists, (*Level).blocks)
}

func (d *differ) joins(where string, before, after []Join) {
	text := func(j *Join) string { return j.From.String() + " on " + pairsText(j.On) }
	pairs, _ := match(before, after, func(j Join) string { return j.Name })
	for _, p := range pairs {
		switch {
		case p.before == nil:
			d.note(Widened, where, "table joined: "+p.after.Name, "", text(p.after))
		case p.after == nil:
			d.note(Narrowed, where, "joined table removed: "+p.before.Name, text(p.before), "")
		case p.before.From != p.after.From, !samePairs(p.before.On, p.after.On):
			d.note(Widened, where, "joined table changed: "+p.after.Name, text(p.before), text(p.after))
		}
	}
}

func (d *differ) lists(before, after *Level) {
	pairs, moved := match(before.Lists, after.Lists, func(l *Level) string { return l.Path })
	for _, p := range pairs {
		switch {
		case p.before == nil:
			d.note(Widened, (*p.after).Path, "list added", "", (*p.after).From.String())
		case p.after == nil && (*p.before).blocks():
			d.note(Widened, (*p.before).Path, "list removed, which could stop the pull", (*p.before).From.String(), "")
		case p.after == nil:
			d.note(Narrowed, (*p.before).Path, "list removed", (*p.before).From.String(), "")
		default:
			d.level(*p.before, *p.after)
		}
	}
	if moved {
		d.note(Reworded, levelName(after), "lists reordered", "", "")
	}
}

func (d *differ) fields(before, after *Level) {
	pairs, moved := match(before.Fields(), after.Fields(), func(f *Field) string { return f.Send })
	for _, p := range pairs {
		switch {
		case p.before == nil:
			f := *p.after
			d.note(Widened, sentPath(after, f), "field added", "", f.Column.String()+", "+f.How())
		case p.after == nil:
			f := *p.before
			d.removed(sentPath(before, f), f)
		default:
			d.field(before, sentPath(after, *p.after), *p.before, *p.after)
		}
	}
	if moved {
		d.note(Reworded, levelName(after), "fields reordered", "", "")
	}
}

func sentPath(l *Level, f *Field) string { return strings.TrimPrefix(l.Path+"."+f.Send, ".") }

func (d *differ) removed(path string, f *Field) {
	effect, what := Narrowed, "field removed"
	if f.Mask.Strategy == MaskBlock {
		effect, what = Widened, "field removed, which could stop the pull"
	}
	d.note(effect, path, what, f.Column.String()+", "+f.How(), "")
}

// field compares two ways to send to one path.
func (d *differ) field(level *Level, path string, before, after *Field) {
	if before.Column != after.Column {
		d.note(Widened, path, "column changed", before.Column.String(), after.Column.String())
	}
	d.text(path, "type changed", kindText(before.As), kindText(after.As))
	d.text(path, "layout changed", before.Layout, after.Layout)
	d.text(path, "unit changed", before.Unit, after.Unit)
	d.text(path, "currency changed", before.Currency, after.Currency)
	d.mask(path, before, after)
	d.translation(path, before, after)
	d.narrative(path, before, after)
	d.text(path, "override changed", before.Override, after.Override)
	d.rules(ruleScope{
		where: path, kind: "withhold rule", known: level.Columns(), guarded: before.Mask.Strategy == MaskBlock,
	}, before.Withhold, after.Withhold)
	if before.Why != after.Why {
		d.note(Reworded, path, "reason changed", before.Why, after.Why)
	}
}

func kindText(k Kind) string {
	if k == KindUnknown {
		return "as the database says"
	}
	return k.String()
}

func (d *differ) mask(path string, before, after *Field) {
	if before.Mask == after.Mask {
		return
	}
	effect := Widened
	if after.Mask.hidesMore(before.Mask) {
		effect = Narrowed
	}
	d.note(effect, path, "mask changed", before.Mask.String(), after.Mask.String())
}

// narrative compares whether a text is scanned. A scan moves what stands behind the text that it takes out, so that a
// mask that keeps some characters may then keep others.
func (d *differ) narrative(path string, before, after *Field) {
	switch plain := (Mask{Strategy: MaskNone}); {
	case before.Narrative == after.Narrative:
	case after.Narrative && before.Mask == plain && after.Mask == plain:
		d.note(Narrowed, path, "marked as free text", "", "")
	case after.Narrative:
		d.note(Widened, path, "marked as free text under a mask", "", "")
	default:
		d.note(Widened, path, "no longer marked as free text", "", "")
	}
}

// translation compares two maps. Codes that are no longer translated are no longer sent, unless the map sends
// something for any code.
func (d *differ) translation(path string, before, after *Field) {
	old, now := before.Map, after.Map
	if old.equal(now) {
		return
	}
	effect := Widened
	if old != nil && now != nil && before.Mask.Strategy != MaskBlock && now.translatesLess(old) {
		effect = Narrowed
	}
	text := func(m *ValueMap) string {
		if m == nil {
			return ""
		}
		return m.String()
	}
	d.note(effect, path, "translation changed", text(old), text(now))
}

// equal reports whether two maps send the same for every code. Either may be nil.
func (m *ValueMap) equal(other *ValueMap) bool {
	if m == nil || other == nil {
		return m == other
	}
	return m.HasElse == other.HasElse && m.Else == other.Else && slices.Equal(canonicalCodes(m), canonicalCodes(other))
}

// translatesLess reports whether m sends for every code what old sends for it, or nothing.
func (m *ValueMap) translatesLess(old *ValueMap) bool {
	if m.HasElse && (!old.HasElse || m.Else != old.Else || len(m.Codes) != len(old.Codes)) {
		return false
	}
	sent := map[string]string{}
	for _, e := range old.Codes {
		sent[e.Code] = e.Send
	}
	for _, e := range m.Codes {
		if text, ok := sent[e.Code]; !ok || text != e.Send {
			return false
		}
		delete(sent, e.Code)
	}
	for code := range sent { // a code in blanks falls back to the one without
		if slices.ContainsFunc(m.Codes, func(e MapEntry) bool { return e.Code == strings.TrimSpace(code) }) {
			return false
		}
	}
	return true
}

// hidesMore reports whether whatever m shows of any value can be told from what old shows of it, and less can.
//
// PARTIAL_MASK covers a short value whole, so that keeping fewer characters shows some of a value that was covered:
// no two of them can be compared.
func (m Mask) hidesMore(old Mask) bool {
	strictness := []MaskStrategy{MaskRedact, MaskNullify, MaskBlock}
	rank := slices.Index(strictness, m.Strategy)
	switch {
	case m == old:
		return false
	case old.Strategy == MaskNone, old.Strategy == "":
		return m.Strategy != "" && m.Strategy != MaskNone
	case rank >= 0:
		return rank > slices.Index(strictness, old.Strategy)
	case m.Strategy == MaskTruncate && old.Strategy == MaskTruncate:
		return m.Keep < old.Keep
	case m.Strategy == MaskGeneralize && old.Strategy == MaskGeneralize:
		return m.To == "year" && old.To == "month"
	}
	return false
}

// pairOf is one thing as it was and as it is; one of the two may be nil.
type pairOf[T any] struct{ before, after *T }

// match pairs things of the same name: those of after in their order, then what was removed. moved reports that those
// in both come in another order.
func match[T any](before, after []T, name func(T) string) (pairs []pairOf[T], moved bool) {
	taken := make([]bool, len(before))
	last := -1
	for i := range after {
		p := pairOf[T]{after: &after[i]}
		for j := range before {
			if !taken[j] && name(before[j]) == name(after[i]) {
				taken[j], p.before = true, &before[j]
				moved = moved || j < last
				last = j
				break
			}
		}
		pairs = append(pairs, p)
	}
	for j := range before {
		if !taken[j] {
			pairs = append(pairs, pairOf[T]{before: &before[j]})
		}
	}
	return pairs, moved
}
