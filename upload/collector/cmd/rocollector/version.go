package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build: -ldflags "-X main.version=1.2.3". Without it the module's own is used.
//
//nolint:gochecknoglobals // the linker can set nothing else
var version = ""

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(_ context.Context, s streams) error {
	_, err := fmt.Fprintf(s.stdout, "rocollector %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion returns the version that is printed: 1.2.3, or the revision of a build without one.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
