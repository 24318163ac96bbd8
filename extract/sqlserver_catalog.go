package extract

import (
	"context"
	"database/sql"

	"roagent/fieldmap"
)

// catalog asks three times more than it must, once for each kind of thing: a login without the right to see indexes or
// foreign keys still sees its tables.
func (d sqlServerDialect) catalog(ctx context.Context, s *session, c *catalog) error {
	err := s.query(ctx, `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, CASE t.TABLE_TYPE WHEN 'VIEW' THEN 1 ELSE 0 END
FROM INFORMATION_SCHEMA.TABLES AS t
WHERE t.TABLE_SCHEMA NOT IN ('sys', 'INFORMATION_SCHEMA')
ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME`, nil, func(r row) error {
		var name fieldmap.Table
		var view int
		err := r.scan(&name.Schema, &name.Name, &view)
		if !system(name.Name) {
			c.add(name, view == 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.query(ctx, `SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.CHARACTER_MAXIMUM_LENGTH, c.NUMERIC_PRECISION, c.NUMERIC_SCALE, c.DATETIME_PRECISION
FROM INFORMATION_SCHEMA.COLUMNS AS c
ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION`, nil, func(r row) error {
		var name fieldmap.Table
		var column, base string
		var length, precision, scale, fraction sql.NullInt64
		err := r.scan(&name.Schema, &name.Name, &column, &base, &length, &precision, &scale, &fraction)
		c.column(name, column, sqlServerType(base, length, precision, scale, fraction), length.Int64)
		return err
	})
	if err != nil {
		return err
	}
	if err := d.catalogIndexes(ctx, s, c); err != nil && !refused(err) {
		return err
	}
	if err := d.catalogForeign(ctx, s, c); err != nil && !refused(err) {
		return err
	}
	return nil
}

func (sqlServerDialect) catalogIndexes(ctx context.Context, s *session, c *catalog) error {
	return s.query(ctx, `SELECT SCHEMA_NAME(t.schema_id), t.name, i.name, i.is_unique, i.is_primary_key, c.name
FROM sys.indexes AS i
JOIN sys.objects AS t ON t.object_id = i.object_id
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.has_filter = 0 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND k.key_ordinal > 0 AND i.name IS NOT NULL
ORDER BY i.object_id, i.index_id, k.key_ordinal`, nil, func(r row) error {
		var name fieldmap.Table
		var index, column string
		var unique, primary bool
		err := r.scan(&name.Schema, &name.Name, &index, &unique, &primary, &column)
		c.index(name, index, column, unique, primary)
		return err
	})
}

func (sqlServerDialect) catalogForeign(ctx context.Context, s *session, c *catalog) error {
	return s.query(ctx, `SELECT s.name, t.name, f.name, c.name, rs.name, rt.name, rc.name
FROM sys.foreign_keys AS f
JOIN sys.objects AS t ON t.object_id = f.parent_object_id
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
JOIN sys.objects AS rt ON rt.object_id = f.referenced_object_id
JOIN sys.schemas AS rs ON rs.schema_id = rt.schema_id
JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id
JOIN sys.columns AS c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
JOIN sys.columns AS rc ON rc.object_id = k.referenced_object_id AND rc.column_id = k.referenced_column_id
ORDER BY f.object_id, k.constraint_column_id`, nil, func(r row) error {
		var name, to fieldmap.Table
		var key, column, toColumn string
		err := r.scan(&name.Schema, &name.Name, &key, &column, &to.Schema, &to.Name, &toColumn)
		c.foreign(name, key, column, to, toColumn)
		return err
	})
}
