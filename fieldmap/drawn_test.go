package fieldmap

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// drawnTexts and drawnDates are what the columns of drawn whitelists hold; a NULL is left out of a row.
func drawnTexts() []string {
	return []string{"", "1", "12", "123", "1234", "12345", "x1", "xx2", "xx2 "}
}

func drawnDates() []string {
	return []string{"2023-01-31", "2025-10-31", "2026-03-15", "2026-11-01"}
}

// drawnEnd is the end of the week in which drawn rows are read.
func drawnEnd() time.Time { return time.Date(2026, time.November, 9, 0, 0, 0, 0, time.UTC) }

func drawWhy(t *rapid.T) string {
	return rapid.SampledFrom([]string{"survey", "recall", "<wear>"}).Draw(t, "why")
}

// drawColumn draws a column of a level: A, B and C are texts, D is a date; the orders have a joined table too.
func drawColumn(t *rapid.T, level int) Column {
	c := Column{Name: rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "column")}
	if level == 0 && rapid.IntRange(0, 3).Draw(t, "joined") == 0 {
		c.Join = "customer"
	}
	return c
}

func drawCondition(t *rapid.T, level int) Condition {
	c := Condition{Column: drawColumn(t, level)}
	ops := []Op{In, NotIn, IsNull, NotNull}
	if c.Column.Name == "D" {
		ops = []Op{IsNull, NotNull, Before, After, OlderThan}
	}
	c.Op = rapid.SampledFrom(ops).Draw(t, "op")
	switch c.Op {
	case In, NotIn:
		c.Values = rapid.SliceOfNDistinct(rapid.SampledFrom(drawnTexts()), 1, 4, rapid.ID).Draw(t, "values")
	case Before, After:
		c.Time = drawDate(t)
	case OlderThan:
		c.Age = Age{rapid.IntRange(1, 40).Draw(t, "n"), rapid.SampledFrom([]AgeUnit{Days, Weeks, Months, Years}).Draw(t, "unit")}
	}
	return c
}

func drawDate(t *rapid.T) time.Time {
	day, err := time.Parse(time.DateOnly, rapid.SampledFrom(drawnDates()).Draw(t, "date"))
	if err != nil {
		t.Fatal(err)
	}
	return day.AddDate(0, 0, rapid.IntRange(-1, 1).Draw(t, "day"))
}

func drawRule(t *rapid.T, level int) Rule {
	r := Rule{Why: drawWhy(t)}
	for range rapid.IntRange(1, 2).Draw(t, "conditions") {
		r.All = append(r.All, drawCondition(t, level))
	}
	return r
}

func drawRules(t *rapid.T, level int) []Rule {
	var rules []Rule
	for range rapid.IntRange(0, 2).Draw(t, "rules") {
		rules = append(rules, drawRule(t, level))
	}
	return rules
}

func drawMask(t *rapid.T, date bool) Mask {
	masks := []Mask{
		{Strategy: MaskNone},
		{Strategy: MaskHash},
		{Strategy: MaskRedact},
		{Strategy: MaskNullify},
		{Strategy: MaskBlock},
		{Strategy: MaskPartial, Keep: 2},
		{Strategy: MaskPartial, Keep: 3},
		{Strategy: MaskTruncate, Keep: 1},
		{Strategy: MaskTruncate, Keep: 3},
	}
	if date {
		masks = append(masks[:5], Mask{Strategy: MaskGeneralize, To: "year"}, Mask{Strategy: MaskGeneralize, To: "month"})
	}
	return rapid.SampledFrom(masks).Draw(t, "mask")
}

func drawMap(t *rapid.T) *ValueMap {
	m := &ValueMap{HasElse: rapid.Bool().Draw(t, "has else")}
	sent := rapid.SampledFrom([]string{"CUSTOMER_PAY", "CUSTOMER", "WARRANTY"})
	for _, code := range rapid.SliceOfNDistinct(rapid.SampledFrom(drawnTexts()), 1, 4, rapid.ID).Draw(t, "codes") {
		m.Codes = append(m.Codes, MapEntry{Code: code, Send: sent.Draw(t, "sent")})
	}
	if m.HasElse {
		m.Else = sent.Draw(t, "else")
	}
	return m
}

func drawField(t *rapid.T, send string, level int) Field {
	f := Field{Send: send, Column: drawColumn(t, level), Why: drawWhy(t), Withhold: drawRules(t, level)}
	date := f.Column.Name == "D"
	f.Mask = drawMask(t, date)
	if date {
		f.As = rapid.SampledFrom([]Kind{KindUnknown, KindDate}).Draw(t, "as")
		return f
	}
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		f.Map = drawMap(t)
	case 1:
		f.Narrative = true
	}
	return f
}

func drawFields(t *rapid.T, level int) []Field {
	var fields []Field
	for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
		fields = append(fields, drawField(t, fmt.Sprintf("field_%d", i), level))
	}
	return fields
}

func drawLists(t *rapid.T, level int) []Lines {
	var lists []Lines
	for i := range rapid.IntRange(0, 3-level).Draw(t, "lists") {
		lists = append(lists, Lines{
			Send: fmt.Sprintf("list_%d", i), From: Table{"dbo", fmt.Sprintf("List%d_%d", level, i)}, Parent: []Pair{{"Number", "Number"}},
			Order: rapid.SampledFrom([][]string{nil, {"Seq"}, {"Seq", "No"}}).Draw(t, "order"),
			Skip:  drawRules(t, level), Fields: drawFields(t, level), Lines: drawLists(t, level+1),
		})
	}
	return lists
}

// drawWhitelist draws a whitelist of orders, their customers and up to two levels of lines.
func drawWhitelist(t *rapid.T) *Whitelist {
	return &Whitelist{
		Version: 1, Recipient: "maker", Purpose: rapid.SampledFrom([]string{"survey", "recall"}).Draw(t, "purpose"), Agreement: "1",
		Narratives: rapid.SampledFrom([]Narratives{RedactNarratives, HoldNarratives, SendNarratives}).Draw(t, "narratives"),
		Orders: Orders{
			From: Table{"dbo", "RO"}, Key: []string{"Number"}, Week: "Closed", Changed: rapid.SampledFrom([]string{"", "Edited"}).Draw(t, "changed"),
			Joins: []Join{{Name: "customer", From: Table{"dbo", "Customer"}, On: []Pair{{"No", "No"}}}},
			Skip:  drawRules(t, 0), Fields: drawFields(t, 0), Lines: drawLists(t, 1),
		},
	}
}

// redraw changes one thing in a whitelist, as a person edits the file.
func redraw(t *rapid.T, w *Whitelist) {
	o := &w.Orders
	skip, fields, lists, level := &o.Skip, &o.Fields, &o.Lines, 0
	for len(*lists) > 0 && rapid.Bool().Draw(t, "deeper") {
		l := &(*lists)[rapid.IntRange(0, len(*lists)-1).Draw(t, "list")]
		skip, fields, lists, level = &l.Skip, &l.Fields, &l.Lines, level+1
	}
	switch rapid.IntRange(0, 9).Draw(t, "edit") {
	case 0:
		w.Purpose = rapid.SampledFrom([]string{"survey", "recall", "marketing"}).Draw(t, "purpose")
	case 1:
		*lists = drawLists(t, min(level+1, 3))
	case 2, 3:
		redrawRules(t, skip, level)
	default:
		redrawFields(t, fields, level)
	}
}

func redrawFields(t *rapid.T, fields *[]Field, level int) {
	if len(*fields) == 0 {
		*fields = drawFields(t, level)
		return
	}
	at := rapid.IntRange(0, len(*fields)-1).Draw(t, "field")
	f := &(*fields)[at]
	switch rapid.IntRange(0, 8).Draw(t, "edit of field") {
	case 0:
		*fields = slices.Delete(*fields, at, at+1)
	case 1:
		*fields = append(*fields, drawField(t, "field_new", level))
	case 2:
		(*fields)[0], (*fields)[at] = (*fields)[at], (*fields)[0]
	case 3:
		f.Mask = drawMask(t, f.Column.Name == "D")
	case 4:
		if f.Mask.Keep > 0 {
			f.Mask.Keep = rapid.IntRange(1, 4).Draw(t, "keep")
		}
	case 5:
		f.Why = drawWhy(t)
	case 6:
		f.Narrative = f.Map == nil && f.Column.Name != "D" && !f.Narrative
	case 7:
		if f.Map != nil {
			redrawMap(t, f.Map)
		}
	case 8:
		redrawRules(t, &f.Withhold, level)
	}
}

func redrawMap(t *rapid.T, m *ValueMap) {
	switch at := rapid.IntRange(0, len(m.Codes)-1).Draw(t, "code"); {
	case len(m.Codes) > 1 && rapid.Bool().Draw(t, "remove a code"):
		m.Codes = slices.Delete(m.Codes, at, at+1)
	case rapid.Bool().Draw(t, "else"):
		m.HasElse, m.Else = !m.HasElse, ""
	default:
		*m = *drawMap(t)
	}
}

func redrawRules(t *rapid.T, rules *[]Rule, level int) {
	if len(*rules) == 0 || rapid.IntRange(0, 2).Draw(t, "add a rule") == 0 {
		*rules = append(*rules, drawRule(t, level))
		return
	}
	at := rapid.IntRange(0, len(*rules)-1).Draw(t, "rule")
	r := &(*rules)[at]
	c := &r.All[rapid.IntRange(0, len(r.All)-1).Draw(t, "condition")]
	switch rapid.IntRange(0, 6).Draw(t, "edit of rule") {
	case 0:
		*rules = slices.Delete(*rules, at, at+1)
	case 1:
		r.All = append(r.All, drawCondition(t, level))
	case 2:
		if len(r.All) > 1 {
			r.All = r.All[1:]
		}
	case 3:
		slices.Reverse(*rules)
	case 4:
		r.Why = drawWhy(t)
	case 5:
		if other := drawCondition(t, level); (other.Column.Name == "D") == (c.Column.Name == "D") {
			other.Column = c.Column
			*c = other
		}
	default:
		redrawOperand(t, c)
	}
}

func redrawOperand(t *rapid.T, c *Condition) {
	switch c.Op {
	case In, NotIn:
		if v := rapid.SampledFrom(drawnTexts()).Draw(t, "value"); !slices.Contains(c.Values, v) {
			c.Values = append(c.Values, v)
		} else if len(c.Values) > 1 {
			c.Values = slices.DeleteFunc(c.Values, func(have string) bool { return have == v })
		}
	case Before, After:
		c.Time = drawDate(t)
	case OlderThan:
		c.Age = Age{rapid.IntRange(1, 40).Draw(t, "n"), rapid.SampledFrom([]AgeUnit{Days, Weeks, Months, Years}).Draw(t, "unit")}
	}
}
