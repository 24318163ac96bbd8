//go:build !windows

package supervisor

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Run runs work as the service called name until ctx ends, which a signal of the manager does, or work does. dies is for
// managers that start again only what ends without a word; systemd looks at the exit code.
func Run(ctx context.Context, _ string, work func(context.Context, *Pulse) error, _ func(error)) error {
	p := &Pulse{manager: systemd{}}
	watching, done := context.WithCancel(context.WithoutCancel(ctx)) // also on the way to a safe point
	defer done()
	if timeout, err := daemon.SdWatchdogEnabled(false); err == nil && timeout > 0 {
		go p.watch(watching, min(timeout/3, time.Minute))
	}
	stop := context.AfterFunc(ctx, p.Stopping)
	defer stop()
	return work(ctx, p)
}

// systemd is told by sd_notify(3). Where nobody listens nothing is said; a message that is lost is no reason to stop work.
type systemd struct{}

func (systemd) ready()             { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }
func (systemd) status(text string) { _, _ = daemon.SdNotify(false, "STATUS="+text) }
func (systemd) alive()             { _, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog) }
func (systemd) stopping()          { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) }
func (systemd) hung()              { _, _ = daemon.SdNotify(false, "WATCHDOG=trigger") }
