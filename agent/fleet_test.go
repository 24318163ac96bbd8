package main

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// What TestFleet runs. `make fleet` runs 2,000 agents.
var (
	fleetAgents = flag.Int("fleet.agents", 60, "how many agents TestFleet runs")
	fleetReport = flag.String("fleet.report", "", "where TestFleet writes its report; default: a temporary file")
)

// fleetMeasured is how many agents it takes until a minute's arrivals say something: in a small fleet, chance alone makes
// minutes of twice the mean.
const fleetMeasured = 1000

// A fleet that an outage kept waiting does not run its collector down when that comes back. Each agent is the real service
// on a queue of its own, all of them read one DMS; the collector is the real handler behind a gate that takes a limited
// rate and answers 429 beyond. In the end each week is closed, with every order at the collector once; and while the
// backlog is worked off, no minute brings twice as many requests as the mean one.
func TestFleet(t *testing.T) {
	var runs []*fleetFigures
	for _, outage := range []fleetOutage{
		{name: "back while the fleet pulls", back: 9 * time.Hour},
		{name: "back when all have tried", back: 14 * time.Hour},
	} {
		t.Run(outage.name, func(t *testing.T) {
			dir := simDir(t)
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, dir, *fleetAgents, outage)
				figures := f.live()
				f.verify()
				figures.verify(t)
				runs = append(runs, figures)
			})
		})
	}
	path := cmp.Or(*fleetReport, filepath.Join(t.TempDir(), "fleet.html"))
	if err := os.WriteFile(path, []byte(fleetPage(runs)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("report: %s", path)
}

// verify holds the bound, and that all weeks closed.
func (g *fleetFigures) verify(t *testing.T) {
	t.Helper()
	t.Logf("\n%s", g)
	if g.closed != g.agents || g.lost > 0 || g.doubled > 0 {
		t.Errorf("%d of %d weeks closed, %d orders lost, %d doubled", g.closed, g.agents, g.lost, g.doubled)
	}
	if ratio := g.ratio(); g.agents >= fleetMeasured && ratio >= 2 {
		t.Errorf("the busiest minute brought %.2f times the requests of the mean one, and must stay below 2", ratio)
	}
}
