package fleet

import (
	"context"
	"time"

	"roagent/upload/collector/metrics"
)

// Counts is how many stores there are, by what is the matter with them: of the last week that is over, as the page shows it.
func (p *Page) Counts(ctx context.Context) (metrics.FleetCounts, error) {
	v, err := p.look(ctx, lastEnded(p.now(), p.Rules.Zone), pastWeeks)
	if err != nil {
		return metrics.FleetCounts{}, err
	}
	c := metrics.FleetCounts{ByState: map[string]int{}}
	for _, r := range v.rows {
		if r.State != NotExpected {
			c.ByState[string(r.State)]++
		}
		e := &r.Entry
		if e.Beat.Parked > 0 || e.Week != nil && e.Week.Parked > 0 {
			c.Parked++
		}
		if filling(e) {
			c.QueueFilling++
		}
		if r.Skew().Abs() > p.Rules.Skew {
			c.ClockSkew++
		}
		if ending(e, v.now) {
			c.CertificateEnding++
		}
	}
	return c, nil
}

// filling reports whether a store's queue is more than half full.
func filling(e *Entry) bool { return e.Beat.QueueLimit > 0 && e.Beat.QueuedBytes > e.Beat.QueueLimit/2 }

// ending reports whether a store's client certificate ends soon.
func ending(e *Entry, now time.Time) bool {
	ends := e.Beat.CertificateEnds
	return !ends.IsZero() && ends.Sub(now) < certificateWarning
}
