package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writePair writes a self-signed certificate of that name and its key; which of the two, says only.
func writePair(t *testing.T, dir, name, only string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if strings.Contains(file, only) {
			if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A renewed certificate is served without a restart; one that cannot be used, or of which only half is there yet, is not.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := openCertificate(cert, key, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("files that are not there were taken")
	}
	synctest.Test(t, func(t *testing.T) {
		writePair(t, dir, "the first", "")
		var log strings.Builder
		r, err := openCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		serves := func(want string) {
			t.Helper()
			c, err := r.get(nil)
			if err != nil || c.Leaf.Subject.CommonName != want {
				t.Errorf("it serves %v, %v; want %s", c.Leaf.Subject, err, want)
			}
		}
		serves("the first")
		time.Sleep(time.Hour)
		serves("the first")
		if log.Len() > 0 {
			t.Errorf("nothing was renewed, and it says %s", log.String())
		}
		writePair(t, dir, "the second, with a longer name", "cert")
		time.Sleep(time.Minute)
		serves("the first")
		if !strings.Contains(log.String(), "cannot be used") {
			t.Errorf("half of a pair, and it says %q", log.String())
		}
		writePair(t, dir, "the third, with a name of another length", "")
		serves("the first") // not looked at yet
		time.Sleep(time.Minute)
		serves("the third, with a name of another length")
		if !strings.Contains(log.String(), "certificate renewed") {
			t.Errorf("it does not say that it was renewed: %q", log.String())
		}
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		serves("the third, with a name of another length")
	})
}
