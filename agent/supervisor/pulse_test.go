package supervisor

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counter is a manager that counts.
type counter struct{ alives, hangs atomic.Int64 }

func (*counter) ready()        {}
func (*counter) status(string) {}
func (c *counter) alive()      { c.alives.Add(1) }
func (*counter) stopping()     {}
func (c *counter) hung()       { c.hangs.Add(1) }

// The watchdog is fed by signs of life, not by a ticker of its own.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		p := &Pulse{manager: c}
		ctx, stop := context.WithCancel(t.Context())
		go p.watch(ctx, 40*time.Second)
		for range 10 {
			time.Sleep(Silence - time.Minute)
			p.Beat()
		}
		synctest.Wait()
		if c.hangs.Load() != 0 || c.alives.Load() < 800 {
			t.Errorf("with a sign now and then: %d hangs, fed %d times", c.hangs.Load(), c.alives.Load())
		}
		time.Sleep(Silence + 2*time.Minute)
		synctest.Wait()
		fed := c.alives.Load()
		time.Sleep(Silence)
		synctest.Wait()
		if c.hangs.Load() != 1 || c.alives.Load() != fed {
			t.Errorf("without a sign: %d hangs, fed %d times more", c.hangs.Load(), c.alives.Load()-fed)
		}
		stop()
	})
	var nobody *Pulse
	nobody.Beat()
	nobody.Ready()
	nobody.Status("")
	nobody.Stopping()
}
