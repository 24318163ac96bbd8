//go:build !windows

package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Each line has its level for the journal, and neither a time nor a level of its own.
func TestLogLevels(t *testing.T) {
	var b strings.Builder
	l, err := OpenLog("roagent", &b)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(l.Handler(slog.LevelInfo, "text")).With("week", "2026-W46")
	log.Debug("not shown")
	log.Info("read", "orders", 3)
	log.Warn("slow")
	log.Error("failed", "error", errors.New("two\nlines"))
	fmt.Fprintf(l, "roagent: it failed\n  do this\n")
	slog.New(l.Handler(slog.LevelInfo, "json")).WithGroup("g").Info("grouped", "level", 1)
	want := `<6>msg=read week=2026-W46 orders=3
<4>msg=slow week=2026-W46
<3>msg=failed week=2026-W46 error="two\nlines"
<3>roagent: it failed
<3>  do this
<6>{"msg":"grouped","g":{"level":1}}
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}

// What is written into a unit is read back from it.
func TestUnitIsReadBack(t *testing.T) {
	for _, odd := range []string{"/srv/plain", `/srv/a "b" 100% $x`, `/srv/back\\slash\"`, `/srv/$$%%`, `/srv/\`} {
		s := Service{Name: "roagent", Binary: odd + "/roagent", Config: odd + "/roagent.yaml", Data: odd, Account: "roagent"}
		text, err := s.Unit()
		if err != nil {
			t.Fatal(err)
		}
		if binary, config, data := parseUnit(text); binary != s.Binary || config != s.Config || data != s.Data {
			t.Errorf("%q is read back as %q, %q, %q", odd, binary, config, data)
		}
	}
}
