//go:build !windows

package upload

import (
	"errors"
	"syscall"
)

// isDiskFull reports whether a disk, a quota or a limit on a file's size is exhausted.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
