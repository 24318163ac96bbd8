package upload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// MakeFolder creates a folder, and those above it that are missing, for its owner alone and durably: nothing in it is safer
// than its own name. A folder that is there stays as it is.
func MakeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return os.MkdirAll(dir, 0o700) // which fails where it is a file
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MakeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) { // another process may have been first
		return err
	}
	if err := syncFolder(parent); err != nil {
		return fmt.Errorf("flush %s: %w", parent, err)
	}
	return nil
}

// createDatabase makes an empty database beside path and moves it there, so that one with that name is whole, and its name
// durable before anything lies beside it that only it explains. A file that is there stays.
func createDatabase(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return err
	}
	if err = temp.Close(); err == nil {
		err = initDatabase(temp.Name())
	}
	if err == nil {
		err = placeNew(temp.Name(), path)
	}
	if errors.Is(err, os.ErrExist) {
		err = nil // another process was first
	}
	if removed := os.Remove(temp.Name()); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// initDatabase makes an empty file a database, durably.
func initDatabase(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return err
	}
	return db.Close()
}
