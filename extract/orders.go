package extract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"roagent/fieldmap"
)

// errPageFull is a page that grew beyond its bytes.
var errPageFull = errors.New("the page is full")

// Orders reads the orders of these keys with all their lists. The page covers the first n keys: fewer than asked for
// where their rows would take more than Config.PageBytes; [KeyPage.NextAt] n is then the position to store, and
// [KeyPage.Rest] n what is left to be read. The page is valid until the next call.
//
// An order that was deleted or moved since its key was read has no row, and no record.
func (rd *Reading) Orders(ctx context.Context, week fieldmap.Week, keys *KeyPage) (page *fieldmap.Page, n int, err error) {
	args, err := rd.reader.weekArguments(week)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", rd.op("the orders", week), err)
	}
	n = len(keys.keys)
	for {
		p := &pageRead{rd: rd, week: week, args: args, keys: keys.keys[:n], values: keys.values[:n]}
		err := rd.do(ctx, rd.op("the orders", week), p.run)
		if errors.Is(err, errPageFull) {
			n /= 2 // a page is rarely this large; reading half of it again is cheaper than keeping two
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		return rd.page, n, nil
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
	if err := p.level(ctx, s, r.statements.orders, p.values); err != nil {
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
	fixed := p.args[statement.level.Index]
	for longest := statement.longest(); len(list) > 0; {
		n := min(len(list), longest)
		args, err := p.rd.reader.listArguments(statement, fixed, list[:n])
		if err != nil {
			return err
		}
		if err := s.query(ctx, statement.text(padded(n)), args, p.adder(statement.level)); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// listArguments appends a list's values, each in the type of the column it is compared with, to a statement's own.
func (r *Reader) listArguments(s *statement, fixed []any, list [][]any) ([]any, error) {
	length := padded(len(list))
	args := append(make([]any, 0, len(fixed)+length*len(s.list)), fixed...)
	for _, row := range list {
		for i, value := range row {
			arg, err := r.dms.dialect.argument(r.schema.typeOf(s.list[i].level, s.list[i].column), value)
			if err != nil {
				return nil, fmt.Errorf("%w: %s", errLink, s.list[i].column)
			}
			args = append(args, arg)
		}
	}
	for range length - len(list) {
		args = append(args, args[len(args)-len(s.list):]...)
	}
	return args, nil
}

// errLink is a value that cannot be compared with the column to which the whitelist links it.
var errLink = errors.New("a link's value has not the type of the column that it is compared with; look at parent and join in the whitelist")

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
	for i := range p.anchors {
		p.anchors[i].add(values, orders.AnchorsAt(i))
	}
}

func (a *anchorSet) add(values []any, places []int) {
	anchor := make([]any, len(places))
	for i, at := range places {
		if values[at] == nil {
			return // links to nothing
		}
		anchor[i] = values[at]
	}
	if key := string(position(anchor)); !a.seen[key] {
		a.seen[key] = true
		a.rows = append(a.rows, anchor)
	}
}
