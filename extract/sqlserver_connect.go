package extract

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"net"
	"sync"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
)

// errSilent is a server that took a connection, and did not say in time what belongs to signing in.
var errSilent = errors.New("the server took the connection, and then said nothing in time")

// boundedConnector ends an attempt to connect with its context: the driver itself looks at that while it dials, and then
// waits for ever for a server that says nothing.
type boundedConnector struct{ *mssql.Connector }

// newBoundedConnector returns what connects by a configuration. heard, if there is one, is told of each TLS connection.
func newBoundedConnector(config msdsn.Config, heard func(tls.ConnectionState)) boundedConnector {
	if heard != nil && config.TLSConfig != nil {
		config.TLSConfig.VerifyConnection = func(state tls.ConnectionState) error {
			heard(state)
			return nil
		}
	}
	c := mssql.NewConnectorConfig(config)
	c.Dialer = attemptDialer{&net.Dialer{KeepAlive: cmp.Or(config.KeepAlive, 30*time.Second)}} // as the driver's own
	return boundedConnector{c}
}

// Connect implements [driver.Connector].
func (c boundedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	a := &attempt{}
	stop := context.AfterFunc(ctx, a.close)
	defer stop()
	conn, err := c.Connector.Connect(context.WithValue(ctx, attemptKey{}, a))
	if err != nil && ctx.Err() != nil && a.dialed() {
		return nil, errSilent
	}
	return conn, err
}

type attemptKey struct{}

// attempt is one attempt to connect, with the connection that was dialed for it.
type attempt struct {
	mu    sync.Mutex
	conn  net.Conn // to the server itself, not to its Browser service; nil: none yet
	ended bool
}

func (a *attempt) dialed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil
}

func (a *attempt) add(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
	if a.ended {
		_ = conn.Close() // it came too late
	}
}

func (a *attempt) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.conn != nil {
		_ = a.conn.Close() // whoever reads from it hears of it
	}
}

// attemptDialer dials for the attempt in its context.
type attemptDialer struct{ dialer *net.Dialer }

// DialContext implements the driver's Dialer.
func (d attemptDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, network, address)
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok && err == nil && network == "tcp" {
		a.add(conn)
	}
	return conn, err
}
