package main

import "cmp"

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
	} else if printErr := s.printSent(p.stdout, sent, true, err); printErr != nil {
		return printErr
	}
	return cmp.Or(err, s.waiting(&Report{}))
}
