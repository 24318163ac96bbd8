package supervisor

import (
	"errors"
	"slices"
	"time"

	"github.com/kardianos/service"
)

// What keeps a command from doing anything. Each is a sentence for a person.
var (
	ErrNoManager    = errors.New("there is no service manager here")
	ErrRights       = errors.New("this account may not change services")
	ErrNotInstalled = errors.New("the service is not installed")
)

// States of a service.
const (
	Running  = "running"
	Starting = "starting"
	Stopping = "stopping"
	Stopped  = "stopped"
	Failed   = "failed"
)

// State is how a service is, as its manager has it.
type State struct {
	Service

	State    string
	Since    time.Time // zero: not known
	PID      int       // 0: no process
	Why      string    // it failed, in the manager's words
	Says     string    // the service itself, about what it is at
	Packaged bool      // a package brought the registration, and takes it away
}

// control returns kardianos' hand on the service. On systemd the description is the unit's whole text: see [Service.register].
func (s Service) control(config service.Config) (service.Service, error) {
	config.Name = s.Name
	return service.New(nothing{}, &config)
}

// nothing is what kardianos would run; [Run] does that.
type nothing struct{}

func (nothing) Start(service.Service) error { return nil }
func (nothing) Stop(service.Service) error  { return nil }

// Start starts the service, and waits until it is up or has failed.
func (s Service) Start() error { return s.up(service.Service.Start) }

// Stop stops it and waits until it has.
func (s Service) Stop() error { return s.act(service.Service.Stop) }

// Restart does one after the other.
func (s Service) Restart() error { return s.up(service.Service.Restart) }

func (s Service) up(start func(service.Service) error) error {
	if err := s.act(start); err != nil {
		return err
	}
	return s.awaitStart()
}

func (s Service) act(action func(service.Service) error) error {
	c, err := s.control(service.Config{})
	if err != nil {
		return err
	}
	return action(c)
}

// undoing is what takes back what was made, when a later step fails.
type undoing []func() error

func (u *undoing) add(undo func() error) { *u = append(*u, undo) }

// after takes everything back where err is one, the latest first.
func (u *undoing) after(err error) error {
	if err == nil {
		return nil
	}
	for _, undo := range slices.Backward(*u) {
		err = errors.Join(err, undo())
	}
	return err
}
