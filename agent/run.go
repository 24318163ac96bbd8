package main

import (
	"context"
	"os"
	"runtime/debug"

	"roagent/agent/supervisor"
)

type runCommand struct {
	Service string `hidden:"" help:"Run as the service of this name: only the service manager says so."`
}

// Run is the service: in the foreground, where a person ends it with a signal, or under the machine's service manager.
func (c runCommand) Run(p *program) error {
	if c.Service == "" {
		return c.serve(p.ctx, p)
	}
	// A panic exits with 2, as wrong files do, which no restart mends. As a signal it is a crash to a service manager.
	debug.SetTraceback("crash")
	log, err := supervisor.OpenLog(c.Service, p.stderr)
	if err != nil {
		return err
	}
	p.logs, p.stderr = log, log
	return supervisor.Run(p.ctx, c.Service, func(ctx context.Context, pulse *supervisor.Pulse) error {
		p.pulse = pulse
		p.transact = func(_ string, transact func() error) error {
			pulse.Beat()
			return transact()
		}
		return c.serve(ctx, p)
	}, func(err error) {
		if code := exitCode(err); code != exitUsage && code != exitRefused {
			explain(p.stderr, err)
			os.Exit(code)
		}
	})
}

func (runCommand) serve(ctx context.Context, p *program) error {
	config, plan, err := p.load()
	if err != nil {
		return err
	}
	if err := checkForbidden(config, plan); err != nil {
		return err
	}
	v := &service{program: p, log: p.logger(config.Log.Level, config.Log.Format)}
	p.meter = newMeter(config)
	defer serveMetrics(ctx, config.Status.Listen, p.meter, v.log)()
	return v.run(ctx)
}
