package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"roagent/agent/supervisor"
)

// service tells whether the service of this configuration runs: without it nothing is pulled by itself. A pull by hand needs
// none, so only one that has failed is a failure.
func (u *checkup) service(_ context.Context, f *findings) {
	store := storeFlag{storeOf(u.program.config)}
	st, err := store.layout().Query()
	u.serviceState(f, st, err, store.flag())
}

// serviceState tells what the service manager has answered. flag is how the store is named on a command line.
func (u *checkup) serviceState(f *findings, st *supervisor.State, err error, flag string) {
	switch {
	case errors.Is(err, supervisor.ErrNotInstalled):
		f.warn("service", "none is installed: nothing is pulled by itself", "'roagent service install"+flag+"' installs it")
	case errors.Is(err, supervisor.ErrNoManager):
		f.warn("service", "there is no service manager here: nothing is pulled by itself, unless something else starts 'roagent run'", "'roagent run' runs it in the foreground")
	case err != nil:
		f.skip("service", err.Error())
	case !sameFile(st.Config, u.program.config):
		f.warn("service", fmt.Sprintf("the service %s of this machine reads %s, and not this configuration", st.Name, st.Config), "'roagent service configure"+flag+"' changes that; a second store is installed with --name")
	case st.State == supervisor.Running:
		u.runs.Store(true)
		starts := "starts with the machine"
		if st.Manual {
			starts = "is started by hand only"
		}
		says := ""
		if st.Says != "" {
			says = "; it says: " + printable(clipped(st.Says))
		}
		f.ok("service", "%s runs as %s, and %s%s", st.Name, accountOf(st.Service), starts, says)
	case st.State == supervisor.Failed:
		why := printable(clipped(st.Why))
		f.fail("service", &downError{st.Name + " has failed (" + why + "): nothing is pulled by itself", "'roagent service status" + flag + "' shows what it said last; then 'roagent service start" + flag + "'"})
	default:
		f.warn("service", fmt.Sprintf("%s is %s: nothing is pulled by itself", st.Name, st.State), "'roagent service start"+flag+"' starts it")
	}
}

// storeOf is the name of the store whose own folder the configuration is in; "" for a machine's only one.
func storeOf(config string) string {
	full, err := filepath.Abs(config)
	name, ours := strings.CutPrefix(filepath.Base(filepath.Dir(full)), "roagent-")
	if s, layoutErr := supervisor.Named(name); err == nil && ours && layoutErr == nil && s.Config == full {
		return name
	}
	return ""
}

func sameFile(a, b string) bool {
	full, err := filepath.Abs(b)
	return err == nil && filepath.Clean(a) == full
}

// nextRun tells when a pull comes next.
func (u *checkup) nextRun(_ context.Context, f *findings) {
	if u.consent.left != nil {
		f.skip("next run", "this store takes no part any more")
		return
	}
	schedule, err := u.site.schedule()
	if err != nil {
		f.fail("next run", err)
		return
	}
	next, err := schedule.Next(time.Now())
	if err != nil {
		f.fail("next run", err)
		return
	}
	at := next.Format("Monday 2006-01-02 15:04 MST")
	if !u.runs.Load() {
		f.warn("next run", "it would be "+at+", if the service ran", "see the service above; 'roagent pull' pulls by hand")
		return
	}
	f.ok("next run", "%s", at)
}
