package upload

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// protect encrypts the key with DPAPI for this machine, not for this user: the service and the person who runs
// roagent by hand are two users. The folder's ACL says who of this machine may read the file.
func protect(key []byte) ([]byte, error) {
	in := windows.DataBlob{Size: uint32(len(key)), Data: &key[0]}
	var out windows.DataBlob
	const flags = windows.CRYPTPROTECT_LOCAL_MACHINE | windows.CRYPTPROTECT_UI_FORBIDDEN
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, flags, &out); err != nil {
		return nil, fmt.Errorf("CryptProtectData: %w", err)
	}
	return take(out)
}

func unprotect(protected []byte) ([]byte, error) {
	if len(protected) == 0 {
		return nil, errors.New("it is empty")
	}
	in := windows.DataBlob{Size: uint32(len(protected)), Data: &protected[0]}
	var out windows.DataBlob
	if err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, fmt.Errorf("CryptUnprotectData: %w", err)
	}
	return take(out)
}

// take copies what Windows allocated, and frees it.
func take(blob windows.DataBlob) ([]byte, error) {
	own := append([]byte(nil), unsafe.Slice(blob.Data, blob.Size)...)
	if _, err := windows.LocalFree(windows.Handle(unsafe.Pointer(blob.Data))); err != nil {
		return nil, fmt.Errorf("LocalFree: %w", err)
	}
	return own, nil
}

// checkPrivate has nothing to check: modes mean nothing here, and DPAPI guards the content.
func checkPrivate(string) error { return nil }

// placeNew gives temp the name path, durably. It fails with fs.ErrExist where path exists.
func placeNew(temp, path string) error {
	from, err := windows.UTF16PtrFromString(temp)
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	err = windows.MoveFileEx(from, to, windows.MOVEFILE_WRITE_THROUGH)
	if errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_FILE_EXISTS) {
		return fs.ErrExist
	}
	return err
}

// syncFolder does nothing: Windows cannot flush a folder, and NTFS keeps names in its journal.
func syncFolder(string) error { return nil }
