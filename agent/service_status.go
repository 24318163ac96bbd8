package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"roagent/agent/supervisor"
)

type serviceStatusCommand struct {
	storeFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// serviceStatus is what service status tells.
type serviceStatus struct {
	Service   string    `json:"service"`
	Installed bool      `json:"installed"`
	State     string    `json:"state"` // running, starting, stopping, stopped, failed; "" where it is not installed
	Since     time.Time `json:"since,omitzero"`
	PID       int       `json:"pid,omitempty"`
	Why       string    `json:"why,omitempty"`     // it failed
	AtWork    string    `json:"at_work,omitempty"` // what it does now, or waits for
	Account   string    `json:"account,omitempty"`
	Start     string    `json:"start,omitempty"` // automatic, manual
	Packaged  bool      `json:"packaged"`        // a package brought it
	Config    string    `json:"configuration,omitempty"`
	Data      string    `json:"data,omitempty"`
	Said      []string  `json:"said,omitempty"` // last, before it failed
}

// downError says that a service does not run.
type downError struct{ message, hint string }

func (e *downError) Error() string { return withHint(e.message, e.hint) }

// Run ends with exit code 0 only where the service runs.
func (c serviceStatusCommand) Run(p *program) error {
	s, err := c.service(p)
	if err != nil {
		return err
	}
	st, err := s.Query()
	if errors.Is(err, supervisor.ErrNotInstalled) {
		if c.JSON {
			if err := printJSON(p.stdout, &serviceStatus{Service: s.Name}); err != nil {
				return err
			}
		}
		return &downError{s.Name + " is not installed", "'roagent service install" + c.flag() + "' installs it"}
	}
	if err != nil {
		return c.explained(err)
	}
	told := newServiceStatus(p, st)
	if c.JSON {
		err = printJSON(p.stdout, told)
	} else {
		err = told.print(p)
	}
	if err != nil || st.State == supervisor.Running {
		return err
	}
	return &downError{st.Name + " does not run", "'roagent service start" + c.flag() + "' starts it"}
}

func newServiceStatus(p *program, st *supervisor.State) *serviceStatus {
	told := &serviceStatus{
		Service: st.Name, Installed: true, State: st.State, Since: st.Since, PID: st.PID, Why: st.Why,
		Account: accountOf(st.Service), Start: startWord(st.Service), Packaged: st.Packaged, Config: st.Config, Data: st.Data,
	}
	if config, err := LoadConfig(st.Config); err == nil {
		told.Data = config.DataDir
	}
	if st.State == supervisor.Running {
		if told.AtWork = st.Says; told.AtWork == "" {
			told.AtWork = nextPull(p, st.Config)
		}
	}
	if st.State == supervisor.Failed || st.Why != "" {
		told.Said = strings.Split(st.LastLines(5), "\n")
	}
	return told
}

// nextPull says when the next pull is due, where the manager does not carry the service's own words.
func nextPull(p *program, config string) string {
	q := *p
	q.config = config
	s, err := q.openSite()
	if isLocked(err) {
		return "at work"
	}
	if err != nil {
		return ""
	}
	defer s.close()
	schedule, err := s.schedule()
	if err != nil {
		return ""
	}
	next, err := schedule.Next(p.now())
	if err != nil {
		return ""
	}
	return job{at: next, pull: true}.String()
}

func (s *serviceStatus) print(p *program) error {
	state := s.State
	if s.PID > 0 {
		state += fmt.Sprintf(", process %d", s.PID)
	}
	if !s.Since.IsZero() {
		state += ", since " + s.Since.Local().Format("2006-01-02 15:04:05 MST")
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{s.Service, state},
		{"failed", s.Why},
		{"now", s.AtWork},
		{"account", s.Account},
		{"start", s.Start},
		{"configuration", s.Config},
		{"data", s.Data},
	} {
		if line[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	if len(s.Said) > 0 {
		fmt.Fprintf(p.stdout, "it said last:\n    %s\n", strings.Join(s.Said, "\n    "))
	}
	return nil
}
