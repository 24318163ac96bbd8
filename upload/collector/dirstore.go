package collector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"roagent/upload"
)

// DirStore is a [Store] in a folder. It holds customers' data, so its files are for the owner alone (0600).
// The file system must know hard links: they are how two processes agree on who was first.
type DirStore struct {
	root *os.Root
	sync func(*os.File) error // fsync; tests let it fail

	mu    sync.Mutex
	known map[string]bool // folders whose own names this process knows to be durable
}

// A temporary file lies in the folder of its final name, so that a rename cannot cross file systems.
const tempPrefix = ".tmp-"

// staleAfter is when a temporary file must be a crash's: no Put takes that long.
const staleAfter = 24 * time.Hour

// OpenDir opens the store in a folder and creates the folder where it is missing.
func OpenDir(dir string) (*DirStore, error) {
	if err := upload.MakeFolder(dir); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return &DirStore{root: root, sync: (*os.File).Sync, known: map[string]bool{}}, nil
}

// Close releases the folder.
func (s *DirStore) Close() error { return s.root.Close() }

// Put implements [Store].
func (s *DirStore) Put(ctx context.Context, name string, data []byte, mode PutMode) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	folder := path.Dir(name)
	if err := s.makeFolder(folder); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	err := s.place(name, data, mode)
	if err != nil && !exists(err) {
		return fmt.Errorf("put %s: %w", name, err)
	}
	// Also where the name was taken: whoever took it may not have come to this line yet, and the caller is about to
	// answer for it.
	if syncErr := s.syncFolder(folder); syncErr != nil {
		return fmt.Errorf("put %s: %w", name, syncErr)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// place writes the bytes to a temporary file and, once they are durable, gives it its name.
func (s *DirStore) place(name string, data []byte, mode PutMode) error {
	if mode == Create {
		if _, err := s.root.Lstat(name); err == nil {
			return fs.ErrExist // spares the write; Link decides where two come at once
		}
	}
	temp := path.Join(path.Dir(name), tempPrefix+rand.Text())
	if err := s.writeFile(temp, data); err != nil {
		return errors.Join(err, s.removeTemp(temp))
	}
	if mode == Replace {
		if err := s.root.Rename(temp, name); err != nil {
			return errors.Join(err, s.removeTemp(temp))
		}
		return nil
	}
	// Unlike a rename, a link fails where the name is taken, on every system, and shows the whole file at once.
	return errors.Join(s.root.Link(temp, name), s.removeTemp(temp))
}

func (s *DirStore) writeFile(name string, data []byte) (err error) {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return s.sync(f)
}

func (s *DirStore) removeTemp(name string) error {
	if err := s.root.Remove(name); !missing(err) {
		return err
	}
	return nil
}

// Get implements [Store].
func (s *DirStore) Get(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	data, err := s.root.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return data, nil
}

// List implements [Store].
func (s *DirStore) List(ctx context.Context, folder string) ([]Object, error) {
	if err := check(ctx, folder); err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	var objects []Object
	err := fs.WalkDir(s.root.FS(), folder, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			var info fs.FileInfo
			if info, err = e.Info(); err == nil {
				objects = append(objects, Object{name, info.Size(), fileVersion(info)})
			}
		}
		if missing(err) { // or removed meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return objects, nil
}

// Remove implements [Store]. One flush is enough: once the folder that name lies in does not name it any more, nothing
// below it can come back.
func (s *DirStore) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	s.forget(name)
	if err := s.root.RemoveAll(name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	err := s.syncFolder(path.Dir(name))
	if err != nil && !missing(err) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// forget makes the next Put look anew whether folders are durable that are about to be removed.
func (s *DirStore) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(folder string, _ bool) bool { return isWithin(folder, name) })
}

// isWithin reports whether a name is that of a folder or of something below it.
func isWithin(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

// makeFolder creates a folder and everything above it, durably: a file is no safer than the folder it lies in.
// Another process may have created the folder without having synced it yet, so each process does it once for itself.
func (s *DirStore) makeFolder(folder string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.root.Stat(folder); err == nil && s.known[folder] {
		return nil
	}
	if err := s.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for parent := folder; parent != "."; {
		parent = path.Dir(parent)
		if err := s.syncFolder(parent); err != nil {
			return err
		}
	}
	if err := s.removeStale(folder); err != nil {
		return err
	}
	s.known[folder] = true
	return nil
}

// removeStale removes temporary files that a crash left behind.
func (s *DirStore) removeStale(folder string) error {
	entries, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < staleAfter {
			continue // another process is at it
		}
		if err := s.removeTemp(path.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (s *DirStore) syncFolder(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f, s.sync), f.Close())
}
