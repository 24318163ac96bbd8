package upload

import (
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// releaseMemory gives back the pages of the file that were read through bbolt's memory map: Linux counts them as this
// process's memory, and after a million orders they are most of it. They stay in the page cache, from where the next
// read gets them again. The transaction keeps bbolt from moving the map meanwhile.
func releaseMemory(tx *bbolt.Tx) {
	// Failing costs memory, nothing else.
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, tx.DB().Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED)
}
