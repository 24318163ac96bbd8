package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"roagent/upload"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rocollector": main})
}

func TestExitCodes(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	for _, test := range []struct {
		args string
		want int
	}{
		{"--help", exitDone},
		{"key --store " + store, exitDone},
		{"dealer add 04123 --name X --store " + store, exitDone},
		{"export --dealer 04123 --week 2026-W46 --store " + store, exitDone},
		{"dealer add 04123 --name X --store " + store, exitFailed},
		{"export --dealer 04124 --week 2026-W46 --store " + store, exitFailed},
		{"export --dealer 04123 --week 2026-W54 --store " + store, exitUsage},
		{"export --dealer 04123 --week 2026-W46 --store " + store + "x", exitUsage},
		{"key --name other --store " + store, exitUsage},
		{"key --store s3://Bucket/prefix", exitUsage},
		{"key --store s3:bucket", exitUsage},
		{"serve --listen :0 --store " + store, exitUsage},
		{"key", exitUsage},
		{"", exitUsage},
	} {
		var stdout, stderr strings.Builder
		got := run(t.Context(), strings.Fields(test.args), strings.NewReader(""), &stdout, &stderr)
		if got != test.want {
			t.Errorf("rocollector %s: exit %d, want %d\n%s", test.args, got, test.want, stderr.String())
		}
		if got != exitDone && !strings.HasPrefix(stderr.String(), "rocollector: ") {
			t.Errorf("rocollector %s: it does not say why: %q", test.args, stderr.String())
		}
	}
}

func TestScripts(t *testing.T) { testscript.Run(t, scriptParams("testdata/script")) }

func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"certificates": scriptCertificates,
			"freeport":     scriptFreePort,
			"waitfor":      scriptWaitFor,
			"put":          scriptPut,
			"declare":      scriptDeclare,
			"fetch":        scriptFetch,
		},
	}
}

// scriptCertificates writes an authority (ca.pem) and certificates of it for the server and for dealers:
// certificates ID...
func scriptCertificates(ts *testscript.TestScript, _ bool, dealers []string) {
	authority := newCertificate(ts, "authority", nil)
	authority.write(ts, "ca")
	for _, name := range append([]string{"server"}, dealers...) {
		newCertificate(ts, name, authority).write(ts, name)
	}
}

type certificate struct {
	der []byte
	x   *x509.Certificate
	key *ecdsa.PrivateKey
}

func newCertificate(ts *testscript.TestScript, name string, parent *certificate) *certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: parent == nil, BasicConstraintsValid: true,
	}
	c := &certificate{key: key}
	signer, above := key, template
	if parent != nil {
		signer, above = parent.key, parent.x
	}
	c.der, err = x509.CreateCertificate(rand.Reader, template, above, &key.PublicKey, signer)
	ts.Check(err)
	c.x, err = x509.ParseCertificate(c.der)
	ts.Check(err)
	return c
}

func (c *certificate) write(ts *testscript.TestScript, name string) {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	ts.Check(err)
	for suffix, block := range map[string]*pem.Block{
		".pem": {Type: "CERTIFICATE", Bytes: c.der},
		".key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name+suffix), pem.EncodeToMemory(block), 0o600))
	}
}

// scriptFreePort sets a variable to an address nobody listens on: freeport VARIABLE.
func scriptFreePort(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], listener.Addr().String())
	ts.Check(listener.Close())
}

// scriptWaitFor waits until somebody listens: waitfor ADDRESS.
func scriptWaitFor(ts *testscript.TestScript, _ bool, args []string) {
	for range 1000 {
		conn, err := net.Dial("tcp", args[0])
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("nobody listens on %s", args[0])
}

// scriptDeclare declares the whitelist under which scriptPut sends: declare URL DEALER FORM [TOKENFILE|-] [CERTIFICATE].
func scriptDeclare(ts *testscript.TestScript, neg bool, args []string) {
	form := []byte(strings.TrimSpace(ts.ReadFile(args[2])))
	header := http.Header{"Content-Type": {"application/json"}}
	printAnswer(ts, neg, args, "fieldmaps/"+digestOf(form), form, header)
}

// scriptPut sends a file of lines as a batch of 2026-W46, read under the whitelist in the file form, and prints the status
// and the answer: put URL DEALER LINES [TOKENFILE|-] [CERTIFICATE].
func scriptPut(ts *testscript.TestScript, neg bool, args []string) {
	lines := []byte(ts.ReadFile(args[2]))
	z, err := zstd.NewWriter(nil)
	ts.Check(err)
	header := http.Header{"Content-Type": {upload.BatchType}, "Content-Encoding": {"zstd"}}
	header.Set(upload.FieldmapHeader, digestOf([]byte(strings.TrimSpace(ts.ReadFile("form")))))
	printAnswer(ts, neg, args, "weeks/2026-W46/batches/"+digestOf(lines), z.EncodeAll(lines, nil), header)
}

// printAnswer puts a body below the dealer's path and prints the status and the answer.
func printAnswer(ts *testscript.TestScript, neg bool, args []string, path string, body []byte, header http.Header) {
	answer, err := put(ts, args, path, body, header)
	if (err != nil || answer.StatusCode >= 300) != neg {
		ts.Fatalf("got %v, %v", answer, err)
	}
	if err != nil {
		fmt.Fprintln(ts.Stdout(), err)
		return
	}
	defer answer.Body.Close()
	fmt.Fprintln(ts.Stdout(), answer.Status)
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
}

func put(ts *testscript.TestScript, args []string, path string, body []byte, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, args[0]+"/v1/dealers/"+args[1]+"/"+path, bytes.NewReader(body))
	ts.Check(err)
	r.Header = header
	sum := sha256.Sum256(body)
	r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	if len(args) > 3 && args[3] != "-" {
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[3])))
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if ca, err := os.ReadFile(ts.MkAbs("ca.pem")); err == nil {
		config.RootCAs.AppendCertsFromPEM(ca)
	}
	if len(args) > 4 {
		pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[4]+".pem"), ts.MkAbs(args[4]+".key"))
		ts.Check(err)
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	return transport.RoundTrip(r) //nolint:bodyclose // the caller closes it
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
