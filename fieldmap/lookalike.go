package fieldmap

import (
	"fmt"
	"strconv"
	"strings"
)

// A field stops the pull where at least lookalikesLeast of its values, and at least one in lookalikesShare of them, look
// like one kind of secret. A column of other numbers holds some by chance: one in ten has the right check digit. So at
// least one in lookalikesPass of the values with a secret's shape must pass its check too.
const (
	lookalikesLeast = 5
	lookalikesShare = 5
	lookalikesPass  = 3
)

// LookalikeError stops the pull: a column whose name is harmless is full of what must not leave.
type LookalikeError struct {
	Field  string // sent name from the order's root; "" for a key that is no field
	Column string // dbo.Job.RefNo
	Kind   string // card numbers
	Found  int
	Values int // of the field, so far; empty ones do not count
}

// Error names the field and never a value.
func (e *LookalikeError) Error() string {
	name := e.Column
	if e.Field != "" {
		name = e.Field + " (" + e.Column + ")"
	}
	return fmt.Sprintf("%s: %d of its %d values so far look like %s, so nothing of this page is stored; take it out of the whitelist, or, "+
		"if it must leave, name the column under classes: {forbidden: [..]} and give its field an override", name, e.Found, e.Values, e.Kind)
}

// watch counts how many values of one column look like a secret.
type watch struct {
	field, column string
	page, total   lookalikes // of the page under way, and of those before it
}

type lookalikes struct {
	values int
	shaped [secretKinds]int
	passed [secretKinds]int
}

func (l *lookalikes) add(other *lookalikes) {
	l.values += other.values
	for k := range l.passed {
		l.shaped[k] += other.shaped[k]
		l.passed[k] += other.passed[k]
	}
}

// see takes a value as the driver gave it. It looks at a length and a first character of nearly all.
func (w *watch) see(v any) {
	switch v := v.(type) {
	case string:
		w.text(v)
	case []byte:
		if len(v) > longestSecret {
			w.page.values++
			return
		}
		w.text(string(v))
	case int64:
		w.number(v)
	case float64: // a number that the database keeps as binary
		if n := int64(v); float64(n) == v {
			w.number(n)
		} else {
			w.page.values++
		}
	}
}

func (w *watch) number(n int64) {
	if n < 1e8 { // fewer than nine digits
		w.page.values++
		return
	}
	var digits [20]byte
	w.text(string(strconv.AppendInt(digits[:0], n, 10)))
}

func (w *watch) text(s string) {
	if s == "" || s[len(s)-1] == ' ' {
		if s = strings.TrimRight(s, " "); s == "" {
			return
		}
	}
	w.page.values++
	kind, passes := secretOf(s)
	if kind == noSecret {
		return
	}
	w.page.shaped[kind]++
	if passes {
		w.page.passed[kind]++
	}
}

// check closes the page's count. It fails where the values so far are too many of one kind.
func (w *watch) check() error {
	w.total.add(&w.page)
	w.page = lookalikes{}
	t := &w.total
	for k, n := range t.passed {
		if n >= lookalikesLeast && n*lookalikesShare >= t.values && n*lookalikesPass >= t.shaped[k] {
			return &LookalikeError{Field: w.field, Column: w.column, Kind: secretKind(k).String(), Found: n, Values: t.values}
		}
	}
	return nil
}

// watched reports whether a field's values are looked at: free text is scanned otherwise, and an override is a person's
// word that the values may leave.
func (f *Field) watched(k Kind) bool {
	return !f.Narrative && f.Override == "" && (k == KindText || k == KindInteger || k == KindDecimal)
}

// CheckValues fails with a [LookalikeError] where a field of the pages so far is full of what must not leave. It is called
// once for each page, when all of its rows are added and before anything of it is used.
func (p *Page) CheckValues() error {
	for _, w := range p.enc.watches {
		if err := w.check(); err != nil {
			return err
		}
	}
	return nil
}
