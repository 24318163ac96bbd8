package fieldmap

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"roagent/fieldmap/strictyaml"
)

// maxValues is the most values one condition may list: SQL Server takes 2,100 parameters a statement, and each rule
// of a withheld value counts twice.
const maxValues = 200

// maxYears is how far older_than may count back.
const maxYears = 200

// conditionKeys are the tests of a condition, in the order of [Op]'s constants.
const conditionKeys = "in not_in is_null not_null before after older_than"

func (in scope) rules(n strictyaml.Node) []Rule {
	var rules []Rule
	for _, entry := range n.List() {
		rules = append(rules, in.rule(entry))
	}
	return rules
}

// rule reads {column: …, in: …, why: …} or {all: [condition, …], why: …}.
func (in scope) rule(n strictyaml.Node) Rule {
	if !n.Has("all") {
		o := n.Object("column why", conditionKeys)
		return Rule{At: n.At, Why: o.Get("why").Text(), All: []Condition{in.condition(o)}}
	}
	o := n.Object("all why", "")
	r := Rule{At: n.At, Why: o.Get("why").Text()}
	for _, entry := range o.Get("all").List() {
		r.All = append(r.All, in.condition(entry.Object("column", conditionKeys)))
	}
	return r
}

func (in scope) condition(o strictyaml.Object) Condition {
	c := Condition{Column: in.column(o.Get("column"))}
	var tests []string
	for i, key := range strings.Fields(conditionKeys) {
		if n := o.Get(key); n.Given() {
			tests = append(tests, key)
			c.Op = Op(i + 1)
			c.operand(n)
		}
	}
	switch {
	case len(tests) == 0 && o.IsObject():
		o.Problem("add one of "+strings.Join(strings.Fields(conditionKeys), ", "), "the condition does not say what to test")
	case len(tests) > 1:
		o.Problem("to ask for all of several tests write {all: [{…}, {…}], why: …}", "a condition has one test; this one has %s", strings.Join(tests, " and "))
	}
	return c
}

// operand reads what the condition compares with.
func (c *Condition) operand(n strictyaml.Node) {
	switch c.Op {
	case In, NotIn:
		c.Values = parseValues(n)
	case IsNull, NotNull:
		if !n.Bool() && n.IsBool() {
			n.Problem("write is_null: true or not_null: true", "%s: false could be read in two ways", c.Op)
		}
	case Before, After:
		c.Time = parseTime(n)
	case OlderThan:
		c.Age = parseAge(n)
	}
}

func parseValues(n strictyaml.Node) []string {
	var values []string
	for _, entry := range n.OneOrMore() {
		if entry.IsNull() {
			entry.Problem("write is_null: true for rows without a value; put quotes around a code that reads null", "null is no value to compare with")
			continue
		}
		value := entry.Scalar()
		if slices.Contains(values, value) {
			entry.Problem("", "the value is listed twice")
		}
		values = append(values, value)
	}
	if len(values) > maxValues {
		n.Problem("let a view in the database say it in one column", "a condition lists at most %d values; this one has %d", maxValues, len(values))
	}
	return values
}

func parseTime(n strictyaml.Node) time.Time {
	text := n.Text()
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime} {
		// SQL Server's datetime begins in 1753.
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1753 {
			return t
		}
	}
	if text != "" {
		n.Problem("write it like 2024-01-31 or 2024-01-31 17:30, in the DMS's own time; years before 1753 are not accepted", "%s is not a date", text)
	}
	return time.Time{}
}

var ageText = regexp.MustCompile(`^([0-9]{1,6}) +(day|week|month|year)s?$`)

func parseAge(n strictyaml.Node) Age {
	text := n.Text()
	if text == "" {
		return Age{}
	}
	m := ageText.FindStringSubmatch(text)
	if m == nil {
		n.Problem("write it like 2 years, 6 months, 3 weeks or 90 days", "%s is not a span of time", text)
		return Age{}
	}
	count, _ := strconv.Atoi(m[1])
	end := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	age := Age{N: count, Unit: AgeUnit(m[2] + "s")}
	if age.N < 1 || age.Before(end).Before(end.AddDate(-maxYears, 0, 0)) {
		n.Problem("", "a span of time is at least 1 day and at most %d years", maxYears)
	}
	return age
}
