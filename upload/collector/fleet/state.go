package fleet

import (
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// State is how a store stands with one week. Each store has exactly one.
type State string

// The states, in the order in which a person wants to hear of them. Of those that hold, [Rules.State] takes the one that its doc names first.
const (
	Late        State = "late"
	Failing     State = "failing"
	Silent      State = "silent"
	Full        State = "full"
	Unapproved  State = "unapproved"
	Paused      State = "paused"
	Wrong       State = "wrong"
	Due         State = "due"
	Suspended   State = "suspended"
	NotExpected State = "new"
	In          State = "in"
)

// definition is what the page says of a state.
type definition struct {
	State State
	Name  string
	Mark  string // a sign beside the colour
	Means string
}

// definitions returns all states in their order. Their words hold for these rules.
func (r Rules) definitions() []definition {
	return []definition{
		{Late, "Late", "!", "The week is over, the deadline of " + r.deadline() + " has passed, there is no manifest, and nothing that the agent tells explains it."},
		{Failing, "Failing", "×", "Not in, and the agent's last run failed. The class of the error says where to look."},
		{Silent, "Silent", "?", "Not in, and no heartbeat for more than " + hours(r.Silent) + ", or never one. What the agent told before counts no longer."},
		{Full, "Queue full", "▣", "Not in, and the agent's queue is full: it reads nothing until the collector has taken something."},
		{Unapproved, "Waiting for approval", "✎", "Not in, and the whitelist at the store is not approved by the dealer in its present form. Nothing is read until it is."},
		{Paused, "Paused by the dealer", "‖", "Not in, and the dealer has stopped the agent or keeps batches back to look at them first (queue.hold)."},
		{Wrong, "Looks wrong", "~", "In, but something about the week or the store is not as it should be. The store's page says what."},
		{Due, "Due", "…", "Not in, and there is time left: the week or the deadline is not over."},
		{Suspended, "Suspended", "⊘", "Not in, and kept out by whoever runs the collector (rocollector dealer suspend), until it is resumed."},
		{NotExpected, "Not expected", "·", "Added after the week was over, so nothing of it is awaited."},
		{In, "In", "✓", "The week's manifest is held: every batch it names has its receipt."},
	}
}

// Rules decide what counts as late and as silent.
type Rules struct {
	Deadline time.Duration  // after Monday 00:00 at which the week ended, wall clock in the store's zone
	Zone     *time.Location // of a store whose zone no manifest of late told; and what the page shows times in
	Silent   time.Duration  // without a heartbeat
	Skew     time.Duration  // between an agent's clock and this one's
}

// DefaultRules are those of a desk that wants to know by nine on Monday.
func DefaultRules() Rules {
	return Rules{Deadline: 9 * time.Hour, Zone: time.UTC, Silent: 12 * time.Hour, Skew: 10 * time.Minute}
}

// Entry is what is known of one store and one week.
type Entry struct {
	Dealer   collector.FleetDealer
	Beat     upload.Status
	HasBeat  bool
	Name     fieldmap.Week
	Week     *collector.FleetWeek // nil: not in
	Zone     *time.Location       // of the store
	Findings []string             // what looks wrong, a sentence each; of a week that is in
}

// Deadline is when the week must be in.
func (r Rules) deadlineOf(e *Entry) time.Time {
	monday := e.Name.Next().Start(time.UTC)
	t, _ := fieldmap.Instant(monday.Add(r.Deadline), e.Zone)
	return t
}

// State returns how a store stands. A week that is in is in, whatever happened since; it looks wrong where there are findings. Of one that
// is not in, the first of these: not expected, suspended, silent, paused by the dealer, waiting for approval, queue full, failing, due, late.
// So the state is the reason where there is one; [Rules.Overdue] says whether the deadline has passed.
func (r Rules) State(e *Entry, now time.Time) State {
	switch {
	case e.Week != nil && len(e.Findings) > 0:
		return Wrong
	case e.Week != nil:
		return In
	case !e.Dealer.Added.Before(e.Name.End(e.Zone)):
		return NotExpected
	case !e.Dealer.Suspended.IsZero():
		return Suspended
	case r.silent(e, now):
		return Silent
	case e.Beat.State == "stopped" || e.Beat.Delayed > 0:
		return Paused
	case e.Beat.State == "unapproved":
		return Unapproved
	case e.Beat.State == "full":
		return Full
	case e.Beat.LastError != "":
		return Failing
	case r.deadlineOf(e).After(now):
		return Due
	}
	return Late
}

// silent reports whether nothing was heard of a store for too long. One that was just added has that long, too.
func (r Rules) silent(e *Entry, now time.Time) bool {
	last := e.Dealer.ReceivedAt
	if last.Before(e.Dealer.Added) {
		last = e.Dealer.Added
	}
	return now.Sub(last) > r.Silent
}

// Overdue reports whether a week should be in and is not, whatever the reason; of a store that is kept out none should.
func (r Rules) Overdue(e *Entry, now time.Time) bool {
	return e.Week == nil && e.Dealer.Suspended.IsZero() && e.Dealer.Added.Before(e.Name.End(e.Zone)) && !r.deadlineOf(e).After(now)
}
