package main

import (
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// whoReads is what checkPrivate has found out of a secret that it does not refuse.
const whoReads = ""

// checkPrivate does nothing: on Windows a file's mode says nothing about who may read it. The access list of the data
// folder does, which 'service install' sets and every start checks.
func checkPrivate(string, fs.FileInfo) error { return nil }

// sealCredential encrypts a secret for this machine (DPAPI with CRYPTPROTECT_LOCAL_MACHINE). An administrator sets it and the
// service's virtual account reads it, so it cannot be sealed for one account; the folder's access list keeps the others of
// this machine out, and a copy of the folder is of no use on another machine.
func sealCredential(secret []byte) ([]byte, error) {
	in, out := blob(secret), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_LOCAL_MACHINE|windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, fmt.Errorf("encrypt the credential: %w", err)
	}
	return taken(out), nil
}

// openCredential is the way back.
func openCredential(sealed []byte) ([]byte, error) {
	in, out := blob(sealed), windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, fmt.Errorf("it was not sealed on this machine, or is damaged; 'roagent credential set' sets it anew: %w", err)
	}
	return taken(out), nil
}

func blob(b []byte) windows.DataBlob {
	if len(b) == 0 {
		return windows.DataBlob{}
	}
	return windows.DataBlob{Size: uint32(len(b)), Data: &b[0]}
}

// taken copies what Windows has allocated, wipes it and gives it back.
func taken(d windows.DataBlob) []byte {
	if d.Data == nil {
		return nil
	}
	held := unsafe.Slice(d.Data, d.Size)
	b := append([]byte(nil), held...)
	clear(held)
	_, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(d.Data)))
	return b
}
