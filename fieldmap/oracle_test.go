package fieldmap

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// oracle says, in plain Go and without any of what it judges, what a whitelist shows of rows. Errors that park an order
// are no rule of the dealer's and do not count.
type oracle struct{ w *Whitelist }

// sight is a row with the rows above it: by level, by column; a NULL is absent.
type sight []map[Column]string

// cell is one character that is sent, with its place in the value; -1 where it is none of the value's.
type cell struct {
	char  byte
	place int
}

// someSights returns random rows, each with rows above it for all levels.
func someSights(seed uint64, n int) []sight {
	random := rand.New(rand.NewPCG(seed, 0))
	rows := make([]sight, n)
	for i := range rows {
		for level := range 4 {
			row := map[Column]string{}
			for _, c := range []Column{{"", "A"}, {"", "B"}, {"", "C"}, {"", "D"}, {"customer", "A"}, {"customer", "B"}, {"customer", "C"}, {"customer", "D"}} {
				values := drawnTexts()
				if c.Name == "D" {
					values = drawnDates()
				}
				if i := random.IntN(len(values) + 1); i < len(values) && (level == 0 || c.Join == "") {
					row[c] = values[i]
				}
			}
			rows[i] = append(rows[i], row)
		}
	}
	return rows
}

// eachField yields the fields of a whitelist by path, each with the rules that skip its row or one above it, by level.
func (o oracle) eachField(yield func(path string, f Field, skips [][]Rule)) {
	var walk func(prefix string, skips [][]Rule, fields []Field, lists []Lines)
	walk = func(prefix string, skips [][]Rule, fields []Field, lists []Lines) {
		for _, f := range fields {
			yield(prefix+f.Send, f, skips)
		}
		for _, l := range lists {
			walk(prefix+l.Send+".", append(slices.Clone(skips), l.Skip), l.Fields, l.Lines)
		}
	}
	walk("", [][]Rule{o.w.Orders.Skip}, o.w.Orders.Fields, o.w.Orders.Lines)
}

// shows returns what is sent of a field for a row; blocked reports that the pull stops instead.
func (s sight) shows(f Field, skips [][]Rule) (sent []cell, ok, blocked bool) {
	for level, rules := range skips {
		if s.matches(level, rules) {
			return nil, false, false
		}
	}
	value, given := s[len(skips)-1][f.Column]
	if !given || s.matches(len(skips)-1, f.Withhold) {
		return nil, false, false
	}
	for i := range len(value) {
		sent = append(sent, cell{value[i], i})
	}
	if f.Map != nil {
		text, known := translate(f.Map, value)
		if !known {
			return nil, false, false
		}
		sent = cells(text)
	}
	if at := strings.Index(value, "123"); f.Narrative && at >= 0 { // stands for any scan
		sent = slices.Concat(sent[:at], cells("[SECRET]"), sent[at+3:])
	}
	return masked(f.Mask, sent)
}

func masked(m Mask, sent []cell) (out []cell, ok, blocked bool) {
	switch m.Strategy {
	case MaskHash:
		return cells("hash of " + spell(sent)), true, false
	case MaskRedact:
		return cells("redacted"), true, false
	case MaskNullify:
		return nil, false, false
	case MaskBlock:
		return nil, false, true
	case MaskTruncate:
		return sent[:min(m.Keep, len(sent))], true, false
	case MaskGeneralize:
		return sent[:map[string]int{"year": 4, "month": 7}[m.To]], true, false
	case MaskPartial:
		if len(sent) <= m.Keep {
			return cells(strings.Repeat("*", len(sent))), true, false
		}
		hidden := len(sent) - m.Keep
		return append(cells(strings.Repeat("*", hidden)), sent[hidden:]...), true, false
	}
	return sent, true, false
}

func cells(text string) []cell {
	var out []cell
	for i := range len(text) {
		out = append(out, cell{text[i], -1})
	}
	return out
}

func spell(sent []cell) string {
	var b strings.Builder
	for _, c := range sent {
		b.WriteByte(c.char)
	}
	return b.String()
}

func translate(m *ValueMap, value string) (text string, known bool) {
	for _, code := range []string{value, strings.TrimSpace(value)} {
		for _, e := range m.Codes {
			if e.Code == code {
				return e.Send, true
			}
		}
	}
	return m.Else, m.HasElse
}

func (s sight) matches(level int, rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		return !slices.ContainsFunc(r.All, func(c Condition) bool { return !holds(c, s[level]) })
	})
}

func holds(c Condition, row map[Column]string) bool {
	value, given := row[c.Column]
	if !given {
		return c.Op == IsNull
	}
	day, _ := time.Parse(time.DateOnly, value)
	switch c.Op {
	case In:
		return slices.Contains(c.Values, value)
	case NotIn:
		return !slices.Contains(c.Values, value)
	case NotNull:
		return true
	case Before:
		return day.Before(c.Time)
	case After:
		return day.After(c.Time)
	case OlderThan:
		return day.Before(c.Age.Before(drawnEnd()))
	}
	return false
}

// reads returns the columns that a whitelist's statements name, by list.
func (o oracle) reads() map[string]bool {
	names := map[string]bool{}
	note := func(path string, rules []Rule) {
		for _, r := range rules {
			for _, c := range r.All {
				names[path+"/"+c.Column.Join+"/"+c.Column.Name] = true
			}
		}
	}
	o.eachField(func(path string, f Field, skips [][]Rule) {
		list := path[:strings.LastIndex(path, f.Send)]
		names[list+"/"+f.Column.Join+"/"+f.Column.Name] = true
		note(list, f.Withhold)
		note(list, skips[len(skips)-1])
	})
	return names
}

// readsMore says which column after names that before does not, or "".
func readsMore(before, after oracle) string {
	known := before.reads()
	for name := range after.reads() {
		if !known[name] {
			return "it reads " + name
		}
	}
	return ""
}

// showsMore says how after shows more of some rows than before, or "".
func showsMore(before, after oracle, rows []sight) string {
	if before.blocked(rows) && !after.blocked(rows) {
		return "it lets pass what stopped the pull"
	}
	was := map[string]func(sight) ([]cell, bool){}
	before.eachField(func(path string, f Field, skips [][]Rule) {
		was[path] = func(s sight) ([]cell, bool) { sent, ok, _ := s.shows(f, skips); return sent, ok }
	})
	problem := ""
	after.eachField(func(path string, f Field, skips [][]Rule) {
		old, ok := was[path]
		if !ok {
			problem = "it sends " + path
			return
		}
		tells := map[string]string{} // what was sent, and what is now sent for it
		for _, s := range rows {
			now, ok, _ := s.shows(f, skips)
			if !ok {
				continue
			}
			then, sent := old(s)
			same, seen := tells[spell(then)]
			switch {
			case !sent:
				problem = "it sends a value of " + path
			case seen && same != spell(now):
				problem = "it tells apart values of " + path
			case !within(places(now), places(then)):
				problem = "it shows more of values of " + path
			}
			tells[spell(then)] = spell(now)
		}
	})
	return problem
}

func places(sent []cell) []string {
	var all []string
	for _, c := range sent {
		if c.place >= 0 {
			all = append(all, string(rune('0'+c.place)))
		}
	}
	return all
}

func (o oracle) blocked(rows []sight) bool {
	stops := false
	o.eachField(func(_ string, f Field, skips [][]Rule) {
		for _, s := range rows {
			if _, _, blocked := s.shows(f, skips); blocked {
				stops = true
			}
		}
	})
	return stops
}
