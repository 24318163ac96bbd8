package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload/collector"
)

// collectorKills is how many processes of the collector are ended at a random moment.
const collectorKills = 20

// What was read is delivered exactly once, whenever the collector's process dies, and the agent's with it: complaints 16
// (dropped, silently), 17 (a restart sends all again), 20 (stuck after an outage) and 23 (duplicates; 200 before the data is
// durable). A real collector on a folder is killed while a real agent sends, and started again; on every second site
// the agent is killed as well.
func TestKilledCollectorEndsLikeAnUndisturbedOne(t *testing.T) {
	if testing.Short() {
		t.Skip("kills 20 processes: not with -short")
	}
	program := buildRoagent(t)
	var process *collectorProcess
	undisturbed := newRig(t, rigOptions{weeks: 2, orders: 80, batchOrders: 5, collector: func(t *testing.T) rigCollector {
		t.Helper()
		process = buildCollector(t)
		return process.serve(t)
	}})
	pull := []string{"pull", "--from", undisturbed.weeks[0].String(), "--to", undisturbed.weeks[1].String()}
	start := time.Now()
	if code, killed := undisturbed.start(t, program, time.Hour, pull...); code != 0 || killed {
		t.Fatalf("the undisturbed pull ended with %d", code)
	}
	whole := time.Since(start)
	want := process.export(t, undisturbed)

	done := 0
	for site := 1; done < collectorKills; site++ {
		undisturbed.options.collector = func(t *testing.T) rigCollector {
			t.Helper()
			process = &collectorProcess{program: process.program}
			return process.serve(t)
		}
		r := undisturbed.again(t)
		kills, agentKills := process.harass(t, func() bool {
			after := time.Hour
			if site%2 == 0 && rand.IntN(2) == 0 {
				after = time.Duration(rand.Int64N(int64(whole) * 2))
			}
			code, killed := r.start(t, program, after, pull...)
			if !killed && code != exitDone && code != exitCollector {
				t.Errorf("site %d: the pull ended with %d", site, code)
			}
			return code == exitDone && !killed
		})
		done += kills
		if diff := cmp.Diff(want, process.export(t, r)); diff != "" {
			t.Fatalf("site %d, collector killed %d times, delivered something else:\n%s", site, kills, diff)
		}
		r.heldOnce(t)
		r.verify(t)
		t.Logf("site %d: collector killed %d times, agent ended %d times before it was done; then the same %d bytes", site, kills, agentKills, len(want))
	}
}

// collectorProcess is the program that collectors run, as a process of its own on a folder. It can be killed and started
// again on the same address.
type collectorProcess struct {
	program string
	wrap    []string // stands before the program
	dir     string
	address string
	command *exec.Cmd
	log     chan string // its lines; closed when it has ended
}

func buildCollector(t *testing.T) *collectorProcess {
	t.Helper()
	return &collectorProcess{program: buildProgram(t, "rocollector", "../upload/collector/cmd/rocollector")}
}

// newCollectorProcess builds a collector and lets it serve.
func newCollectorProcess(t *testing.T) rigCollector {
	t.Helper()
	return buildCollector(t).serve(t)
}

// serve lets the collector serve a new store, until the test is over.
func (c *collectorProcess) serve(t *testing.T) rigCollector {
	t.Helper()
	c.dir, c.address = t.TempDir(), "127.0.0.1:0"
	store, err := collector.OpenDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return rigCollector{store: store, url: "http://" + c.address}
}

// start starts the process and waits until it listens.
func (c *collectorProcess) start() error {
	args := append(slices.Clip(c.wrap), c.program, "serve", "--store", c.dir, "--listen", c.address)
	c.command = exec.Command(args[0], args[1:]...) //nolint:noctx // kill ends it
	stderr, err := c.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := c.command.Start(); err != nil {
		return err
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			select {
			case lines <- s.Text():
			default: // nobody looks
			}
		}
	}()
	c.log = lines
	for line := range lines {
		if _, rest, ok := strings.Cut(line, "msg=listening address="); ok {
			c.address, _, _ = strings.Cut(rest, " ")
			return nil
		}
	}
	return fmt.Errorf("the collector ended: %w", c.command.Wait())
}

// kill ends the process with SIGKILL; one that something stands before, gently: it is that which gets the signal.
func (c *collectorProcess) kill() {
	if c.wrap == nil {
		_ = c.command.Process.Kill()
	} else {
		_ = c.command.Process.Signal(syscall.SIGTERM)
	}
	for range c.log { // to its end
	}
	_ = c.command.Wait() // says that it was killed
}

// harass kills the collector at random moments of its work and starts it again, while the agent tries until it is done.
func (c *collectorProcess) harass(t *testing.T, attempt func() (done bool)) (kills, failures int) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for c.work(ctx) {
			c.kill()
			kills++
			time.Sleep(rand.N(300 * time.Millisecond))
			if err := c.start(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for !attempt() && !t.Failed() {
		failures++
	}
	end()
	<-ended
	return kills, failures
}

// work lets the collector hold some batches, and begin on the next. It returns false when ctx ends.
func (c *collectorProcess) work(ctx context.Context) bool {
	for range 1 + rand.IntN(4) {
		select {
		case <-ctx.Done():
			return false
		case <-c.log:
		}
	}
	time.Sleep(rand.N(20 * time.Millisecond))
	return true
}

// export returns what the command prints of all weeks.
func (c *collectorProcess) export(t *testing.T, r *rig) string {
	t.Helper()
	var all strings.Builder
	for _, week := range r.weeks {
		out, err := exec.CommandContext(t.Context(), c.program, "export", "--store", c.dir, "--dealer", rigDealer, "--week", week.String()).Output()
		if err != nil {
			t.Fatalf("rocollector export: %v", err)
		}
		all.Write(out)
	}
	return all.String()
}
