package fieldmap

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"roagent/fieldmap/freetext"
)

// ErrBlocked stops the whole pull: a field with the mask BLOCK holds a value.
var ErrBlocked = errors.New("a field masked BLOCK holds a value")

// ErrOrphan is returned for a row that belongs to no row of the page: the DMS changed between two statements.
// The page is to be read again.
var ErrOrphan = errors.New("a line belongs to no order of its page")

// Page collects the rows of some orders of one week and makes their Records. It is reused from page to page.
type Page struct {
	enc    *Encoder
	week   Week
	keys   []OrderKey
	index  map[string]int // key text to place in keys
	reason []string       // why the order of that place is parked; "" where it is not
	levels []levelRows    // by Level.Index
	writer rowWriter
	sealed bool
	out    []byte
	ends   []int // where the order of that place ends in out
}

// levelRows are the encoded rows of one level.
type levelRows struct {
	rows    []row
	body    []byte            // the own members of all rows, one after the other
	tokens  []byte            // the order columns' values of all rows
	heads   []int             // by the parent's row: its first row here, or -1
	tails   []int             // by the parent's row: its last row here, or -1
	anchors map[string]anchor // link text to the parent's row
	link    []byte            // the link text of the last row, and
	parent  anchor            // what it names: most rows have that of the row before

	present []uint64 // what is counted of all rows, as many of each as a rowProfile of the level has
	codes   []uint8
	amounts []int64
}

// anchor is the parent's row that a link names, and the others that it names too, which should not be.
type anchor struct {
	first  int
	others []int
}

type row struct {
	order              int // place in keys
	from, to           int // in body
	tokenFrom, tokenTo int
	next               int // the parent's next row here, or -1
}

// rowWriter is what encoding a row needs: scratch space, and notes of what was left out or altered.
type rowWriter struct {
	plain    []byte
	redacted []byte
	order    int
	events   []event
	tags     []Tags // by place in keys
}

type eventKind uint8

const (
	eventWithheld eventKind = iota
	eventInvalidText
	eventRepeated
	eventSkipped
	eventSecret
)

type event struct {
	order, field int
	kind         eventKind
	secret       freetext.Kind // eventSecret
}

func (w *rowWriter) note(kind eventKind, field int) {
	w.events = append(w.events, event{order: w.order, field: field, kind: kind})
}

func (w *rowWriter) appendString(dst []byte, s string) []byte {
	dst, whole := AppendJSON(dst, s)
	if !whole {
		w.note(eventInvalidText, 0)
	}
	return dst
}

func (w *rowWriter) appendBytes(dst, s []byte) []byte {
	dst, whole := AppendJSON(dst, s)
	if !whole {
		w.note(eventInvalidText, 0)
	}
	return dst
}

// NewPage returns an empty Page.
func (e *Encoder) NewPage() *Page {
	p := &Page{enc: e, index: map[string]int{}, levels: make([]levelRows, len(e.levels))}
	for i := range p.levels {
		p.levels[i].anchors = map[string]anchor{}
	}
	return p
}

// Reset empties the page for these orders of a week. The Records made before become invalid.
func (p *Page) Reset(week Week, keys []OrderKey) {
	p.week, p.keys, p.sealed = week, keys, false
	p.reason = slices.Grow(p.reason[:0], len(keys))[:len(keys)]
	clear(p.reason)
	clear(p.index)
	for i, k := range keys {
		p.index[k.Text] = i
	}
	for i := range p.levels {
		l := &p.levels[i]
		clear(l.anchors)
		l.rows, l.body, l.tokens, l.heads, l.tails = l.rows[:0], l.body[:0], l.tokens[:0], l.heads[:0], l.tails[:0]
		l.present, l.codes, l.amounts = l.present[:0], l.codes[:0], l.amounts[:0]
	}
	p.levels[0].heads = filled(p.levels[0].heads, len(keys))
	p.levels[0].tails = filled(p.levels[0].tails, len(keys))
	p.writer.events = p.writer.events[:0]
	for _, w := range p.enc.watches {
		w.page = lookalikes{}
	}
	p.writer.tags = slices.Grow(p.writer.tags[:0], len(keys))[:len(keys)]
	clear(p.writer.tags)
}

func filled(s []int, n int) []int {
	for range n {
		s = append(s, -1)
	}
	return s
}

// Size returns about how many bytes the page holds.
func (p *Page) Size() int {
	n := 0
	for i := range p.levels {
		n += len(p.levels[i].body)
	}
	return n
}

// Add takes one row of a level: the values of Level.Select as the driver gave them ([]byte values are copied).
// The rows of a level come after all rows of the level above it, sorted by the level's Order columns. A row that
// cannot be sent parks its order and is no error; the only errors are ErrBlocked and ErrOrphan.
func (p *Page) Add(l *Level, values []any) error {
	p.sealed = false
	parent, err := p.parentOf(l, values)
	if err != nil || parent < 0 {
		return err
	}
	rows := &p.levels[l.Index]
	r := row{from: len(rows.body), tokenFrom: len(rows.tokens), next: -1}
	if l.Parent == nil {
		r.order = parent
		if rows.heads[parent] >= 0 {
			p.park(r.order, fmt.Sprintf("two rows of %s (with its joins) have this key; each order needs one: correct the DMS, or the whitelist's key or join", l.From))
			return nil
		}
	} else {
		r.order = p.levels[l.Parent.Index].rows[parent].order
	}
	p.writer.order = r.order
	repeated, skipped := p.enc.clock.repeated, p.enc.clock.skipped
	counted := &p.enc.levels[l.Index].row
	clear(counted.present)
	clear(counted.codes)
	clear(counted.amounts)
	rows.body, err = p.enc.levels[l.Index].tree.appendMembers(rows.body, values, &p.writer)
	if errors.Is(err, ErrBlocked) {
		return err
	}
	if err != nil {
		p.park(r.order, err.Error())
	}
	for range p.enc.clock.repeated - repeated {
		p.writer.note(eventRepeated, 0)
	}
	for range p.enc.clock.skipped - skipped {
		p.writer.note(eventSkipped, 0)
	}
	for _, i := range l.order {
		rows.tokens = append(appendLink(rows.tokens, values[i], false), 0)
	}
	rows.present = append(rows.present, counted.present...)
	rows.codes = append(rows.codes, counted.codes...)
	rows.amounts = append(rows.amounts, counted.amounts...)
	r.to, r.tokenTo = len(rows.body), len(rows.tokens)
	p.link(l, rows, r, parent, values)
	return nil
}

// link hangs a row below its parent and opens it to the rows of its own lists.
func (p *Page) link(l *Level, rows *levelRows, r row, parent int, values []any) {
	at := len(rows.rows)
	rows.rows = append(rows.rows, r)
	if tail := rows.tails[parent]; tail >= 0 {
		rows.rows[tail].next = at
	} else {
		rows.heads[parent] = at
	}
	rows.tails[parent] = at
	for i, list := range l.Lists {
		children := &p.levels[list.Index]
		children.heads = append(children.heads, -1)
		children.tails = append(children.tails, -1)
		text, ok := p.linkText(values, l.anchors[i], p.enc.levels[list.Index].numbers)
		if !ok {
			continue // a NULL links to nothing
		}
		if have, taken := children.anchors[string(text)]; taken {
			have.others = append(have.others, at)
			children.anchors[string(text)] = have
		} else {
			children.anchors[string(text)] = anchor{first: at}
		}
	}
}

// parentOf returns the parent's row to which a row belongs; for an order, its place in keys. It is negative where the
// row parks its order instead.
func (p *Page) parentOf(l *Level, values []any) (int, error) {
	if l.Parent == nil {
		return p.orderOf(l, values)
	}
	text, ok := p.linkText(values, l.link, p.enc.levels[l.Index].numbers)
	if !ok {
		return -1, fmt.Errorf("%w: a row of %s whose link is NULL", ErrOrphan, l.From)
	}
	a, ok := p.levels[l.Index].anchorOf(text)
	if !ok {
		return -1, fmt.Errorf("%w: a row of %s", ErrOrphan, l.From)
	}
	if len(a.others) > 0 {
		p.parkSharers(l, a)
		return -1, nil
	}
	return a.first, nil
}

func (p *Page) orderOf(l *Level, values []any) (int, error) {
	key := make([]any, len(l.key))
	for i, at := range l.key {
		key[i] = values[at]
		if w := p.enc.levels[l.Index].watches[i]; w != nil && key[i] != nil {
			w.see(key[i])
		}
	}
	text, err := p.enc.appendKey(p.writer.plain[:0], key)
	p.writer.plain = text
	if err != nil {
		return -1, fmt.Errorf("%w: a row of %s: %w", ErrOrphan, l.From, err)
	}
	if at, ok := p.index[string(text)]; ok {
		return at, nil
	}
	for i, k := range p.keys { // the database may compare without regard to case
		if strings.EqualFold(k.Text, string(text)) {
			return i, nil
		}
	}
	return -1, fmt.Errorf("%w: a row of %s", ErrOrphan, l.From)
}

// parkSharers parks every order with a row that the link names: their lines cannot be told apart.
func (p *Page) parkSharers(l *Level, a anchor) {
	var names []string
	for _, pair := range l.Link {
		names = append(names, pair.Right)
	}
	reason := fmt.Sprintf("two rows of %s share %s, so their %s cannot be told apart; correct the DMS, or the parent of %s in the whitelist",
		l.Parent.From, strings.Join(names, ", "), l.Path, l.Path)
	for _, at := range append([]int{a.first}, a.others...) {
		p.park(p.levels[l.Parent.Index].rows[at].order, reason)
	}
}

// anchorOf returns what a link names. All rows above the level are known by now.
func (l *levelRows) anchorOf(text []byte) (anchor, bool) {
	if len(l.rows) > 0 && bytes.Equal(text, l.link) {
		return l.parent, true
	}
	a, ok := l.anchors[string(text)]
	if !ok {
		a, ok = foldedAnchor(l.anchors, string(text))
	}
	if ok {
		l.link, l.parent = append(l.link[:0], text...), a
	}
	return a, ok
}

// foldedAnchor finds a link by a text that differs in case only, as case-insensitive databases match it.
func foldedAnchor(anchors map[string]anchor, text string) (anchor, bool) {
	for have, a := range anchors {
		if strings.EqualFold(have, text) {
			return a, true
		}
	}
	return anchor{}, false
}

func (p *Page) park(order int, reason string) {
	if p.reason[order] == "" {
		p.reason[order] = reason
	}
}

// Missing returns the places in Reset's keys of the orders that had no row and are not parked.
func (p *Page) Missing() []int {
	var places []int
	for i, head := range p.levels[0].heads {
		if head < 0 && p.reason[i] == "" {
			places = append(places, i)
		}
	}
	return places
}

// linkText returns the text of a link's values in scratch space; ok is false where one of them is NULL.
func (p *Page) linkText(values []any, places []int, numbers []bool) (text []byte, ok bool) {
	text = p.writer.plain[:0]
	for at, i := range places {
		if values[i] == nil {
			return nil, false
		}
		text = append(appendLink(text, values[i], numbers[at]), 0)
	}
	p.writer.plain = text
	return text, true
}

// appendLink appends a value for comparison only. Trailing blanks do not count in SQL's comparisons.
func appendLink(dst []byte, v any, number bool) []byte {
	if n, ok := v.(int64); ok {
		return strconv.AppendInt(dst, n, 10)
	}
	start := len(dst)
	if number {
		if is, ok := v.(bool); ok {
			v = int64(0)
			if is {
				v = int64(1)
			}
		}
	}
	dst, _ = (&valueCoder{}).appendText(dst, v)
	if dst = trimRight(dst, start); number {
		dst = append(dst[:start], shortestNumber(string(dst[start:]))...)
	}
	return dst
}

// shortestNumber returns the one text of all that stand for a number: 1 for 01 and 1.00. Any other text is returned as it is.
func shortestNumber(text string) string {
	digits := strings.TrimSpace(text)
	digits, negative := strings.CutPrefix(strings.TrimPrefix(digits, "+"), "-")
	if !isDecimal(digits) || strings.HasPrefix(digits, "-") {
		return text
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole, "0")
	if digits == "" {
		digits = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		digits += "." + fraction
	}
	if negative && digits != "0" {
		digits = "-" + digits
	}
	return digits
}
