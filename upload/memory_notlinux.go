//go:build !linux

package upload

import "go.etcd.io/bbolt"

// releaseMemory has nothing to do: elsewhere the pages of a mapped file are not counted as this process's memory, or
// the system takes them back by itself.
func releaseMemory(*bbolt.Tx) {}
