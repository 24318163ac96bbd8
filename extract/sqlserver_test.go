package extract

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-sql/civil"
	"github.com/google/go-cmp/cmp"
	mssql "github.com/microsoft/go-mssqldb"

	"roagent/fieldmap"
)

// Complaint 14: encryption and trust are said explicitly, whatever the driver's defaults are.
func TestSQLServerParams(t *testing.T) {
	base := url.Values{
		"database": {"DMS"}, "encrypt": {"true"}, "trustservercertificate": {"false"}, "app name": {"roagent"},
		"applicationintent": {"ReadOnly"}, "dial timeout": {"15"},
	}
	with := func(name, value string) url.Values {
		v := url.Values{}
		for k := range base {
			v[k] = base[k]
		}
		v.Set(name, value)
		return v
	}
	for name, tt := range map[string]struct {
		config Config
		want   url.Values // nil: refused
	}{
		"defaults":           {Config{}, base},
		"strict":             {Config{Encrypt: "strict"}, with("encrypt", "strict")},
		"none":               {Config{Encrypt: "false"}, with("encrypt", "disable")},
		"encrypt misspelt":   {Config{Encrypt: "yes please"}, nil},
		"certificate":        {Config{Certificate: "dms.pem"}, with("servercertificate", "dms.pem")},
		"certificate .crt":   {Config{Certificate: "dms.crt"}, nil},
		"old TLS":            {Config{Params: map[string]string{"TLSMin": "1.0"}}, with("tlsmin", "1.0")},
		"slow network":       {Config{Params: map[string]string{"dial timeout": "60"}}, with("dial timeout", "60")},
		"trust by params":    {Config{Params: map[string]string{"TrustServerCertificate": "true"}}, nil},
		"encrypt by params":  {Config{Params: map[string]string{"encrypt": "disable"}}, nil},
		"password by params": {Config{Params: map[string]string{"password": "x"}}, nil},
		"log by params":      {Config{Params: map[string]string{"log": "63"}}, nil},
	} {
		tt.config.Database = "DMS"
		got, err := sqlServerParams(&tt.config)
		if (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestSQLServerConnectorKeepsThePasswordOut(t *testing.T) {
	c := &Config{Server: "dms01:notaport", Database: "DMS", User: "roagent", Password: "p@ss/w0rd"}
	_, err := sqlServerDialect{}.connector(c)
	if err == nil || strings.Contains(err.Error(), "w0rd") {
		t.Errorf("%v", err)
	}
	if _, err := (sqlServerDialect{}).connector(&Config{Server: `dms01\SERVICE`, Database: "DMS", User: "roagent"}); err != nil {
		t.Errorf("an instance: %v", err)
	}
}

// What is wrong with dms.certificate is said with the file's name, before anything is dialled.
func TestSQLServerCertificateFile(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"junk.pem": "junk", "empty.der": "", "key.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"junk.pem", "empty.der", "key.pem", "missing.pem"} {
		_, err := sqlServerDialect{}.connector(&Config{Server: "dms01", Database: "DMS", User: "roagent", Certificate: filepath.Join(dir, name)})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "save the server's own certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Complaints 13, 14 and 15: what passes is read again; what does not has a hint. No message of the server is quoted
// that could hold a value.
func TestSQLServerClassify(t *testing.T) {
	const secret = "SECRET-900-55"
	for name, tt := range map[string]struct {
		err   error
		again bool
		part  string // of the reason or the hint
	}{
		"deadlock":      {mssql.Error{Number: 1205, Class: 13, Message: secret}, true, "deadlock"},
		"lock":          {fmt.Errorf("x: %w", mssql.Error{Number: 1222, Class: 16, Message: secret}), true, "SNAPSHOT"},
		"conversion":    {mssql.Error{Number: 245, Class: 16, Message: "Conversion failed when converting the varchar value '" + secret + "'"}, false, "convert"},
		"unknown":       {mssql.Error{Number: 33557097, Class: 16, Message: secret}, false, "refused"},
		"fatal":         {mssql.Error{Number: 9001, Class: 21, Message: secret}, true, "refused"},
		"login":         {mssql.Error{Number: 18456, Class: 14, Message: "Login failed for user 'roagent'."}, false, "Login failed for user 'roagent'."},
		"column":        {mssql.Error{Number: 207, Class: 16, Message: "Invalid column name 'Clsed'."}, false, "Clsed"},
		"denied":        {mssql.Error{Number: 230, Class: 14, Message: "The SELECT permission was denied on the column 'SSN'"}, false, "fieldmap grants"},
		"reset":         {&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, true, "lost"},
		"bad":           {driver.ErrBadConn, true, "lost"},
		"end":           {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), true, "lost"},
		"broken stream": {mssql.StreamError{InnerError: errors.New(secret)}, true, "lost"},
		"browser":       {errors.New("unable to get instances from Sql Server Browser on host dms01: timeout"), true, "host:port"},
		"refused":       {errors.New("unable to open tcp connection with host 'dms01:1433': connection refused"), true, "firewall"},
		"no such host":  {fmt.Errorf("x: %w", &net.DNSError{Err: "no such host"}), true, "dms.server"},
		"old TLS":       {errors.New("TLS Handshake failed: tls: server selected unsupported protocol version 301"), false, "tlsmin"},
		"certificate":   {x509.UnknownAuthorityError{}, false, "dms.certificate"},
		"other":         {errors.New(secret), false, "driver failed"},
		"timeout":       {context.DeadlineExceeded, true, "lost"},
	} {
		got := sqlServerDialect{}.classify(tt.err)
		text := got.Error() + got.Hint
		if got.Again != tt.again || !strings.Contains(text, tt.part) || strings.Contains(text, secret) {
			t.Errorf("%s: again %v: %s; %s", name, got.Again, got, got.Hint)
		}
	}
}

// Complaint 7: parameters have their columns' own types, so that nothing is rounded and indexes are used.
func TestSQLServerArguments(t *testing.T) {
	at := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
	m := moment{instant: at.Add(8 * time.Hour), wall: at, date: at}
	for _, tt := range []struct {
		base   string
		layout string
		kind   fieldmap.Kind
		want   any // nil: refused
	}{
		{"datetime", "", fieldmap.KindDateTime, mssql.DateTime1(at)},
		{"smalldatetime", "", fieldmap.KindDateTime, mssql.DateTime1(at)},
		{"datetime2", "", fieldmap.KindDateTime, civil.DateTimeOf(at)},
		{"date", "", fieldmap.KindDate, civil.DateOf(at)},
		{"datetimeoffset", "", fieldmap.KindInstant, mssql.DateTimeOffset(at.Add(8 * time.Hour))},
		{"varchar", "20060102", fieldmap.KindText, mssql.VarChar("20261109")},
		{"nvarchar", "2006-01-02 15:04", fieldmap.KindText, "2026-11-09 00:00"},
		{"int", "20060102", fieldmap.KindInteger, int32(20261109)},
		{"varchar", "", fieldmap.KindText, nil},
		{"int", "", fieldmap.KindInteger, nil},
	} {
		got, err := sqlServerDialect{}.moment(&columnType{base: tt.base, layout: tt.layout, ColumnType: fieldmap.ColumnType{Kind: tt.kind}}, m)
		if (err == nil) != (tt.want != nil) || err == nil && fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", tt.want, tt.want) {
			t.Errorf("%s: %T %v, %v", tt.base, got, got, err)
		}
	}
	for _, tt := range []struct {
		base string
		in   any
		want any // nil: refused
	}{
		{"tinyint", "255", byte(255)},
		{"tinyint", "256", nil},
		{"smallint", int64(-5), int16(-5)},
		{"int", "2147483648", nil},
		{"bigint", "2147483648", int64(2147483648)},
		{"bit", "true", true},
		{"bit", "maybe", nil},
		{"decimal", "12.50", mssql.VarChar("12.50")},
		{"decimal", []byte("12.50"), mssql.VarChar("12.50")},
		{"decimal", "x", nil},
		{"float", "0.5", 0.5},
		{"varchar", "RO1", mssql.VarChar("RO1")},
		{"varchar", "é", "é"},
		{"char", int64(7), mssql.VarChar("7")},
		{"nvarchar", "RO1", "RO1"},
		{"datetime", "2026-11-09", mssql.DateTime1(at)},
		{"datetime", "yesterday", nil},
		{"uniqueidentifier", "x", nil},
	} {
		got, err := sqlServerDialect{}.argument(&columnType{base: tt.base}, tt.in)
		if (err == nil) != (tt.want != nil) || err == nil && fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", tt.want, tt.want) {
			t.Errorf("%s %v: %T %v, %v", tt.base, tt.in, got, got, err)
		}
	}
}

// A column that the whitelist lists, and that the login may not read, is told apart from what it may read too much of.
func TestAccessSorts(t *testing.T) {
	listed := &listedTable{columns: []string{"No", "Closed"}}
	table := fieldmap.Table{Schema: "dbo", Name: "RO"}
	var a Access
	for _, c := range []struct {
		listed          *listedTable
		column          string
		whole, readable bool
	}{
		{listed, "no", false, true},
		{listed, "Closed", false, false},
		{listed, "SSN", false, false},
		{listed, "Zip", false, true},
		{nil, "Pay", true, true},
	} {
		a.sort(c.listed, Unlisted{table, c.column}, c.whole, c.readable)
	}
	want := Access{
		Excess:  []Excess{{SingleColumn, "dbo.RO.Zip"}, {WholeTable, "dbo.RO"}},
		Denied:  []Unlisted{{table, "SSN"}},
		Lacking: []string{"dbo.RO.Closed"},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
}
