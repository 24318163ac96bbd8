//go:build !windows

package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kardianos/service"
)

// units is where a machine's own units are; those of packages are elsewhere.
const units = "/etc/systemd/system"

// MayChange says why this process may not change services, if it may not.
func MayChange() error {
	if err := managed(); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: only root may", ErrRights)
	}
	return nil
}

func managed() error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return fmt.Errorf("%w: systemd does not run this machine", ErrNoManager)
	}
	return nil
}

// Query asks how the service is. ErrNotInstalled is in the error where there is none.
func (s Service) Query() (*State, error) {
	if err := managed(); err != nil {
		return nil, err
	}
	out, err := exec.Command("systemctl", "show", s.Name+".service", "--timestamp=unix",
		"--property=LoadState,ActiveState,MainPID,StateChangeTimestamp,UnitFileState,FragmentPath,User,StatusText,Result,ExecMainStatus").Output()
	if err != nil {
		return nil, fmt.Errorf("ask systemd for %s: %w", s.Name, err)
	}
	shown := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		shown[key] = value
	}
	if shown["LoadState"] == "not-found" {
		return nil, fmt.Errorf("%s: %w", s.Name, ErrNotInstalled)
	}
	return s.state(shown)
}

// state reads what systemctl shows, and the unit for what it does not show unambiguously.
func (s Service) state(shown map[string]string) (*State, error) {
	text, err := os.ReadFile(shown["FragmentPath"])
	if err != nil {
		return nil, fmt.Errorf("read the unit of %s: %w", s.Name, err)
	}
	s.Binary, s.Config, s.Data = parseUnit(string(text))
	s.Account = shown["User"]
	s.Manual = shown["UnitFileState"] != "enabled"
	st := &State{Service: s, Says: shown["StatusText"], Packaged: filepath.Dir(shown["FragmentPath"]) != units}
	states := map[string]string{"active": Running, "reloading": Running, "activating": Starting, "deactivating": Stopping, "failed": Failed}
	st.State = cmp.Or(states[shown["ActiveState"]], Stopped)
	st.PID, _ = strconv.Atoi(shown["MainPID"])
	if at, err := strconv.ParseInt(strings.TrimPrefix(shown["StateChangeTimestamp"], "@"), 10, 64); err == nil {
		st.Since = time.Unix(at, 0)
	}
	if shown["Result"] != "success" {
		st.Why = shown["Result"]
		if st.Why == "exit-code" {
			st.Why += " " + shown["ExecMainStatus"]
		}
	}
	return st, nil
}

var unitLines = regexp.MustCompile(`(?m)^(ExecStart|ReadWritePaths)=("(?:[^"\\]|\\.)*")(?: run --config ("(?:[^"\\]|\\.)*") )?`)

// parseUnit reads back what Unit has written.
func parseUnit(text string) (binary, config, data string) {
	for _, m := range unitLines.FindAllStringSubmatch(text, -1) {
		if m[1] == "ExecStart" {
			binary, config = unquote(m[2]), strings.ReplaceAll(unquote(m[3]), "$$", "$")
		} else {
			data = unquote(m[2])
		}
	}
	return binary, config, data
}

func unquote(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `%%`, `%`, `"`, ``).Replace(s)
}

// Install makes the account and the folders, tries that the account can read files, and registers the service. Where a step
// fails, what it made is taken back. It can be done again: what is there stays, and what is loose is mended.
func (s Service) Install(files []string) error {
	var made undoing
	return made.after(s.install(files, &made))
}

func (s Service) install(files []string, made *undoing) error {
	if err := s.visible(); err != nil {
		return err
	}
	if err := s.ensureAccount(made); err != nil {
		return err
	}
	if err := s.ensureFolders(files, made); err != nil {
		return err
	}
	if err := s.tryAccount(); err != nil {
		return err
	}
	return s.register(made)
}

// visible refuses paths that the unit hides from the service: other accounts' homes and temporary files.
func (s Service) visible() error {
	for _, path := range []string{s.Binary, s.Config, s.Data} {
		for _, hidden := range []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"} {
			if strings.HasPrefix(path, hidden) {
				return &PathError{path, "the service does not see " + hidden}
			}
		}
	}
	return nil
}

// register writes the unit and has the service started with the machine.
func (s Service) register(made *undoing) error {
	text, err := s.Unit()
	if err != nil {
		return err
	}
	switch st, err := s.Query(); {
	case err == nil && st.Packaged:
	case err == nil:
		if err := s.rewrite(text, made); err != nil {
			return err
		}
	case errors.Is(err, ErrNotInstalled):
		c, err := s.control(service.Config{
			Executable:  s.Binary,
			Description: text, // kardianos puts its values in as they are, but reads a template anew
			Option:      service.KeyValue{"SystemdScript": "{{Description}}"},
		})
		if err != nil {
			return err
		}
		made.add(func() error { return s.deregister() })
		if err := c.Install(); err != nil {
			return fmt.Errorf("register %s: %w", s.Name, err)
		}
	default:
		return err
	}
	enable := "enable"
	if s.Manual {
		enable = "disable"
	}
	return systemctl(enable, s.Name+".service")
}

// rewrite replaces the unit of a service that is there.
func (s Service) rewrite(text string, made *undoing) error {
	path := filepath.Join(units, s.Name+".service")
	before, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the unit: %w", err)
	}
	if string(before) == text {
		return nil
	}
	made.add(func() error { return errors.Join(os.WriteFile(path, before, 0o644), systemctl("daemon-reload")) })
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the unit: %w", err)
	}
	return systemctl("daemon-reload")
}

// awaitStart has nothing to wait for: systemctl comes back when the service is up, or has failed.
func (Service) awaitStart() error { return nil }

// Uninstall stops the service and takes its registration away. Its account, configuration and data stay.
func (s Service) Uninstall() error {
	if err := s.Stop(); err != nil {
		return fmt.Errorf("stop %s: %w", s.Name, err)
	}
	return s.deregister()
}

func (s Service) deregister() error {
	c, err := s.control(service.Config{})
	if err != nil {
		return err
	}
	if err := c.Uninstall(); err != nil {
		return fmt.Errorf("take %s away: %w", s.Name, err)
	}
	_ = systemctl("reset-failed", s.Name+".service") // which fails where it has not failed
	return nil
}

// LastLines returns what the service said last, or "".
func (s Service) LastLines(n int) string {
	out, err := exec.Command("journalctl", "--unit="+s.Name+".service", "--lines="+strconv.Itoa(n), "--output=cat", "--no-pager", "--quiet").Output()
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(out), "\n")
}

func systemctl(arguments ...string) error {
	out, err := exec.Command("systemctl", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
