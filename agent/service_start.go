package main

import (
	"fmt"

	"roagent/agent/supervisor"
)

type serviceStartCommand struct {
	storeFlag
}

// Run waits until the service is up, or has failed.
func (c serviceStartCommand) Run(p *program) error {
	st, err := c.installed(p)
	if err != nil {
		return err
	}
	if st.State == supervisor.Running {
		fmt.Fprintf(p.stdout, "%s runs already\n", st.Name)
		return nil
	}
	return started(p, st.Service, supervisor.Service.Start)
}
