package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// layOut returns a queue's file as one of the same content whose pages lie where that content alone puts them. bbolt places
// pages by chance that no seed decides; what damages one of them could not be replayed.
func layOut(t *testing.T, file []byte) []byte {
	t.Helper()
	dir := simDir(t)
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	if err := os.WriteFile(from, file, 0o600); err != nil {
		t.Fatal(err)
	}
	options := &bbolt.Options{NoSync: true, FreelistType: bbolt.FreelistArrayType}
	source, err := bbolt.Open(from, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return file // it is damaged already
	}
	target, err := bbolt.Open(to, 0o600, options)
	if err != nil {
		t.Fatal(err)
	}
	const keyByKey = 1 // bytes of a transaction: of two buckets in one, either may be written first
	if err := errors.Join(bbolt.Compact(target, source, keyByKey), source.Close(), target.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tear returns what a power cut within a transaction leaves of a file: any of the pages that were being written, in any
// order, but no meta page, which comes only when they are flushed. How many pages there are takes no chance from r.
func tear(r *rand.Rand, old, written []byte) []byte {
	r = rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	pageSize := os.Getpagesize() // of bbolt's file: it flushes all pages before it writes one of the two meta pages, its first
	left := bytes.Clone(old)
	if len(written) > len(left) && r.IntN(2) == 0 {
		left = append(left, make([]byte, len(written)-len(left))...)
	}
	for at := 2 * pageSize; at+pageSize <= min(len(left), len(written)); at += pageSize {
		if r.IntN(2) == 0 {
			copy(left[at:at+pageSize], written[at:at+pageSize])
		}
	}
	return left
}
