package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Rights of the access lists, in SDDL: all for the system and administrators (SY, BA), inherited by what is made inside.
const (
	owners = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	modify = "0x1301bf" // read, write, run, delete: everything but the access list itself
	read   = "0x1200a9" // read and run
	grant  = "(A;OICI;%s;;;%s)"
)

// ensureFolders lets the service's account read the configuration's folder and change the data folder; besides it, only the
// system and administrators may do anything there.
func (s Service) ensureFolders(files []string, made *undoing) error {
	sid, err := sidOf(s.Account)
	if err != nil {
		return fmt.Errorf("look for the account %s: %w", s.Account, err)
	}
	if err := OwnFolder(s.Data); err != nil {
		return err
	}
	if _, err := os.Stat(s.Data); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(s.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		made.add(func() error { return os.RemoveAll(s.Data) })
	}
	if s.OwnConfig() { // first: the data folder may be inside
		files = append([]string{filepath.Dir(s.Config)}, files...)
	}
	for _, path := range files {
		if err := setAccess(path, owners+fmt.Sprintf(grant, read, sid)); err != nil {
			return err
		}
	}
	return setAccess(s.Data, owners+fmt.Sprintf(grant, modify, sid))
}

// sidOf returns an account's number, S-1-….
func sidOf(account string) (string, error) {
	if domain, service, ok := strings.Cut(account, `\`); ok && strings.EqualFold(domain, virtualDomain) {
		return virtualSID(service), nil
	}
	sid, _, _, err := windows.LookupSID("", account)
	if err != nil {
		return "", err
	}
	return sid.String(), nil
}

// setAccess replaces the access list of a file or folder.
func setAccess(path, sddl string) error {
	descriptor, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return fmt.Errorf("the access list of %s: %w", path, err)
	}
	list, _, err := descriptor.DACL()
	if err == nil {
		err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
	}
	if err != nil {
		return fmt.Errorf("set the access list of %s: %w", path, err)
	}
	return nil
}

// KeepOwner has nothing to do: what is made in a folder inherits its access list.
func KeepOwner(string) error { return nil }

// strangers are the groups that every account of a machine or its domain is in.
var strangers = []windows.WELL_KNOWN_SID_TYPE{ //nolint:gochecknoglobals // a constant in all but name
	windows.WinWorldSid, windows.WinAuthenticatedUserSid, windows.WinBuiltinUsersSid, windows.WinInteractiveSid, windows.WinBuiltinGuestsSid, windows.WinAnonymousSid,
}

// CheckData says whether everybody may look into the data folder, and what mends it.
func CheckData(data string) error {
	open, err := allows(data, windows.FILE_READ_DATA)
	if err == nil && open {
		return &LooseError{data, "every account of this machine may look into it, and it holds orders", mend(data)}
	}
	return err
}

// CheckFile says whether everybody may change a configuration or whitelist, and what mends it.
func CheckFile(path string) error {
	open, err := allows(path, windows.FILE_WRITE_DATA)
	if err == nil && open {
		return &LooseError{path, "every account of this machine may change it, and with it what is read and where it goes", mend(path)}
	}
	return err
}

// CheckOwner has nothing to say: who may use what is in a folder, the folder's access list says.
func CheckOwner(string) error { return nil }

// mend is the command that takes from a path what strangers may do there, by the numbers of the groups: their names differ
// with the system's language.
func mend(path string) string {
	return fmt.Sprintf(`icacls "%s" /inheritance:d /remove:g *S-1-1-0 *S-1-5-11 *S-1-5-32-545 *S-1-5-4 *S-1-5-32-546 *S-1-5-7`, path)
}

// allows reports whether the access list of path gives any of the rights to strangers. What is not there gives none.
func allows(path string, rights windows.ACCESS_MASK) (bool, error) {
	descriptor, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the access list of %s: %w", path, err)
	}
	list, _, err := descriptor.DACL()
	if err != nil || list == nil { // no list at all: everybody may do everything
		return err == nil, nil
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return false, fmt.Errorf("read the access list of %s: %w", path, err)
		}
		const all = windows.GENERIC_ALL | windows.GENERIC_READ | windows.GENERIC_WRITE
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || entry.Mask&(rights|all) == 0 {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		for _, stranger := range strangers {
			if sid.IsWellKnown(stranger) {
				return true, nil
			}
		}
	}
	return false, nil
}
