// Package class sorts what a whitelist names into classes by name alone: vehicle, work, money, contact, identity,
// consent, and what must not leave a dealership at all.
//
// Databases of the trade abbreviate without rule: CustSSN, SOC_SEC_NBR, DLNum, LSEPMT. A [Table] splits a name into words,
// also where nothing marks their borders, brings each word to one spelling, and looks for the rules of rules.go in it. A
// name that could mean a forbidden thing is forbidden: a second person may let it go, but nothing lets it slip.
package class

import "strings"

// Class is what kind of thing a name names.
type Class string

// The classes. A thing that fits no other is work: what was done, by whom, when.
const (
	Vehicle   Class = "vehicle"
	Work      Class = "work"
	Money     Class = "money"
	Contact   Class = "contact"
	Identity  Class = "identity"
	Consent   Class = "consent"
	Forbidden Class = "forbidden"
)

// All returns the classes in the order in which people list them.
func All() []Class { return []Class{Vehicle, Work, Money, Contact, Identity, Consent, Forbidden} }

// Finding is what a name was found to be.
type Finding struct {
	Class Class
	Kind  string   // of what is forbidden: a driver's licence
	Words []string // of the name, as it spells them, that showed it; none for work
}

// Forbidden reports whether what has the name must not leave.
func (f Finding) Forbidden() bool { return f.Class == Forbidden }

// String says what is forbidden and why: a driver's licence ("DL NO").
func (f Finding) String() string {
	if !f.Forbidden() {
		return string(f.Class)
	}
	return f.Kind + ` ("` + strings.Join(f.Words, " ") + `")`
}

// Name is something to be classed: the parts of a path, of which the last names the thing and those before it say
// where it stands. dbo.Vehicle.LicenseNo is a plate, dbo.Customer.LicenseNo is a driver's licence.
type Name []string

// Table is the built-in table with what a whitelist adds to it.
type Table struct {
	spelling map[string]string // of a word, to the one that rules use
	joined   map[string]bool   // words that may be told apart where nothing separates them
	rules    []rule            // the first that matches decides; the forbidden ones come first
	byFirst  map[string][]int  // places in rules by their first word
	added    []added
}

// added is a whitelist's own name.
type added struct {
	class Class
	name  []word
	text  string
}

// rule is a sequence of words that shows a class.
type rule struct {
	class  Class
	kind   string
	words  []string
	whole  bool     // the words are all of the last part
	unless []string // words that show, anywhere in the name, that something else is meant
}

// ByWhitelist is the kind of what only the whitelist forbids.
const ByWhitelist = "what this whitelist forbids"

// Add puts what has a name, or has it as a part of a longer one, into a class: LienRef, dbo.Customer.Alias.
func (t *Table) Add(c Class, name string) {
	t.added = append(t.added, added{class: c, name: split(strings.Split(name, ".")), text: squeezed(name)})
}

// Of returns the class of a thing with one or more names, any of which may show that it is forbidden. For all other
// classes the whitelist's own names go before the built-in ones, and the first name of which something is known decides.
func (t *Table) Of(names ...Name) Finding {
	for _, name := range names {
		if f := t.builtIn(name); f.Forbidden() {
			return f
		}
	}
	var own Finding
	for _, name := range names {
		switch f := t.own(name); {
		case f.Forbidden():
			return f
		case own.Class == "":
			own = f
		}
	}
	if own.Class != "" {
		return own
	}
	for _, name := range names {
		if f := t.builtIn(name); f.Class != Work {
			return f
		}
	}
	return Finding{Class: Work}
}

// own looks the name up in what the whitelist adds.
func (t *Table) own(name Name) Finding {
	words := split(name)
	text := squeezed(strings.Join(name, "."))
	var found Finding
	for _, a := range t.added {
		at := find(words, len(a.name), func(i, j int) bool { return words[i].lower == a.name[j].lower })
		last := name[len(name)-1]
		if at < 0 && a.text != text && a.text != squeezed(last) {
			continue
		}
		f := Finding{Class: a.class, Words: []string{last}}
		if at >= 0 {
			f.Words = texts(words[at : at+len(a.name)])
		}
		if a.class == Forbidden {
			f.Kind = ByWhitelist
			return f
		}
		if found.Class == "" {
			found = f
		}
	}
	return found
}

// squeezed returns a name without case and separators.
func squeezed(name string) string {
	var b strings.Builder
	for _, w := range split(strings.Split(name, ".")) {
		b.WriteString(w.lower)
	}
	return b.String()
}

// find returns where n words that follow one another match, or -1.
func find(words []word, n int, same func(i, j int) bool) int {
	for at := 0; n > 0 && at+n <= len(words); at++ {
		j := 0
		for j < n && same(at+j, j) {
			j++
		}
		if j == n {
			return at
		}
	}
	return -1
}

func texts(words []word) []string {
	var s []string
	for _, w := range words {
		s = append(s, w.text)
	}
	return s
}
