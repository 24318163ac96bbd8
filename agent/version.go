package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build: -ldflags "-X main.version=1.2.3". Without it the module's own is used.
//
//nolint:gochecknoglobals // the linker can set nothing else
var version = ""

type versionCommand struct{}

func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintf(p.stdout, "roagent %s %s %s/%s\n", agentVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// agentVersion returns the version that is printed and sent: 1.2.3, or the revision of a build without one.
func agentVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
