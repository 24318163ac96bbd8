package upload

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeySize is the length of every key, in bytes.
const KeySize = 32

const keyTitle = "roagent key 1\n"

// LoadOrCreateKey reads the key in a file, or makes a random one where there is no such file. The file can be read by
// its owner only, and on Windows its content only on the same machine. A file is never replaced.
func LoadOrCreateKey(path string) ([]byte, error) {
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(path); err != nil {
		return nil, diskError("create key "+path, path, err)
	}
	return LoadKey(path) // another process may have been first: the file counts
}

// LoadKey reads the key in a file. It fails with *[KeyError], which wraps fs.ErrNotExist where there is no such file.
func LoadKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &KeyError{Path: path, Problem: "the file is missing", Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, &KeyError{Path: path, Problem: "the file cannot be read", Err: err}
	}
	if err := checkPrivate(path); err != nil {
		return nil, &KeyError{Path: path, Problem: "others may read it", Err: err}
	}
	encoded, ok := strings.CutPrefix(string(text), keyTitle)
	protected, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if !ok || err != nil {
		return nil, &KeyError{Path: path, Problem: "it is not a key file, or damaged"}
	}
	key, err := unprotect(protected)
	if err != nil {
		return nil, &KeyError{Path: path, Problem: "Windows cannot decrypt it on this machine", Err: err}
	}
	if len(key) != KeySize {
		return nil, &KeyError{Path: path, Problem: fmt.Sprintf("it holds %d bytes, not %d", len(key), KeySize)}
	}
	return key, nil
}

// createKey writes a new key beside path and moves it there, so that no crash leaves half a key.
func createKey(path string) error {
	key := make([]byte, KeySize)
	rand.Read(key) //nolint:errcheck // never fails: see crypto/rand
	protected, err := protect(key)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(keyText(protected))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = placeNew(temp.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // another process was first
	}
	if removed := os.Remove(temp.Name()); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

func keyText(protected []byte) []byte {
	return []byte(keyTitle + base64.StdEncoding.EncodeToString(protected) + "\n")
}
