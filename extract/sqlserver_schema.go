package extract

import (
	"context"
	"database/sql"
	"fmt"

	"roagent/fieldmap"
)

func (d sqlServerDialect) table(ctx context.Context, s *session, name fieldmap.Table) (*table, error) {
	schema := name.Schema
	if schema == "" {
		schema = d.syntax().schema
	}
	var t *table
	err := s.query(ctx, `SELECT t.TABLE_NAME, t.TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES AS t
WHERE t.TABLE_SCHEMA = @p1 AND t.TABLE_NAME = @p2`, []any{schema, name.Name}, func(r row) error {
		t = &table{}
		var kind string
		err := r.scan(&t.name, &kind)
		t.view = kind == "VIEW"
		return err
	})
	if err != nil || t == nil {
		return nil, err
	}
	err = s.query(ctx, `SELECT c.COLUMN_NAME, c.DATA_TYPE, c.CHARACTER_MAXIMUM_LENGTH, c.NUMERIC_PRECISION, c.NUMERIC_SCALE, c.DATETIME_PRECISION
FROM INFORMATION_SCHEMA.COLUMNS AS c
WHERE c.TABLE_SCHEMA = @p1 AND c.TABLE_NAME = @p2
ORDER BY c.ORDINAL_POSITION`, []any{schema, name.Name}, func(r row) error {
		var c column
		var base string
		var length, precision, scale, fraction sql.NullInt64
		if err := r.scan(&c.name, &base, &length, &precision, &scale, &fraction); err != nil {
			return err
		}
		c.typ = sqlServerType(base, length, precision, scale, fraction)
		t.columns = append(t.columns, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, d.indexes(ctx, s, name, t)
}

// indexes adds the indexes in use that cover all rows.
func (d sqlServerDialect) indexes(ctx context.Context, s *session, name fieldmap.Table, t *table) error {
	err := s.query(ctx, `SELECT i.name, i.is_unique, c.name
FROM sys.indexes AS i
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.object_id = OBJECT_ID(@p1) AND i.has_filter = 0 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND k.key_ordinal > 0
ORDER BY i.index_id, k.key_ordinal`, []any{d.syntax().table(name)}, t.addIndexColumn)
	if err != nil && refused(err) {
		return nil // without the right to look, there is nothing to warn of but what is not known to be there
	}
	return err
}

// sqlServerType reads a type as the catalog names it.
func sqlServerType(base string, length, precision, scale, fraction sql.NullInt64) columnType {
	t := columnType{base: base}
	t.Database, t.Scale = base, -1
	switch base {
	case "tinyint", "smallint", "int", "bigint":
		t.Kind = fieldmap.KindInteger
	case "decimal", "numeric":
		t.Kind, t.Scale = fieldmap.KindDecimal, int(scale.Int64)
		t.Database = fmt.Sprintf("%s(%d,%d)", base, precision.Int64, scale.Int64)
	case "money", "smallmoney":
		t.Kind, t.Scale = fieldmap.KindDecimal, 4
	case "float", "real":
		t.Kind, t.Single = fieldmap.KindFloat, base == "real"
	case "bit":
		t.Kind = fieldmap.KindBoolean
	case "date":
		t.Kind = fieldmap.KindDate
	case "datetime", "smalldatetime":
		t.Kind = fieldmap.KindDateTime
	case "datetime2":
		t.Kind, t.Database = fieldmap.KindDateTime, fmt.Sprintf("datetime2(%d)", fraction.Int64)
	case "datetimeoffset":
		t.Kind, t.Database = fieldmap.KindInstant, fmt.Sprintf("datetimeoffset(%d)", fraction.Int64)
	case "uniqueidentifier":
		t.Kind = fieldmap.KindUUID
	case "char", "nchar":
		t.Kind, t.Fixed, t.Database = fieldmap.KindText, true, sized(base, length)
	case "varchar", "nvarchar":
		t.Kind, t.Database = fieldmap.KindText, sized(base, length)
	case "text", "ntext":
		t.Kind, t.untestable = fieldmap.KindText, true
	case "timestamp", "rowversion":
		t.base, t.Database = "rowversion", "rowversion"
		t.Kind, t.refuse = fieldmap.KindText, "a rowversion is a counter of the server's; it says nothing of the order"
	default:
		t.refuse, t.untestable = "only text, numbers, dates and uniqueidentifiers can be sent", true
	}
	return t
}

func sized(base string, length sql.NullInt64) string {
	if length.Int64 < 0 {
		return base + "(max)"
	}
	return fmt.Sprintf("%s(%d)", base, length.Int64)
}
