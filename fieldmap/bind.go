package fieldmap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"roagent/fieldmap/strictyaml"
)

// Options are what an [Encoder] needs besides the whitelist and the column types.
type Options struct {
	DMSZone *time.Location // in which the DMS keeps its datetimes
	HashKey []byte         // for HASH masks: 32 bytes that never leave the site
	TagKey  []byte         // for the [Tags] of Records, in the same way; nil: they have none
}

// Encoder turns the rows of a bound [Plan] into Records. It serves one goroutine.
type Encoder struct {
	plan    *Plan
	levels  []*levelEncoder // by Level.Index
	watches []*watch
	changed valueCoder
	clock   *clock
}

// levelEncoder writes the own members of one level's rows.
type levelEncoder struct {
	tree    node
	key     []valueCoder // of Level.key; the orders only
	watches []*watch     // of Level.key; nil where a field sends the column
	numbers []bool       // of Level.Link: the database compares the two columns as numbers
	counted profiled     // what is counted of its rows, and
	row     rowProfile   // of the row that is being written
}

// fieldEncoder writes one field of a row.
type fieldEncoder struct {
	path   string // from the order's root, for counts and reasons
	number int    // in Encoder order, for counts
	value  int    // of Level.Select
	flag   int    // of Level.Select, or -1
	source string // dbo.Job.PayType, for reasons
	coder  valueCoder
	codes  map[string][]byte // nil: no translation
	head   []byte            // before the value, and
	tail   []byte            // after it, where it is an object with its unit or currency
	field  *Field
	mask   *masker
	watch  *watch  // nil: its values may be anything
	tagger *Tagger // nil: the field names no subject
	names  Subject // if tagger is set

	narratives Narratives // what becomes of secrets, where the field is a narrative

	place  int         // among its level's fields
	coded  *codedField // nil: no code that is counted
	codeAt int         // in profiled.coded, if coded is set
	summed bool        // an amount
	sumAt  int         // in profiled.summed, if summed is set
	row    *rowProfile // of its level
}

// Bind ties the plan to the types of the DMS's columns. All problems are reported at once, as *strictyaml.Problems
// without a file name.
func (p *Plan) Bind(typeOf func(*Level, Column) ColumnType, o Options) (*Encoder, error) {
	e := &Encoder{plan: p, clock: &clock{zone: o.DMSZone}}
	var problems strictyaml.Problems
	number := 0
	for _, l := range p.Levels {
		le := &levelEncoder{}
		for _, name := range l.Key {
			t := typeOf(l, Column{Name: name})
			le.key = append(le.key, valueCoder{kind: t.Kind, typ: t, clock: e.clock})
			le.watches = append(le.watches, e.watchKey(l, Column{Name: name}))
		}
		for _, pair := range l.Link {
			ours, theirs := typeOf(l, Column{Name: pair.Left}), typeOf(l.Parent, Column{Name: pair.Right})
			le.numbers = append(le.numbers, ours.Kind.number() || theirs.Kind.number())
		}
		var fields []*fieldEncoder
		for _, fp := range l.fields {
			f := e.bindField(l, fp, typeOf(l, fp.field.Column), o, &problems)
			f.number = number
			number++
			f.row = &le.row
			fields = append(fields, f)
			le.tree.grow(strings.Split(fp.field.Send, "."), f)
		}
		le.profile(l, fields)
		e.levels = append(e.levels, le)
	}
	if changed := p.Orders.Changed; changed != "" {
		t := typeOf(p.Orders, Column{Name: changed})
		e.changed = valueCoder{kind: t.Kind, typ: t, clock: e.clock}
	}
	return e, problems.Err()
}

// number reports whether a database compares a column of the kind as a number, even with a text.
func (k Kind) number() bool {
	return k == KindInteger || k == KindDecimal || k == KindFloat || k == KindBoolean
}

func (e *Encoder) bindField(l *Level, fp fieldPlan, t ColumnType, o Options, problems *strictyaml.Problems) *fieldEncoder {
	field := fp.field
	f := &fieldEncoder{
		path: strings.TrimPrefix(l.Path+"."+field.Send, "."), value: fp.value, flag: fp.flag, field: field,
		source: l.source(field.Column), mask: newMasker(field.Mask, o.HashKey),
		coder: valueCoder{kind: t.Kind, typ: t, layout: field.Layout, clock: e.clock}, narratives: e.plan.Whitelist.Narratives,
	}
	if field.As != KindUnknown {
		f.coder.kind = field.As
	}
	for s := range Subject(Subjects) {
		if f.path == s.Path() && o.TagKey != nil {
			f.tagger, f.names = NewTagger(o.TagKey), s
		}
	}
	if field.Map != nil {
		f.codes = map[string][]byte{}
		for _, entry := range field.Map.Codes {
			f.codes[entry.Code] = []byte(entry.Send)
		}
	}
	switch {
	case field.Unit != "":
		f.head, f.tail = []byte(`{"value":`), []byte(`,"unit_code":"`+field.Unit+`"}`)
	case field.Currency != "":
		f.head, f.tail = []byte(`{"value":`), []byte(`,"currency_code":"`+field.Currency+`"}`)
	}
	kind := f.coder.kind
	dated := kind == KindDate || kind == KindDateTime || kind == KindInstant
	wrong := func(hint, format string, args ...any) {
		problems.Add(field.At, hint, "%s: "+format, append([]any{f.path}, args...)...)
	}
	switch {
	case kind == KindUnknown:
		wrong("take the field out, or send another column", "%s is %s, which cannot be sent", f.source, t.Database)
	case field.Unit != "" && kind != KindInteger && kind != KindDecimal && kind != KindFloat:
		wrong("a unit belongs to a number; say as: integer or as: decimal where the text is one", "%s is %s, not a number with a unit", f.source, kind)
	case field.Currency != "" && kind != KindDecimal && kind != KindInteger:
		wrong("say as: decimal", "%s is %s, not an amount of money", f.source, kind)
	case field.Mask.Strategy == MaskGeneralize && !dated:
		wrong("GENERALIZE shortens dates to their month or year; say as: date where the text is one", "%s is %s, not a date", f.source, kind)
	case field.Mask.Strategy == MaskHash && len(o.HashKey) < 32:
		wrong("", "a HASH mask needs the site's key of 32 bytes")
	case field.Narrative && kind != KindText:
		wrong("take narrative out", "%s is %s, not free text", f.source, kind)
	}
	if field.Mask.Strategy == MaskGeneralize {
		f.coder.kind = KindDate // the month on the dealer's wall, not in UTC
	}
	if field.watched(kind) {
		f.watch = e.watch(f.path, f.source)
	}
	if field.Currency != "" && kind == KindInteger {
		f.coder.kind = KindDecimal // money is never a JSON number
	}
	return f
}

func (e *Encoder) watch(field, column string) *watch {
	w := &watch{field: field, column: column}
	e.watches = append(e.watches, w)
	return w
}

// watchKey watches a column of the key that no field sends: the key itself is sent with every order.
func (e *Encoder) watchKey(l *Level, c Column) *watch {
	if slices.ContainsFunc(l.fields, func(f fieldPlan) bool { return f.field.Column == c }) {
		return nil
	}
	return e.watch("", l.source(c))
}

// source names a column the way its owner knows it: dbo.Job.PayType.
func (l *Level) source(c Column) string {
	from := l.From
	for _, j := range l.Joins {
		if j.Name == c.Join {
			from = j.From
		}
	}
	return from.String() + "." + c.Name
}

// KeyText returns the text of a key made of values of Orders.Key, in that order. It fails for a NULL, and for a
// value with "|" in a key of several columns, which could not be told apart.
func (e *Encoder) KeyText(values []any) (string, error) {
	text, err := e.appendKey(nil, values)
	return string(text), err
}

func (e *Encoder) appendKey(dst []byte, values []any) ([]byte, error) {
	coders := e.levels[0].key
	for i := range coders {
		if i > 0 {
			dst = append(dst, '|')
		}
		from := len(dst)
		if values[i] == nil {
			return dst, fmt.Errorf("%s is NULL", e.plan.Orders.Key[i])
		}
		var absent bool
		var err error
		dst, absent, err = coders[i].appendPlain(dst, values[i])
		if err != nil || absent {
			return dst, fmt.Errorf("%s cannot be a key: it %w", e.plan.Orders.Key[i], cmp.Or(err, errNotText))
		}
		if !utf8.Valid(dst[from:]) {
			return dst, fmt.Errorf("%s holds bytes that are no characters, and two such keys could not be told apart", e.plan.Orders.Key[i])
		}
		if len(coders) > 1 && strings.IndexByte(string(dst[from:]), '|') >= 0 {
			return dst, fmt.Errorf("%s holds the character |, which separates the columns of a key", e.plan.Orders.Key[i])
		}
	}
	return dst, nil
}

// Token returns a text that is equal only for equal values of the changed column; "" for NULL and for what cannot be
// read, so that the order is read again.
func (e *Encoder) Token(value any) string {
	if value == nil {
		return ""
	}
	if t, ok := value.(time.Time); ok {
		return t.Format(time.RFC3339Nano)
	}
	text, err := (&valueCoder{}).appendText(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}

// Moment returns the instant that a value of the changed column stands for; zero where it is none.
func (e *Encoder) Moment(value any) time.Time {
	t, zoned, absent, err := e.changed.timeOf(value)
	switch {
	case err != nil || absent:
		return time.Time{}
	case zoned:
		return t
	}
	return e.clock.utc(t)
}

// append appends the field's JSON value, or nothing where it has none, and counts it.
func (f *fieldEncoder) append(dst []byte, values []any, w *rowWriter) ([]byte, error) {
	from := len(dst)
	dst, err := f.appendValue(dst, values, w)
	if err == nil && len(dst) > from {
		f.row.note(f, dst[from:])
	}
	return dst, err
}

func (f *fieldEncoder) appendValue(dst []byte, values []any, w *rowWriter) ([]byte, error) {
	if f.flag >= 0 && isSet(values[f.flag]) {
		w.note(eventWithheld, f.number)
		return dst, nil
	}
	v := values[f.value]
	if v == nil {
		return dst, nil
	}
	if f.field.Narrative && f.mask.shows() {
		return f.appendNarrative(dst, v, w)
	}
	if f.watch != nil {
		f.watch.see(v)
	}
	from := len(dst)
	var err error
	if f.codes == nil && f.mask.plain() {
		dst, err = f.appendPlain(dst, v, w)
	} else {
		dst, err = f.appendChanged(dst, v, w)
	}
	if f.tagger != nil && len(dst) > from {
		f.tag(v, w)
	}
	return dst, err
}

// tag notes whom or what the order is about. It looks at the value before it is mapped and masked.
func (f *fieldEncoder) tag(v any, w *rowWriter) {
	w.plain, _, _ = f.coder.appendPlain(w.plain[:0], v) // it was just written
	w.tags[w.order][f.names] = f.tagger.Tag(f.names, w.plain)
}

// appendPlain is the common path: the value as it is.
func (f *fieldEncoder) appendPlain(dst []byte, v any, w *rowWriter) ([]byte, error) {
	if f.coder.kind == KindText && f.field.Unit == "" {
		if s, ok := v.(string); ok && !f.coder.typ.Fixed {
			return w.appendString(dst, s), nil
		}
	}
	w.plain = w.plain[:0]
	plain, absent, err := f.coder.appendPlain(w.plain, v)
	w.plain = plain
	if err != nil || absent {
		return dst, f.reason(err)
	}
	quoted := f.coder.quoted()
	dst = append(dst, f.head...)
	switch {
	case !quoted, f.coder.kind != KindText:
		if quoted {
			dst = append(dst, '"')
		}
		dst = append(dst, plain...)
		if quoted {
			dst = append(dst, '"')
		}
	default:
		dst = w.appendBytes(dst, plain)
	}
	return append(dst, f.tail...), nil
}

// appendChanged sends a code's translation, or a masked value: always text.
func (f *fieldEncoder) appendChanged(dst []byte, v any, w *rowWriter) ([]byte, error) {
	w.plain = w.plain[:0]
	plain, absent, err := f.coder.appendPlain(w.plain, v)
	w.plain = plain
	if err != nil || absent {
		return dst, f.reason(err)
	}
	if f.codes != nil {
		if plain, err = f.translate(plain); err != nil {
			return dst, f.reason(err)
		}
	}
	masked, ok, err := f.mask.apply(plain)
	if err != nil {
		return dst, fmt.Errorf("%s (%s): %w", f.path, f.source, err)
	}
	if !ok {
		return dst, nil
	}
	dst = append(dst, f.head...)
	dst = w.appendBytes(dst, masked)
	return append(dst, f.tail...), nil
}

func (f *fieldEncoder) translate(plain []byte) ([]byte, error) {
	if sent, ok := f.codes[string(plain)]; ok {
		return sent, nil
	}
	if sent, ok := f.codes[strings.TrimSpace(string(plain))]; ok {
		return sent, nil
	}
	if f.field.Map.HasElse {
		return []byte(f.field.Map.Else), nil
	}
	return nil, errNoCode
}

// reason says which value cannot be sent, and what to do; never the value.
func (f *fieldEncoder) reason(err error) error {
	if err == nil {
		return nil
	}
	hint := "look at the order in the DMS; correct it there, or say in the whitelist how the column is to be read (as, layout)"
	if errors.Is(err, errNoCode) {
		hint = "add the code to the map in the whitelist, or give the map an else"
	}
	return fmt.Errorf("%s: %s %w; %s", f.path, f.source, err, hint)
}

func isSet(v any) bool {
	switch v := v.(type) {
	case int64:
		return v != 0
	case bool:
		return v
	}
	return false
}
