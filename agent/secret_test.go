package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func writeSecret(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestResolveSecret(t *testing.T) {
	dir, service := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", service)
	t.Setenv("ROAGENT_TEST_SECRET", "from the environment")
	t.Setenv("ROAGENT_TEST_EMPTY", "")
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"plain": "s3cret", "line": "s3cret\n", "windows": "s3cret\r\n", "lines": "s3cret\n\n", "spaces": " s3cret ", "empty": "", "blank": "\n",
		"large": strings.Repeat("x", maxSecret+1), "credentials/dms": "from the data folder", "credentials/both": "from the data folder",
	} {
		writeSecret(t, at(name), text, 0o600)
	}
	writeSecret(t, filepath.Join(service, "both"), "from the service manager", 0o400)
	writeSecret(t, filepath.Join(service, "folder", "x"), "not a credential", 0o600)
	writeSecret(t, at("credentials/folder"), "from the data folder", 0o600)
	writeSecret(t, at("open"), "s3cret", 0o644)
	for _, tt := range []struct {
		secret      Secret
		want, wrong string
	}{
		{Secret{}, "", ""},
		{Secret{fileSecret, at("plain")}, "s3cret", ""},
		{Secret{fileSecret, at("line")}, "s3cret", ""},
		{Secret{fileSecret, at("windows")}, "s3cret", ""},
		{Secret{fileSecret, at("lines")}, "", "has more than one line"},
		{Secret{fileSecret, at("spaces")}, " s3cret ", ""},
		{Secret{fileSecret, at("empty")}, "", "is empty"},
		{Secret{fileSecret, at("blank")}, "", "is empty"},
		{Secret{fileSecret, at("large")}, "", "more than 65536 bytes"},
		{Secret{fileSecret, at("missing")}, "", "read the secret: "},
		{Secret{fileSecret, dir}, "", "is no plain file"},
		{Secret{credentialSecret, "dms"}, "from the data folder", ""},
		{Secret{credentialSecret, "both"}, "from the service manager", ""},
		{Secret{credentialSecret, "none"}, "", "there is no credential \"none\": 'roagent credential set none' asks for it"},
		{Secret{credentialSecret, "folder"}, "", "is no plain file"}, // what the service manager gives is not passed over
		{Secret{envSecret, "ROAGENT_TEST_SECRET"}, "from the environment", ""},
		{Secret{envSecret, "ROAGENT_TEST_EMPTY"}, "", "ROAGENT_TEST_EMPTY is not set"},
		{Secret{envSecret, "ROAGENT_TEST_NONE"}, "", "ROAGENT_TEST_NONE is not set"},
	} {
		got, err := tt.secret.Resolve(dir)
		if got != tt.want || (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s:%s resolves to %q, %v; want %q, %q", tt.secret.kind, tt.secret.name, got, err, tt.want, tt.wrong)
		}
	}
	if runtime.GOOS != "windows" { // there a file's mode means nothing
		_, err := Secret{fileSecret, at("open")}.Resolve(dir)
		if err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("a file that everyone may read: %v", err)
		}
	}
	if _, err := (Secret{credentialSecret, "none"}).Resolve(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing credential: %v", err)
	}
}

// A Secret prints as nothing but that it is one, wherever it lands.
func TestSecretDoesNotPrint(t *testing.T) {
	c := struct{ Token Secret }{Secret{fileSecret, "/etc/hidden-place"}}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("starting", "token", c.Token, "config", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("starting", "token", c.Token, "config", c)
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %v %s %s", c, c, c, c.Token, c.Token, &c, marshalled, logged.String())
	if strings.Contains(all, "hidden-place") || strings.Count(all, "[secret]") < 10 {
		t.Error(all)
	}
}

// FuzzSecretFile holds that any file is one secret, byte for byte but for the line break at its end, or an error that
// shows nothing of it.
func FuzzSecretFile(f *testing.F) {
	for _, seed := range []string{"", "\n", "s3cret-of-the-dms", "s3cret-of-the-dms\r\n", "user: sa\npassword: s3cret-of-the-dms", "\xff\xfe\x00", "caf\xe9-of-the-dms", "\u0085\u2028"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "secret")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		value, err := readSecret(path)
		switch {
		case err == nil && (value == "" || !bytes.HasPrefix(text, []byte(value)) || strings.Trim(string(text[len(value):]), "\r\n") != ""):
			t.Errorf("%q is the secret %q", text, value)
		case err != nil && len(text) > 8 && strings.Contains(err.Error(), string(text)):
			t.Errorf("the error shows the secret: %v", err)
		}
	})
}
