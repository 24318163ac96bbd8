//go:build !windows

package collector

import "os"

// syncFolder makes the names in a folder durable.
func syncFolder(f *os.File, sync func(*os.File) error) error { return sync(f) }
