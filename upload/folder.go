package upload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
