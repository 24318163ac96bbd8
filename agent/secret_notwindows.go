//go:build !windows

package main

import (
	"fmt"
	"io/fs"
)

// whoReads is what checkPrivate has found out of a secret that it does not refuse.
const whoReads = ", and not by every account of this machine"

// checkPrivate refuses a file with a secret that every account of the machine may read.
func checkPrivate(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("every account of this machine may use %s (%s), which holds a secret; run 'chmod 600 %s'", path, info.Mode().Perm(), path)
	}
	return nil
}

// sealCredential keeps a secret as it is: the file's mode guards it, and systemd's LoadCredential takes it so.
func sealCredential(secret []byte) ([]byte, error) { return append(secret, '\n'), nil }

// openCredential is the way back; the line break goes with that of any file.
func openCredential(sealed []byte) ([]byte, error) { return sealed, nil }
