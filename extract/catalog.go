package extract

import (
	"context"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/draft"
)

// Catalog returns what the catalogue says of all tables and views that the login sees: names, types, keys, foreign keys
// and indexes. It reads no row of them.
func (d *DMS) Catalog(ctx context.Context) (*draft.Schema, error) {
	s, err := d.session(ctx)
	if err != nil {
		return nil, d.unreachable(ctx, "read the DMS's catalogue", err)
	}
	defer s.close()
	c := &catalog{schema: &draft.Schema{}, tables: map[fieldmap.Table]*draft.Table{}}
	if err := d.dialect.catalog(ctx, s, c); err != nil {
		return nil, d.unreachable(ctx, "read the DMS's catalogue", err)
	}
	return c.schema, nil
}

// Databases returns the names of the databases of a server that the login may use, the system's own left out. It signs in to
// none of them.
func Databases(ctx context.Context, c Config) ([]string, error) {
	c.Database = "master"
	d, err := Open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s, err := d.session(ctx)
	if err != nil {
		return nil, d.unreachable(ctx, "list the databases", err)
	}
	defer s.close()
	var names []string
	err = s.query(ctx, `SELECT d.name FROM sys.databases AS d
WHERE HAS_DBACCESS(d.name) = 1 AND d.name NOT IN ('master', 'model', 'msdb', 'tempdb') ORDER BY d.name`, nil, func(r row) error {
		var name string
		err := r.scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, d.unreachable(ctx, "list the databases", err)
	}
	return names, nil
}

// catalog collects what a dialect's statements say, row by row.
type catalog struct {
	schema *draft.Schema
	tables map[fieldmap.Table]*draft.Table
	last   string // the index or foreign key of the row before
}

func (c *catalog) add(name fieldmap.Table, view bool) {
	t := &draft.Table{Name: name, View: view}
	c.tables[name] = t
	c.schema.Tables = append(c.schema.Tables, t)
}

func (c *catalog) column(name fieldmap.Table, column string, typ columnType, length int64) {
	if t := c.tables[name]; t != nil {
		t.Columns = append(t.Columns, draft.Column{Name: column, Type: typ.ColumnType, Length: max(0, int(length)), Refuse: typ.refuse, Unsorted: typ.untestable})
	}
}

// find returns the table of a name as another part of the catalogue spells it: in its own case, or else in any. It is nil where
// the login does not see the table.
func (c *catalog) find(name fieldmap.Table) *draft.Table {
	if t := c.tables[name]; t != nil {
		return t
	}
	for _, t := range c.schema.Tables {
		if strings.EqualFold(t.Name.Schema, name.Schema) && strings.EqualFold(t.Name.Name, name.Name) {
			return t
		}
	}
	return nil
}

// spelled returns a column's name as the table has it.
func spelled(t *draft.Table, column string) string {
	other := column
	for _, c := range t.Columns {
		if c.Name == column {
			return column
		}
		if strings.EqualFold(c.Name, column) {
			other = c.Name
		}
	}
	return other
}

// next reports whether a row begins another index or foreign key than the row before.
func (c *catalog) next(name fieldmap.Table, of string) bool {
	key := name.Schema + "\x00" + name.Name + "\x00" + of
	other := key != c.last
	c.last = key
	return other
}

// index takes a column of an index; the columns of each come in their order, one index after the other.
func (c *catalog) index(name fieldmap.Table, index, column string, unique, primary bool) {
	t := c.find(name)
	if t == nil {
		return
	}
	column = spelled(t, column)
	first := c.next(name, index)
	if first {
		t.Indexes = append(t.Indexes, column)
	}
	if primary {
		t.Primary = append(t.Primary, column)
	}
	if unique && first {
		t.Unique = append(t.Unique, nil)
	}
	if unique {
		last := len(t.Unique) - 1
		t.Unique[last] = append(t.Unique[last], column)
	}
}

// foreign takes a pair of columns of a foreign key; the pairs of each come in their order, one key after the other.
func (c *catalog) foreign(name fieldmap.Table, key, column string, to fieldmap.Table, toColumn string) {
	t, other := c.find(name), c.find(to)
	if t == nil || other == nil {
		return
	}
	if c.next(name, key) {
		t.Foreign = append(t.Foreign, draft.ForeignKey{To: other.Name})
	}
	f := &t.Foreign[len(t.Foreign)-1]
	f.Columns, f.ToColumns = append(f.Columns, spelled(t, column)), append(f.ToColumns, spelled(other, toColumn))
}

// system reports whether a table is one of those that tools leave in a user's database.
func system(name string) bool {
	switch strings.ToLower(name) {
	case "sysdiagrams", "dtproperties":
		return true
	}
	return strings.HasPrefix(strings.ToLower(name), "sqlite_")
}
