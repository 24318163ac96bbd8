package upload

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzFile writes any bytes anywhere into a queue's file: the walk through it and the salvage end, without a panic, and
// what is sound for the walk is read by bbolt, or an error.
func FuzzFile(f *testing.F) {
	q := NewQueue(f.TempDir(), "04123")
	if err := q.Open(); err != nil {
		f.Fatal(err)
	}
	for range 40 {
		if err := q.RecordAccess("kim", []string{"table dbo.Customer"}, q.page.now); err != nil {
			f.Fatal(err)
		}
	}
	path := q.path()
	if err := q.Close(); err != nil {
		f.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	key, err := os.ReadFile(q.keyPath())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{}, uint32(0))
	f.Add(uint32(2*4096), []byte{9}, uint32(0))
	f.Add(uint32(3*4096+16), bytes.Repeat([]byte{0xff}, 16), uint32(0))
	f.Add(uint32(0), bytes.Repeat([]byte{0}, 80), uint32(5*4096))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		text := bytes.Clone(sound)
		copy(text[int(at)%len(text):], patch)
		if cut > 0 {
			text = text[:int(cut)%len(text)]
		}
		_, err := checkFile(bytes.NewReader(text), int64(len(text)), true)
		s := readSalvage(bytes.NewReader(text), int64(len(text)))
		s.eachMention(func(place, []byte) {})
		if err != nil {
			return
		}
		dir := t.TempDir()
		for name, content := range map[string][]byte{databaseName: text, keyName: key} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again := NewQueue(dir, "04123")
		if again.Open() == nil {
			_, _ = again.VerifyLedger()
			_ = again.Close()
		}
	})
}
