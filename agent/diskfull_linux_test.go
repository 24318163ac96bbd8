package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"roagent/upload/collector"
)

// fullDisks is how many stores find a disk full, on either side.
const fullDisks = 4

// smallDisk is a disk of its own in memory that can be filled to the last byte.
type smallDisk struct{ dir string }

// mountSmall puts a disk of 8 MiB where a folder is, with what the folder holds. It needs the right to mount.
func mountSmall(t *testing.T, dir string) *smallDisk {
	t.Helper()
	return mountSized(t, dir, 8)
}

func mountSized(t *testing.T, dir string, mebibytes int) *smallDisk {
	t.Helper()
	kept := t.TempDir()
	if err := os.CopyFS(filepath.Join(kept, "kept"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mebibytes)); err != nil {
		t.Skipf("no disk of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(kept, "kept"))); err != nil {
		t.Fatal(err)
	}
	d := &smallDisk{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries { // CopyFS widens what only the owner may read
		mode := os.FileMode(0o600)
		if e.IsDir() {
			mode = 0o700
		}
		if err := os.Chmod(filepath.Join(dir, e.Name()), mode); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// fill takes all room but for some bytes.
func (d *smallDisk) fill(t *testing.T, left int64) {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if size := int64(s.Bavail)*s.Bsize - left; size > 0 {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *smallDisk) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, "filler") }

// A disk at 0 bytes, under real processes: the pull stops with a sentence that names the folder and what to do, a pull
// after room was made goes on, and the collector holds what it holds after an undisturbed pull, once (complaints 16, 17
// and 19). Every second store begins with a disk that is full already; the others run into it, at another place each time.
func TestFullDiskUnderTheAgent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some dozens of processes: not with -short")
	}
	t.Parallel() // most of it is waiting
	program := buildRoagent(t)
	undisturbed := newRig(t, rigOptions{weeks: 2, orders: 120, batchOrders: 10})
	pull := []string{"pull", "--from", undisturbed.weeks[0].String(), "--to", undisturbed.weeks[1].String()}
	if code, _ := undisturbed.start(t, program, time.Hour, pull...); code != exitDone {
		t.Fatalf("the undisturbed pull ended with %d", code)
	}
	want := undisturbed.export(t)
	for site := range fullDisks {
		r := undisturbed.again(t)
		disk := mountSmall(t, filepath.Join(r.dir, "data"))
		left := int64(0)
		if site%2 == 1 {
			left = rand.Int64N(300 << 10)
		}
		disk.fill(t, left)
		code, out := r.output(t, program, pull...)
		if left == 0 && code != exitFailed || code != exitFailed && code != exitDone {
			t.Errorf("site %d: with %d bytes left the pull ended with %d:\n%s", site, left, code, out)
		}
		if code != exitDone {
			for _, say := range []string{"no room on the disk", disk.dir, "Make room"} {
				if !strings.Contains(out, say) {
					t.Errorf("site %d: with %d bytes left it does not say %q:\n%s", site, left, say, out)
				}
			}
		}
		for _, look := range [][]string{{"status"}, {"ledger", "verify"}} { // what needs no room works
			if code, out := r.output(t, program, look...); code != exitDone {
				t.Errorf("site %d: on a full disk, %v ended with %d:\n%s", site, look, code, out)
			}
		}
		disk.empty(t)
		if code, out := r.output(t, program, pull...); code != exitDone {
			t.Fatalf("site %d: with room again the pull ended with %d:\n%s", site, code, out)
		}
		if diff := cmp.Diff(want, r.export(t)); diff != "" {
			t.Fatalf("site %d, with %d bytes left at first, delivered something else:\n%s", site, left, diff)
		}
		r.heldOnce(t)
		r.verify(t)
	}
}

// A collector whose disk is at 0 bytes acknowledges nothing that it does not hold: the agent keeps all of it, says so with
// exit 5, and with room again the same processes end where undisturbed ones do (complaints 16 and 23).
func TestFullDiskUnderTheCollector(t *testing.T) {
	if testing.Short() {
		t.Skip("runs some dozens of processes: not with -short")
	}
	t.Parallel() // most of it is waiting
	program := buildRoagent(t)
	process := buildCollector(t)
	undisturbed := newRig(t, rigOptions{weeks: 2, orders: 120, batchOrders: 10, collector: process.serve})
	pull := []string{"pull", "--from", undisturbed.weeks[0].String(), "--to", undisturbed.weeks[1].String()}
	if code, _ := undisturbed.start(t, program, time.Hour, pull...); code != exitDone {
		t.Fatalf("the undisturbed pull ended with %d", code)
	}
	want := process.export(t, undisturbed)
	for site := range fullDisks {
		undisturbed.options.collector = func(t *testing.T) rigCollector {
			t.Helper()
			process = &collectorProcess{program: process.program}
			return process.serve(t)
		}
		r := undisturbed.again(t)
		process.kill()
		disk := mountSmall(t, process.dir)
		store, err := collector.OpenDir(process.dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		r.store = store
		if err := process.start(); err != nil {
			t.Fatal(err)
		}
		left := int64(site) * 60 << 10
		disk.fill(t, left)
		if code, out := r.output(t, program, pull...); code != exitCollector {
			t.Errorf("site %d: with %d bytes left at the collector the pull ended with %d:\n%s", site, left, code, out)
		}
		disk.empty(t)
		if code, out := r.output(t, program, "send"); code != exitDone {
			t.Fatalf("site %d: with room again the sending ended with %d:\n%s", site, code, out)
		}
		if diff := cmp.Diff(want, process.export(t, r)); diff != "" {
			t.Fatalf("site %d, with %d bytes left at first, the collector holds something else:\n%s", site, left, diff)
		}
		r.heldOnce(t)
		r.verify(t)
	}
}

// output runs a command in a process of its own, to its end.
func (r *rig) output(t *testing.T, program string, command ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	c := exec.CommandContext(t.Context(), program, append([]string{"--config", r.config}, command...)...)
	c.Stdout, c.Stderr = &b, &b
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), b.String()
}
