package fieldmap

import "slices"

// ruleScope is where two lists of rules stand.
type ruleScope struct {
	where   string
	kind    string   // skip rule, withhold rule
	known   []Column // what was read of the table before, if only to decide
	guarded bool     // a value that the rules leave out could have stopped the pull
}

// rules compares two lists of rules. They are sets: a list leaves out what any of its rules does.
func (d *differ) rules(in ruleScope, before, after []Rule) {
	was, is := withoutEqual(before, after), withoutEqual(after, before)
	for _, now := range is {
		i := slices.IndexFunc(was, func(old Rule) bool { return now.covers(old) || old.covers(now) || old.Why == now.Why })
		if i < 0 {
			d.note(in.effect(nil, &now, before, after), in.where, in.kind+" added", "", now.signed())
			continue
		}
		d.note(in.effect(&was[i], &now, before, after), in.where, in.kind+" changed", was[i].signed(), now.signed())
		was = slices.Delete(was, i, i+1)
	}
	for _, old := range was {
		d.note(in.effect(&old, nil, before, after), in.where, in.kind+" removed", old.signed(), "")
	}
	if len(is) == 0 && len(was) == 0 && !slices.EqualFunc(before, after, Rule.equal) {
		d.note(Reworded, in.where, in.kind+"s reordered or repeated", "", "")
	}
}

// withoutEqual returns the rules that others lack.
func withoutEqual(rules, others []Rule) []Rule {
	var rest []Rule
	for _, r := range rules {
		if !slices.ContainsFunc(others, r.equal) {
			rest = append(rest, r)
		}
	}
	return rest
}

// effect judges a rule that was changed, added (old is nil) or removed (now is nil).
func (in ruleScope) effect(old, now *Rule, before, after []Rule) Effect {
	if old != nil && !slices.ContainsFunc(after, func(r Rule) bool { return r.covers(*old) }) {
		return Widened
	}
	if now == nil {
		return Reworded
	}
	for _, c := range now.All {
		if !slices.Contains(in.known, c.Column) {
			return Widened // a column is read that was not
		}
	}
	switch leavesMore := !slices.ContainsFunc(before, func(r Rule) bool { return r.covers(*now) }); {
	case leavesMore && in.guarded:
		return Widened
	case leavesMore:
		return Narrowed
	}
	return Reworded
}

// signed is a rule as it is signed: with its reason.
func (r Rule) signed() string { return r.String() + " (" + r.Why + ")" }

// equal reports whether two rules are written alike.
func (r Rule) equal(other Rule) bool {
	return r.Why == other.Why && slices.EqualFunc(r.All, other.All, func(a, b Condition) bool {
		return a.Column == b.Column && a.Op == b.Op && slices.Equal(a.Values, b.Values) && a.Time.Equal(b.Time) && a.Age == b.Age
	})
}

// covers reports whether r surely matches wherever inner does.
func (r Rule) covers(inner Rule) bool {
	for _, outer := range r.All {
		if !slices.ContainsFunc(inner.All, outer.follows) {
			return false
		}
	}
	return len(r.All) > 0
}

// follows reports whether c surely holds wherever from does. Values are compared as they are written: whether a database
// takes two spellings for one value is not known here.
func (c Condition) follows(from Condition) bool {
	switch {
	case c.Column != from.Column:
		return false
	case c.Op == NotNull: // a NULL matches only is_null
		return from.Op != IsNull
	case c.Op != from.Op:
		return false
	}
	switch c.Op {
	case In:
		return within(from.Values, c.Values)
	case NotIn:
		return within(c.Values, from.Values)
	case IsNull:
		return true
	case Before:
		return !from.Time.After(c.Time)
	case After:
		return !from.Time.Before(c.Time)
	case OlderThan:
		return from.Age.atLeast(c.Age)
	}
	return false
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(v string) bool { return !slices.Contains(all, v) })
}

// atLeast reports whether a is as long as b or longer, from whatever day they are counted back. Days and months cannot
// be compared.
func (a Age) atLeast(b Age) bool {
	n, unit := a.plain()
	least, other := b.plain()
	return unit == other && n >= least
}

// plain returns an age in days or months.
func (a Age) plain() (int, AgeUnit) {
	switch a.Unit {
	case Weeks:
		return 7 * a.N, Days
	case Years:
		return 12 * a.N, Months
	}
	return a.N, a.Unit
}
