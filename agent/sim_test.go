package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// What TestSim runs. `make sim` runs 500 seeds.
var (
	simSeeds = flag.Int("sim.seeds", 6, "how many seeds TestSim runs")
	simFirst = flag.Uint64("sim.first", 1, "the first of them")
	simSeed  = flag.Uint64("sim.seed", 0, "run only this seed, and tell its story")
	simWeeks = flag.Int("sim.weeks", 8, "how many weeks a seed lives through")
)

// What was read is delivered exactly once, whatever fails. One seed decides everything: a dealership that works, edits,
// reopens and voids; an agent, the real service, on a real queue and a real DMS; the collector's real handler; and what
// goes wrong between them and in them (DESIGN.md lists it). In the end the collector must hold what the whitelist makes
// of the DMS, each line once, and the ledger must prove it. A seed that fails prints the command that replays it.
//
// It guards complaints 1 to 4, 16, 17 and 19 to 25.
func TestSim(t *testing.T) {
	seeds := []uint64{*simSeed}
	if *simSeed == 0 {
		seeds = nil
		for i := range *simSeeds {
			seeds = append(seeds, *simFirst+uint64(i))
		}
	}
	figures := &simFigures{faults: map[string]int{}}
	t.Run("seed", func(t *testing.T) {
		for _, seed := range seeds {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				t.Parallel()
				dir := simDir(t)
				synctest.Test(t, func(t *testing.T) {
					w := newSimWorld(t, dir, seed, *simWeeks)
					w.live()
					figures.add(w)
				})
			})
		}
	})
	t.Logf("\n%s", figures)
	if dead := figures.never(); len(dead) > 0 && *simSeed == 0 && *simSeeds >= 100 {
		t.Errorf("what never happened in %d seeds proves nothing: %s", *simSeeds, strings.Join(dead, ", "))
	}
}

// simDir is a folder in memory where there is one: a simulated disk need not be flushed.
func simDir(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "roagent-sim-"); err == nil { //nolint:usetesting // there is no t.TempDir in memory
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// simFigures are the totals of all seeds.
type simFigures struct {
	mu                   sync.Mutex
	seeds, weeks, orders int
	edits, lines         int
	faults               map[string]int // by kind
	wrong                map[string]int // lost, doubled, extra, …
}

func (f *simFigures) add(w *simWorld) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seeds++
	f.weeks += w.weeks
	f.orders += w.shop.made
	f.edits += w.shop.edits
	f.lines += w.lines
	for kind, n := range w.faults {
		f.faults[kind] += n
	}
	if f.wrong == nil {
		f.wrong = map[string]int{"lost": 0, "doubled": 0, "extra": 0}
	}
	for kind, n := range w.wrong {
		f.wrong[kind] += n
	}
}

// never returns the kinds of faults that no seed has met.
func (f *simFigures) never() []string {
	var kinds []string
	for _, kind := range simKinds() {
		if f.faults[kind] == 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (f *simFigures) String() string {
	var b strings.Builder
	total := 0
	for _, n := range f.faults {
		total += n
	}
	fmt.Fprintf(&b, "%d seeds, %.1f dealer-years, %d orders, %d edits, %d lines delivered, %d faults\n", f.seeds, float64(f.weeks)*7/365.25, f.orders, f.edits, f.lines, total)
	for _, kind := range slices.Sorted(maps.Keys(f.faults)) {
		fmt.Fprintf(&b, "  %7d  %s\n", f.faults[kind], kind)
	}
	for _, kind := range slices.Sorted(maps.Keys(f.wrong)) {
		fmt.Fprintf(&b, "%s %d  ", kind, f.wrong[kind])
	}
	return b.String()
}
