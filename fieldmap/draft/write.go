package draft

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// writer makes the whitelist of a shop, with what is said of it.
type writer struct {
	r       *reader
	shop    *shop
	options Options
	draft   *Draft
	notes   fieldmap.Notes
}

func newWriter(r *reader, s *shop, o Options, d *Draft) *writer {
	return &writer{r: r, shop: s, options: o, draft: d, notes: fieldmap.Notes{At: map[any]fieldmap.Note{}}}
}

func (w *writer) write() error {
	d, o := w.draft, w.options
	d.Whitelist = &fieldmap.Whitelist{
		Version: 1, Recipient: o.Recipient, Purpose: o.Purpose, Agreement: o.Agreement, Narratives: fieldmap.RedactNarratives,
	}
	orders := &d.Whitelist.Orders
	if err := w.orders(orders); err != nil {
		return err
	}
	w.lists(orders)
	for _, g := range d.Tables {
		d.Forbidden += len(g.reading.Columns) - len(g.reading.columns)
		if len(g.Others) > 0 {
			d.undecided("which table is %s: %s was taken, and %s could be it too", g.Role.Words(), g.Table, strings.Join(g.Others, ", "))
		}
	}
	w.notes.Head = w.head()
	d.YAML = d.Whitelist.AnnotatedYAML(w.notes)
	return d.check()
}

func (w *writer) head() []string {
	lines := []string{
		"A DRAFT, guessed from the names, types and keys of the DMS's tables; no row of them was read. It is no approval.",
		"Nothing is read or sent before a person has approved it: roagent fieldmap review, then roagent fieldmap approve.",
		"", "How sure a guess is: sure, likely, or a guess. A line behind " + fieldmap.OffMark + "is left out; take the mark away to take the line in.",
		"What must not leave a dealership, by its name, is not in this file.", "",
	}
	for _, g := range w.draft.Tables {
		lines = append(lines, fmt.Sprintf("%s: %s, %s: %s", g.Role.Words(), g.Table, g.Sure, g.Because))
	}
	for _, u := range w.draft.Undecided {
		lines = append(lines, "LOOK AT THIS: "+u)
	}
	return append(lines, "")
}

// Words says what a role is, in a sentence.
func (r Role) Words() string {
	return map[Role]string{Orders: "the repair orders", Jobs: "their jobs", Parts: "their parts", Customer: "the customers", Vehicle: "the vehicles"}[r]
}

func (w *writer) sources() []source {
	own := []Role{Orders, Vehicle, Customer}
	sources := []source{{t: w.shop.orders, roles: own}}
	for _, role := range []Role{Customer, Vehicle} {
		if g := w.shop.others[role]; g != nil {
			sources = append(sources, source{string(role), g.reading, []Role{role}})
		}
	}
	return sources
}

func (w *writer) orders(o *fieldmap.Orders) error {
	s := w.shop
	send, week := w.r.week(s.orders)
	o.From, o.Key, o.Week = s.orders.Name, s.key, week.Name
	sources := w.sources()
	fields, note := w.level(w.r.choose(sources, nil), consent(sources))
	o.Fields = fields
	if len(fields) == 0 {
		return &NoOrdersError{fmt.Sprintf("nothing of %s can be proposed: by their names all of its columns are contact data or money", o.From), "name another table: --orders"}
	}
	note.OffChanged = w.changed()
	w.joins(o, &note)
	note.Above = w.ordersNote(send, week)
	note.Below = w.left(sources, append(w.linked(), append([]string{week.Name, note.OffChanged}, s.key...)...)...)
	w.skip(&o.Skip, o.Fields)
	w.notes.At[o] = note
	w.finishFields(o.Fields)
	return nil
}

// ordersNote says what was taken for the order's key and week.
func (w *writer) ordersNote(send string, week *columnReading) []string {
	s, d := w.shop, w.draft
	var lines []string
	if s.rowsOf != "" {
		d.undecided("%s: %s; such orders cannot be sent. A view in the database with one row for each order can be named instead", s.orders.Name, s.rowsOf)
	}
	if !s.orders.unique(s.key) && s.rowsOf == "" {
		lines = append(lines, "key: nothing in the DMS says that it is unique; orders with two rows are parked")
		d.undecided("whether %s is unique in %s: the DMS does not say so", strings.Join(s.key, ", "), s.orders.Name)
	}
	lines = append(lines, "week: "+week.Name+", the "+strings.TrimSuffix(strings.TrimPrefix(send, "repair_order_header.repair_order_"), "_date_time")+" date")
	if send != weekNames()[0] {
		d.undecided("when an order is closed: no column says so, and it belongs to the week of %s", week.Name)
	}
	if as, layout := dated(week.Column); as != fieldmap.KindUnknown {
		d.undecided("how %s keeps dates: it is %s; taken for %s. Look at one with 'roagent preview'", week.Name, week.Type.Database, layoutWords(layout))
	}
	if c := w.changed(); c != "" {
		lines = append(lines, "changed: with it a pull reads again only what has another "+c+"; only where every edit of the order, its jobs and its parts moves it")
	}
	return lines
}

func layoutWords(layout string) string {
	if layout == "" {
		return "ISO 8601 (2026-11-16T10:00:00)"
	}
	return strings.NewReplacer("2006", "YYYY", "01", "MM", "02", "DD", "15", "HH", "04", "mm", "05", "SS").Replace(layout)
}

// changed returns the column that every edit of an order may move.
func (w *writer) changed() string {
	for _, c := range w.shop.orders.columns {
		k := c.Type.Kind
		if c.Refuse != "" || k != fieldmap.KindDateTime && k != fieldmap.KindInstant || !allowed(c.found.Class) {
			continue
		}
		for _, words := range c.words {
			if w.r.match(pattern{100, []string{"change"}}, words, []string{"date", "last", "time", "ro"}) >= 85 {
				return c.Name
			}
		}
	}
	return ""
}

// joins takes in the tables that a proposed field needs, and leaves the others out.
func (w *writer) joins(o *fieldmap.Orders, note *fieldmap.Note) {
	for _, role := range []Role{Vehicle, Customer} {
		g := w.shop.others[role]
		if g == nil {
			continue
		}
		j := fieldmap.Join{Name: string(role), From: g.reading.Name, On: g.link.pairs}
		of := func(f fieldmap.Field) bool { return f.Column.Join == j.Name }
		said := fmt.Sprintf("%s: %s; %s", g.Table, g.Sure, g.Because+"; linked by "+g.link.how)
		switch {
		case slices.ContainsFunc(o.Fields, of):
			o.Joins = append(o.Joins, j)
			w.notes.At[joinAt(j.Name)] = fieldmap.Note{Above: []string{said}}
		case slices.ContainsFunc(note.OffFields, func(f *fieldmap.Field) bool { return of(*f) }):
			note.OffJoins = append(note.OffJoins, &j)
			w.notes.At[&j] = fieldmap.Note{Above: []string{said + ". Left out, since no field below needs it"}}
		}
	}
	for i := range o.Joins {
		w.notes.At[&o.Joins[i]] = w.notes.At[joinAt(o.Joins[i].Name)]
	}
}

// joinAt is where the note of a join waits until the join has its address.
type joinAt string

// level makes the fields of a level, and the note with those that are left out.
func (w *writer) level(all []chosen, consent []string) ([]fieldmap.Field, fieldmap.Note) {
	var fields []fieldmap.Field
	var note fieldmap.Note
	for _, c := range all {
		f := w.r.field(c, w.options)
		reason := w.r.off(c, consent)
		guess := FieldGuess{Send: strings.Join(sentName(c.target), "."), Column: fieldmap.Column{Join: c.from.join, Name: c.column.Name}.String(), Sure: sureOf(c.score), Off: reason}
		guess.Column = c.from.t.Name.String() + "." + c.column.Name
		w.draft.Fields = append(w.draft.Fields, guess)
		if reason != "" {
			note.OffFields = append(note.OffFields, &f)
			w.notes.At[&f] = fieldmap.Note{Above: []string{reason + " (" + string(guess.Sure) + ")"}}
			continue
		}
		fields = append(fields, f)
		w.notes.At[fieldAt(guess.Send)] = fieldmap.Note{Above: w.fieldNote(c, f)}
	}
	return fields, note
}

// fieldAt is where the note of a field waits until the field has its address.
type fieldAt string

func (w *writer) fieldNote(c chosen, f fieldmap.Field) []string {
	said := string(sureOf(c.score))
	if f.As != fieldmap.KindUnknown {
		said += "; " + c.column.Type.Database + ", taken for " + layoutWords(f.Layout)
	}
	if f.Unit != "" {
		said += "; SMI are miles, KMT kilometres"
	}
	if c.is("skip") {
		said += "; the DMS's own codes are sent; to translate them add map: {C: CUSTOMER_PAY, W: WARRANTY, I: INTERNAL}"
	}
	return []string{said}
}

// finishFields moves the notes to where the fields are now.
func (w *writer) finishFields(fields []fieldmap.Field) { w.finishAt("", fields) }

func (w *writer) finishAt(path string, fields []fieldmap.Field) {
	for i := range fields {
		w.notes.At[&fields[i]] = w.notes.At[fieldAt(path+fields[i].Send)]
	}
}

// skip leaves internal work out, by the code that nearly all DMSs have for it.
func (w *writer) skip(rules *[]fieldmap.Rule, fields []fieldmap.Field) {
	for _, f := range fields {
		for _, t := range w.r.targets {
			if t.send != f.Send || !t.is("skip") || f.Column.Join != "" {
				continue
			}
			*rules = append(*rules, fieldmap.Rule{Why: "internal work is never surveyed", All: []fieldmap.Condition{{Column: f.Column, Op: fieldmap.In, Values: []string{"I"}}}})
			w.draft.undecided("which code of %s means internal work: taken for I, the usual one; no value was read. Correct the skip rule where the DMS has another", f.Column.Name)
		}
	}
	for i := range *rules {
		w.notes.At[&(*rules)[i]] = fieldmap.Note{Above: []string{"a guess: I is the usual code for internal work, and no value was read; look it up in the DMS"}}
	}
}

// left names the columns that nothing was made of.
func (w *writer) left(sources []source, used ...string) []string {
	const most = 60
	var lines []string
	for _, from := range sources {
		var names []string
		for _, c := range from.t.columns {
			taken := slices.ContainsFunc(w.draft.Fields, func(f FieldGuess) bool { return f.Column == from.t.Name.String()+"."+c.Name })
			if taken = taken || from.join == "" && contains(used, c.Name) || from.join != "" && w.joinedBy(from.join, c.Name); !taken && len(names) < most {
				names = append(names, c.Name)
			}
			if !taken {
				w.draft.Unknown++
			}
		}
		if len(names) > 0 {
			lines = append(lines, fmt.Sprintf("not proposed, of %s: %s", from.t.Name, strings.Join(names, ", ")))
		}
	}
	return lines
}

// linked returns the orders' columns by which tables are joined.
func (w *writer) linked() []string {
	var names []string
	for _, role := range []Role{Customer, Vehicle} {
		if g := w.shop.others[role]; g != nil {
			for _, p := range g.link.pairs {
				names = append(names, p.Left)
			}
		}
	}
	return names
}

// joinedBy reports whether a joined table is found by the column.
func (w *writer) joinedBy(join, column string) bool {
	return slices.ContainsFunc(w.shop.others[Role(join)].link.pairs, func(p fieldmap.Pair) bool { return p.Right == column })
}

// lists adds jobs and parts: parts below the job where they say of which one they are.
func (w *writer) lists(o *fieldmap.Orders) {
	jobs, parts := w.shop.others[Jobs], w.shop.others[Parts]
	if jobs == nil {
		w.draft.undecided("where the jobs are: no table with them belongs to %s", o.From)
	}
	if parts == nil {
		w.draft.undecided("where the parts are: no table with them belongs to %s", o.From)
	}
	var made []*fieldmap.Lines
	toJob := jobs != nil && parts != nil && w.shop.partsOfJobs(w.r)
	if jobs != nil {
		l := w.list("job", "job.", Jobs, jobs)
		if toJob {
			if p := w.list("service_parts", "job.service_parts.", Parts, parts); p != nil && l != nil {
				l.Lines = []fieldmap.Lines{*p}
				w.moveList(p, &l.Lines[0])
			}
		}
		made = append(made, l)
	}
	if parts != nil && !toJob {
		w.draft.undecided("to which job a part belongs: %s says only to which order; its parts are sent beside the jobs, as service_parts, which is not a STAR name", parts.Table)
		made = append(made, w.list("service_parts", "job.service_parts.", Parts, parts))
	}
	for _, l := range made {
		if l != nil {
			o.Lines = append(o.Lines, *l)
		}
	}
	at := 0
	for _, l := range made {
		if l != nil {
			w.moveList(l, &o.Lines[at])
			at++
		}
	}
}

// moveList moves a list's note to where the list is now.
func (w *writer) moveList(from, to *fieldmap.Lines) { w.notes.At[to] = w.notes.At[from] }

// partsOfJobs reports whether parts are linked to jobs rather than to orders.
func (s *shop) partsOfJobs(r *reader) bool {
	l := r.linkToJob(s.others[Parts].reading, s.others[Jobs])
	return len(l.pairs) > 0
}

// list makes one list; nil where nothing of it can be proposed.
func (w *writer) list(send, path string, role Role, g *TableGuess) *fieldmap.Lines {
	var links []string
	for _, p := range g.link.pairs {
		if role != Jobs || !w.isNumber(g.reading, p.Left, role) {
			links = append(links, p.Left)
		}
	}
	from := []source{{t: g.reading, roles: []Role{role}}}
	fields, note := w.level(w.r.choose(from, links), nil)
	if len(fields) == 0 {
		w.draft.undecided("what of %s to send: by their names its columns are contact data or money, or say nothing", g.Table)
		return nil
	}
	l := &fieldmap.Lines{Send: send, From: g.reading.Name, Parent: g.link.pairs, Fields: fields, Order: w.order(g, links)}
	w.skip(&l.Skip, l.Fields)
	note.Above = []string{fmt.Sprintf("%s: %s; %s; linked by %s", role.Words(), g.Sure, g.Because, g.link.how)}
	note.Below = w.left(from, append(links, l.Order...)...)
	w.notes.At[l] = note
	w.finishAt(path, l.Fields)
	return l
}

func (w *writer) isNumber(t *reading, column string, role Role) bool {
	c, _ := w.r.find(t, role, jobNumber)
	return c != nil && c.Name == column
}

// order returns the column by which lines are ordered: a number of the line's own.
func (w *writer) order(g *TableGuess, links []string) []string {
	lines := &target{kinds: "NT", role: Jobs, patterns: readPatterns("100 line number, 98 seq, 97 line seq, 96 line, 95 seq number, 92 job number, 90 job")}
	var best *columnReading
	most := float64(enough + 15)
	for _, c := range g.reading.columns {
		if s := w.r.score(lines, c); s > most && !contains(links, c.Name) && linkable(c) && allowed(c.found.Class) {
			best, most = c, s
		}
	}
	if best == nil {
		return nil
	}
	return []string{best.Name}
}
