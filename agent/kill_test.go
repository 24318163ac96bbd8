package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kills is how many processes are ended at a random moment.
const kills = 50

// What was read is delivered exactly once, whenever the process dies: complaints 4 (the cursor is saved only on
// shutdown), 17 (a restart sends the whole buffer again), 18 (power loss corrupts the buffer) and 23 (duplicates).
// The same three weeks are pulled by real processes that are killed without warning, again and again; what the
// collector holds in the end must be what it holds after a pull that nobody disturbed.
func TestKilledPullEndsLikeAnUndisturbedOne(t *testing.T) {
	if testing.Short() {
		t.Skip("kills 50 processes: not with -short")
	}
	program := buildRoagent(t)
	undisturbed := newRig(t, rigOptions{weeks: 3, orders: 120, batchOrders: 10})
	pull := []string{"pull", "--from", undisturbed.weeks[0].String(), "--to", undisturbed.weeks[2].String()}
	start := time.Now()
	if code, killed := undisturbed.start(t, program, time.Hour, pull...); code != 0 || killed {
		t.Fatalf("the undisturbed pull ended with %d", code)
	}
	whole := time.Since(start)
	want := undisturbed.export(t)

	done := 0
	for site := 1; done < kills; site++ {
		r := undisturbed.again(t)
		attempts := 0
		for finished := false; !finished; attempts++ {
			// Somewhat longer than a whole pull, so that some get through; the first moments are as likely as the last.
			code, killed := r.start(t, program, time.Duration(rand.Int64N(int64(whole)*5/4)), pull...)
			if killed {
				done++
				continue
			}
			if code != 0 {
				t.Fatalf("site %d, after %d kills: the pull ended with %d", site, attempts, code)
			}
			finished = true
		}
		if diff := cmp.Diff(want, r.export(t)); diff != "" {
			t.Fatalf("site %d, killed %d times, delivered something else:\n%s", site, attempts-1, diff)
		}
		r.verify(t)
		t.Logf("site %d: killed %d times, then the same %d bytes", site, attempts-1, len(want))
	}
}

// buildRoagent builds the program that dealers run.
func buildRoagent(t *testing.T) string {
	t.Helper()
	return buildProgram(t, "roagent", ".")
}

func buildProgram(t *testing.T, name, folder string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, folder)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// start runs a command in a process of its own and kills it after a while, if it still runs.
func (r *rig) start(t *testing.T, program string, after time.Duration, command ...string) (code int, killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	c := exec.CommandContext(ctx, program, append([]string{"--config", r.config}, command...)...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	err := c.Run() // CommandContext kills with SIGKILL: no handler runs
	if err == nil {
		return 0, false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("run roagent: %v", err)
	}
	return c.ProcessState.ExitCode(), ctx.Err() != nil
}
