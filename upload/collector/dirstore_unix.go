//go:build !windows

package collector

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// syncFolder makes the names in a folder durable.
func syncFolder(f *os.File, sync func(*os.File) error) error { return sync(f) }

// fileVersion tells a file from the one that had its name before. The clock of a file system ticks in milliseconds; but while
// one file replaces another both are there, and so have two numbers.
func fileVersion(info fs.FileInfo) string {
	version := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		version += fmt.Sprintf("-%x", stat.Ino)
	}
	return version
}
