package main

import (
	"fmt"

	"roagent/agent/supervisor"
)

type serviceStopCommand struct {
	storeFlag
}

// Run waits until the service has stopped.
func (c serviceStopCommand) Run(p *program) error {
	st, err := c.installed(p)
	if err != nil {
		return err
	}
	if st.State == supervisor.Stopped || st.State == supervisor.Failed {
		fmt.Fprintf(p.stdout, "%s does not run\n", st.Name)
		return nil
	}
	if err := st.Stop(); err != nil {
		return fmt.Errorf("%s did not stop: %w", st.Name, err)
	}
	fmt.Fprintf(p.stdout, "%s stopped; what is queued stays queued\n", st.Name)
	return nil
}
