package extract

import (
	"context"
	"errors"
	"fmt"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"

	"roagent/fieldmap"
)

// maxExamined bounds how many columns, and how many routines, are asked about.
const maxExamined = 50_000

// rolesStatement asks for all that lets a login read without a right on the thing itself. What a server does not know
// answers NULL there.
func rolesStatement() string {
	var rows []string
	add := func(kind ExcessKind, format string, names ...string) {
		for _, name := range names {
			rows = append(rows, fmt.Sprintf("('%s', '%s', "+format+")", kind, name, name))
		}
	}
	add(ServerRole, "IS_SRVROLEMEMBER('%s')", "sysadmin", "securityadmin", "serveradmin", "setupadmin", "processadmin", "diskadmin", "dbcreator", "bulkadmin")
	add(ServerRight, "HAS_PERMS_BY_NAME(NULL, NULL, '%s')", "CONTROL SERVER", "SELECT ALL USER SECURABLES", "IMPERSONATE ANY LOGIN", "ADMINISTER BULK OPERATIONS")
	add(DatabaseRole, "IS_MEMBER('%s')", "db_owner", "db_securityadmin", "db_accessadmin", "db_backupoperator", "db_ddladmin", "db_datareader", "db_datawriter")
	add(DatabaseRight, "HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', '%s')", "CONTROL", "SELECT", "EXECUTE", "BACKUP DATABASE")
	return "SELECT r.kind, r.name\nFROM (VALUES " + strings.Join(rows, ",\n             ") + ") AS r (kind, name, held)\nWHERE r.held = 1"
}

// The other statements; each is limited to one row more than [maxExamined].
const (
	columnsStatement = `SELECT TOP (50001) c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME,
       COALESCE(HAS_PERMS_BY_NAME(QUOTENAME(c.TABLE_SCHEMA) + '.' + QUOTENAME(c.TABLE_NAME), 'OBJECT', 'SELECT'), 0),
       COALESCE(HAS_PERMS_BY_NAME(QUOTENAME(c.TABLE_SCHEMA) + '.' + QUOTENAME(c.TABLE_NAME), 'OBJECT', 'SELECT', QUOTENAME(c.COLUMN_NAME), 'COLUMN'), 0)
FROM INFORMATION_SCHEMA.COLUMNS AS c
ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION`

	routinesStatement = `SELECT TOP (50001) r.ROUTINE_SCHEMA, r.ROUTINE_NAME
FROM INFORMATION_SCHEMA.ROUTINES AS r
WHERE HAS_PERMS_BY_NAME(QUOTENAME(r.ROUTINE_SCHEMA) + '.' + QUOTENAME(r.ROUTINE_NAME), 'OBJECT', 'EXECUTE') = 1
   OR HAS_PERMS_BY_NAME(QUOTENAME(r.ROUTINE_SCHEMA) + '.' + QUOTENAME(r.ROUTINE_NAME), 'OBJECT', 'SELECT') = 1
ORDER BY r.ROUTINE_SCHEMA, r.ROUTINE_NAME`

	databasesStatement = `SELECT d.name
FROM sys.databases AS d
WHERE d.database_id > 4 AND d.name <> DB_NAME() AND HAS_DBACCESS(d.name) = 1`
)

func (d sqlServerDialect) access(ctx context.Context, s *session, listed []*listedTable) (Access, error) {
	a := Access{Applies: true}
	add := func(kind ExcessKind, name string) { a.Excess = append(a.Excess, Excess{kind, name}) }
	err := s.query(ctx, rolesStatement(), nil, func(r row) error {
		var kind, name string
		err := r.scan(&kind, &name)
		add(ExcessKind(kind), name)
		return err
	})
	if err != nil {
		return a, err
	}
	columns := 0
	err = s.query(ctx, columnsStatement, nil, func(r row) error {
		if columns++; columns > maxExamined {
			add(Unexamined, fmt.Sprintf("columns after the first %d", maxExamined))
			return nil
		}
		var u Unlisted
		var whole, readable bool
		err := r.scan(&u.Table.Schema, &u.Table.Name, &u.Column, &whole, &readable)
		a.sort(tableIn(d.syntax(), listed, u.Table), u, whole, readable)
		return err
	})
	if err != nil {
		return a, err
	}
	routines := 0
	err = s.query(ctx, routinesStatement, nil, func(r row) error {
		if routines++; routines > maxExamined {
			add(Unexamined, fmt.Sprintf("routines after the first %d", maxExamined))
			return nil
		}
		var t fieldmap.Table
		err := r.scan(&t.Schema, &t.Name)
		add(Routine, t.String())
		return err
	})
	if err != nil {
		return a, err
	}
	return a, s.query(ctx, databasesStatement, nil, func(r row) error {
		var name string
		err := r.scan(&name)
		add(OtherDatabase, name)
		return err
	})
}

func (sqlServerDialect) errorNumber(err error) int {
	if fault, ok := errors.AsType[mssql.Error](err); ok {
		return int(faultNumber(fault))
	}
	return 0
}
