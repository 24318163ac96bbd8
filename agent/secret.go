package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"roagent/fieldmap/strictyaml"
)

// maxSecret is the most bytes a file with a secret may have.
const maxSecret = 64 << 10

// Secret says where a password or token is kept. Neither that nor the secret itself is ever printed.
// The zero Secret is none.
type Secret struct {
	kind secretKind
	name string // of the credential or the variable, or the file's path
}

type secretKind string

const (
	credentialSecret secretKind = "credential"
	fileSecret       secretKind = "file"
	envSecret        secretKind = "env"
)

var (
	credentialName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
)

// secret reads credential:NAME, file:PATH or env:NAME. Its problems never repeat the text: it may be the secret.
func (r configReader) secret(n strictyaml.Node) Secret {
	text := n.Text()
	if text == "" {
		return Secret{}
	}
	kind, name, _ := strings.Cut(text, ":")
	s := Secret{secretKind(kind), name}
	switch s.kind {
	case credentialSecret:
		if !credentialName.MatchString(name) {
			n.Problem("write it like credential:dms", "a credential's name has only letters, digits, - and _")
		}
	case envSecret:
		if !variableName.MatchString(name) {
			n.Problem("write it like env:ROAGENT_PASSWORD", "an environment variable's name has only letters, digits and _")
		}
	case fileSecret:
		if name == "" {
			n.Problem("write it like file:password.txt", "the path of the file is missing")
		} else if !filepath.IsAbs(name) {
			s.name = filepath.Join(r.dir, name)
		}
	default:
		n.Problem("keep it elsewhere and write credential:NAME, file:PATH or env:NAME here; if this was a real one, change it", "a bare password or token is not accepted in this file")
	}
	return s
}

// Given reports whether the configuration names a secret.
func (s Secret) Given() bool { return s.kind != "" }

// String keeps secrets out of prints.
func (s Secret) String() string { return "[secret]" }

// GoString keeps secrets out of %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue keeps secrets out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON keeps secrets out of reports.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"[secret]"`), nil }

// Resolve returns the secret itself; "" where none is configured. Credentials are files in the folder that systemd
// names in CREDENTIALS_DIRECTORY, or else in the credentials folder of dataDir.
func (s Secret) Resolve(dataDir string) (string, error) {
	switch s.kind {
	case credentialSecret:
		return resolveCredential(s.name, dataDir)
	case fileSecret:
		return readSecret(s.name)
	case envSecret:
		value := os.Getenv(s.name)
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is not set, or empty; set it for the account that runs roagent", s.name)
		}
		return value, nil
	}
	return "", nil
}

func resolveCredential(name, dataDir string) (string, error) {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		value, err := readSecret(filepath.Join(dir, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return value, err
		}
	}
	path := filepath.Join(credentialFolder(dataDir), name)
	sealed, err := readSecretFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no credential %q: 'roagent credential set %s' asks for it: %w", name, name, err)
	}
	if err != nil {
		return "", err
	}
	b, err := openCredential(sealed)
	if err != nil {
		return "", fmt.Errorf("the credential %q: %w", name, err)
	}
	return oneSecret(path, b)
}

// readSecret reads a file that holds one secret and perhaps a line break after it.
func readSecret(path string) (string, error) {
	b, err := readSecretFile(path)
	if err != nil {
		return "", err
	}
	return oneSecret(path, b)
}

// readSecretFile reads a file that nobody else may read.
func readSecretFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file: a secret is kept in a file of its own", path)
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	return b, nil
}

// oneSecret takes the line break off the end. from is where the bytes are from, for errors, which never repeat them.
func oneSecret(from string, b []byte) (string, error) {
	value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecret:
		return "", fmt.Errorf("%s has more than %d bytes: it is not one secret", from, maxSecret)
	case value == "":
		return "", fmt.Errorf("%s is empty: it must be the secret", from)
	case strings.ContainsFunc(value, unicode.IsControl):
		return "", fmt.Errorf("%s has more than one line, or a control character: it is not one secret", from)
	}
	return value, nil
}
