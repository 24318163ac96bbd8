//go:build !windows

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// AccountHelp says what --account takes, RightsHint what to do without rights, NoAccount who runs a service without an account.
const (
	AccountHelp = "an account of this machine"
	RightsHint  = "run it again with sudo"
	NoAccount   = "root"
)

// ensureAccount makes the service's account, one that nobody can sign in with, where there is none.
func (s Service) ensureAccount(made *undoing) error {
	_, err := user.Lookup(s.Account)
	if err == nil {
		return nil
	}
	if !errors.As(err, new(user.UnknownUserError)) {
		return fmt.Errorf("look for the account %s: %w", s.Account, err)
	}
	if s.Account != s.Name {
		return &AccountError{s.Account}
	}
	out, err := exec.Command("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", s.Data, "--shell", "/usr/sbin/nologin", s.Account).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the account %s: %w: %s", s.Account, err, strings.TrimSpace(string(out)))
	}
	made.add(func() error {
		_, err := s.RemoveAccount()
		return err
	})
	return nil
}

// RemoveAccount takes away the account that ensureAccount made, and says whether there was one; another account stays.
func (s Service) RemoveAccount() (gone bool, err error) {
	if _, err := user.Lookup(s.Account); err != nil || s.Account != s.Name {
		return false, nil
	}
	if out, err := exec.Command("userdel", s.Account).CombinedOutput(); err != nil {
		return false, fmt.Errorf("take the account %s away: %w: %s", s.Account, err, strings.TrimSpace(string(out)))
	}
	return true, nil
}

// ids returns the numbers of the service's account and its group.
func (s Service) ids() (uid, gid int, err error) {
	u, err := user.Lookup(s.Account)
	if err != nil {
		return 0, 0, fmt.Errorf("look for the account %s: %w", s.Account, err)
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

// tryAccount reads the configuration and the whitelist as the service's account, with the service's own program.
func (s Service) tryAccount() error {
	uid, gid, err := s.ids()
	if err != nil {
		return err
	}
	c := exec.Command(s.Binary, "fieldmap", "show", "--config", s.Config)
	c.Dir, c.Env = "/", append(os.Environ(), "NO_COLOR=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}}
	var said strings.Builder
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return &PathError{s.Config, fmt.Sprintf("the account %s cannot use it (%v): %s", s.Account, err, strings.TrimSpace(said.String()))}
	}
	return nil
}
