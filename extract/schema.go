package extract

import (
	"strings"

	"roagent/fieldmap"
)

// table is what a DMS's catalog says of a table or view.
type table struct {
	name    string // as the DMS spells it
	view    bool
	columns []column
	indexes []index
}

// column is one column of a table.
type column struct {
	name string // as the DMS spells it
	typ  columnType
}

// columnType is a column's type, for reading it and for comparing it with parameters.
type columnType struct {
	fieldmap.ColumnType
	base       string // the type's name without its size: varchar
	layout     string // Go's notation in which a text column keeps times; "" for types that are times themselves
	refuse     string // why values of it cannot be sent; "" where they can
	untimed    string // why its values cannot be compared with a time though they are times; "" where they can
	untestable bool   // it can be neither compared nor sorted
}

// index is one index of a table, a primary key among them.
type index struct {
	name    string
	unique  bool
	columns []string // in their order
}

func (t *table) column(name string) *column {
	for i := range t.columns {
		if strings.EqualFold(t.columns[i].name, name) {
			return &t.columns[i]
		}
	}
	return nil
}

func (t *table) columnNames() []string {
	names := make([]string, len(t.columns))
	for i := range t.columns {
		names[i] = t.columns[i].name
	}
	return names
}

// led reports whether an index begins with one of the columns.
func (t *table) led(columns []string) bool {
	for _, ix := range t.indexes {
		for _, c := range columns {
			if len(ix.columns) > 0 && strings.EqualFold(ix.columns[0], c) {
				return true
			}
		}
	}
	return false
}

// uniqueOn reports whether no two rows can have the same values in the columns: a unique index covers no others.
func (t *table) uniqueOn(columns []string) bool {
	for _, ix := range t.indexes {
		if ix.unique && within(ix.columns, columns) {
			return true
		}
	}
	return false
}

func within(part, whole []string) bool {
	for _, p := range part {
		found := false
		for _, w := range whole {
			found = found || strings.EqualFold(p, w)
		}
		if !found {
			return false
		}
	}
	return true
}

// columnRef names a column of a plan.
type columnRef struct {
	level  int // Level.Index
	column fieldmap.Column
}

// schema is what the catalog says of the columns that a plan names.
type schema struct {
	types map[columnRef]*columnType
}

// typeOf returns a column's type. Columns that the check did not find have none that could be sent.
func (s *schema) typeOf(l *fieldmap.Level, c fieldmap.Column) *columnType {
	if t := s.types[columnRef{l.Index, c}]; t != nil {
		return t
	}
	return &columnType{ColumnType: fieldmap.ColumnType{Database: "unknown", Scale: -1}}
}

// addIndexColumn takes a row of the indexes in a catalog: name, whether it is unique, and one of its columns, in their order.
func (t *table) addIndexColumn(r row) error {
	var name, column string
	var unique bool
	if err := r.scan(&name, &unique, &column); err != nil {
		return err
	}
	if last := len(t.indexes) - 1; last >= 0 && t.indexes[last].name == name {
		t.indexes[last].columns = append(t.indexes[last].columns, column)
		return nil
	}
	t.indexes = append(t.indexes, index{name: name, unique: unique, columns: []string{column}})
	return nil
}
