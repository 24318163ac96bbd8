package draft

import (
	"regexp"
	"slices"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/class"
)

// reader reads names: it holds the patterns and has read every table once.
type reader struct {
	lex      *lexis
	targets  []*target
	names    map[Role][]pattern
	against  []pattern
	classes  *class.Table
	readings []*reading

	likeliest map[Role][]*reading
}

// reading is a table with the words of its names.
type reading struct {
	*Table
	words   []string
	columns []*columnReading
	points  map[Role]float64
}

// columnReading is a column that a whitelist can name, in each way in which its name can be read.
type columnReading struct {
	*Column
	words [][]string
	found class.Finding
}

func newReader(s *Schema) *reader {
	r := &reader{lex: newLexis(), targets: readTargets(), names: readTablePatterns(), against: readPatterns(against), classes: class.NewTable(), likeliest: map[Role][]*reading{}}
	for _, t := range s.Tables {
		if !canName(t.Name, "x") {
			continue
		}
		tr := &reading{Table: t, words: r.lex.read(t.Name.Name), points: map[Role]float64{}}
		r.readColumns(tr)
		for _, role := range Roles() {
			tr.points[role] = r.namePoints(tr, role) + r.columnPoints(tr, role)
		}
		r.readings = append(r.readings, tr)
	}
	return r
}

// readColumns leaves out what must not be read at all: what is forbidden by its name, and what no whitelist can name.
func (r *reader) readColumns(t *reading) {
	prefix := commonPrefix(t.Columns)
	var seen []string
	for i := range t.Columns {
		c := &t.Columns[i]
		found := r.classes.Of(columnName(t.Name, c.Name))
		if found.Forbidden() || contains(seen, c.Name) || !canName(t.Name, c.Name) {
			continue
		}
		seen = append(seen, c.Name)
		read := &columnReading{Column: c, found: found, words: [][]string{r.lex.read(c.Name)}}
		if rest := c.Name[len(prefix):]; prefix != "" && rest != "" {
			read.words = append(read.words, r.lex.read(rest))
		}
		t.columns = append(t.columns, read)
	}
}

func columnName(t fieldmap.Table, column string) class.Name {
	if t.Schema == "" {
		return class.Name{t.Name, column}
	}
	return class.Name{t.Schema, t.Name, column}
}

// canName reports whether a whitelist can name the table and its column. The whitelist's own parser says so.
func canName(t fieldmap.Table, column string) bool {
	for _, join := range []Role{Customer, Vehicle} {
		if strings.HasPrefix(column, string(join)+".") {
			return false // it would be a joined table's
		}
	}
	if plain.MatchString(column) && plain.MatchString(t.Name) && (t.Schema == "" || plain.MatchString(t.Schema)) {
		return true
	}
	w := fieldmap.Whitelist{Version: 1, Recipient: "x", Purpose: "x", Agreement: "x", Narratives: fieldmap.RedactNarratives, Orders: fieldmap.Orders{
		From: t, Key: []string{column}, Week: column, Fields: []fieldmap.Field{{Send: "x", Column: fieldmap.Column{Name: column}, Why: "x"}},
	}}
	back, err := fieldmap.Parse("", w.YAML())
	return err == nil && back.Orders.From == t && back.Orders.Week == column
}

// plain matches names of which there can be no doubt: a large DMS has a hundred thousand.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_#$]{0,99}$`)

// commonPrefix returns what nearly all columns of a table begin with, as older systems spell them: RH_, CU.
func commonPrefix(columns []Column) string {
	const fewest, shortest, longest = 4, 2, 5
	for n := longest; n >= shortest; n-- {
		count := map[string]int{}
		for _, c := range columns {
			if len(c.Name) > n && c.Name[:n] == strings.ToValidUTF8(c.Name[:n], "") {
				count[strings.ToLower(c.Name[:n])]++
			}
		}
		for _, c := range columns {
			if len(c.Name) > n && len(columns) >= fewest && count[strings.ToLower(c.Name[:n])] == len(columns) {
				return c.Name[:n]
			}
		}
	}
	return ""
}

// own returns the words that tables of a role leave out of their columns' names.
func own(role Role) []string {
	switch role {
	case Orders:
		return []string{"ro", "order", "header"}
	case Jobs:
		return []string{"job", "operation", "labor", "line"}
	case Parts:
		return []string{"part", "item"}
	case Customer:
		return []string{"customer", "owner"}
	}
	return []string{"vehicle"}
}

// score returns how well a column's name shows a target, of 100.
func (r *reader) score(t *target, c *columnReading) float64 {
	fit := fits(t.kinds, c.Column)
	best := 0.0
	for _, words := range c.words {
		for _, p := range t.patterns {
			best = max(best, r.match(p, words, own(t.role)))
		}
	}
	return best * fit
}

// match compares a pattern with the words of a name. What the pattern lacks weighs more where it is a word of the trade.
func (r *reader) match(p pattern, words, own []string) float64 {
	const implied, ownWord, tradeWord, otherWord = 0.95, 0.98, 0.55, 0.75
	worth, named := p.worth, 0
	for _, w := range p.words {
		switch {
		case slices.Contains(words, w):
			named++
		case slices.Contains(own, w):
			worth *= implied
		default:
			return 0
		}
	}
	if named == 0 {
		return 0
	}
	for _, w := range words {
		_, trade := r.lex.words[w]
		switch {
		case slices.Contains(p.words, w):
		case slices.Contains(own, w):
			worth *= ownWord
		case trade:
			worth *= tradeWord
		default:
			worth *= otherWord
		}
	}
	return worth
}

// fits says how well a column's type fits what a target takes; 0: not at all.
func fits(kinds string, c *Column) float64 {
	const converted = 0.85 // a date kept as a text or a number
	if c.Refuse != "" {
		return 0
	}
	takes := func(k string) bool { return strings.Contains(kinds, k) }
	switch c.Type.Kind {
	case fieldmap.KindText, fieldmap.KindUUID:
		if takes("T") {
			return 1
		}
		if takes("D") && c.Type.Kind == fieldmap.KindText && (c.Length == 0 || c.Length >= 8 && c.Length <= 40) {
			return converted
		}
	case fieldmap.KindInteger, fieldmap.KindDecimal, fieldmap.KindFloat:
		if takes("N") {
			return 1
		}
		if takes("D") && (c.Type.Kind == fieldmap.KindInteger || c.Type.Kind == fieldmap.KindDecimal && c.Type.Scale == 0) {
			return converted
		}
	case fieldmap.KindDate, fieldmap.KindDateTime, fieldmap.KindInstant:
		if takes("D") {
			return 1
		}
	}
	return 0
}

// namePoints says what a table's name is worth for a role.
func (r *reader) namePoints(t *reading, role Role) float64 {
	const otherWord = 0.9
	best := 0.0
	var by []string
	for _, p := range r.names[role] {
		worth := p.worth
		for _, w := range p.words {
			if !slices.Contains(t.words, w) {
				worth = 0
			}
		}
		for _, w := range t.words {
			if !slices.Contains(p.words, w) {
				worth *= otherWord
			}
		}
		if worth > best {
			best, by = worth, p.words
		}
	}
	for _, p := range r.against {
		if slices.Contains(t.words, p.words[0]) && !slices.Contains(by, p.words[0]) {
			best -= p.worth
		}
	}
	return best
}

const enough = 55 // of 100: a column is proposed

// columnPoints says what a table's columns are worth for a role: each target that one of them shows counts.
func (r *reader) columnPoints(t *reading, role Role) float64 {
	points := 0.0
	for _, target := range r.targets {
		if target.role != role && (role != Orders || target.role != Vehicle || !strings.HasSuffix(target.send, "vehicle_id")) {
			continue
		}
		best := 0.0
		for _, c := range t.columns {
			best = max(best, r.score(target, c))
		}
		if best >= enough {
			points += best / 100
		}
	}
	return points
}

// find returns the column that shows a sent name of a role best, and how well.
func (r *reader) find(t *reading, role Role, send string) (*columnReading, float64) {
	var found *columnReading
	best := 0.0
	for _, target := range r.targets {
		if target.role != role || target.send != send {
			continue
		}
		for _, c := range t.columns {
			if s := r.score(target, c); s > best {
				found, best = c, s
			}
		}
	}
	if best < enough {
		return nil, 0
	}
	return found, best
}
