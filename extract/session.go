package extract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// session is one connection, and the read transaction on it once begun. It serves one goroutine.
type session struct {
	conn        *sql.Conn
	tx          *sql.Tx // nil: not begun
	cancel      context.CancelFunc
	opts        *sql.TxOptions
	stmts       map[string]*sql.Stmt
	timeout     time.Duration
	lockTimeout time.Duration
}

// connectTimeout is how long a connection and its session settings may take.
const connectTimeout = 30 * time.Second

// session takes a connection and makes it ready to begin.
func (d *DMS) session(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, stmts: map[string]*sql.Stmt{}, timeout: d.config.StatementTimeout, lockTimeout: d.config.LockTimeout}
	if s.opts, err = d.dialect.prepare(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// begin starts the read transaction. ctx bounds the start only: the transaction lasts until close.
func (s *session) begin(ctx context.Context) (err error) {
	starting, started := context.WithTimeout(ctx, connectTimeout)
	defer started()
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(starting, cancel)
	s.cancel = cancel
	s.tx, err = s.conn.BeginTx(lasting, s.opts)
	if err == nil && !stop() {
		err = starting.Err()
	}
	return err
}

// consistent reports whether all statements of the transaction see the DMS as it was at one moment.
func (s *session) consistent() bool { return s.opts.Isolation != sql.LevelReadCommitted }

// close ends the transaction and gives the connection back.
func (s *session) close() {
	for _, stmt := range s.stmts {
		_ = stmt.Close() // nothing was written, and a statement of a broken connection cannot be closed
	}
	if s.tx != nil {
		_ = s.tx.Rollback() // likewise
	}
	if s.cancel != nil {
		s.cancel()
	}
	_ = s.conn.Close() // likewise
}

// statementError is an error of one of the statements that `roagent fieldmap sql` prints.
type statementError struct {
	name string
	err  error
}

func (e *statementError) Error() string { return e.name + ": " + e.err.Error() }

func (e *statementError) Unwrap() error { return e.err }

// run runs a compiled statement, and says of an error which one it was.
func (s *session) run(ctx context.Context, statement *statement, text string, args []any, each func(*sql.Rows) error) error {
	if err := s.query(ctx, text, args, each); err != nil {
		return &statementError{statement.name, err}
	}
	return nil
}

// query runs a statement and calls each for every row. The statement stays prepared while the transaction lasts.
func (s *session) query(ctx context.Context, text string, args []any, each func(*sql.Rows) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.start(ctx, text, args)
	if err != nil {
		return s.late(ctx, err)
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = s.late(ctx, closing)
		}
	}()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return s.late(ctx, rows.Err())
}

func (s *session) start(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if s.tx == nil {
		return s.conn.QueryContext(ctx, text, args...)
	}
	stmt := s.stmts[text]
	if stmt == nil {
		var err error
		if stmt, err = s.tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		s.stmts[text] = stmt
	}
	return stmt.QueryContext(ctx, args...)
}

// exec runs a session setting.
func (s *session) exec(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.conn.ExecContext(ctx, text)
	return s.late(ctx, err)
}

// errSlow is a statement that took longer than StatementTimeout.
var errSlow = errors.New("the statement took too long")

// late says so where an error comes of the statement's own deadline.
func (s *session) late(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: more than %v", errSlow, s.timeout)
	}
	return err
}
