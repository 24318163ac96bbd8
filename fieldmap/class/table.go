package class

import (
	"slices"
	"strings"
)

// NewTable returns the built-in table.
func NewTable() *Table {
	t := &Table{spelling: map[string]string{}, joined: map[string]bool{}, byFirst: map[string][]int{}}
	for line := range strings.Lines(spellings) {
		words := strings.Fields(line)
		for _, w := range words {
			t.spelling[w], t.joined[w] = words[0], true
		}
	}
	for w := range strings.FieldsSeq(joinable) {
		t.joined[w] = true
	}
	for w := range strings.FieldsSeq(whole) {
		t.spelling[w] = w
	}
	t.read(Forbidden, forbiddenRules)
	for _, c := range []struct {
		class Class
		rules string
	}{{Consent, consentRules}, {Contact, contactRules}, {Identity, identityRules}, {Vehicle, vehicleRules}, {Money, moneyRules}} {
		t.read(c.class, c.rules)
	}
	return t
}

// read appends the rules of a text: a line that ends with a colon names the kind of those after it. In a rule, = says that
// its words are all of a name, and what follows a dash are the words that show that something else is meant.
func (t *Table) read(c Class, text string) {
	kind := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if named, ok := strings.CutSuffix(line, ":"); ok {
			kind = named
			continue
		}
		sequence, unless, _ := strings.Cut(line, " - ")
		sequence, whole := strings.CutPrefix(sequence, "= ")
		if words := strings.Fields(sequence); len(words) > 0 {
			t.byFirst[words[0]] = append(t.byFirst[words[0]], len(t.rules))
			t.rules = append(t.rules, rule{class: c, kind: kind, words: words, whole: whole, unless: strings.Fields(unless)})
		}
	}
}

// builtIn returns what the built-in table says of a name.
func (t *Table) builtIn(name Name) Finding {
	readings := t.readings(name)
	for _, i := range t.candidates(readings) {
		r := t.rules[i]
		for _, words := range readings {
			if at := r.match(words); at >= 0 {
				return Finding{Class: r.class, Kind: r.kind, Words: texts(words[at : at+len(r.words)])}
			}
		}
	}
	for _, words := range readings {
		for _, w := range words {
			if kind := hidden(w.lower); kind != "" && !t.knows(w.lower) {
				return Finding{Class: Forbidden, Kind: kind, Words: []string{w.text}}
			}
		}
	}
	return Finding{Class: Work}
}

// candidates returns the places of the rules whose first word stands in a name, in the order in which they decide.
func (t *Table) candidates(readings [][]word) []int {
	var places []int
	for _, words := range readings {
		for _, w := range words {
			places = append(places, t.byFirst[w.one]...)
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// match returns where the rule's words stand in a name, or -1.
func (r rule) match(words []word) int {
	if r.whole && !spans(words, len(r.words)) {
		return -1
	}
	at := find(words, len(r.words), func(i, j int) bool { return words[i].one == r.words[j] })
	if at < 0 || len(r.unless) == 0 {
		return at
	}
	other := func(w word) bool { return slices.Contains(r.unless, w.one) }
	if slices.ContainsFunc(words, other) {
		return -1
	}
	return at
}

// spans reports whether the last part of a name has n words.
func spans(words []word, n int) bool {
	for _, w := range words {
		if w.last {
			n--
		}
	}
	return n == 0
}

// hidden looks in a word that cannot be taken apart for what is too telling to be overlooked: MSTRSSN, OLDPASSWD.
func hidden(lower string) (kind string) {
	for line := range strings.Lines(telling) {
		what, kind, _ := strings.Cut(strings.TrimSpace(line), ": ")
		text := strings.Trim(what, "*")
		switch {
		case text == "":
		case strings.HasPrefix(what, "*") && strings.HasSuffix(what, "*") && strings.Contains(lower, text),
			!strings.HasPrefix(what, "*") && strings.HasPrefix(lower, text),
			!strings.HasSuffix(what, "*") && strings.HasSuffix(lower, text):
			return kind
		}
	}
	return ""
}
