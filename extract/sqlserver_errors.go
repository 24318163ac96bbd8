package extract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"
)

// sqlServerFaults are the errors that we have words for. quote is set where the server's own message names objects
// and logins only, never a value of a row.
func sqlServerFault(number int32) (known DatabaseError, quote bool) {
	switch number {
	case 1205:
		return DatabaseError{Reason: "the server chose this read as a deadlock's victim", Again: true}, false
	case 1222:
		return DatabaseError{Reason: "another program held a lock for too long", Again: true, Hint: "allow SNAPSHOT isolation in the database (ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON), so that reads wait for no lock"}, false
	case 3960, 3961:
		return DatabaseError{Reason: "the snapshot was given up by the server", Again: true}, false
	case 596, 6005, 17142, 40197, 40501, 40613, 10928, 10929, 49918, 49919, 49920:
		return DatabaseError{Reason: "the server is stopping, moving or busy", Again: true}, false
	case 8645, 701, 802:
		return DatabaseError{Reason: "the server has no memory left for the read", Again: true}, false
	case 18456, 18452, 18486, 18487, 18488:
		return DatabaseError{Reason: "the login failed", Hint: "correct dms.user and dms.password in roagent.yaml; SQL logins need SQL Server's mixed mode"}, true
	case 4060, 911, 916:
		return DatabaseError{Reason: "the database cannot be opened", Hint: "correct dms.database in roagent.yaml, or let the login use it"}, true
	case 207, 208:
		return DatabaseError{Reason: "the schema changed", Hint: "run `roagent preview`, which holds the whitelist against the schema"}, true
	case 229, 230, 300:
		return DatabaseError{Reason: "the login may not read this", Hint: "grant it what `roagent fieldmap grants` prints"}, true
	case 245, 8114, 8115, 241, 242, 220, 232, 248, 517, 535, 3623, 8134:
		return DatabaseError{Reason: "the server cannot convert or reckon a value", Hint: "a view, a computed column or a link of two types fails on one of its rows; ask who made it", Row: true}, false
	}
	return DatabaseError{Reason: "the server refused a statement", Hint: "run `roagent preview`, which holds the whitelist against the schema; give the number to whoever looks after the server"}, false
}

// faultNumber returns an error's number. Servers that only speak SQL Server's protocol do not know all of its numbers.
func faultNumber(fault mssql.Error) int32 {
	if fault.Number < 1<<24 {
		return fault.Number
	}
	for _, known := range []struct {
		words  string
		number int32
	}{
		{"invalid input syntax for", 8114},
		{"out of range", 8114},
		{"numeric field overflow", 8114},
		{"division by zero", 8114},
		{"permission denied for", 229},
		{"does not exist", 207},
	} {
		if strings.Contains(fault.Message, known.words) {
			return known.number
		}
	}
	return fault.Number
}

func (sqlServerDialect) classify(err error) *DatabaseError {
	if known, ok := errors.AsType[*DatabaseError](err); ok {
		return known
	}
	var fault mssql.Error
	if errors.As(err, &fault) && fault.Number != 0 {
		e, quote := sqlServerFault(faultNumber(fault))
		e.Number, e.Class = int(fault.Number), int(fault.Class)
		if quote {
			e.Reason += ": " + strings.TrimSpace(fault.Message)
		}
		if fault.Class >= 20 { // fatal: the server closes the connection
			e.Again = true
		}
		return &e
	}
	if e := connectFault(err); e != nil {
		return e
	}
	if lost(err) {
		return &DatabaseError{Reason: "the connection was lost", Again: true, Hint: "look at the network and at the server"}
	}
	return &DatabaseError{Reason: "the database driver failed", Hint: "run `roagent preview`; if it fails too, look at the server"}
}

// connectFault tells what keeps a connection from being made. Nothing was read then, so the driver may be quoted.
func connectFault(err error) *DatabaseError {
	text := err.Error()
	var dns *net.DNSError
	switch {
	case errors.Is(err, errSilent):
		return &DatabaseError{Reason: errSilent.Error(), Again: true, Hint: "is this the port of a SQL Server? The server's own host and port, or its instance, belong in dms.server; a server that hangs must be restarted"}
	case errors.As(err, &dns):
		return &DatabaseError{Reason: "the name of the server cannot be found", Again: true, Hint: "correct dms.server in roagent.yaml, or look at the network"}
	case strings.Contains(text, "server certificate doesn't match"):
		return &DatabaseError{TLS: true, Reason: "the server's certificate is not the one of dms.certificate", Hint: "if it was renewed, put the new certificate into that file"}
	case strings.Contains(text, "x509:"), strings.Contains(text, "tls: failed to verify certificate"):
		return &DatabaseError{TLS: true, Reason: "the server's certificate is not trusted: " + text, Hint: certificateHint(text)}
	case strings.Contains(text, "server does not support encryption"):
		return &DatabaseError{TLS: true, Reason: "the server takes no encrypted connection", Hint: "have its administrator allow encryption; dms.encrypt: false lets what is read cross the network in clear"}
	case strings.Contains(text, "unsupported protocol version"), strings.Contains(text, "protocol version not supported"), strings.Contains(text, "TLS Handshake failed"):
		return &DatabaseError{TLS: true, Reason: "the server and this program agree on no version of TLS: " + text, Again: false, Hint: `an old server needs dms.params: {tlsmin: "1.0"} until it is updated`}
	case strings.Contains(text, "Sql Server Browser"), strings.Contains(text, "no instance matching"):
		return &DatabaseError{Reason: "the SQL Server Browser does not answer for the instance", Again: true, Hint: `start the Browser service and open UDP 1434, or write the instance's port: dms.server: host:port`}
	case strings.HasPrefix(text, "unable to open tcp connection"):
		return &DatabaseError{Reason: text, Again: true, Hint: "is the server on, does it listen on TCP, does a firewall stand between?"}
	}
	return nil
}

// certificateHint is what to do about a certificate, by what Go says of it: the driver passes on the text alone.
func certificateHint(text string) string {
	const pin = "or save this very certificate as a .pem file and name it in dms.certificate: then exactly this one is trusted"
	switch {
	case strings.Contains(text, "has expired"):
		return "have the server's certificate renewed (and look at this machine's date), " + pin
	case strings.Contains(text, "is valid for"), strings.Contains(text, "not valid for any names"), strings.Contains(text, "doesn't contain any IP SANs"), strings.Contains(text, "relies on legacy Common Name"):
		return "write in dms.server a name that stands in the certificate, " + pin
	}
	return "save the server's certificate as a .pem file and name it in dms.certificate"
}

// lost reports whether the connection is gone.
func lost(err error) bool {
	var netErr net.Error
	var stream mssql.StreamError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) || errors.As(err, &stream)
}
