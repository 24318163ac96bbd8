package draft

import (
	"cmp"
	"slices"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/class"
)

// allowed reports whether a draft proposes what is of a class: work and vehicles, and nothing of people or money.
func allowed(c class.Class) bool { return c == class.Work || c == class.Vehicle }

// source is a table of a level: its own, or a joined one.
type source struct {
	join  string
	t     *reading
	roles []Role
}

// chosen is a column that was taken for a target.
type chosen struct {
	*target
	column *columnReading
	from   source
	score  float64
}

// choose gives each target the column that shows it best, and each column one target. passed are columns that link rows.
func (r *reader) choose(sources []source, passed []string) []chosen {
	var all []chosen
	for _, from := range sources {
		for _, t := range r.targets {
			if !slices.Contains(from.roles, t.role) {
				continue
			}
			for _, c := range from.t.columns {
				if s := r.score(t, c); s >= enough && (from.join != "" || !contains(passed, c.Name)) && r.mayBe(t, c, from.t) {
					all = append(all, chosen{t, c, from, s})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b chosen) int { return cmp.Compare(b.score, a.score) })
	var best []chosen
	for _, c := range all {
		if !slices.ContainsFunc(best, func(b chosen) bool { return b.send == c.send || b.column == c.column }) {
			best = append(best, c)
		}
	}
	slices.SortStableFunc(best, func(a, b chosen) int { return cmp.Compare(r.place(a.target), r.place(b.target)) })
	return best
}

func (r *reader) place(t *target) int { return slices.Index(r.targets, t) }

// mayBe reports whether neither of a field's names says that it must not leave.
func (r *reader) mayBe(t *target, c *columnReading, from *reading) bool {
	return !r.classes.Of(sentName(t), columnName(from.Name, c.Name)).Forbidden()
}

// sentName is the target's path from the order's root, for the classes.
func sentName(t *target) class.Name {
	path := map[Role]string{Jobs: "job.", Parts: "job.service_parts."}[t.role] + t.send
	return strings.Split(path, ".")
}

// off says why a field is left out; "" where it is proposed.
func (r *reader) off(c chosen, consent []string) string {
	found := c.column.found.Class
	if sent := r.classes.Of(sentName(c.target)).Class; allowed(found) {
		found = sent
	}
	need := "take it in only where the agreement names it"
	if len(consent) > 0 {
		need += ", withheld from who opted out (see " + strings.Join(consent, ", ") + ")"
	} else {
		need += " and the customer's consent is on record; no column of consent was recognised, so ask where the DMS keeps it"
	}
	switch {
	case found == class.Contact:
		return "contact data: " + need
	case found == class.Identity:
		return "tells who the customer is: " + need
	case found == class.Consent:
		return "a choice of the customer's: use it to withhold, not to send"
	case found == class.Money:
		return "money: not needed for surveys or recalls; take it in only where the agreement names it"
	case c.is("narrative") && c.is("off"):
		return "free text of the counter, which often holds names and telephones"
	case c.is("off"):
		return "not needed for surveys or recalls, and it points to a person"
	}
	return ""
}

// consent returns the columns that look like a customer's choice, as the whitelist would name them.
func consent(sources []source) []string {
	var names []string
	for _, from := range sources {
		for _, c := range from.t.columns {
			if c.found.Class == class.Consent && len(names) < 3 {
				names = append(names, fieldmap.Column{Join: from.join, Name: c.Name}.String())
			}
		}
	}
	return names
}

// field writes a chosen column as a field of the whitelist.
func (r *reader) field(c chosen, o Options) fieldmap.Field {
	f := fieldmap.Field{
		Send: c.send, Column: fieldmap.Column{Join: c.from.join, Name: c.column.Name}, Why: c.why,
		Mask: fieldmap.Mask{Strategy: fieldmap.MaskNone}, Narrative: c.is("narrative"),
	}
	if strings.Contains(c.kinds, "D") {
		f.As, f.Layout = dated(c.column.Column)
	}
	if c.is("unit") {
		f.Unit = o.Unit
		if slices.ContainsFunc(c.column.words, func(words []string) bool { return slices.Contains(words, "km") }) {
			f.Unit = "KMT"
		}
	}
	if c.is("currency") {
		f.Currency = o.Currency
	}
	if c.is("hash") {
		f.Mask.Strategy = fieldmap.MaskHash
	}
	return f
}

// dated says how a text or a number keeps a date, as far as its type tells.
func dated(c *Column) (as fieldmap.Kind, layout string) {
	switch {
	case c.Type.Kind == fieldmap.KindInteger || c.Type.Kind == fieldmap.KindDecimal:
		return fieldmap.KindDate, "20060102"
	case c.Type.Kind != fieldmap.KindText:
		return fieldmap.KindUnknown, ""
	case c.Length == 8:
		return fieldmap.KindDate, "20060102"
	case c.Length == 10:
		return fieldmap.KindDate, "2006-01-02"
	case c.Length == 14:
		return fieldmap.KindDateTime, "20060102150405"
	}
	return fieldmap.KindDateTime, ""
}
