//go:build !windows

package upload

import "syscall"

// noRoom is what the system answers where a disk, a quota or a limit on a file's size is exhausted.
func noRoom() []syscall.Errno { return []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} }
