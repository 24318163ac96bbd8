package collector

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func openDir(t *testing.T, dir string) *DirStore {
	t.Helper()
	s, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Complaint 23: nothing is acknowledged before it is durable. Each failing fsync, of the file and of every folder
// above it, must fail the Put, and a file that was not flushed must not get its name.
func TestDirStorePutIsDurableOrFails(t *testing.T) {
	const name = "dealers/04123/2026-W46/batches/x"
	flushes := 0
	probe := openDir(t, t.TempDir())
	probe.sync = func(*os.File) error { flushes++; return nil }
	if err := probe.Put(t.Context(), name, []byte("x"), Create); err != nil {
		t.Fatal(err)
	}
	// The file, the folder of its name, and the folders of the names of dealers, 04123, 2026-W46 and batches.
	if want := 6; flushes != want {
		t.Fatalf("a first Put flushes %d times, want %d", flushes, want)
	}
	for failing := range flushes {
		s := openDir(t, t.TempDir())
		broken := errors.New("disk is gone")
		n := 0
		s.sync = func(*os.File) error {
			if n++; n == failing+1 {
				return broken
			}
			return nil
		}
		if err := s.Put(t.Context(), name, []byte("x"), Create); !errors.Is(err, broken) {
			t.Errorf("flush %d failed: got %v", failing+1, err)
		}
		s.sync = (*os.File).Sync
		if err := s.Put(t.Context(), name, []byte("x"), Create); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Errorf("after flush %d had failed: %v", failing+1, err)
		}
	}
}

// A Put that finds the name taken answers for what another process stored: it must be durable as well.
func TestDirStorePutFlushesTheFolderOfATakenName(t *testing.T) {
	dir := t.TempDir()
	first, second := openDir(t, dir), openDir(t, dir)
	if err := first.Put(t.Context(), "d/x", []byte("x"), Create); err != nil {
		t.Fatal(err)
	}
	flushed := map[string]bool{}
	second.sync = func(f *os.File) error { flushed[filepath.Base(f.Name())] = true; return f.Sync() }
	if err := second.Put(t.Context(), "d/x", []byte("x"), Create); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	if !flushed["d"] {
		t.Errorf("the folder of a taken name was not flushed, only %v", flushed)
	}
	broken := errors.New("disk is gone")
	second.sync = func(*os.File) error { return broken }
	if err := second.Put(t.Context(), "d/x", []byte("x"), Create); !errors.Is(err, broken) || errors.Is(err, fs.ErrExist) {
		t.Errorf("its folder could not be flushed: got %v, which says that what is there is durable", err)
	}
}

func TestDirStoreLeavesNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir)
	s.sync = func(f *os.File) error { return errors.New("disk is gone") }
	if err := s.Put(t.Context(), "x", nil, Create); err == nil {
		t.Error("a Put without flushes succeeded")
	}
	s.sync = (*os.File).Sync
	for _, mode := range []PutMode{Create, Create, Replace, Replace} {
		if err := s.Put(t.Context(), "x", nil, mode); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("got %v, want x alone", entries)
	}
}

func TestDirStoreRemovesWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(dir, "d", tempPrefix+"old"), filepath.Join(dir, "d", tempPrefix+"young")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	s := openDir(t, dir)
	if err := s.Put(t.Context(), "d/x", nil, Create); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("another process may be writing the young one: %v", err)
	}
	if names, err := s.List(t.Context(), "d"); err != nil || len(names) != 1 {
		t.Errorf("listed are %v, %v, want d/x alone", names, err)
	}
}

// What a crash left half written holds customers' data too, and goes with the rest. A removal whose folder was not flushed
// is none.
func TestDirStoreRemoveIsWholeAndDurable(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir)
	if err := s.Put(t.Context(), "d/e/x", []byte("x"), Create); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d", "e", tempPrefix+"crash"), []byte("half an order"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk is gone")
	s.sync = func(*os.File) error { return broken }
	if err := s.Remove(t.Context(), "d"); !errors.Is(err, broken) {
		t.Errorf("its folder could not be flushed: got %v", err)
	}
	flushed := ""
	s.sync = func(f *os.File) error { flushed = f.Name(); return f.Sync() }
	if err := s.Remove(t.Context(), "d"); err != nil {
		t.Error(err)
	}
	if want := filepath.Base(dir); filepath.Base(filepath.Clean(flushed)) != want {
		t.Errorf("flushed was %q, want the folder %s that named it", flushed, want)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
	// The next Put makes sure of the folder anew, also where another process has just made it.
	if err := os.MkdirAll(filepath.Join(dir, "d", "e"), 0o700); err != nil {
		t.Fatal(err)
	}
	flushes := 0
	s.sync = func(f *os.File) error { flushes++; return f.Sync() }
	if err := s.Put(t.Context(), "d/e/x", []byte("x"), Create); err != nil {
		t.Fatal(err)
	}
	if want := 4; flushes != want { // the file, its folder, and the folders of the names d and e
		t.Errorf("a Put after a removal flushes %d times, want %d", flushes, want)
	}
}

func TestDirStoreFilesAreTheOwnersAlone(t *testing.T) {
	if os.PathSeparator == '\\' {
		t.Skip("Windows has no mode bits; the folder's ACL decides")
	}
	dir := filepath.Join(t.TempDir(), "store")
	s := openDir(t, dir)
	if err := s.Put(t.Context(), "d/x", []byte("x"), Create); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700 | os.ModeDir, "d": 0o700 | os.ModeDir, "d/x": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", name, info.Mode(), want)
		}
	}
}

// A link planted in the store must not lead out of it.
func TestDirStoreDoesNotFollowLinksOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "d")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	s := openDir(t, dir)
	if err := s.Put(t.Context(), "d/x", []byte("x"), Create); err == nil {
		t.Error("a Put went out of the store")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside the store: %v, %v", entries, err)
	}
}
