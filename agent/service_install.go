package main

import "fmt"

type serviceInstallCommand struct {
	storeFlag
	Print bool `required:"" help:"Print the systemd unit as packages ship it, and do nothing."`
}

// Run prints the unit.
func (c serviceInstallCommand) Run(p *program) error {
	s, err := c.service()
	if err != nil {
		return err
	}
	text, err := s.Unit()
	if err != nil {
		return err
	}
	fmt.Fprint(p.stdout, text)
	return nil
}
