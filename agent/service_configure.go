package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"roagent/agent/supervisor"
)

type serviceConfigureCommand struct {
	storeFlag
	Account string `help:"The account that it runs as from now on: ${account_help}." placeholder:"ACCOUNT"`
	Start   string `help:"When it starts: automatic (with the machine) or manual." enum:"automatic,manual," default:""`
}

// Run changes what is asked for, and with --config the configuration. A service that runs is stopped for it and started
// again. Where the change fails, it is as before.
func (c serviceConfigureCommand) Run(p *program) error {
	st, err := c.installed(p)
	if err != nil {
		return err
	}
	if c.Account == "" && c.Start == "" && p.given == "" {
		return &usageError{"nothing to change was named", "name --account, --start or --config"}
	}
	if st.Packaged && (c.Account != "" || p.given != "") {
		return &usageError{st.Name + " was registered by a package, which has its account and configuration in its unit", "'systemctl edit " + st.Name + "' changes them"}
	}
	s, err := c.changed(p, st)
	if err != nil {
		return err
	}
	config, err := p.loadFor(&s)
	if err != nil {
		return err
	}
	if err := c.apply(st, s, config); err != nil {
		return c.explained(err)
	}
	fmt.Fprintf(p.stdout, "%s: account %s, start %s, configuration %s\n", s.Name, accountOf(s), startWord(s), s.Config)
	if st.State == supervisor.Running {
		return started(p, s, supervisor.Service.Start)
	}
	return nil
}

// changed returns the service as it is to be.
func (c serviceConfigureCommand) changed(p *program, st *supervisor.State) (supervisor.Service, error) {
	s := st.Service
	s.Account = cmp.Or(c.Account, s.Account)
	if c.Start != "" {
		s.Manual = c.Start == "manual"
	}
	if p.given == "" {
		return s, nil
	}
	path, err := filepath.Abs(p.given)
	s.Config = path
	return s, err
}

// apply stops the service and changes it, or leaves it as it was.
func (c serviceConfigureCommand) apply(st *supervisor.State, s supervisor.Service, config *Config) error {
	if st.State == supervisor.Running {
		if err := st.Stop(); err != nil {
			return fmt.Errorf("stop %s: %w", st.Name, err)
		}
	}
	err := s.Install(config.files(s.Config))
	if err == nil {
		return nil
	}
	if before, loadErr := LoadConfig(st.Config); loadErr == nil {
		err = errors.Join(err, st.Install(before.files(st.Config)))
	}
	if st.State == supervisor.Running {
		err = errors.Join(err, st.Start())
	}
	return err
}
