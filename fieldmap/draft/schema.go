package draft

import (
	"slices"
	"strings"

	"roagent/fieldmap"
)

// Schema is what a database's catalogue says of its tables and views.
type Schema struct{ Tables []*Table }

// Table is a table or view.
type Table struct {
	Name    fieldmap.Table
	View    bool
	Columns []Column
	Primary []string   // the columns of the primary key; none: it has none
	Unique  [][]string // the columns of each unique index, the primary key's among them
	Foreign []ForeignKey
	Indexes []string // the first column of each index
}

// Column is one column.
type Column struct {
	Name   string
	Type   fieldmap.ColumnType
	Length int    // the most characters of a text; 0: not known, or any number
	Refuse string // why its values cannot be sent; "" where they can

	Unsorted bool // the database can neither compare nor sort it
}

// ForeignKey says that rows of a table belong to rows of another one.
type ForeignKey struct {
	Columns   []string
	To        fieldmap.Table
	ToColumns []string
}

// unique reports whether no two rows can have the same values in the columns.
func (t *Table) unique(columns []string) bool {
	return slices.ContainsFunc(t.Unique, func(key []string) bool {
		return len(key) > 0 && !slices.ContainsFunc(key, func(c string) bool { return !contains(columns, c) })
	})
}

func (s *Schema) table(name fieldmap.Table) *Table {
	for _, t := range s.Tables {
		if strings.EqualFold(t.Name.Name, name.Name) && strings.EqualFold(t.Name.Schema, name.Schema) {
			return t
		}
	}
	return nil
}

func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(have string) bool { return strings.EqualFold(have, name) })
}
