package extract

import (
	"context"
	"strconv"
	"strings"

	"roagent/fieldmap"
)

func (d sqliteDialect) catalog(ctx context.Context, s *session, c *catalog) error {
	err := s.query(ctx, `SELECT t.name, t.type = 'view' FROM pragma_table_list AS t WHERE t.schema = 'main' AND t.type IN ('table', 'view') ORDER BY t.name`,
		nil, func(r row) error {
			var name string
			var view bool
			err := r.scan(&name, &view)
			if !system(name) {
				c.add(fieldmap.Table{Name: name}, view)
			}
			return err
		})
	if err != nil {
		return err
	}
	for _, t := range c.schema.Tables {
		if err := d.catalogTable(ctx, s, c, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func (d sqliteDialect) catalogTable(ctx context.Context, s *session, c *catalog, name fieldmap.Table) error {
	t := &table{name: name.Name}
	err := s.query(ctx, `SELECT c.name, c.type FROM pragma_table_xinfo(?1, 'main') AS c ORDER BY c.cid`, []any{name.Name}, func(r row) error {
		var column, declared string
		err := r.scan(&column, &declared)
		c.column(name, column, sqliteType(declared), lengthOf(declared))
		return err
	})
	if err != nil {
		return err
	}
	err = s.query(ctx, `SELECT c.name FROM pragma_table_xinfo(?1, 'main') AS c WHERE c.pk > 0 ORDER BY c.pk`, []any{name.Name}, func(r row) error {
		var column string
		err := r.scan(&column)
		c.index(name, "PRIMARY KEY", column, true, true)
		return err
	})
	if err == nil {
		err = d.indexes(ctx, s, t)
	}
	if err != nil {
		return err
	}
	for _, ix := range t.indexes {
		for _, column := range ix.columns {
			c.index(name, ix.name, column, ix.unique, false)
		}
	}
	return d.catalogForeign(ctx, s, c, name)
}

// catalogForeign leaves out the keys that name no columns of the other table: they mean its primary key, which is found
// by its names.
func (sqliteDialect) catalogForeign(ctx context.Context, s *session, c *catalog, name fieldmap.Table) error {
	return s.query(ctx, `SELECT f.id, f."from", f."table", f."to" FROM pragma_foreign_key_list(?1, 'main') AS f WHERE f."to" IS NOT NULL ORDER BY f.id, f.seq`,
		[]any{name.Name}, func(r row) error {
			var id int
			var from, to, column string
			err := r.scan(&id, &from, &to, &column)
			for _, other := range c.schema.Tables {
				if strings.EqualFold(other.Name.Name, to) {
					to = other.Name.Name
				}
			}
			c.foreign(name, "foreign key "+strconv.Itoa(id), from, fieldmap.Table{Name: to}, column)
			return err
		})
}

// lengthOf reads the length of VARCHAR(20); 0 where none is declared.
func lengthOf(declared string) int64 {
	_, size, _ := strings.Cut(declared, "(")
	digits, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(size), ")"), ",")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
	if err != nil {
		return 0
	}
	return n
}
