//go:build !windows

package upload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// protect leaves the key as it is: the file's mode guards it.
func protect(key []byte) ([]byte, error) { return key, nil }

func unprotect(protected []byte) ([]byte, error) { return protected, nil }

func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("its mode is %04o; run: chmod 600 %s", mode, path)
	}
	return nil
}

// placeNew gives temp the name path, durably. It fails with fs.ErrExist where path exists; rename would replace it.
func placeNew(temp, path string) error {
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
