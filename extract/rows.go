package extract

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// row is what the driver gave of one row. It is written over by the next one; texts and bytes in it are not.
type row []any

// scan copies the row's values into variables, as [sql.Rows.Scan] does.
func (r row) scan(into ...any) error {
	for i, to := range into {
		var err error
		switch to := to.(type) {
		case *any:
			*to = r[i]
		case sql.Scanner:
			err = to.Scan(r[i])
		case *string:
			err = scanned(to, r[i])
		case *int:
			err = scanned(to, r[i])
		case *bool:
			err = scanned(to, r[i])
		default:
			err = fmt.Errorf("no value is read into a %T", to)
		}
		if err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// scanned converts a value, which must not be NULL.
func scanned[T any](to *T, value any) error {
	var n sql.Null[T]
	if err := n.Scan(value); err != nil {
		return err
	}
	if !n.Valid {
		return errors.New("it is NULL")
	}
	*to = n.V
	return nil
}

// read runs a statement on a connection and calls each for every row. It asks the driver itself: database/sql locks, looks
// and copies for every row and every value, which takes a noticeable part of a pull. What that does for a reader is done here:
// parameters are converted, a context that is over ends the rows, and bytes are copied out of the driver's buffers.
func (s *session) read(ctx context.Context, conn driver.Conn, text string, args []any, each func(row) error) (err error) {
	stmt, err := s.prepared(ctx, conn, text)
	if err != nil {
		return err
	}
	named, err := namedValues(conn, stmt, args)
	if err != nil {
		return err
	}
	query, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return errOldDriver
	}
	rows, err := query.QueryContext(ctx, named)
	if err != nil {
		return err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	values := make([]driver.Value, len(rows.Columns()))
	for out := make(row, len(values)); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := rows.Next(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = bytes.Clone(b)
			}
			out[i] = v
		}
		if err := each(out); err != nil {
			return &takerError{err}
		}
	}
}

// takerError is an error of who takes the rows, not of the driver.
type takerError struct{ error }

func (e *takerError) Unwrap() error { return e.error }

// errOldDriver is a driver that lacks what both of ours have.
var errOldDriver = errors.New("the driver knows no context")

// prepared returns a statement that stays prepared while the session lasts.
func (s *session) prepared(ctx context.Context, conn driver.Conn, text string) (driver.Stmt, error) {
	if stmt := s.stmts[text]; stmt != nil {
		return stmt, nil
	}
	preparer, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, errOldDriver
	}
	stmt, err := preparer.PrepareContext(ctx, text)
	if err == nil {
		s.stmts[text] = stmt
	}
	return stmt, err
}

// forget closes the prepared statements.
func (s *session) forget() {
	for _, stmt := range s.stmts {
		_ = stmt.Close() // nothing was written, and a statement of a broken connection cannot be closed
	}
	clear(s.stmts)
}

// namedValues converts parameters as the driver wants them.
func namedValues(conn driver.Conn, stmt driver.Stmt, args []any) ([]driver.NamedValue, error) {
	checker, ok := stmt.(driver.NamedValueChecker)
	if !ok {
		checker, ok = conn.(driver.NamedValueChecker)
	}
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		v := &named[i]
		*v = driver.NamedValue{Ordinal: i + 1, Value: arg}
		err := driver.ErrSkip
		if ok {
			err = checker.CheckNamedValue(v)
		}
		if errors.Is(err, driver.ErrSkip) {
			v.Value, err = driver.DefaultParameterConverter.ConvertValue(arg)
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return named, nil
}
