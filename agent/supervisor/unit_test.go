package supervisor

import (
	"runtime"
	"strings"
	"testing"
)

// Paths with spaces, quotes and what systemd gives a meaning are taken as they are.
func TestUnitQuotesPaths(t *testing.T) {
	s := Service{
		Name: "roagent-x", Binary: `/opt/r o"a/100%/roagent`, Config: `/srv/$HOME/back\slash's/roagent.yaml`, Data: `/srv/$d %h "q"`, Account: "roagent-x",
	}
	text, err := s.Unit()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`ExecStart="/opt/r o\"a/100%%/roagent" run --config "/srv/$$HOME/back\\slash's/roagent.yaml" --service roagent-x` + "\n",
		`ReadWritePaths="/srv/$d %%h \"q\""` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit lacks %s:\n%s", want, text)
		}
	}
	s.Data = "/srv/a\nExecStartPre=/bin/sh"
	if text, err := s.Unit(); err == nil {
		t.Errorf("a line break in a path gives a unit:\n%s", text)
	}
}

func TestNamed(t *testing.T) {
	for _, name := range []string{"A", "a b", "-a", "a-", "a_b", "../a", "a.b", strings.Repeat("a", 24), "é"} {
		if s, err := Named(name); err == nil {
			t.Errorf("%q is taken for a name: %+v", name, s)
		}
	}
	seen := map[string]bool{}
	for _, name := range []string{"", "a", "north-2", strings.Repeat("a", 23)} {
		s, err := Named(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for _, own := range []string{s.Config, s.Data, s.Account} {
			if seen[own] {
				t.Errorf("%q shares %s with another store", name, own)
			}
			seen[own] = true
		}
		if len(s.Name) > 32 { // the account has that name there
			t.Errorf("%s is too long for an account of Linux", s.Name)
		}
	}
}

func TestDataOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folders of Linux")
	}
	for config, want := range map[string]string{
		"/etc/roagent/roagent.yaml":       "/var/lib/roagent",
		"/etc/roagent-north/roagent.yaml": "/var/lib/roagent-north",
		"/etc/roagent/other.yaml":         "/etc/roagent/data",
		"/home/dana/roagent/roagent.yaml": "/home/dana/roagent/data",
	} {
		if got := DataOf(config); got != want {
			t.Errorf("%s: %s, want %s", config, got, want)
		}
	}
}
