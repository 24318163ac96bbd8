package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"roagent/agent/supervisor"
)

type serviceInstallCommand struct {
	storeFlag
	Account string `help:"The account that it runs as: ${account_help}. Without it: one of its own." placeholder:"ACCOUNT"`
	Manual  bool   `help:"Do not start it with the machine."`
	Now     bool   `help:"Start it now, too."`
	Print   bool   `help:"Print the systemd unit as packages ship it, and do nothing."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Run can be repeated: what is there stays as it is, and what is loose is mended. What another run made differently is
// changed by 'service configure' alone.
func (c serviceInstallCommand) Run(p *program) error {
	if c.Print {
		return c.print(p)
	}
	s, err := c.changing(p)
	if err != nil {
		return err
	}
	if s.Binary, err = executable(); err != nil {
		return err
	}
	before, err := s.Query()
	if err != nil && !errors.Is(err, supervisor.ErrNotInstalled) {
		return err
	}
	if before != nil {
		if err := c.same(before, p.given); err != nil {
			return err
		}
		s.Config, s.Account, s.Manual = before.Config, before.Account, before.Manual && !before.Packaged
	}
	s.Account = cmp.Or(c.Account, s.Account)
	s.Manual = s.Manual || c.Manual
	config, err := p.loadFor(&s)
	if err != nil {
		return err
	}
	if before != nil && before.Packaged && before.Data != s.Data {
		return &usageError{
			fmt.Sprintf("data_dir is %s, but the package's service may write %s only", s.Data, before.Data),
			"set data_dir: " + before.Data + " in " + s.Config,
		}
	}
	if err := s.Install(config.files(s.Config)); err != nil {
		return c.explained(err)
	}
	return c.report(p, s, before != nil)
}

func (c serviceInstallCommand) print(p *program) error {
	s, err := c.service(p)
	if err != nil {
		return err
	}
	text, err := s.Unit()
	if err == nil {
		fmt.Fprint(p.stdout, text)
	}
	return err
}

// same refuses to install a service that is there with something else.
func (c serviceInstallCommand) same(before *supervisor.State, config string) error {
	change := "'roagent service configure" + c.flag()
	if config != "" {
		if path, err := filepath.Abs(config); err != nil || path != before.Config {
			return &usageError{before.Name + " is installed already, with the configuration " + before.Config, change + " --config " + config + "' changes it; --name NAME installs another store"}
		}
	}
	if c.Account != "" && c.Account != before.Account {
		return &usageError{before.Name + " is installed already, and runs as " + accountOf(before.Service), change + " --account " + c.Account + "' changes it"}
	}
	return nil
}

func (c serviceInstallCommand) report(p *program, s supervisor.Service, again bool) error {
	if c.JSON {
		st, err := s.Query()
		if err != nil {
			return err
		}
		if c.Now && st.State != supervisor.Running {
			if err := started(&program{stdout: p.stderr}, s, supervisor.Service.Start); err != nil {
				return err
			}
			if st, err = s.Query(); err != nil {
				return err
			}
		}
		return printJSON(p.stdout, newServiceStatus(p, st))
	}
	done := "installed"
	if again {
		done = "was installed already; its account, folders and registration are as they should be"
	}
	fmt.Fprintf(p.stdout, "%s %s\n  account        %s\n  configuration  %s\n  data           %s\n  start          %s\n",
		s.Name, done, accountOf(s), s.Config, s.Data, startWord(s))
	if c.Now {
		return started(p, s, supervisor.Service.Start)
	}
	fmt.Fprintf(p.stdout, "start it now: roagent service start%s\n", c.flag())
	return nil
}

// executable returns this very program's path.
func executable() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("where is this program: %w", err)
	}
	return path, nil
}
