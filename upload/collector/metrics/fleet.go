package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Fleet counts stores by where they stand this week. What knows that is asked at each scrape, and must keep to ctx: it should
// answer from memory.
type Fleet interface {
	Counts(ctx context.Context) (FleetCounts, error)
}

// FleetCounts is how many stores there are, by what is the matter with them.
type FleetCounts struct {
	ByState           map[string]int // as the fleet's page names them; others are left out
	Parked            int            // stores with orders that wait for a person
	QueueFilling      int            // stores whose queue holds more than half of what it may
	ClockSkew         int            // stores whose clock is off
	CertificateEnding int            // stores whose client certificate ends soon
}

// fleetTime bounds a scrape's question.
const fleetTime = 5 * time.Second

// fleetStates are the labels of state: there is no other, whatever is counted.
func fleetStates() []string {
	return []string{"in", "wrong", "due", "suspended", "late", "silent", "failing", "paused", "unapproved", "full"}
}

// AddFleet shows the gauges of a fleet. A scrape at which it does not answer shows none of them, rather than old ones.
func (m *Metrics) AddFleet(f Fleet) error {
	name := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rocollector_fleet_"+name, help, labels, nil)
	}
	return m.Add(&fleetGauges{
		fleet: f, stores: name("stores", "Stores, by where they stand this week.", "state"),
		parked:      name("parked_stores", "Stores with orders that wait for a person."),
		filling:     name("queue_filling_stores", "Stores whose queue is more than half full."),
		skewed:      name("clock_skew_stores", "Stores whose clock is off."),
		certificate: name("certificate_ending_stores", "Stores whose client certificate ends soon."),
	})
}

type fleetGauges struct {
	fleet                                        Fleet
	stores, parked, filling, skewed, certificate *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (g *fleetGauges) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.stores, g.parked, g.filling, g.skewed, g.certificate} {
		c <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *fleetGauges) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), fleetTime)
	defer cancel()
	counts, err := g.fleet.Counts(ctx)
	if err != nil {
		return
	}
	show := func(d *prometheus.Desc, n int, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	for _, state := range fleetStates() {
		show(g.stores, counts.ByState[state], state)
	}
	show(g.parked, counts.Parked)
	show(g.filling, counts.QueueFilling)
	show(g.skewed, counts.ClockSkew)
	show(g.certificate, counts.CertificateEnding)
}
