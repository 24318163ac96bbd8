//go:build !windows

package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// ensureFolders gives the data folder to the service's account alone, and lets its group read the configuration's files.
func (s Service) ensureFolders(files []string, made *undoing) error {
	uid, gid, err := s.ids()
	if err != nil {
		return err
	}
	if err := s.ensureData(uid, gid, made); err != nil {
		return err
	}
	if s.OwnConfig() {
		if err := share(filepath.Dir(s.Config), gid, 0o050, made); err != nil {
			return err
		}
	}
	for _, path := range files {
		if err := share(path, gid, 0o040, made); err != nil {
			return err
		}
	}
	return nil
}

// ensureData makes the data folder, or takes one over with all that is in it.
func (s Service) ensureData(uid, gid int, made *undoing) error {
	if err := OwnFolder(s.Data); err != nil {
		return err
	}
	if _, err := os.Stat(s.Data); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(s.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		made.add(func() error { return os.RemoveAll(s.Data) }) // it has just been made
	}
	return filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := os.Lchown(path, uid, gid); err != nil {
			return fmt.Errorf("give the data folder to %s: %w", s.Account, err)
		}
		switch {
		case d.IsDir():
			return os.Chmod(path, 0o700)
		case d.Type().IsRegular():
			return os.Chmod(path, 0o600)
		}
		return nil
	})
}

// share lets a group read a file, or a folder of its own, and nobody else but the owner use it.
func share(path string, gid int, group fs.FileMode, made *undoing) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("let the service read it: %w", err)
	}
	mode := info.Mode().Perm()
	before := info.Sys().(*syscall.Stat_t)
	if mode&0o077 == group && int(before.Gid) == gid {
		return nil
	}
	made.add(func() error { return errors.Join(os.Chown(path, -1, int(before.Gid)), os.Chmod(path, mode)) })
	if err := errors.Join(os.Chown(path, -1, gid), os.Chmod(path, mode&0o700|group)); err != nil {
		return fmt.Errorf("let the service read it: %w", err)
	}
	return nil
}

// KeepOwner gives what root has just made in the data folder of a service to the account that owns the folder. Without it
// a command that root runs would leave files that the service cannot open.
func KeepOwner(data string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("whose is the data folder: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 {
		return nil
	}
	return filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // gone since the folder was listed
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 || !d.IsDir() && st.Nlink > 1 { // another name may be of another's file
			return nil
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

// CheckData says whether others than its owner may look into the data folder, and what mends it.
func CheckData(data string) error {
	info, err := os.Stat(data)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return &LooseError{data, "others than its owner may look into it (" + info.Mode().Perm().String() + "), and it holds orders", "chmod 700 '" + data + "'"}
	}
	return nil
}

// CheckFile says whether every account may change a configuration or whitelist, or the folder that it is in, and what mends it.
func CheckFile(file string) error {
	for _, path := range []string{file, filepath.Dir(file)} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return &LooseError{path, "every account of this machine may change it (" + info.Mode().Perm().String() + "), and with it what is read and where it goes", "chmod o-w '" + path + "'"}
		}
	}
	return nil
}

// CheckOwner says what in the data folder belongs to another account than the folder, which is the service's: the service
// could not open it. What is root's is left out where root asks, since [KeepOwner] mends it.
func CheckOwner(data string) error {
	info, err := os.Stat(data)
	if err != nil {
		return nil //nolint:nilerr // there is no folder yet, or whoever opens it says what is wrong
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	return filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone since the folder was listed
		}
		uid := info.Sys().(*syscall.Stat_t).Uid
		if uid == owner || uid == 0 && os.Geteuid() == 0 {
			return nil
		}
		return &LooseError{
			path, fmt.Sprintf("it belongs to %s, and the folder to %s, who cannot use it", accountName(uid), accountName(owner)),
			fmt.Sprintf("chown -R %s: '%s'", accountName(owner), data),
		}
	})
}

// accountName is the name of an account, or its number where it has none.
func accountName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
