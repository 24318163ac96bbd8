package extract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// session is one connection, and the read transaction on it once begun. It serves one goroutine.
type session struct {
	conn        *sql.Conn
	tx          driver.Tx // nil: not begun
	cancel      context.CancelFunc
	opts        *sql.TxOptions
	stmts       map[string]driver.Stmt
	timeout     time.Duration
	lockTimeout time.Duration
}

// connectTimeout is how long a connection and its session settings may take, and the start of a transaction.
const connectTimeout = 30 * time.Second

// session takes a connection and makes it ready to begin.
func (d *DMS) session(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.ConnectTimeout)
	defer cancel()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, stmts: map[string]driver.Stmt{}, timeout: d.config.StatementTimeout, lockTimeout: d.config.LockTimeout}
	if s.opts, err = d.dialect.prepare(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// begin starts the read transaction. ctx bounds the start only: the transaction lasts until close. The driver is asked
// itself, as for rows: a transaction of database/sql would hold a lock for which its connection, once broken, waits.
func (s *session) begin(ctx context.Context) error {
	starting, started := context.WithTimeout(ctx, connectTimeout)
	defer started()
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(starting, cancel)
	s.cancel = cancel
	err := s.conn.Raw(func(conn any) error {
		beginner, ok := conn.(driver.ConnBeginTx)
		if !ok {
			return errOldDriver
		}
		tx, err := beginner.BeginTx(lasting, driver.TxOptions{Isolation: driver.IsolationLevel(s.opts.Isolation), ReadOnly: s.opts.ReadOnly})
		if err == nil { // else it may be a nil of the driver's own
			s.tx = tx
		}
		return err
	})
	if !stop() && err == nil {
		err = starting.Err()
	}
	return err
}

// consistent reports whether all statements of the transaction see the DMS as it was at one moment.
func (s *session) consistent() bool { return s.opts.Isolation != sql.LevelReadCommitted }

// close ends the transaction and gives the connection back.
func (s *session) close() {
	_ = s.conn.Raw(func(any) error { // a connection that is gone has no transaction
		s.forget()
		if s.tx != nil && s.tx.Rollback() != nil {
			return driver.ErrBadConn // nobody else may get what is left of it
		}
		return nil
	})
	if s.cancel != nil {
		s.cancel()
	}
	_ = s.conn.Close() // nothing was written
}

// statementError is an error of one of the statements that `roagent fieldmap sql` prints.
type statementError struct {
	name string
	err  error
}

func (e *statementError) Error() string { return e.name + ": " + e.err.Error() }

func (e *statementError) Unwrap() error { return e.err }

// run runs a compiled statement, and says of an error which one it was.
func (s *session) run(ctx context.Context, statement *statement, text string, args []any, each func(row) error) error {
	if err := s.query(ctx, text, args, each); err != nil {
		return &statementError{statement.name, err}
	}
	return nil
}

// query runs a statement and calls each for every row, whose error it returns as it is.
func (s *session) query(ctx context.Context, text string, args []any, each func(row) error) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.conn.Raw(func(conn any) error {
		err := s.read(limited, conn.(driver.Conn), text, args, each)
		if err != nil {
			s.forget() // while the connection is there: a broken one is closed next
		}
		return err
	})
	if of, ok := errors.AsType[*takerError](err); ok {
		return of.error
	}
	return s.late(ctx, limited, err)
}

// exec runs a session setting.
func (s *session) exec(ctx context.Context, text string) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.conn.ExecContext(limited, text)
	return s.late(ctx, limited, err)
}

// errSlow is a statement that took longer than StatementTimeout.
var errSlow = errors.New("the statement took too long")

// late says so where an error comes of the statement's own deadline, or of its caller's, who ended it.
func (s *session) late(ctx, limited context.Context, err error) error {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: more than %v", errSlow, s.timeout)
	}
	return err
}
