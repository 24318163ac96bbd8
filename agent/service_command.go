package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"roagent/agent/supervisor"
)

// serviceCommand has what is done to the machine's service.
type serviceCommand struct {
	Install   serviceInstallCommand   `cmd:"" help:"Register the service: its account, its folders, its start with the machine."`
	Uninstall serviceUninstallCommand `cmd:"" help:"Stop the service and take it away. Its configuration and data stay, but for --purge."`
	Start     serviceStartCommand     `cmd:"" help:"Start the service."`
	Stop      serviceStopCommand      `cmd:"" help:"Stop the service, at a safe point."`
	Restart   serviceRestartCommand   `cmd:"" help:"Stop the service and start it again."`
	Status    serviceStatusCommand    `cmd:"" help:"Tell whether the service runs, as whom, on what, and what comes next."`
	Configure serviceConfigureCommand `cmd:"" help:"Change the account, the start or the configuration of the service."`
}

// storeFlag chooses the store on a machine that has several.
type storeFlag struct {
	Name string `help:"The store, where this machine has several: each has its own service, account, configuration and data." placeholder:"NAME"`
}

// service returns the store's service as it is laid out on this system, with the configuration that was asked for.
func (f storeFlag) service(p *program) (supervisor.Service, error) {
	s, err := supervisor.Named(f.Name)
	if errors.Is(err, supervisor.ErrName) {
		return s, &usageError{err.Error(), "write it like --name northside"}
	}
	if err == nil && p.given != "" {
		s.Config, err = filepath.Abs(p.given)
	}
	return s, err
}

// changing is service for a command that changes something.
func (f storeFlag) changing(p *program) (supervisor.Service, error) {
	s, err := f.service(p)
	if err == nil {
		err = f.explained(supervisor.MayChange())
	}
	return s, err
}

// installed returns the store's service as it is registered, for a command that changes something.
func (f storeFlag) installed(p *program) (*supervisor.State, error) {
	s, err := f.changing(p)
	if err != nil {
		return nil, err
	}
	st, err := s.Query()
	return st, f.explained(err)
}

// explained adds to what keeps the service from being changed what to do about it.
func (f storeFlag) explained(err error) error {
	hint := ""
	var (
		path    *supervisor.PathError
		account *supervisor.AccountError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, supervisor.ErrRights):
		hint = supervisor.RightsHint
	case errors.Is(err, supervisor.ErrNoManager):
		hint = "'roagent run' runs it in the foreground, under whatever starts programs here"
	case errors.Is(err, supervisor.ErrNotInstalled):
		hint = "'roagent service install" + f.flag() + "' installs it"
	case errors.As(err, &path):
		hint = "use another folder: the configuration in " + filepath.Dir(f.layout().Config) + ", data_dir: " + f.layout().Data + ", the program as " + f.layout().Binary
	case errors.As(err, &account):
		hint = "make it first, or leave --account out: the service then has an account of its own"
	default:
		return err
	}
	return &usageError{err.Error(), hint}
}

// flag is how the store is named on a command line.
func (f storeFlag) flag() string {
	if f.Name == "" {
		return ""
	}
	return " --name " + f.Name
}

func (f storeFlag) layout() supervisor.Service {
	s, _ := supervisor.Named(f.Name)
	return s
}

// loadFor reads the configuration and the whitelist of a service, and fills in where its data is.
func (p *program) loadFor(s *supervisor.Service) (*Config, error) {
	p.config = s.Config
	config, plan, err := p.load()
	if err != nil {
		return nil, err
	}
	s.Data = config.DataDir
	return config, checkForbidden(config, plan)
}

// files are those that the configuration names and the service must be able to read.
func (c *Config) files(config string) []string {
	names := []string{config, c.Fieldmap, c.DMS.Certificate, c.Collector.CA, c.Collector.ClientCertificate, c.Collector.ClientKey}
	for _, s := range []Secret{c.DMS.Password, c.Collector.Token} {
		if s.kind == fileSecret {
			names = append(names, s.name)
		}
	}
	var files []string
	for _, name := range names {
		if _, err := os.Stat(name); name != "" && err == nil { // what is missing, its use says
			files = append(files, name)
		}
	}
	return files
}

// started starts the service with the given action. A service that does not come up has said why.
func started(p *program, s supervisor.Service, start func(supervisor.Service) error) error {
	if err := start(s); err != nil {
		said := s.LastLines(5)
		if said != "" {
			said = "It said last:\n    " + strings.ReplaceAll(said, "\n", "\n    ") + "\n  "
		}
		return fmt.Errorf("%s did not start: %w\n  %s'roagent run --config %s' in the foreground says more", s.Name, err, said, s.Config)
	}
	fmt.Fprintf(p.stdout, "%s runs\n", s.Name)
	return nil
}

// defaultConfig is the configuration of a command that names none: that of this folder, or else of this machine.
func defaultConfig() string {
	const here = "roagent.yaml"
	s, _ := supervisor.Named("")
	for _, path := range []string{here, s.Config} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return here
}

// startWord says in a word when the service is started.
func startWord(s supervisor.Service) string {
	if s.Manual {
		return "manual"
	}
	return "automatic"
}

// accountOf is the account of a service, in words.
func accountOf(s supervisor.Service) string { return cmp.Or(s.Account, supervisor.NoAccount) }
