package supervisor

import (
	"strings"

	"golang.org/x/sys/windows"
)

// AccountHelp says what --account takes, RightsHint what to do without rights, NoAccount who runs a service without an account.
const (
	AccountHelp = `a group managed service account as DOMAIN\NAME$, which has no password to keep`
	RightsHint  = "open the command prompt with 'Run as administrator'"
	NoAccount   = "LocalSystem"
)

// ensureAccount refuses accounts that do not exist. A virtual account exists with its service.
func (s Service) ensureAccount() error {
	if strings.EqualFold(s.Account, layout(s.Name).Account) {
		return nil
	}
	if _, _, _, err := windows.LookupSID("", s.Account); err != nil {
		return &AccountError{s.Account}
	}
	if !strings.HasSuffix(s.Account, "$") {
		return &PathError{s.Account, "it is not a managed account, and would need a password that nobody renews"}
	}
	return nil
}

// RemoveAccount has nothing to do: a virtual account goes with its service.
func (Service) RemoveAccount() (gone bool, err error) { return false, nil }
