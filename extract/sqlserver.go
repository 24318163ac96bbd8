package extract

import (
	"context"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-sql/civil"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/shopspring/decimal"

	"roagent/fieldmap"
)

// sqlServerDialect reads SQL Server 2012 and later.
type sqlServerDialect struct{}

func (sqlServerDialect) syntax() *syntax {
	// The server takes 2,100 parameters; its own sp_executesql needs some of them.
	return &syntax{openQuote: "[", closeQuote: "]", national: "N", param: "@p", maxParams: 2090, schema: "dbo", top: true, apply: true}
}

// dialTimeout is how long one attempt to connect may take, the Browser service's answer included.
const dialTimeout = 15 * time.Second

func (sqlServerDialect) connector(c *Config) (driver.Connector, error) {
	if c.User == "" && runtime.GOOS != "windows" {
		return nil, errors.New("open the DMS: Windows integrated security works on Windows only; set dms.user and dms.password in roagent.yaml")
	}
	query, err := sqlServerParams(c)
	if err != nil {
		return nil, err
	}
	if c.Certificate != "" {
		if err := checkCertificate(c.Certificate); err != nil {
			return nil, fmt.Errorf("open the DMS %s: dms.certificate is %q: %w; save the server's own certificate there, as .pem or .der", c.Server, c.Certificate, err)
		}
	}
	host, instance, _ := strings.Cut(c.Server, `\`)
	u := url.URL{Scheme: "sqlserver", Host: host, Path: instance, RawQuery: query.Encode()}
	if c.User != "" {
		u.User = url.User(c.User)
	}
	config, err := msdsn.Parse(u.String())
	if err != nil {
		return nil, fmt.Errorf("open the DMS %s: %w", c.Server, err)
	}
	config.Password = c.Password // no part of any text that could be printed
	return newBoundedConnector(config, c.TLS), nil
}

// checkCertificate makes sure that a file holds a certificate; of one that holds none the driver does not say which it is.
func checkCertificate(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".pem") {
		block, _ := pem.Decode(b)
		if block == nil {
			return errors.New("the file holds no certificate")
		}
		b = block.Bytes
	}
	if _, err := x509.ParseCertificate(b); err != nil {
		return fmt.Errorf("the file holds no certificate: %w", err)
	}
	return nil
}

// sqlServerParams are the driver's parameters: everything that matters for safety is said explicitly, since the
// driver's defaults trust any certificate and encrypt the login only.
func sqlServerParams(c *Config) (url.Values, error) {
	encrypt := c.Encrypt
	switch encrypt {
	case "":
		encrypt = "true"
	case "true", "strict":
	case "false":
		encrypt = "disable"
	default:
		return nil, fmt.Errorf("dms.encrypt is %q; it is true, strict or false", encrypt)
	}
	query := url.Values{
		msdsn.Database:               {c.Database},
		msdsn.Encrypt:                {encrypt},
		msdsn.TrustServerCertificate: {strconv.FormatBool(c.trustAny)},
		msdsn.AppName:                {"roagent"},
		msdsn.ApplicationIntent:      {"ReadOnly"},
		msdsn.DialTimeout:            {strconv.Itoa(int(dialTimeout.Seconds()))},
	}
	if c.Certificate != "" {
		if !strings.HasSuffix(c.Certificate, ".pem") && !strings.HasSuffix(c.Certificate, ".der") {
			return nil, fmt.Errorf("dms.certificate is %q; the file must end in .pem or .der", c.Certificate)
		}
		query.Set(msdsn.ServerCertificate, c.Certificate)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		folded := strings.ToLower(name)
		_, ours := query[folded]
		if ours && folded != msdsn.DialTimeout || slices.Contains([]string{msdsn.UserID, msdsn.Password, msdsn.Server, msdsn.Port, msdsn.Certificate, msdsn.LogParam}, folded) {
			return nil, fmt.Errorf("dms.params: %s is set by roagent, or has a key of its own in dms; take it out", name)
		}
		query.Set(folded, c.Params[name])
	}
	return query, nil
}

// prepare makes the session a polite guest: it waits for locks only so long, loses every deadlock, and reads versions
// of rows where the database keeps them. Servers that refuse a setting are read without it.
func (sqlServerDialect) prepare(ctx context.Context, s *session) (*sql.TxOptions, error) {
	for _, setting := range []string{
		"SET LOCK_TIMEOUT " + strconv.FormatInt(s.lockTimeout.Milliseconds(), 10),
		"SET DEADLOCK_PRIORITY LOW",
		"SET TEXTSIZE 2147483647",
	} {
		if err := s.exec(ctx, setting); err != nil && !refused(err) {
			return nil, err
		}
	}
	opts := &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	err := s.query(ctx, "SELECT d.snapshot_isolation_state FROM sys.databases AS d WHERE d.database_id = DB_ID()", nil, func(r row) error {
		var state sql.NullInt64
		err := r.scan(&state)
		if state.Int64 == 1 {
			opts.Isolation = sql.LevelSnapshot
		}
		return err
	})
	if err != nil && !refused(err) {
		return nil, err
	}
	return opts, nil
}

// refused reports whether the server answered a statement with an error of its own, and goes on.
func refused(err error) bool {
	var fault mssql.Error
	return errors.As(err, &fault) && fault.Class < 20
}

func (sqlServerDialect) layout(t *columnType, _, _ any) {
	t.checkLayout()
}

var errArgument = errors.New("the value is not of the column's type")

// argument gives a value the column's own type: a comparison of two types may convert the column instead, which
// passes its indexes by, or rounds.
func (sqlServerDialect) argument(t *columnType, value any) (any, error) {
	if b, ok := value.([]byte); ok {
		value = string(b)
	}
	switch t.base {
	case "tinyint", "smallint", "int", "bigint":
		return integerArgument(t.base, value)
	case "bit":
		return booleanArgument(value)
	case "datetime", "smalldatetime", "datetime2", "date", "datetimeoffset":
		at, err := timeArgument(value)
		if err != nil {
			return nil, err
		}
		return sqlServerDialect{}.moment(t, moment{instant: at, wall: wallOf(at), date: dateOf(at)})
	}
	text, err := textArgument(value)
	if err != nil {
		return nil, err
	}
	switch t.base {
	case "decimal", "numeric":
		if _, err := decimal.NewFromString(text); err != nil {
			return nil, errArgument
		}
		return mssql.VarChar(text), nil
	case "money", "smallmoney":
		d, err := decimal.NewFromString(text)
		if err != nil {
			return nil, errArgument
		}
		return mssql.Money[decimal.Decimal]{Decimal: d}, nil
	case "float":
		return floatArgument(text, 64)
	case "real": // 0.1 of 32 bits is another number than 0.1 of 64
		return floatArgument(text, 32)
	case "uniqueidentifier":
		var u mssql.UniqueIdentifier
		if err := u.Scan(text); err != nil {
			return nil, errArgument
		}
		return u, nil
	case "char", "varchar":
		if isASCII(text) { // the driver sends the bytes as they are, whatever the column's code page
			return mssql.VarChar(text), nil
		}
	}
	return text, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func textArgument(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999999"), nil
	}
	return "", errArgument
}

func integerArgument(base string, value any) (any, error) {
	text, err := textArgument(value)
	if err != nil {
		return nil, err
	}
	bits := map[string]int{"smallint": 16, "int": 32}[base]
	if bits == 0 {
		bits = 64
	}
	if whole, zeros, found := strings.Cut(text, "."); found && strings.Trim(zeros, "0 ") == "" {
		text = whole // of a decimal
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, bits)
	if err != nil || base == "tinyint" && (n < 0 || n > 255) {
		return nil, errArgument
	}
	switch base {
	case "tinyint":
		return byte(n), nil
	case "smallint":
		return int16(n), nil
	case "int":
		return int32(n), nil
	}
	return n, nil
}

func floatArgument(text string, bits int) (any, error) {
	f, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return nil, errArgument
	}
	return f, nil
}

func booleanArgument(value any) (any, error) {
	switch v := value.(type) {
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case string:
		b, err := strconv.ParseBool(v)
		if err != nil {
			return nil, errArgument
		}
		return b, nil
	}
	return nil, errArgument
}

func timeArgument(value any) (time.Time, error) {
	switch v := value.(type) {
	case time.Time:
		return v, nil
	case string:
		for _, layout := range []string{time.DateOnly, isoSpace, isoT, time.RFC3339} {
			if t, err := time.Parse(layout, v); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, errArgument
}

func (sqlServerDialect) moment(t *columnType, m moment) (any, error) {
	switch t.base {
	case "datetime", "smalldatetime":
		return mssql.DateTime1(m.wall), nil
	case "datetime2":
		return civil.DateTimeOf(m.wall), nil
	case "date":
		return civil.DateOf(m.date), nil
	case "datetimeoffset":
		return mssql.DateTimeOffset(m.instant), nil
	}
	switch {
	case t.layout != "" && (t.Kind == fieldmap.KindInteger || t.Kind == fieldmap.KindDecimal):
		n, err := m.number(t.layout)
		if err != nil {
			return nil, err
		}
		return sqlServerDialect{}.argument(t, n)
	case t.layout != "" && t.Kind == fieldmap.KindText:
		return sqlServerDialect{}.argument(t, m.text(t.layout))
	}
	return nil, fmt.Errorf("a %s column cannot be compared with a time", t.Database)
}

func (sqlServerDialect) convert(t *columnType) func(any) any {
	switch t.base {
	case "uniqueidentifier":
		return uuidText
	case "rowversion":
		return hexText
	}
	return nil
}

// uuidText writes a uniqueidentifier's bytes, of which the first eight are little-endian, as its text.
func uuidText(v any) any {
	var u mssql.UniqueIdentifier
	if b, ok := v.([]byte); !ok || u.Scan(b) != nil {
		return v
	}
	return strings.ToLower(u.String())
}

func hexText(v any) any {
	if b, ok := v.([]byte); ok {
		return hex.EncodeToString(b)
	}
	return v
}
