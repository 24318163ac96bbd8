// Package extracttest stands between database/sql and a driver, and breaks what a test tells it to break.
package extracttest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// Faults decides what goes wrong. The zero value lets everything through, and notes the statements.
type Faults struct {
	// A connection that has reported driver.ErrBadConn reports it ever after.

	// Connect is called before a connection is made; its error is the driver's.
	Connect func() error
	// Statement is called before a statement runs; its error is the driver's. n counts the statements from 1.
	Statement func(n int, text string) error
	// Row is called before a row is handed out; its error is the driver's. n counts the statement's rows from 1.
	Row func(n int, text string) error

	mu         sync.Mutex
	statements []string
	connects   int
}

// Statements returns every statement that reached the driver, in order.
func (f *Faults) Statements() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.statements...)
}

// Connects returns how many connections were made.
func (f *Faults) Connects() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connects
}

func (f *Faults) statement(text string) error {
	f.mu.Lock()
	f.statements = append(f.statements, text)
	n := len(f.statements)
	f.mu.Unlock()
	if f.Statement == nil {
		return nil
	}
	return f.Statement(n, text)
}

// Wrap returns a connector whose connections have the faults.
func (f *Faults) Wrap(c driver.Connector) driver.Connector { return connector{c, f} }

type connector struct {
	driver.Connector
	faults *Faults
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.faults.Connect != nil {
		if err := c.faults.Connect(); err != nil {
			return nil, err
		}
	}
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c.faults.mu.Lock()
	c.faults.connects++
	c.faults.mu.Unlock()
	return &conn{Conn: inner, faults: c.faults}, nil
}

type conn struct {
	driver.Conn
	faults *Faults
	broken bool
}

// fault notes whether the connection is broken, and returns what it reports.
func (c *conn) fault(err error) error {
	c.broken = c.broken || errors.Is(err, driver.ErrBadConn)
	if c.broken {
		return Broken()
	}
	return err
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{inner, c, query}, nil
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *conn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.Conn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if c.broken {
		return false
	}
	if validator, ok := c.Conn.(driver.Validator); ok {
		return validator.IsValid()
	}
	return true
}

type stmt struct {
	driver.Stmt
	conn *conn
	text string
}

func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.fault(s.conn.faults.statement(s.text)); err != nil {
		return nil, err
	}
	inner, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return &rows{Rows: inner, stmt: s}, nil
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.fault(s.conn.faults.statement(s.text)); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

type rows struct {
	driver.Rows
	stmt   *stmt
	n      int
	buffer []byte
}

func (r *rows) Next(dest []driver.Value) error {
	r.n++
	if row := r.stmt.conn.faults.Row; row != nil {
		if err := r.stmt.conn.fault(row(r.n, r.stmt.text)); err != nil {
			return err
		}
	}
	if err := r.Rows.Next(dest); err != nil {
		return err
	}
	r.lend(dest)
	return nil
}

// lend puts the row's bytes where those of the row before were, as drivers may: who keeps them must copy them.
func (r *rows) lend(dest []driver.Value) {
	r.buffer = r.buffer[:0]
	for i, v := range dest {
		if b, ok := v.([]byte); ok {
			from := len(r.buffer)
			r.buffer = append(r.buffer, b...)
			dest[i] = r.buffer[from:len(r.buffer):len(r.buffer)]
		}
	}
}

// Broken returns what a driver says of a connection that is gone.
func Broken() error { return fmt.Errorf("test: the connection broke: %w", driver.ErrBadConn) }
