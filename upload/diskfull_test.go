//go:build linux

package upload_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roagent/upload"
)

// TestDiskFull fills a small disk of its own: the page that does not fit is not stored, the queue stays usable, and
// with room again the same process goes on. It needs the right to mount.
func TestDiskFull(t *testing.T) {
	s := &site{t: t, log: t.Output(), dir: t.TempDir()}
	if err := unix.Mount("tmpfs", s.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no disk of its own: %v; TestDiskFullLimit tests the same with a limit", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.queue.Close(), unix.Unmount(s.dir, 0)); err != nil {
			t.Error(err)
		}
	})
	s.connect(t)
	stored := s.fill()
	if pending, err := s.queue.Pending(); err != nil || pending.Orders != stored {
		t.Errorf("%d orders were stored, %+v wait: %v", stored, pending, err)
	}
	s.sound()
	if err := unix.Mount("tmpfs", s.dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	p := s.begin("2026-W46")
	s.store(p, nil, benchOrders(stored, 50)...)
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.send()
	if held := s.collector.Held(); len(held) != stored+50 {
		t.Errorf("%d orders are held, want %d", len(held), stored+50)
	}
	s.sound()
}

// fill stores pages until the disk is full, and returns how many orders were stored.
func (s *site) fill() int {
	s.t.Helper()
	p := s.begin("2026-W46")
	for n := 0; n < 10000; n += 50 {
		_, err := p.Store(s.page(p, []byte("x"), benchOrders(n, 50)...))
		var full *upload.DiskFullError
		switch {
		case err == nil:
		case errors.As(err, &full) && strings.Contains(err.Error(), s.dir):
			return n
		default:
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("the disk is never full")
	return 0
}

func runLimited(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestDiskFullLimit$")
	cmd.Env = append(os.Environ(), "ROAGENT_TEST_LIMIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDiskFullLimit does the same with a limit on the size of files, in a process of its own: limits stay.
func TestDiskFullLimit(t *testing.T) {
	if os.Getenv("ROAGENT_TEST_LIMIT") == "" {
		runLimited(t)
		return
	}
	s := &site{t: t, log: t.Output(), dir: t.TempDir()}
	s.connect(t)
	limit := unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	stored := s.fill()
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	p := s.begin("2026-W46")
	s.store(p, nil, benchOrders(stored, 50)...)
	s.send()
	if held := s.collector.Held(); len(held) != stored+50 {
		t.Errorf("%d orders are held, want %d", len(held), stored+50)
	}
	s.sound()
	if err := s.queue.Close(); err != nil {
		t.Error(err)
	}
}
