package extract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"roagent/fieldmap"
)

// A dialect is everything that one kind of database does in its own way. Its methods neither retry nor wait.
type dialect interface {
	// syntax says how statements are spelt.
	syntax() *syntax
	// connector returns what connects to the DMS; it need not dial yet.
	connector(c *Config) (driver.Connector, error)
	// prepare readies a connection of its own for reading, and says how its read transaction is to be begun.
	prepare(ctx context.Context, s *session) (*sql.TxOptions, error)
	// table returns what the catalog says of a table or view, or nil where there is none of that name.
	table(ctx context.Context, s *session, t fieldmap.Table) (*table, error)
	// catalog adds what the catalogue says of every table and view. It reads no row of them.
	catalog(ctx context.Context, s *session, c *catalog) error
	// access asks what the login may read beyond the listed tables' columns.
	access(ctx context.Context, s *session, listed []*listedTable) (Access, error)
	// layout settles how a column that is compared with times keeps them. t has the whitelist's layout, if it gives one;
	// else, where times are texts, least and greatest are the column's.
	layout(t *columnType, least, greatest any)
	// argument gives a value, as the whitelist or a Page writes it, the column's own type. It fails where it is none.
	argument(t *columnType, value any) (any, error)
	// moment gives a point in time the column's own type.
	moment(t *columnType, m moment) (any, error)
	// convert returns what turns the driver's value of a column into what a Page takes; nil: nothing need be done.
	convert(t *columnType) func(any) any
	// classify says what an error of the driver means, in words that quote no row.
	classify(err error) *DatabaseError
	// errorNumber returns SQL Server's number of an error of the driver; 0 where it has none.
	errorNumber(err error) int
}

// moment is a point in time as every kind of column needs it.
type moment struct {
	instant time.Time // for columns that keep an offset
	wall    time.Time // the DMS's wall clock, its fields in UTC
	date    time.Time // midnight of the date meant, in UTC
	after   bool      // values are to be later than it
}

// dialectOf returns the dialect of a configuration's driver.
func dialectOf(driver string) (dialect, bool) {
	switch driver {
	case "sqlserver":
		return sqlServerDialect{}, true
	case "sqlite":
		return sqliteDialect{}, true
	}
	return nil, false
}
