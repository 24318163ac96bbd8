package upload

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// noRoom is what the system answers where a disk or a quota is exhausted.
func noRoom() []syscall.Errno {
	return []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}
}
