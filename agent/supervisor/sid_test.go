package supervisor

import "testing"

// The first is in the access list of every file of Windows itself.
func TestVirtualSID(t *testing.T) {
	for service, want := range map[string]string{
		"TrustedInstaller": "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
		"trustedinstaller": "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
	} {
		if got := virtualSID(service); got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
	}
}
