package extract

import (
	"context"
	"database/sql"
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
	args, err := rd.reader.weekArguments(week)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", rd.op("the orders", week), err)
	}
	n = len(keys.keys)
	for {
		p := &pageRead{rd: rd, week: week, args: args, keys: keys.keys[:n], values: keys.values[:n]}
		err := rd.do(ctx, rd.op("the orders", week), p.run)
		switch {
		case err == nil:
			return rd.page, n, nil
		case errors.Is(err, errPageFull), errors.Is(err, fieldmap.ErrOrphan) && n > 1:
			n /= 2 // a page is rarely this large, or odd; reading half of it again is cheaper than keeping two
		case errors.Is(err, fieldmap.ErrOrphan):
			rd.page.Reset(week, keys.keys[:n])
			rd.page.Park(0, "the database takes lines for this order's that name it differently (an accent, or a kind of blank); correct them in the DMS")
			return rd.page, n, nil
		default:
			return nil, 0, err
		}
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
		if err := s.query(ctx, statement.text(length), args, p.adder(statement.level)); err != nil {
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
		if args[i], err = r.dms.dialect.argument(r.schema.typeOf(s.list[i].level, s.list[i].column), value); err != nil {
			return nil, &DatabaseError{
				Reason: fmt.Sprintf("%s holds a value that cannot be compared with %s", s.list[i].column, r.schema.typeOf(s.list[i].level, s.list[i].column).Database),
				Hint:   "look at key, parent and join in the whitelist",
			}
		}
	}
	return args, nil
}

// adder returns what takes the rows of a level.
func (p *pageRead) adder(l *fieldmap.Level) func(*sql.Rows) error {
	row := p.rd.rows[l.Index]
	converters := p.rd.reader.converters[l.Index]
	return func(rows *sql.Rows) error {
		if err := rows.Scan(row.into...); err != nil {
			return err
		}
		for _, c := range converters {
			row.values[c.at] = c.convert(row.values[c.at])
		}
		if err := p.rd.page.Add(l, row.values); err != nil {
			return err
		}
		if len(p.keys) > 1 && p.rd.page.Size() > p.rd.reader.dms.config.PageBytes {
			return errPageFull
		}
		if l.Parent == nil {
			p.collect(l, row.values)
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
		text := string(position(anchor))
		if p.anchors[i].seen[text] {
			continue
		}
		args, err := p.rd.reader.listArguments(p.rd.reader.statements.lists[list.Index-1], anchor)
		if err != nil {
			p.park(orders, values, list, err)
			continue
		}
		p.anchors[i].seen[text] = true
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
