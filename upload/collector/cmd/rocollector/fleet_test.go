package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptFetch gets an address, with a header if one is named, and prints the status and the answer.
func scriptFetch(ts *testscript.TestScript, neg bool, args []string) {
	q, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	if len(args) > 1 {
		name, value, _ := strings.Cut(args[1], ": ")
		q.Header.Set(name, value)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if ca, err := os.ReadFile(ts.MkAbs("ca.pem")); err == nil {
		config.RootCAs.AppendCertsFromPEM(ca)
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(q)
	ts.Check(err)
	defer answer.Body.Close()
	fmt.Fprintln(ts.Stdout(), answer.Status)
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
	if (answer.StatusCode >= 300) != neg {
		ts.Fatalf("got %s", answer.Status)
	}
}
