package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"roagent/agent/supervisor"
	"roagent/extract/extracttest"
)

// Real files with wrong modes and owners: each is told with the command that mends it, and everything else is looked at.
func TestCheckFolders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: modes mean nothing on Windows, and its access lists are for a real one")
	}
	for name, tt := range map[string]struct {
		spoil func(*testing.T, *rig)
		exit  int
		want  map[string]string
	}{
		"data":      {func(t *testing.T, r *rig) { chmod(t, r, "data", 0o755) }, exitUsage, map[string]string{"folders": "failure others than its owner may look into it (-rwxr-xr-x), and it holds orders | run: chmod 700"}},
		"whitelist": {func(t *testing.T, r *rig) { chmod(t, r, "fieldmap.yaml", 0o666) }, exitUsage, map[string]string{"folders": "failure fieldmap.yaml: every account of this machine may change it"}},
		"configuration": {func(t *testing.T, r *rig) { chmod(t, r, "roagent.yaml", 0o606) }, exitUsage, map[string]string{
			"folders": "failure roagent.yaml: every account of this machine may change it",
		}},
		"token": {func(t *testing.T, r *rig) { chmod(t, r, "collector.token", 0o644) }, exitUsage, map[string]string{
			"secrets": "failure collector.token: every account of this machine may use", "collector": notLookedAt + "it answers, but the token",
		}},
		"client key": {func(t *testing.T, r *rig) {
			pair, file := extracttest.Certificate(t, time.Now().AddDate(1, 0, 0), "dealer")
			r.write(t, "dealer.key", extracttest.KeyText(t, pair))
			chmod(t, r, "dealer.key", 0o604)
			r.edit(t, "collector:\n", fmt.Sprintf("collector:\n  client_certificate: %q\n  client_key: dealer.key\n", file))
		}, exitUsage, map[string]string{"secrets": "failure collector.client_key: every account of this machine may use", "client certificate": "ok it is valid until"}},
		"queue's key": {func(t *testing.T, r *rig) { chmod(t, r, "data/hash.key", 0o644) }, exitFailed, map[string]string{"queue": "failure hash.key", "DMS tables": "ok "}},
		"another's": {func(t *testing.T, r *rig) {
			if err := os.Chown(filepath.Join(r.dir, "data", "hash.key"), 54321, -1); err != nil {
				t.Skipf("NOT TESTED: only root can give files away: %v", err)
			}
		}, exitUsage, map[string]string{"folders": "failure hash.key: it belongs to 54321, and the folder to root, who cannot use it | run: chown -R root: '"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{weeks: 1, orders: 20})
			r.mustRun(t, "pull") // so that all keys are there
			tt.spoil(t, r)
			lines := r.checkAs(t, tt.exit, tt.want)
			holdLines(t, lines, map[string]string{"approval": "ok ", "DMS tables": "ok ", "week": "ok "})
		})
	}
}

func chmod(t *testing.T, r *rig, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(filepath.Join(r.dir, name), mode); err != nil {
		t.Fatal(err)
	}
}

// What the service manager answers, in words: only a service that has failed is a failure.
func TestCheckServiceState(t *testing.T) {
	state := func(is string) *supervisor.State {
		return &supervisor.State{Service: supervisor.Service{Name: "roagent-north", Config: "/etc/roagent-north/roagent.yaml", Account: "roagent-north"}, State: is}
	}
	other := state(supervisor.Running)
	other.Config = "/srv/other.yaml"
	waits := state(supervisor.Running)
	waits.Says, waits.Manual = "waiting for\x1b the next pull", true
	failed := state(supervisor.Failed)
	failed.Why = "exit-code 3"
	for name, tt := range map[string]struct {
		st   *supervisor.State
		err  error
		want string
		runs bool
	}{
		"none":     {err: fmt.Errorf("x: %w", supervisor.ErrNotInstalled), want: "warning none is installed: nothing is pulled by itself | 'roagent service install --name north'"},
		"nobody":   {err: fmt.Errorf("x: %w", supervisor.ErrNoManager), want: "warning there is no service manager here"},
		"unknown":  {err: errors.New("systemctl is gone"), want: notLookedAt + "systemctl is gone"},
		"another":  {st: other, want: "warning reads /srv/other.yaml, and not this configuration"},
		"runs":     {st: state(supervisor.Running), want: "ok roagent-north runs as roagent-north, and starts with the machine", runs: true},
		"waits":    {st: waits, want: "ok is started by hand only; it says: waiting for\uFFFD the next pull", runs: true},
		"failed":   {st: failed, want: "failure roagent-north has failed (exit-code 3)"},
		"stopped":  {st: state(supervisor.Stopped), want: "warning roagent-north is stopped: nothing is pulled by itself | 'roagent service start --name north'"},
		"starting": {st: state(supervisor.Starting), want: "warning roagent-north is starting"},
	} {
		f := &findings{}
		u := &checkup{program: &program{config: "/etc/roagent-north/roagent.yaml"}}
		u.serviceState(f, tt.st, tt.err, " --name north")
		holdLines(t, f.lines, map[string]string{"service": tt.want})
		if u.runs.Load() != tt.runs || (len(f.causes) > 0) != (name == "failed") {
			t.Errorf("%s: runs %v, causes %v", name, u.runs.Load(), f.causes)
		}
	}
	if got := storeOf("/etc/roagent-north/roagent.yaml"); runtime.GOOS == "linux" && (got != "north" || storeOf("/etc/roagent/roagent.yaml") != "" || storeOf("/srv/roagent-north/roagent.yaml") != "") {
		t.Errorf("the store of a configuration is %q", got)
	}
}

// The clocks that count, and how old their rules are.
func TestCheckZones(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 20})
	r.edit(t, "path: ", "timezone: America/New_York, path: ")
	lines := r.checkAs(t, exitDone, map[string]string{"time zones": "ok (America/Los_Angeles), the DMS's "})
	holdLines(t, lines, map[string]string{"time zones": "ok (America/New_York): compare that with the wall"})

	dir := t.TempDir()
	zone := filepath.Join(dir, "zone")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("zone", "TZif2")
	if v, err := zoneVersion(dir, zone); err != nil || v.year != time.Now().Year() {
		t.Errorf("by the file's date: %v %v", v, err)
	}
	write("tzdata.zi", "# version 2019c-2\nR d 1916 o - Jun 14 23s 1 S\n")
	if v, err := zoneVersion(dir, zone); err != nil || v != (rulesVersion{"2019c-2", 2019}) {
		t.Errorf("by tzdata.zi: %v %v", v, err)
	}
	write("tzdata.zi", "# redo this\n")
	write("+VERSION", "2021a\n")
	if v, err := zoneVersion(dir, zone); err != nil || v.year != 2021 {
		t.Errorf("by +VERSION: %v %v", v, err)
	}
	if _, err := zoneVersion(dir, zone+"x"); err != nil {
		t.Errorf("with +VERSION the zone's file does not matter: %v", err)
	}
}
