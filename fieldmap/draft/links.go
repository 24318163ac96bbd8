package draft

import (
	"slices"
	"strings"

	"roagent/fieldmap"
)

// How sure a link is, of 100.
const (
	byForeignKey = 100
	bySameName   = 85
	byWords      = 72
	unproven     = 15 // less, where nothing says that the other table has one row
)

// linkTo returns how rows of a table belong to rows of another one that has one of the keys.
func (r *reader) linkTo(t, to *reading, keys [][]string) link {
	if l := foreign(t, to); len(l.pairs) > 0 {
		return l
	}
	for _, key := range keys {
		if l := r.byNames(t, to, key, own(Orders)); len(l.pairs) > 0 {
			return l
		}
	}
	return link{}
}

// linkToJob returns how parts belong to jobs: the job's own key, or the order's key and the job's number.
func (r *reader) linkToJob(t *reading, jobs *TableGuess) link {
	to := jobs.reading
	if l := foreign(t, to); len(l.pairs) > 0 {
		return l
	}
	keys := slices.Clone(to.Unique)
	if number, _ := r.find(to, Jobs, jobNumber); number != nil {
		var key []string
		for _, p := range jobs.link.pairs {
			key = append(key, p.Left)
		}
		keys = append(keys, append(key, number.Name))
	}
	for _, key := range keys {
		if len(key) > 0 {
			if l := r.byNames(t, to, key, []string{"job", "operation", "line"}); len(l.pairs) > 0 {
				return l
			}
		}
	}
	return link{}
}

// joinTo returns how an order finds its customer or vehicle.
func (r *reader) joinTo(orders, to *reading, role Role) link {
	if l := foreign(orders, to); len(l.pairs) > 0 {
		return l
	}
	keys := slices.Clone(to.Unique)
	if id, _ := r.find(to, role, map[Role]string{Customer: ownerID, Vehicle: vehicleID}[role]); id != nil {
		keys = append(keys, []string{id.Name})
	}
	for _, key := range keys {
		l := r.byNames(orders, to, key, own(role))
		if len(l.pairs) == 0 {
			continue
		}
		if !to.unique(key) {
			l.score -= unproven
			l.how += "; nothing says that there is one row for each"
		}
		return l
	}
	return link{}
}

// foreign returns the link that a foreign key declares.
func foreign(t, to *reading) link {
	for _, f := range t.Foreign {
		if f.To != to.Name {
			continue
		}
		l := link{score: byForeignKey, how: "foreign key"}
		for i, c := range f.Columns {
			if left, right := t.named(c), to.named(f.ToColumns[i]); linkable(left) && linkable(right) {
				l.pairs = append(l.pairs, fieldmap.Pair{Left: left.Name, Right: right.Name})
			}
		}
		if len(l.pairs) == len(f.Columns) {
			return l
		}
	}
	return link{}
}

// byNames returns the link to a key by columns of the same names, or of names that say the same.
func (r *reader) byNames(t, to *reading, key, subject []string) link {
	l := link{score: bySameName, how: "the same names"}
	for _, name := range key {
		right := to.named(name)
		if !linkable(right) {
			return link{}
		}
		left := t.named(name)
		if telling := !tellsNothing(right.words[0]); !linkable(left) || !telling || !comparable(left.Column, right.Column) {
			if left = r.says(t, right, subject); left == nil {
				return link{}
			}
			l.score, l.how = byWords, "names that say the same"
		}
		if slices.ContainsFunc(l.pairs, func(p fieldmap.Pair) bool { return p.Left == left.Name }) {
			return link{}
		}
		l.pairs = append(l.pairs, fieldmap.Pair{Left: left.Name, Right: right.Name})
	}
	return l
}

func linkable(c *columnReading) bool { return c != nil && c.Refuse == "" && !c.Unsorted }

// tellsNothing reports whether a name is one that every table has: ID.
func tellsNothing(words []string) bool {
	return len(words) == 1 && slices.Contains([]string{"id", "key", "number", "seq", "code"}, words[0])
}

// says returns the column whose name says the same as another table's: with the word for that table, or without.
func (r *reader) says(t *reading, other *columnReading, subject []string) *columnReading {
	var found *columnReading
	for _, c := range t.columns {
		if !linkable(c) || !comparable(c.Column, other.Column) {
			continue
		}
		for _, words := range c.words {
			for _, wanted := range other.words {
				if sameWords(words, wanted, subject) && (found == nil || len(c.Name) < len(found.Name)) {
					found = c
				}
			}
		}
	}
	return found
}

// sameWords reports whether a column's words are those of another table's column, told apart by words for that table at most,
// of which there must be one.
func sameWords(words, wanted, subject []string) bool {
	named := false
	for _, w := range words {
		ofSubject := slices.Contains(subject, w)
		named = named || ofSubject || w == "vin" || w == "store"
		if !slices.Contains(wanted, w) && !ofSubject && !idWord(w) {
			return false
		}
	}
	for _, w := range wanted {
		if !slices.Contains(words, w) && !slices.Contains(subject, w) && (!idWord(w) || !slices.ContainsFunc(words, idWord)) {
			return false
		}
	}
	return named
}

// idWord reports whether a word only says that something is named: Number, ID.
func idWord(w string) bool { return w == "number" || w == "id" || w == "key" }

// comparable reports whether two columns are of kinds that compare as they are.
func comparable(a, b *Column) bool {
	kind := func(c *Column) string {
		switch c.Type.Kind {
		case fieldmap.KindInteger, fieldmap.KindDecimal:
			return "number"
		case fieldmap.KindUUID:
			return "uuid"
		case fieldmap.KindText:
			return "text"
		}
		return strings.ToLower(c.Type.Kind.String())
	}
	return kind(a) == kind(b)
}
