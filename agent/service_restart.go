package main

import "roagent/agent/supervisor"

type serviceRestartCommand struct {
	storeFlag
}

// Run waits until the service is up again, or has failed.
func (c serviceRestartCommand) Run(p *program) error {
	st, err := c.installed(p)
	if err != nil {
		return err
	}
	return started(p, st.Service, supervisor.Service.Restart)
}
