package fleet

import (
	"fmt"

	"roagent/upload/collector"
	"roagent/upload/look"
)

// findings are what looks wrong of a week that is in: by what its manifest says, and beside the weeks before it.
func findings(w *collector.FleetWeek) []string {
	var found []string
	if w.Held == 0 {
		found = append(found, "The week is in, but not one order of it is held.")
	}
	if w.Parked > 0 {
		found = append(found, look.Plural(w.Parked, "order or line is", "orders or lines are")+" parked: refused by the collector, and waiting for a person at the store (roagent parked list).")
	}
	if w.Keyless > 0 {
		found = append(found, look.Plural(w.Keyless, "order has", "orders have")+" no key in the DMS and cannot be sent.")
	}
	return append(found, w.Unlike...)
}

// notes are what a person should know of a store besides its state.
func (r Rules) notes(v *row) []string {
	var notes []string
	e := &v.Entry
	if e.Week != nil && r.silent(e, v.now) {
		notes = append(notes, "Nothing was heard of it for "+look.Age(v.now.Sub(e.Dealer.ReceivedAt))+".")
	}
	if e.Week != nil && e.Beat.LastError != "" {
		notes = append(notes, "Its last run failed. "+meaning(e.Beat.LastError))
	}
	if e.Week != nil && e.Beat.State == "unapproved" {
		notes = append(notes, "Its whitelist waits for the dealer's approval, so the next week will not come.")
	}
	if skew := v.Skew(); skew.Abs() > r.Skew {
		notes = append(notes, fmt.Sprintf("Its clock is %s %s.", look.Age(skew.Abs()), direction(skew)))
	}
	if ending(e, v.now) {
		notes = append(notes, "Its client certificate ends on "+e.Beat.CertificateEnds.In(r.Zone).Format("2 January 2006")+".")
	}
	if filling(e) && v.State != Full {
		notes = append(notes, fmt.Sprintf("Its queue is filling: %d %% of what it may hold.", 100*e.Beat.QueuedBytes/e.Beat.QueueLimit))
	}
	return notes
}
