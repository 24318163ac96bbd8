package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"roagent/fieldmap"
)

// errPageFull is a page that grew beyond its bytes.
var errPageFull = errors.New("the page is full")

// Orders reads the orders of these keys with all their lists. The page covers the first n keys: fewer than asked for
// where their rows would take more than Config.PageBytes; [KeyPage.NextAt] n is then the position to store, and
// [KeyPage.Rest] n what is left to be read. The page is valid until the next call.
//
// Orders of which something cannot be read are parked, and stop no other. An order that was deleted or moved since its key was read has no row, and no record.
func (rd *Reading) Orders(ctx context.Context, week fieldmap.Week, keys *KeyPage) (page *fieldmap.Page, n int, err error) {
	op := rd.op("the orders", week)
	args, err := rd.reader.weekArguments(week)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", op, err)
	}
	n = len(keys.keys)
	for again := true; ; {
		p := &pageRead{rd: rd, week: week, args: args, keys: keys.keys[:n], values: keys.values[:n]}
		err := rd.do(ctx, op, p.run)
		if again && p.changed(err) {
			again = false
			continue
		}
		switch odd := p.odd(err); {
		case err == nil:
			p.parkMissing(keys)
			if err := rd.page.CheckValues(); err != nil {
				return nil, 0, fmt.Errorf("%s: %w", op, err)
			}
			return rd.page, n, nil
		case errors.Is(err, errPageFull), odd != "" && n > 1:
			n /= 2 // a page is rarely this large, or odd; reading half of it again is cheaper than keeping two
		case odd != "":
			rd.page.Reset(week, keys.keys[:n])
			rd.page.Park(0, odd)
			return rd.page, n, nil
		default:
			return nil, 0, err
		}
	}
}

// changed reports whether a page's rows do not fit together because some may have changed between two statements.
func (p *pageRead) changed(err error) bool {
	if p.rd.session == nil || p.rd.session.consistent() {
		return false
	}
	return errors.Is(err, fieldmap.ErrOrphan) || err == nil && len(p.rd.page.Missing()) > 0
}

// odd says why an order of the page cannot be read though others can; it is "" for errors that are not an order's.
func (p *pageRead) odd(err error) string {
	if errors.Is(err, fieldmap.ErrOrphan) {
		return "the database takes lines for this order's that name it differently (an accent, or a kind of blank); correct them in the DMS"
	}
	if known, ok := errors.AsType[*DatabaseError](err); ok && known.Row {
		return known.Error() + "; " + known.Hint
	}
	return ""
}

// parkMissing parks the orders that have no row though the same transaction read their keys: they are there, and must
// not count as deleted.
func (p *pageRead) parkMissing(keys *KeyPage) {
	if p.rd.session != keys.seen || !p.rd.session.consistent() {
		return
	}
	for _, place := range p.rd.page.Missing() {
		p.rd.page.Park(place, "the database does not find it by the key that it gave; correct the key in the DMS, or name another column as key in the whitelist")
	}
}

// weekArguments returns the own arguments of the statements for orders and lists, in their order.
func (r *Reader) weekArguments(week fieldmap.Week) ([][]any, error) {
	var all [][]any
	for _, s := range append([]*statement{r.statements.orders}, r.statements.lists...) {
		args, err := r.arguments(s, request{week: week})
		if err != nil {
			return nil, err
		}
		all = append(all, args)
	}
	return all, nil
}

// pageRead reads one page, and from its start again when it must.
type pageRead struct {
	rd     *Reading
	week   fieldmap.Week
	args   [][]any // by Level.Index
	keys   []fieldmap.OrderKey
	values [][]any

	anchors []anchorSet // by list of the orders
	text    []byte      // scratch
}

// anchorSet is the values of the orders' rows that a list's rows name, each once.
type anchorSet struct {
	rows [][]any
	seen map[string]bool
}

func (p *pageRead) run(ctx context.Context, s *session) error {
	r := p.rd.reader
	p.rd.page.Reset(p.week, p.keys)
	p.anchors = make([]anchorSet, len(r.plan.Orders.Lists))
	for i := range p.anchors {
		p.anchors[i].seen = make(map[string]bool, len(p.keys))
	}
	list := make([][]any, len(p.values))
	for i, values := range p.values {
		var err error
		if list[i], err = r.listArguments(r.statements.orders, values); err != nil {
			return err
		}
	}
	if err := p.level(ctx, s, r.statements.orders, list); err != nil {
		return err
	}
	for i, list := range r.plan.Orders.Lists {
		for _, statement := range r.statements.lists {
			if statement.level.Chain()[0] != list {
				continue
			}
			if err := p.level(ctx, s, statement, p.anchors[i].rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// level reads the rows of one level that belong to a list of keys, in as many statements as the list needs.
func (p *pageRead) level(ctx context.Context, s *session, statement *statement, list [][]any) error {
	for longest := statement.longest(); len(list) > 0; {
		n := min(len(list), longest)
		length := padded(n)
		args := make([]any, 0, len(statement.params)+length*len(statement.list))
		args = append(args, p.args[statement.level.Index]...)
		for i := range length {
			args = append(args, list[min(i, n-1)]...)
		}
		if err := s.run(ctx, statement, statement.text(length), args, p.adder(statement.level)); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// listArguments gives a row of a statement's list the types of the columns with which it is compared.
func (r *Reader) listArguments(s *statement, row []any) ([]any, error) {
	args := make([]any, len(row))
	for i, value := range row {
		var err error
		t := r.comparedType(s.list[i], i)
		if args[i], err = r.dms.dialect.argument(t, value); err != nil {
			return nil, &DatabaseError{
				Reason: fmt.Sprintf("%s holds a value that cannot be compared with %s", s.list[i].column, t.Database),
				Hint:   "look at key, parent and join in the whitelist",
			}
		}
	}
	return args, nil
}

// comparedType returns the type that a list's value at a place must have, to be compared as the database would compare
// the two columns: the listed column's own; but a text is compared with a number as a number.
func (r *Reader) comparedType(l listed, at int) *columnType {
	t := r.schema.typeOf(l.level, l.column)
	if l.level.Parent == nil || sort(t.Kind) != "text" {
		return t
	}
	parent := r.schema.typeOf(l.level.Parent, fieldmap.Column{Name: l.level.Link[at].Right})
	if sort(parent.Kind) != "number" {
		return t
	}
	if parent.Kind == fieldmap.KindDecimal {
		return &columnType{ColumnType: parent.ColumnType, base: "float"} // decimals are sent as texts
	}
	return parent
}

// adder returns what takes the rows of a level.
func (p *pageRead) adder(l *fieldmap.Level) func(row) error {
	converters := p.rd.reader.converters[l.Index]
	return func(values row) error {
		for _, c := range converters {
			values[c.at] = c.convert(values[c.at])
		}
		if err := p.rd.page.Add(l, values); err != nil {
			return err
		}
		if len(p.keys) > 1 && p.rd.page.Size() > p.rd.reader.dms.config.PageBytes {
			return errPageFull
		}
		if l.Parent == nil {
			p.collect(l, values)
		}
		return nil
	}
}

// collect notes the values of an order's row by which its lists are read.
func (p *pageRead) collect(orders *fieldmap.Level, values []any) {
	for i, list := range orders.Lists {
		places := orders.AnchorsAt(i)
		anchor := make([]any, len(places))
		for j, at := range places {
			anchor[j] = values[at]
		}
		if slices.Contains(anchor, nil) {
			continue // links to nothing
		}
		p.text = appendTyped(p.text[:0], anchor)
		if p.anchors[i].seen[string(p.text)] {
			continue
		}
		args, err := p.rd.reader.listArguments(p.rd.reader.statements.lists[list.Index-1], anchor)
		if err != nil {
			p.park(orders, values, list, err)
			continue
		}
		p.anchors[i].seen[string(p.text)] = true
		p.anchors[i].rows = append(p.anchors[i].rows, args)
	}
}

// park sets an order aside whose lines cannot be looked for.
func (p *pageRead) park(orders *fieldmap.Level, values []any, list *fieldmap.Level, err error) {
	var key []any
	for _, at := range orders.KeyAt() {
		key = append(key, values[at])
	}
	text, keyErr := p.rd.reader.encoder.KeyText(key)
	place := slices.IndexFunc(p.keys, func(k fieldmap.OrderKey) bool { return k.Text == text })
	if keyErr != nil || place < 0 {
		return // then the page has parked it, or a row of the same key
	}
	p.rd.page.Park(place, fmt.Sprintf("its %s cannot be looked for: %v; look at the parent of %[1]s in the whitelist, or correct the order in the DMS", list.Path, err))
}
