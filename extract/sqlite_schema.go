package extract

import (
	"context"
	"strconv"
	"strings"

	"roagent/fieldmap"
)

func (d sqliteDialect) table(ctx context.Context, s *session, name fieldmap.Table) (*table, error) {
	switch strings.ToLower(name.Schema) {
	case "", "dbo", "main":
	default:
		return nil, nil // SQLite has no schemas of its own
	}
	var t *table
	err := s.query(ctx, `SELECT t.name, t.type = 'view' FROM pragma_table_list AS t WHERE t.schema = 'main' AND t.name = ?1 COLLATE NOCASE`,
		[]any{name.Name}, func(r row) error {
			t = &table{}
			return r.scan(&t.name, &t.view)
		})
	if err != nil || t == nil {
		return nil, err
	}
	var primary []string
	err = s.query(ctx, `SELECT c.name, c.type, c.pk FROM pragma_table_xinfo(?1, 'main') AS c ORDER BY c.cid`, []any{t.name},
		func(r row) error {
			var c column
			var declared string
			var pk int
			if err := r.scan(&c.name, &declared, &pk); err != nil {
				return err
			}
			c.typ = sqliteType(declared)
			t.columns = append(t.columns, c)
			if pk > 0 {
				primary = append(primary, c.name)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(primary) > 0 { // of an INTEGER PRIMARY KEY there is no index to list
		t.indexes = append(t.indexes, index{name: "PRIMARY KEY", unique: true, columns: primary})
	}
	return t, d.indexes(ctx, s, t)
}

// indexes adds the indexes on whole columns of all rows.
func (sqliteDialect) indexes(ctx context.Context, s *session, t *table) error {
	return s.query(ctx, `SELECT i.name, i."unique", c.name
FROM pragma_index_list(?1, 'main') AS i, pragma_index_info(i.name, 'main') AS c
WHERE i.partial = 0 AND c.name IS NOT NULL
ORDER BY i.seq, c.seqno`, []any{t.name}, t.addIndexColumn)
}

// sqliteType reads a declared type. SQLite lets any column hold anything; what is declared is what is meant.
func sqliteType(declared string) columnType {
	base, size, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(declared)), "(")
	base = strings.TrimSpace(base)
	t := columnType{base: strings.ToLower(base)}
	t.Database, t.Scale = strings.ToLower(declared), -1
	switch base {
	case "INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT":
		t.Kind = fieldmap.KindInteger
	case "DECIMAL", "NUMERIC":
		t.Kind, t.Scale = fieldmap.KindDecimal, scaleOf(size)
	case "MONEY", "SMALLMONEY":
		t.Kind, t.Scale = fieldmap.KindDecimal, 4
	case "REAL", "FLOAT", "DOUBLE", "DOUBLE PRECISION":
		t.Kind = fieldmap.KindFloat
	case "BIT", "BOOL", "BOOLEAN":
		t.Kind = fieldmap.KindBoolean
	case "DATE":
		t.Kind = fieldmap.KindDate
	case "DATETIME", "DATETIME2", "SMALLDATETIME", "TIMESTAMP":
		t.Kind = fieldmap.KindDateTime
	case "DATETIMEOFFSET":
		t.Kind = fieldmap.KindInstant
	case "UNIQUEIDENTIFIER", "UUID":
		t.Kind = fieldmap.KindUUID
	case "CHAR", "NCHAR", "CHARACTER":
		t.Kind, t.Fixed = fieldmap.KindText, true
	case "BLOB", "BINARY", "VARBINARY", "IMAGE", "ROWVERSION", "XML", "SQL_VARIANT", "GEOGRAPHY", "GEOMETRY", "HIERARCHYID":
		t.refuse = "only text, numbers, dates and uniqueidentifiers can be sent"
	default: // TEXT and its like, and the columns of views, of which SQLite may know nothing
		t.Kind = fieldmap.KindText
	}
	if declared == "" {
		t.Database = "of no declared type"
	}
	return t
}

// scaleOf reads the scale of "12,2)"; a decimal without one has none.
func scaleOf(size string) int {
	_, scale, found := strings.Cut(strings.TrimSuffix(size, ")"), ",")
	if !found {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(scale))
	if err != nil {
		return -1
	}
	return n
}

// access has nothing to ask: whoever can open the file can read all of it.
func (sqliteDialect) access(context.Context, *session, []*listedTable) (Access, error) {
	return Access{}, nil
}

func (sqliteDialect) errorNumber(error) int { return 0 }
