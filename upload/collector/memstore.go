package collector

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// MemStore is a [Store] in memory, for tests: it does no I/O, so a [Handler] on it runs inside testing/synctest
// bubbles. What it holds is gone with the process.
type MemStore struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// NewMemStore returns an empty MemStore.
func NewMemStore() *MemStore { return &MemStore{objects: map[string][]byte{}} }

// Put implements [Store].
func (s *MemStore) Put(ctx context.Context, name string, data []byte, mode PutMode) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.objects[name]; taken && mode == Create {
		return fmt.Errorf("put %s: %w", name, fs.ErrExist)
	}
	s.objects[name] = slices.Clone(data)
	return nil
}

// Get implements [Store].
func (s *MemStore) Get(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.objects[name]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
	}
	return slices.Clone(data), nil
}

// List implements [Store].
func (s *MemStore) List(ctx context.Context, folder string) ([]Object, error) {
	if err := check(ctx, folder); err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var objects []Object
	for name, data := range s.objects {
		if strings.HasPrefix(name, folder+"/") {
			objects = append(objects, Object{name, int64(len(data)), digestOf(data)})
		}
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return objects, nil
}

// Remove implements [Store].
func (s *MemStore) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.objects, func(object string, _ []byte) bool { return isWithin(object, name) })
	return nil
}

// check is what every store does first.
func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckName(name)
}
