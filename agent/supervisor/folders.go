package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// OwnFolder refuses a folder that has something in it, but nothing of roagent's: it is not ours to give away, or to delete.
func OwnFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the data folder: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name == "queue.db" || name == "credentials" || name == "queue.key" {
			return nil
		}
	}
	return &PathError{dir, "it is to be the data folder, but holds other files"}
}

// CheckFolders says which folder or file others may use that must not, and what mends it. files are the configuration and the
// whitelist.
func CheckFolders(data string, files ...string) error {
	if err := CheckData(data); err != nil {
		return err
	}
	for _, file := range files {
		if err := CheckFile(file); err != nil {
			return err
		}
	}
	return nil
}
