package collector

import "os"

// syncFolder does nothing: Windows cannot flush a folder, and NTFS keeps names in its journal.
func syncFolder(*os.File, func(*os.File) error) error { return nil }
