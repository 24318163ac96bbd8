package extract_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"roagent/extract"
	"roagent/extract/extracttest"
)

// What keeps a SQL Server from being signed in to is told apart, by real handshakes and a server that refuses the login
// (complaints 14 and 20). What comes through a handshake tells of it.
func TestSQLServerConnects(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	good, goodFile := extracttest.Certificate(t, soon, "127.0.0.1")
	other, _ := extracttest.Certificate(t, soon, "127.0.0.1")
	elsewhere, _ := extracttest.Certificate(t, soon, "dms01.example")
	expired, expiredFile := extracttest.Certificate(t, time.Now().Add(-time.Hour), "127.0.0.1")
	named := func(pair tls.Certificate, change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{pair}}
		if change != nil {
			change(c)
		}
		return c
	}
	old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }
	for name, tt := range map[string]struct {
		server      extracttest.Server
		certificate string
		params      map[string]string
		encrypt     string
		name        string // of the server; "": its address
		version     uint16 // of TLS; 0: it does not come so far
		says        string
	}{
		"trusted":         {server: extracttest.Server{TLS: named(good, nil)}, certificate: goodFile, version: tls.VersionTLS13, says: "Login failed for user 'roagent'"},
		"strict":          {server: extracttest.Server{TLS: named(good, nil), Strict: true}, encrypt: "strict", certificate: goodFile, version: tls.VersionTLS13, says: "the login failed"},
		"pinned, expired": {server: extracttest.Server{TLS: named(expired, nil)}, certificate: expiredFile, version: tls.VersionTLS13, says: "the login failed"},
		"TLS 1.2":         {server: extracttest.Server{TLS: named(good, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })}, certificate: goodFile, version: tls.VersionTLS12, says: "the login failed"},
		"another":         {server: extracttest.Server{TLS: named(other, nil)}, certificate: goodFile, says: "is not the one of dms.certificate"},
		"unknown":         {server: extracttest.Server{TLS: named(good, nil)}, says: "signed by unknown authority; save the server's certificate"},
		"expired":         {server: extracttest.Server{TLS: named(expired, nil)}, says: "has expired or is not yet valid"},
		"another's name":  {server: extracttest.Server{TLS: named(elsewhere, nil)}, name: "localhost", says: "not localhost; write in dms.server a name that stands in the certificate"},
		"old protocol":    {server: extracttest.Server{TLS: named(good, old)}, certificate: goodFile, says: "agree on no version of TLS"},
		"old, allowed": {
			server: extracttest.Server{TLS: named(good, old)}, certificate: goodFile, params: map[string]string{"tlsmin": "1.0"},
			version: tls.VersionTLS10, says: "the login failed",
		},
		"no encryption": {server: extracttest.Server{}, says: "the server takes no encrypted connection"},
		"in clear":      {server: extracttest.Server{}, encrypt: "false", says: "the login failed"},
		"silent":        {server: extracttest.Server{Silent: true}, says: "then said nothing in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := tt.server.Start(t)
			if _, port, _ := net.SplitHostPort(address); tt.name != "" {
				address = net.JoinHostPort(tt.name, port)
			}
			limit := time.Minute
			if tt.server.Silent {
				limit = time.Second
			}
			var heard []tls.ConnectionState
			_, err := extract.Open(t.Context(), extract.Config{
				Driver: "sqlserver", Server: address, Database: "DMS", User: "roagent", Password: "p", Encrypt: tt.encrypt, Certificate: tt.certificate,
				Params: tt.params, DealerZone: time.UTC, ConnectTimeout: limit, TLS: func(s tls.ConnectionState) { heard = append(heard, s) },
			})
			if !strings.Contains(err.Error(), tt.says) || !errors.As(err, new(*extract.UnreachableError)) {
				t.Errorf("it says: %v", err)
			}
			if tt.version == 0 && len(heard) > 0 || tt.version != 0 && (len(heard) == 0 || heard[0].Version != tt.version || len(heard[0].PeerCertificates) != 1) {
				t.Errorf("heard of %d connections: %+v", len(heard), heard)
			}
		})
	}
}

// A server that takes connections and says nothing holds nobody: the driver alone would wait for ever (complaint 20).
func TestSilentServerHoldsNobody(t *testing.T) {
	address := (&extracttest.Server{Silent: true}).Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, encrypt := range []string{"true", "strict"} {
		done := make(chan error, 1)
		go func() {
			_, err := extract.Open(ctx, extract.Config{Driver: "sqlserver", Server: address, Database: "DMS", User: "roagent", Password: "p", Encrypt: encrypt, DealerZone: time.UTC})
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.As(err, new(*extract.UnreachableError)) {
				t.Errorf("%s: %v", encrypt, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("encrypt: %s: it still waits", encrypt)
		}
	}
}
