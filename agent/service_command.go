package main

import (
	"errors"

	"roagent/agent/supervisor"
)

// serviceCommand has what is done to the machine's service.
type serviceCommand struct {
	Install serviceInstallCommand `cmd:"" help:"Print the systemd unit of the service."`
}

// storeFlag chooses the store on a machine that has several.
type storeFlag struct {
	Name string `help:"The store, where this machine has several: each has its own service, account, configuration and data." placeholder:"NAME"`
}

// service returns the store's service as it is laid out on this system.
func (f storeFlag) service() (supervisor.Service, error) {
	s, err := supervisor.Named(f.Name)
	if errors.Is(err, supervisor.ErrName) {
		return s, &usageError{err.Error(), "write it like --name northside"}
	}
	return s, err
}
