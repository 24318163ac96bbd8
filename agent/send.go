package main

import "fmt"

type sendCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c sendCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	sender, err := s.sender()
	if err != nil {
		return err
	}
	sent, err := sender.Send(p.ctx)
	if c.JSON {
		if printErr := printJSON(p.stdout, sent); printErr != nil {
			return printErr
		}
	} else {
		printSent(p.stdout, sent, s.config.Collector.URL)
	}
	if err == nil && sent.Parked > 0 {
		return fmt.Errorf("%s: %w", plural(sent.Parked, "line"), errParked)
	}
	return err
}
