package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roagent/extract/sampledms"
	"roagent/upload/collector"
)

var underSystemd = flag.Bool("systemd", false, "boot machines with systemd, which takes minutes")

// TestServiceUnderSystemd boots a Debian with systemd twice (systemd-nspawn) and lives through testdata/systemd/first.sh and
// second.sh on it: roagent is installed by its own command, killed, hung, stopped, rebooted and taken away again. Each `check`
// of theirs must say ok.
func TestServiceUnderSystemd(t *testing.T) {
	if !*underSystemd {
		t.Skip("boots a machine twice: make service-test")
	}
	for _, tool := range []string{"debootstrap", "systemd-nspawn"} {
		if _, err := exec.LookPath(tool); err != nil || os.Geteuid() != 0 {
			t.Fatal("this test needs root, debootstrap and systemd-nspawn: apt-get install debootstrap systemd-container")
		}
	}
	root := filepath.Join(t.TempDir(), "machine")
	command(t, "cp", "-a", bookworm(t), root)
	furnish(t, root)
	for _, boot := range []string{"first", "second"} {
		script := filepath.Join("testdata", "systemd", boot+".sh")
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		said := bootMachine(t, root, text)
		if missing := strings.Count(string(text), "check '") - strings.Count(said, "ok: "); strings.Contains(said, "FAILED") || missing > 0 {
			t.Fatalf("%s: at least %d checks not ok:\n%s", script, missing, said)
		}
		t.Logf("%s: %d checks ok", script, strings.Count(said, "ok: "))
	}
}

// bookworm returns the folder of a Debian that boots, and is never changed. It is made once on a machine.
func bookworm(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "roagent-test", "bookworm")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "making-") //nolint:usetesting // it is renamed to what stays
	if err != nil {
		t.Fatal(err)
	}
	command(t, "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,procps", "bookworm", making)
	if err := os.Chmod(making, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(making, dir); err != nil { // another process was first
		t.Log(err)
	}
	return dir
}

// command runs a program that must succeed.
func command(t *testing.T, name string, arguments ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// furnish puts into a machine what a store has: the program, its files, a DMS whose week takes seconds to read, a collector.
func furnish(t *testing.T, root string) {
	t.Helper()
	at := func(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
	command(t, "go", "build", "-o", at("usr/bin/roagent"), ".")
	command(t, "go", "build", "-o", at("usr/bin/rocollector"), "../upload/collector/cmd/rocollector")
	last := Schedule{Zone: zone(t, "America/Los_Angeles"), Settle: 10 * time.Minute}.Ended(time.Now())
	if err := sampledms.CreateFile(t.Context(), at("srv/dms.db"), sampledms.Options{First: last, Weeks: 1, OrdersPerWeek: 30_000, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	store, err := collector.OpenDir(at("srv/collector"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := collector.OpenKey(context.Background(), store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	token, err := collector.AddDealer(context.Background(), store, rigDealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("file:collector.token", "credential:collector", "data_dir: data", "data_dir: /var/lib/roagent", "level: error", "level: info").
		Replace(fmt.Sprintf(rigConfig, rigDealer, "/srv/dms.db", "http://127.0.0.1:8080", key.Public, 500))
	for name, text := range map[string]string{
		"etc/roagent/roagent.yaml":             config,
		"etc/roagent/fieldmap.yaml":            sampledms.Whitelist,
		"srv/token":                            token,
		"etc/systemd/system/collector.service": "[Service]\nExecStart=/usr/bin/rocollector serve --listen 127.0.0.1:8080 --store /srv/collector\n[Install]\nWantedBy=multi-user.target\n",
		"etc/systemd/system/test.service":      "[Unit]\nAfter=collector.service\n[Service]\nType=exec\nExecStart=/bin/bash /boot.sh\n[Install]\nWantedBy=multi-user.target\n",
	} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wants := at("etc/systemd/system/multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"collector.service", "test.service"} {
		if err := os.Symlink("/etc/systemd/system/"+unit, filepath.Join(wants, unit)); err != nil {
			t.Fatal(err)
		}
	}
}

// bootMachine boots a machine, runs a script on it, and returns what that said once the machine is off.
func bootMachine(t *testing.T, root string, script []byte) string {
	t.Helper()
	helpers, err := os.ReadFile(filepath.Join("testdata", "systemd", "helpers.sh"))
	if err != nil {
		t.Fatal(err)
	}
	text := "exec >>/said 2>&1\n" + string(helpers) + string(script)
	if err := os.WriteFile(filepath.Join(root, "boot.sh"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	said := filepath.Join(root, "said")
	if err := os.WriteFile(said, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	machine := exec.CommandContext(ctx, "systemd-nspawn", "-D", root, "--boot", "--register=no", "--keep-unit", "--private-network", "--machine=roagent-test")
	console, err := machine.CombinedOutput()
	out, readErr := os.ReadFile(said)
	if readErr != nil || ctx.Err() != nil || len(out) == 0 {
		t.Fatalf("the machine did not boot, or did not end: %v, %v\n%s\nit said:\n%s", err, readErr, console, out)
	}
	return string(out)
}
