package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// drawnRow is a row of the DMS, with the rows of its table's lists. A column that is NULL has no value.
type drawnRow struct {
	values map[string]drawnValue
	joined *drawnRow
	below  [][]*drawnRow // by the table's lists
}

// drawnValue is one cell: its text, and of a note the secrets in it with what each is redacted to.
type drawnValue struct {
	text    string
	secrets []drawnSecret
}

type drawnSecret struct{ text, kind string }

// keyOf returns the order's key as it is sent.
func (s *canaryShop) keyOf(order *drawnRow) string {
	var parts []string
	for _, name := range s.orders.links {
		parts = append(parts, order.values[name].text)
	}
	return strings.Join(parts, "|")
}

// drawOrders draws some orders of the week, with their customers and lines.
func (s *canaryShop) drawOrders(t *rapid.T) (orders []*drawnRow) {
	var customers []*drawnRow
	for range rapid.IntRange(1, 2).Draw(t, "customers") {
		customer := s.drawRow(t, s.customers)
		customer.values["ClientNo"] = drawnValue{text: s.token()}
		customers = append(customers, customer)
	}
	for range rapid.IntRange(1, 4).Draw(t, "orders") {
		order := &drawnRow{values: map[string]drawnValue{}}
		for _, name := range s.orders.links {
			order.values[name] = drawnValue{text: s.key()}
		}
		s.fillOrder(t, order)
		if at := rapid.IntRange(-1, len(customers)-1).Draw(t, "customer"); at >= 0 {
			order.joined = customers[at]
			order.values["ClientNo"] = order.joined.values["ClientNo"]
		}
		orders = append(orders, order)
	}
	return orders
}

// edited returns the orders as the shop has them later: some are gone, some are other than they were.
func (s *canaryShop) edited(t *rapid.T, orders []*drawnRow) (later []*drawnRow) {
	for _, o := range orders {
		switch rapid.IntRange(0, 3).Draw(t, "edit") {
		case 0: // gone
		case 1:
			later = append(later, o)
		default:
			edited := &drawnRow{values: map[string]drawnValue{}, joined: o.joined}
			for _, name := range append(slices.Clip(s.orders.links), "ClientNo") {
				if value, given := o.values[name]; given {
					edited.values[name] = value
				}
			}
			s.fillOrder(t, edited)
			later = append(later, edited)
		}
	}
	return later
}

func (s *canaryShop) fillOrder(t *rapid.T, order *drawnRow) {
	order.values["Closed"] = drawnValue{text: s.week.Start(time.UTC).AddDate(0, 0, 2).Format(time.DateTime)}
	if s.edits++; s.changed {
		order.values["Edited"] = drawnValue{text: fmt.Sprint("2001-01-01 00:00:", 10+s.edits)}
	}
	s.fill(t, s.orders, order)
}

func (s *canaryShop) drawRow(t *rapid.T, table *drawnTable) *drawnRow {
	row := &drawnRow{values: map[string]drawnValue{}}
	s.fill(t, table, row)
	return row
}

func (s *canaryShop) fill(t *rapid.T, table *drawnTable, row *drawnRow) {
	for _, c := range table.columns {
		if rapid.IntRange(0, 5).Draw(t, "null") > 0 {
			row.values[c.name] = s.drawValue(t, c.kind)
		}
	}
	for _, l := range table.lists {
		var rows []*drawnRow
		for i := range rapid.IntRange(0, 2).Draw(t, l.name) {
			below := &drawnRow{values: map[string]drawnValue{}}
			for _, name := range l.links {
				below.values[name] = row.values[name]
			}
			below.values[l.number] = drawnValue{text: fmt.Sprint(i + 1)}
			s.fill(t, l, below)
			rows = append(rows, below)
		}
		row.below = append(row.below, rows)
	}
}

func (s *canaryShop) drawValue(t *rapid.T, kind columnKind) drawnValue {
	switch kind {
	case numberColumn:
		return drawnValue{text: s.number()}
	case dayColumn:
		return drawnValue{text: s.day()}
	case codeColumn:
		return drawnValue{text: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "code")}
	case noteColumn:
		v := drawnValue{text: s.token()}
		for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(t, "secrets") {
			secret, label := s.secret(rapid.IntRange(0, 5).Draw(t, "secret"))
			v.secrets = append(v.secrets, secret)
			v.text += ", " + label + secret.text + ", " + s.token()
		}
		return v
	}
	return drawnValue{text: s.token()}
}

// write puts the orders into the DMS in place of all that it holds.
func (s *canaryShop) write(ctx context.Context, db *sql.DB, orders []*drawnRow) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	w := dmsWriter{ctx: ctx, tx: tx}
	w.create(s.customers, "ClientNo", nil)
	w.create(s.orders, "Closed DATETIME, Edited DATETIME, ClientNo VARCHAR(60)", s.orders.links)
	var customers []*drawnRow
	for _, o := range orders {
		if o.joined != nil && !slices.Contains(customers, o.joined) {
			customers = append(customers, o.joined)
		}
	}
	w.insert(s.customers, customers)
	w.insert(s.orders, orders)
	return errors.Join(w.err, tx.Commit())
}

type dmsWriter struct {
	ctx context.Context
	tx  *sql.Tx
	err error
}

func (w *dmsWriter) exec(statement string, values ...any) {
	if w.err == nil {
		_, w.err = w.tx.ExecContext(w.ctx, statement, values...)
	}
}

// create makes a table and its lists anew; own are columns beside the drawn ones.
func (w *dmsWriter) create(d *drawnTable, own string, keys []string) {
	w.exec("DROP TABLE IF EXISTS " + d.name)
	var columns []string
	if keys == nil {
		columns, keys = []string{"ClientNo VARCHAR(60) NOT NULL"}, []string{"ClientNo"}
	} else {
		for _, name := range keys {
			columns = append(columns, name+" VARCHAR(60) NOT NULL")
		}
		columns = append(columns, own)
	}
	for _, c := range d.columns {
		columns = append(columns, c.name+" "+c.kind.declared())
	}
	w.exec(fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", d.name, strings.Join(columns, ", "), strings.Join(keys, ", ")))
	for _, l := range d.lists {
		w.create(l, "Filler INT", append(slices.Clip(l.links), l.number))
	}
}

func (w *dmsWriter) insert(d *drawnTable, rows []*drawnRow) {
	for _, row := range rows {
		var names, marks []string
		var values []any
		for name, v := range row.values {
			names, marks, values = append(names, name), append(marks, "?"), append(values, v.text)
		}
		w.exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", d.name, strings.Join(names, ", "), strings.Join(marks, ", ")), values...)
		for i, l := range d.lists {
			w.insert(l, row.below[i])
		}
	}
}
