package fieldmap

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap/class"
)

// The canonical form is JSON with all that matters of a whitelist: what is read and sent, and why and to whom, since
// that is what the dealer approves. Comments, layout, quoting and the order of keys in a mapping do not count; the
// order of lists does. Two whitelists that differ in anything that matters have different canonical forms.
type (
	canonicalWhitelist struct {
		Version    int                `json:"fieldmap"`
		Recipient  string             `json:"recipient"`
		Purpose    string             `json:"purpose"`
		Agreement  string             `json:"agreement"`
		Narratives Narratives         `json:"narratives,omitempty"` // left out where they are redacted
		Classes    []canonicalClassed `json:"classes,omitempty"`    // sorted
		Orders     canonicalOrders    `json:"orders"`
	}
	canonicalClassed struct {
		Class class.Class `json:"class"`
		Name  string      `json:"name"`
	}
	canonicalOrders struct {
		From    canonicalTable   `json:"from"`
		Key     []string         `json:"key"`
		Week    string           `json:"week"`
		Changed string           `json:"changed,omitempty"`
		Joins   []canonicalJoin  `json:"join,omitempty"` // by name
		Skip    []canonicalRule  `json:"skip,omitempty"`
		Fields  []canonicalField `json:"fields"`
		Lines   []canonicalLines `json:"lines,omitempty"`
	}
	canonicalTable struct {
		Schema string `json:"schema,omitempty"`
		Name   string `json:"name"`
	}
	canonicalJoin struct {
		Name string         `json:"name"`
		From canonicalTable `json:"from"`
		On   [][2]string    `json:"on"` // sorted
	}
	canonicalLines struct {
		Send   string           `json:"send"`
		From   canonicalTable   `json:"from"`
		Parent [][2]string      `json:"parent"` // sorted
		Order  []string         `json:"order,omitempty"`
		Skip   []canonicalRule  `json:"skip,omitempty"`
		Fields []canonicalField `json:"fields,omitempty"`
		Lines  []canonicalLines `json:"lines,omitempty"`
	}
	canonicalField struct {
		Send      string          `json:"send"`
		Column    canonicalColumn `json:"column"`
		Why       string          `json:"why"`
		As        string          `json:"as,omitempty"`
		Layout    string          `json:"layout,omitempty"`
		Unit      string          `json:"unit,omitempty"`
		Currency  string          `json:"currency,omitempty"`
		Map       [][2]string     `json:"map,omitempty"` // sorted
		Else      *string         `json:"else,omitempty"`
		Mask      *canonicalMask  `json:"mask,omitempty"`
		Narrative bool            `json:"narrative,omitempty"`
		Override  string          `json:"override,omitempty"`
		Withhold  []canonicalRule `json:"withhold,omitempty"`
	}
	canonicalMask struct {
		Strategy MaskStrategy `json:"strategy"`
		Keep     int          `json:"keep,omitempty"`
		To       string       `json:"to,omitempty"`
	}
	canonicalColumn struct {
		Join string `json:"join,omitempty"`
		Name string `json:"name"`
	}
	canonicalRule struct {
		All []canonicalCondition `json:"all"`
		Why string               `json:"why"`
	}
	canonicalCondition struct {
		Column canonicalColumn `json:"column"`
		Op     string          `json:"op"`
		Values []string        `json:"values,omitempty"`
		Time   string          `json:"time,omitempty"`
		Age    string          `json:"age,omitempty"`
	}
)

// canonicalTime is how a wall clock is written.
const canonicalTime = "2006-01-02T15:04:05"

// Canonical returns the canonical form, of which [Whitelist.Digest] is the SHA-256.
func (w *Whitelist) Canonical() []byte {
	o := &w.Orders
	narratives := w.Narratives
	if narratives == RedactNarratives {
		narratives = ""
	}
	form, err := json.Marshal(canonicalWhitelist{
		Version: w.Version, Recipient: w.Recipient, Purpose: w.Purpose, Agreement: w.Agreement, Narratives: narratives, Classes: canonicalClasses(w.Classes),
		Orders: canonicalOrders{
			From: canonicalTable(o.From), Key: o.Key, Week: o.Week, Changed: o.Changed, Joins: canonicalJoins(o.Joins),
			Skip: canonicalRules(o.Skip), Fields: canonicalFields(o.Fields), Lines: canonicalLists(o.Lines),
		},
	})
	if err != nil {
		panic(fmt.Sprintf("fieldmap: marshal strings: %v", err)) // JSON can hold any text
	}
	return form
}

// Digest returns the SHA-256 of the canonical form.
func (w *Whitelist) Digest() Digest { return sha256.Sum256(w.Canonical()) }

// ParseDigest reads a digest in hex, as [Digest.String] writes it.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || s != strings.ToLower(s) {
		return Digest{}, fmt.Errorf("%q is no digest of a whitelist: it has %d digits 0-9 a-f", s, 2*len(d))
	}
	return Digest(b), nil
}

func canonicalClasses(classes []Classed) []canonicalClassed {
	form := make([]canonicalClassed, len(classes))
	for i, c := range classes {
		form[i] = canonicalClassed{Class: c.Class, Name: c.Name}
	}
	slices.SortFunc(form, func(a, b canonicalClassed) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return form
}

func canonicalPairs(pairs []Pair) [][2]string {
	form := make([][2]string, len(pairs))
	for i, p := range pairs {
		form[i] = [2]string{p.Left, p.Right}
	}
	return sorted(form)
}

func sorted(pairs [][2]string) [][2]string {
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return pairs
}

func canonicalJoins(joins []Join) []canonicalJoin {
	form := make([]canonicalJoin, len(joins))
	for i, j := range joins {
		form[i] = canonicalJoin{Name: j.Name, From: canonicalTable(j.From), On: canonicalPairs(j.On)}
	}
	slices.SortFunc(form, func(a, b canonicalJoin) int { return cmp.Compare(a.Name, b.Name) })
	return form
}

func canonicalLists(lists []Lines) []canonicalLines {
	form := make([]canonicalLines, len(lists))
	for i, l := range lists {
		form[i] = canonicalLines{
			Send: l.Send, From: canonicalTable(l.From), Parent: canonicalPairs(l.Parent), Order: l.Order,
			Skip: canonicalRules(l.Skip), Fields: canonicalFields(l.Fields), Lines: canonicalLists(l.Lines),
		}
	}
	return form
}

func canonicalFields(fields []Field) []canonicalField {
	form := make([]canonicalField, len(fields))
	for i, f := range fields {
		form[i] = canonicalField{
			Send: f.Send, Column: canonicalColumn(f.Column), Why: f.Why, Layout: f.Layout, Unit: f.Unit, Currency: f.Currency,
			Narrative: f.Narrative, Override: f.Override, Withhold: canonicalRules(f.Withhold),
		}
		if f.As != KindUnknown {
			form[i].As = f.As.String()
		}
		if f.Mask.Strategy != MaskNone {
			mask := canonicalMask(f.Mask)
			form[i].Mask = &mask
		}
		if f.Map != nil {
			form[i].Map = canonicalCodes(f.Map)
			if f.Map.HasElse {
				form[i].Else = &f.Map.Else
			}
		}
	}
	return form
}

func canonicalCodes(m *ValueMap) [][2]string {
	form := make([][2]string, len(m.Codes))
	for i, e := range m.Codes {
		form[i] = [2]string{e.Code, e.Send}
	}
	return sorted(form)
}

func canonicalRules(rules []Rule) []canonicalRule {
	form := make([]canonicalRule, len(rules))
	for i, r := range rules {
		form[i].Why = r.Why
		for _, c := range r.All {
			condition := canonicalCondition{Column: canonicalColumn(c.Column), Op: c.Op.String(), Values: c.Values}
			switch c.Op {
			case Before, After:
				condition.Time = c.Time.Format(canonicalTime)
			case OlderThan:
				condition.Age = fmt.Sprintf("%d %s", c.Age.N, c.Age.Unit)
			}
			form[i].All = append(form[i].All, condition)
		}
	}
	return form
}
