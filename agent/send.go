package main

import "cmp"

type sendCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c sendCommand) Run(p *program) error {
	return p.work(p.ctx, func(s *site) error { return c.run(p, s) })
}

func (c sendCommand) run(p *program, s *site) error {
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
