package collector_test

import (
	"testing"

	"roagent/upload/collector"
	"roagent/upload/collector/storetest"
)

func TestDirStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (a, b collector.Store) {
		dir := t.TempDir()
		return openDir(t, dir), openDir(t, dir)
	})
}

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) (a, b collector.Store) {
		s := collector.NewMemStore()
		return s, s
	})
}

func openDir(t *testing.T, dir string) *collector.DirStore {
	t.Helper()
	s, err := collector.OpenDir(dir)
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
