package main

type runCommand struct{}

// Run is the service in the foreground: a service manager, or a person, ends it with a signal.
func (runCommand) Run(p *program) error {
	config, plan, err := p.load()
	if err != nil {
		return err
	}
	if err := checkForbidden(config, plan); err != nil {
		return err
	}
	v := &service{program: p, log: p.logger(config.Log.Level, config.Log.Format)}
	return v.run(p.ctx)
}
