package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSecretsStay holds that neither a dealer's token, nor the key of the receipts, nor a value of an order is in anything
// that the program prints, logs, answers or writes, but where it belongs: whatever comes, and whatever is broken.
func TestSecretsStay(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	command := func(args ...string) (stdout, all string) {
		var out, log lockedLog
		run(t.Context(), append(args, "--store", store), strings.NewReader(""), &out, &log)
		return out.String(), out.String() + log.String()
	}
	const customer = "Zebulon Quixotic"
	_, printed := command("key", "--name", "collector.test")
	token, _ := command("dealer", "add", "04123", "--name", "Example Toyota")
	other, _ := command("dealer", "add", "04999", "--name", "Another")
	signer, err := os.ReadFile(filepath.Join(store, "receipt.key"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(strings.TrimSpace(string(signer)), "+", 5)
	secrets := []string{customer, secretPart(t, token), secretPart(t, other), parts[4]}

	address, log, stop := startServing(t, store)
	b := &besieged{token: strings.TrimSpace(token), other: strings.TrimSpace(other)}
	lines := strings.Replace(hostileLines, `{"a":1}`, `{"a":"`+customer+`"}`, 1)
	batch := func(lines string, changes ...string) string {
		return b.put(hostileWeek+"/batches/"+hexSum(lines), "application/x-ndjson", "zstd", packed(lines), changes...)
	}
	requests := map[string]string{
		"undeclared":            batch(lines),
		"declared":              b.put("/v1/dealers/04123/fieldmaps/"+hexSum(hostileForm), "application/json", "identity", hostileForm),
		"taken":                 batch(lines),
		"not a line":            batch(customer + "\n"),
		"a line of other names": batch(strings.ReplaceAll(lines, "repair_order", customer)),
		"another dealer":        batch(lines, b.token, b.other),
		"a wrong token":         batch(lines, b.token, b.token+"x"),
		"a token of no dealer":  batch(lines, "Bearer 04123", "Bearer 04124"),
		"a scheme":              batch(lines, "Bearer", "Basic"),
		"two tokens":            batch(lines, "Content-Type:", "Authorization: Bearer "+b.other+"\r\nContent-Type:"),
		"a damaged body":        batch(lines, "Content-Digest: sha-256=:", "Content-Digest: sha-256=:A"),
		"a coding":              batch(lines, "zstd", "gzip"),
		"a manifest":            b.put(hostileWeek, "application/json", "identity", `{"dealer_id":"`+customer+`"}`),
		"a heartbeat":           b.put("/v1/dealers/04123/status", "application/json", "identity", `{"dealer_id":"04123","`+customer+`":1}`),
		"no request":            "PUT " + b.token + " HTTP/1.1\r\n\r\n",
	}
	for _, name := range []string{"undeclared", "declared", "taken"} { // in this order; the others in any
		ask(t, address, requests[name], 1)
	}
	for name, raw := range requests {
		_, bodies := ask(t, address, raw, 1)
		noSecret(t, "the answer to "+name, bodies[0], secrets)
	}
	damage(t, store)
	for name, raw := range requests {
		_, bodies := ask(t, address, raw, 1)
		noSecret(t, "the answer of a damaged store to "+name, bodies[0], secrets)
	}
	stop()
	noSecret(t, "the log", log.String(), secrets)

	for _, args := range [][]string{
		{"key"},
		{"key", "--name", "other"},
		{"dealer", "add", "04123", "--name", "X"},
		{"serve", "--listen", "256.0.0.1:1"},
		{"serve", "--listen", address + "0"},
		{"export", "--dealer", "04123", "--week", "2026-W46"},
		{"export", "--dealer", "04124", "--week", "2026-W46"},
		{"nonsense"},
	} {
		_, all := command(args...)
		noSecret(t, strings.Join(args, " "), all, secrets)
	}
	noSecret(t, "key", printed, secrets)
	filesShowNothing(t, store, secrets)
}

func secretPart(t *testing.T, token string) string {
	t.Helper()
	_, secret, ok := strings.Cut(strings.TrimSpace(token), ".")
	if !ok || len(secret) < 20 {
		t.Fatalf("%q is no token", token)
	}
	return secret
}

// damage breaks what the collector reads for each request.
func damage(t *testing.T, store string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(store, "receipt.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"receipt.key":               strings.Replace(string(key), "+", " ", 1),
		"dealers/04999/dealer.json": "{",
	} {
		if err := os.WriteFile(filepath.Join(store, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// startServing runs the command that serves the store, until stop.
func startServing(t *testing.T, store string) (address string, log *lockedLog, stop func()) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	log = &lockedLog{}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--listen", address, "--store", store}, strings.NewReader(""), log, log)
	}()
	for !strings.Contains(log.String(), "msg=listening") {
		select {
		case code := <-done:
			t.Fatalf("it ended with %d: %s", code, log.String())
		case <-time.After(time.Millisecond):
		}
	}
	return address, log, func() { cancel(); <-done }
}

// lockedLog takes what is printed while it is read.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// noSecret looks for the secrets in clear, in hex and in base64.
func noSecret(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, spelled := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(text, spelled) {
				t.Errorf("%s shows %q: %s", where, s, text)
			}
		}
	}
}

// filesShowNothing looks into the store. The key is in its file, and orders are in batches, which are compressed.
func filesShowNothing(t *testing.T, store string, secrets []string) {
	t.Helper()
	root := os.DirFS(store)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "receipt.key" || strings.HasSuffix(name, ".zst") {
			return err
		}
		data, err := fs.ReadFile(root, name)
		noSecret(t, name, string(data), secrets)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
