package extract

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Config says where the DMS is and how it is read. Zero durations and counts mean the defaults.
type Config struct {
	Driver string // sqlserver or sqlite

	// SQL Server.
	Server      string // host, host:port or host\instance
	Database    string
	User        string // "": Windows integrated security
	Password    string
	Encrypt     string            // true (also ""), strict or false
	Certificate string            // a .pem or .der file: exactly this certificate is trusted
	Params      map[string]string // further parameters of the driver

	Path string // SQLite: the database file

	Zone       *time.Location // of the DMS's own datetimes
	DealerZone *time.Location // in which weeks are counted

	LockTimeout      time.Duration // how long a statement waits for a lock: 10s
	StatementTimeout time.Duration // how long a statement may take: 5m
	ConnectTimeout   time.Duration // how long a connection may take, with signing in and its settings: 30s
	Tries            int           // how often a page is read before the DMS counts as unreachable: 6
	Backoff          time.Duration // the wait after the first failed try; it doubles up to 30s: 500ms
	PageBytes        int           // a page that grows beyond it is cut: 16 MiB

	Logger *slog.Logger
	// Wrap stands between the pool and the driver: tests see and break there what package extracttest can. nil: nothing does.
	Wrap func(driver.Connector) driver.Connector
	// TLS is told of each encrypted connection to a SQL Server whose certificate is trusted, before it is signed in to. nil:
	// nobody is.
	TLS func(tls.ConnectionState)
	// Jitter is the chance in waits: a duration below its argument. nil: rand.N. A simulation's is its seed's.
	Jitter func(time.Duration) time.Duration

	largeWeek int  // from how many rows on a week is large: largeWeek
	trustAny  bool // tests trust whatever certificate a server made for itself
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.LockTimeout, 10*time.Second)
	set(&c.StatementTimeout, 5*time.Minute)
	set(&c.ConnectTimeout, connectTimeout)
	set(&c.Backoff, 500*time.Millisecond)
	if c.Tries == 0 {
		c.Tries = 6
	}
	if c.PageBytes == 0 {
		c.PageBytes = 16 << 20
	}
	if c.largeWeek == 0 {
		c.largeWeek = largeWeek
	}
	if c.Zone == nil {
		c.Zone = c.DealerZone
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	return c
}

// DMS is an open database of a dealer. It is read, never written.
type DMS struct {
	config  Config
	dialect dialect
	zones   zones
	db      *sql.DB

	snapshot bool // see Snapshot
}

// Open connects to the DMS. Where it cannot, the error is an [*UnreachableError].
func Open(ctx context.Context, c Config) (*DMS, error) {
	c = c.withDefaults()
	dialect, ok := dialectOf(c.Driver)
	if !ok {
		return nil, fmt.Errorf("open the DMS: dms.driver is %q; it is sqlserver or sqlite", c.Driver)
	}
	if c.DealerZone == nil {
		return nil, errors.New("open the DMS: the dealer's time zone is not set")
	}
	connector, err := dialect.connector(&c)
	if err != nil {
		return nil, err
	}
	if c.Wrap != nil {
		connector = c.Wrap(connector)
	}
	db := sql.OpenDB(connector)
	// One connection reads, one is there for the next while a broken one is given up.
	db.SetMaxOpenConns(2)
	db.SetMaxIdleConns(1)
	db.SetConnMaxIdleTime(time.Minute)
	d := &DMS{config: c, dialect: dialect, zones: zones{dms: c.Zone, dealer: c.DealerZone}, db: db}
	s, err := d.session(ctx)
	if err != nil {
		_ = db.Close()
		return nil, d.unreachable(ctx, "open the DMS", err)
	}
	d.snapshot = s.consistent()
	s.close()
	return d, nil
}

// Snapshot reports whether a Reading sees the DMS as it was at one moment, and waits for nobody's locks.
func (d *DMS) Snapshot() bool { return d.snapshot }

// Close gives all connections back. Readings must be closed before.
func (d *DMS) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("close the DMS: %w", d.dialect.classify(err))
	}
	return nil
}

// place says which DMS it is, for messages.
func (d *DMS) place() string {
	if d.config.Driver == "sqlite" {
		return d.config.Path
	}
	return d.config.Server + ", database " + d.config.Database
}
