package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"roagent/extract"
	"roagent/upload"
)

// How long the DMS may take for one thing while somebody waits for check.
const (
	signInLimit    = 20 * time.Second
	browseLimit    = 5 * time.Second
	statementLimit = time.Minute
)

// dms looks at all that needs the DMS: first the way to it, then signing in, and what can be read there.
func (u *checkup) dms(ctx context.Context, f *findings) {
	away := ""
	if u.config.DMS.Driver == "sqlserver" {
		away = u.dmsWay(ctx, f)
	}
	rest := func(why string, names ...string) {
		for _, name := range names {
			f.skip(name, why)
		}
	}
	if away != "" {
		if u.config.DMS.Encrypt == "false" {
			f.warn("DMS encryption", inClear, encryptHint)
		} else {
			f.skip("DMS encryption", away)
		}
		rest(away, "DMS sign-in", "DMS tables", "DMS indexes", "DMS snapshot", "rights", "week")
		return
	}
	dms, why := u.signIn(ctx, f)
	if dms == nil {
		rest(why, "DMS tables", "DMS indexes", "DMS snapshot", "rights", "week")
		return
	}
	defer dms.Close()
	u.snapshot(dms, f)
	reader := u.tables(ctx, dms, f)
	allowed := u.rights(ctx, dms, f)
	switch {
	case u.plan == nil:
		rest(noPlan, "week")
	case reader == nil:
		rest("the DMS's tables do not fit the whitelist", "week")
	default:
		u.week(ctx, reader, allowed, f)
	}
}

const (
	inClear     = "what is read crosses the network in clear, and everybody on it can read it too"
	encryptHint = "set dms.encrypt: true"
)

// unreachable makes a fault in the way to the DMS what its exit code is known by.
func unreachable(place string, err error) error {
	u := &extract.UnreachableError{Op: "check the way to the DMS", Place: place, Reason: err.Error()}
	if fault, ok := errors.AsType[*faultError](err); ok {
		u.Reason, u.Hint = fault.message, fault.hint
	}
	return u
}

// dmsWay looks up the SQL Server's name, asks for its instance's port, and connects. It returns why nothing further can be
// looked at, or "".
func (u *checkup) dmsWay(ctx context.Context, f *findings) (away string) {
	const nowhere = "the server cannot be reached"
	host, port, instance := extract.ServerAddress(u.config.DMS.Server)
	addresses, err := lookUp(ctx, host, "dms.server")
	if err != nil {
		f.fail("DMS name", unreachable(u.config.DMS.Server, err))
		if instance != "" && port == "" {
			f.skip("DMS instance", nowhere)
		}
		f.skip("DMS connection", nowhere)
		return nowhere
	}
	f.ok("DMS name", "%s", resolved(host, addresses))
	if port == "" {
		if port, err = askBrowser(ctx, host, instance); err != nil {
			f.fail("DMS instance", unreachable(u.config.DMS.Server, err))
			f.skip("DMS connection", "the port of the instance is not known")
			return nowhere
		}
		f.ok("DMS instance", "%s listens on port %s, as the SQL Server Browser says", instance, port)
	}
	if err := connect(ctx, host, port, "dms.server"); err != nil {
		f.fail("DMS connection", unreachable(u.config.DMS.Server, err))
		return nowhere
	}
	f.ok("DMS connection", "%s takes connections on port %s", host, port)
	return ""
}

// askBrowser asks for the port of an instance.
func askBrowser(ctx context.Context, host, instance string) (port string, err error) {
	ctx, cancel := context.WithTimeout(ctx, browseLimit)
	defer cancel()
	const byPort = `or write the instance's own port instead of its name: dms.server: host:port`
	found, err := extract.Browse(ctx, host)
	if err != nil {
		return "", &faultError{"the SQL Server Browser of " + host + " does not say where the instance " + instance + " is (UDP 1434)", "have the service 'SQL Server Browser' started there and UDP 1434 opened from this machine, " + byPort}
	}
	var names []string
	for _, i := range found {
		if strings.EqualFold(i.Name, instance) {
			if i.Port == "" {
				return "", &faultError{"the instance " + instance + " does not listen on TCP", "have TCP/IP enabled for it in the SQL Server Configuration Manager"}
			}
			return i.Port, nil
		}
		names = append(names, printable(clipped(i.Name)))
	}
	hint := "correct the instance in dms.server, " + byPort
	if len(names) > 0 {
		hint = "it has " + strings.Join(firstNames(names), ", ") + ": " + hint
	}
	return "", &faultError{host + " has no instance " + instance, hint}
}

// signIn opens the DMS, and tells of its encryption. Where that fails it returns why nothing further can be looked at.
func (u *checkup) signIn(ctx context.Context, f *findings) (dms *extract.DMS, why string) {
	d := u.config.DMS
	server := d.Driver == "sqlserver"
	if server && d.Encrypt == "false" {
		f.warn("DMS encryption", inClear, encryptHint)
	}
	config, err := u.config.extractConfig()
	if err != nil { // which the secrets tell
		if server && d.Encrypt != "false" {
			f.skip("DMS encryption", "without the password nobody signs in")
		}
		f.skip("DMS sign-in", "the password cannot be read")
		return nil, "nobody is signed in"
	}
	var heard []tls.ConnectionState
	config.Wrap, config.Jitter = u.wrap, u.jitter
	config.Tries, config.ConnectTimeout, config.StatementTimeout = 1, signInLimit, statementLimit
	config.TLS = func(state tls.ConnectionState) { heard = append(heard, state) }
	dms, err = extract.Open(ctx, config)
	fault, _ := errors.AsType[*extract.DatabaseError](err)
	switch {
	case !server || d.Encrypt == "false":
	case len(heard) > 0:
		s := secured{state: heard[0], store: "this machine trusts", renew: "have the DMS's administrator renew it"}
		if d.Certificate != "" {
			s.trusted, s.renew = "exactly the one of dms.certificate", "have the DMS's administrator renew it, and save the new one as dms.certificate"
		}
		f.encrypted("DMS encryption", s, time.Now())
	case fault != nil && fault.TLS:
		f.fail("DMS encryption", err)
		f.skip("DMS sign-in", "the connection is not encrypted as it must be")
		return nil, "nobody is signed in"
	default:
		f.skip("DMS encryption", "the server did not come to it")
	}
	if err != nil {
		f.fail("DMS sign-in", err)
		return nil, "nobody is signed in"
	}
	if server {
		who := "the login " + d.User
		if d.User == "" {
			who = "the Windows account of this process"
		}
		f.ok("DMS sign-in", "%s is let into the database %s", who, d.Database)
	} else {
		f.ok("DMS sign-in", "the file %s can be opened, and is a database", d.Path)
	}
	return dms, ""
}

func (u *checkup) snapshot(dms *extract.DMS, f *findings) {
	switch {
	case dms.Snapshot() && u.config.DMS.Driver == "sqlite":
		f.ok("DMS snapshot", "a pull sees the orders as they were at one moment")
	case dms.Snapshot():
		f.ok("DMS snapshot", "a pull sees the orders as they were at one moment, and neither waits for those who work in the DMS nor makes them wait")
	default:
		f.warn("DMS snapshot", "the database does not keep versions of its rows: a pull may have to wait for those who work in the DMS, and they for it",
			"ask the DMS's administrator whether ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON may be run; a pull works without it")
	}
}

// tables holds the whitelist against the DMS's tables and their indexes. It returns nil where they do not fit.
func (u *checkup) tables(ctx context.Context, dms *extract.DMS, f *findings) *extract.Reader {
	if u.plan == nil {
		f.skip("DMS tables", noPlan)
		f.skip("DMS indexes", noPlan)
		return nil
	}
	unkept := make([]byte, upload.KeySize) // nothing of what is made with it is kept
	reader, found, err := dms.Bind(ctx, u.plan, unkept, unkept)
	if err != nil {
		f.fail("DMS tables", placed(err, u.config.Fieldmap))
	} else {
		f.ok("DMS tables", "the DMS has all tables and columns that the whitelist names, of types that can be sent")
	}
	indexes := err == nil
	for _, one := range found {
		switch {
		case one.Severity != extract.Warning:
		case one.Index:
			indexes = false
			f.warn("DMS indexes", one.Message, one.Hint)
		default:
			f.warn("DMS tables", one.Message, one.Hint)
		}
	}
	switch {
	case indexes:
		f.ok("DMS indexes", "none is missing, as far as the DMS's catalogue tells (of views it tells nothing)")
	case err != nil && len(found) == 0:
		f.skip("DMS indexes", "the DMS's tables could not be looked at")
	}
	return reader
}

// rights tells what the login may read too much, and too little. It returns whether a pull would be let read.
func (u *checkup) rights(ctx context.Context, dms *extract.DMS, f *findings) (allowed bool) {
	switch {
	case u.config.DMS.Driver == "sqlite":
		f.warn("rights", "not applicable: SQLite has no rights, whoever can read the file can read all of it", "let only the service's account read dms.path")
		return true
	case u.plan == nil:
		f.skip("rights", noPlan)
		return false
	case u.site == nil:
		f.skip("rights", "the data folder, which has what was approved, cannot be opened")
		return false
	}
	a, err := u.site.access(ctx, dms)
	if err != nil {
		f.fail("rights", err)
		return false
	}
	allowed = true
	if len(a.Lacking) > 0 {
		f.fail("rights", lacking(a.Lacking))
		allowed = false
	}
	if err := a.check(); err != nil {
		f.fail("rights", err)
		return false
	}
	f.ok("rights", "%s", a)
	return allowed
}

// lacking is the error of a login that may read less than the whitelist lists.
func lacking(columns []string) error {
	return &extract.UnreachableError{
		Op: "read what the whitelist lists", Reason: fmt.Sprintf("the login may not read %s that the whitelist lists: %s", plural(len(columns), "column"), strings.Join(firstNames(columns), ", ")),
		Hint: "have the DMS's administrator grant what 'roagent fieldmap grants' prints",
	}
}

// week counts the orders of the latest week, with the statements of a pull, and estimates from one page of them how long a
// pull reads. Orders are read under an approved whitelist only, and thrown away.
func (u *checkup) week(ctx context.Context, reader *extract.Reader, allowed bool, f *findings) {
	c := u.config.Schedule
	week := Schedule{Zone: u.config.Dealer.Zone, Settle: c.Settle}.Ended(time.Now())
	reading, err := reader.Begin(ctx)
	if err != nil {
		f.fail("week", err)
		return
	}
	defer reading.Close()
	began := time.Now()
	orders, err := reading.Count(ctx, week)
	if err != nil {
		u.slow(f, err)
		return
	}
	counted := fmt.Sprintf("%s has %s to read, counted by the DMS in %s", week, plural(orders, "order"), seconds(time.Since(began)))
	switch {
	case orders == 0:
		f.warn("week", counted, "if the shop was open that week, look whether dms.database and the whitelist's week column are the right ones")
		return
	case !allowed || !u.approved():
		f.ok("week", "%s; how long they take is not estimated, since none is read before all of the above is approved", counted)
		return
	}
	began = time.Now()
	keys, err := reading.Keys(ctx, week, nil, u.config.Queue.BatchOrders, time.Time{})
	read := 0
	if err == nil && len(keys.Keys()) > 0 {
		_, read, err = reading.Orders(ctx, week, keys)
	}
	switch took := time.Since(began); {
	case err != nil:
		u.slow(f, err)
	case read == 0:
		f.ok("week", "%s; none of them has a key by which it could be read", counted)
	case read >= orders:
		f.ok("week", "%s; reading all of them took %s, and sending comes on top", counted, seconds(took))
	default:
		f.ok("week", "%s; reading the first %d took %s: all take %s, if the others are like these; sending comes on top",
			counted, read, seconds(took), seconds(took*time.Duration(orders)/time.Duration(read)))
	}
}

// slow tells what keeps a week from being read. Where it is only the time that check gives it, a pull may still do.
func (u *checkup) slow(f *findings, err error) {
	late, ok := errors.AsType[*extract.UnreachableError](err)
	if _, faulty := errors.AsType[*extract.DatabaseError](err); ok && !faulty {
		f.warn("week", "not estimated: "+late.Reason+"; a pull gives it five minutes", late.Hint)
		return
	}
	f.fail("week", err)
}

// seconds tells a span as what was measured or reckoned.
func seconds(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return "less than 0.1 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
