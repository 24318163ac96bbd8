package fleet

import (
	"time"

	"roagent/upload"
	"roagent/upload/look"
)

const certificateWarning = 21 * 24 * time.Hour

// meaning and hint explain the last error's class.
func meaning(class string) string {
	said, _ := upload.Hint(class)
	return said
}

func hint(class string) string {
	_, said := upload.Hint(class)
	return said
}

// why is the sentence beside a state.
func (r Rules) why(v *row) string {
	e := &v.Entry
	switch v.State {
	case In:
		return look.Plural(e.Week.Held, "order", "orders") + " held"
	case Wrong:
		return e.Findings[0]
	case NotExpected:
		return "Added on " + e.Dealer.Added.In(r.Zone).Format("2 January 2006") + ", after the week was over."
	case Suspended:
		return "Kept out since " + e.Dealer.Suspended.In(r.Zone).Format("2 January 2006") + ", by whoever runs the collector."
	case Silent:
		return r.whySilent(v)
	case Paused:
		return whyPaused(v, r.Zone)
	case Unapproved:
		return "The whitelist waits for the dealer: roagent fieldmap approve."
	case Full:
		return "The queue is full" + oldest(v) + ". It goes on by itself once batches are taken."
	case Failing:
		return "Last run: " + meaning(e.Beat.LastError)
	case Due:
		return r.whyDue(v)
	case Late:
		return r.whyLate(v)
	}
	return ""
}

func (r Rules) whySilent(v *row) string {
	if v.Entry.Dealer.ReceivedAt.IsZero() {
		return "Never heard of since it was added " + look.Age(v.now.Sub(v.Entry.Dealer.Added)) + " ago. Is the agent installed?"
	}
	return "Last heard of " + look.Age(v.now.Sub(v.Entry.Dealer.ReceivedAt)) + " ago. Is the machine on, and is the service running?"
}

func whyPaused(v *row, zone *time.Location) string {
	if v.Entry.Beat.State == "stopped" {
		return "The dealer has stopped the agent."
	}
	said := look.Plural(v.Entry.Beat.Delayed, "line waits", "lines wait") + " for the dealer's veto"
	if until := v.Entry.Beat.DelayedUntil; !until.IsZero() {
		said += " until " + until.In(zone).Format("Mon 2 Jan, 15:04 MST")
	}
	return said + "."
}

func (r Rules) whyDue(v *row) string {
	if v.Entry.Beat.State == "pulling" || v.Entry.Beat.State == "sending" {
		return "It is " + v.Entry.Beat.State + " now."
	}
	return "Awaited by " + r.deadlineOf(&v.Entry).In(r.Zone).Format("Mon 2 Jan, 15:04 MST") + "."
}

func (r Rules) whyLate(v *row) string {
	b := v.Entry.Beat
	switch {
	case !v.Entry.HasBeat:
		return "No heartbeat tells why."
	case b.State == "pulling" || b.State == "sending":
		return "It is " + b.State + " now."
	case b.QueuedBatches > 0:
		return look.Plural(b.QueuedBatches, "batch is", "batches are") + " queued at the store and not sent yet" + oldest(v) + "."
	case b.NextRun.After(v.now):
		return "Its next run is " + b.NextRun.In(r.Zone).Format("Mon 2 Jan, 15:04 MST") + "."
	}
	return "The agent says that it is well, and has not read the week."
}

func oldest(v *row) string {
	if at := v.Entry.Beat.OldestQueued; !at.IsZero() {
		return ", the oldest for " + look.Age(v.now.Sub(at))
	}
	return ""
}

func direction(skew time.Duration) string {
	if skew > 0 {
		return "ahead"
	}
	return "behind"
}

func hours(d time.Duration) string { return look.Plural(int(d.Hours()), "hour", "hours") }

func (r Rules) deadline() string {
	return time.Time{}.Add(r.Deadline).Format("Monday 15:04") + " in the store's time zone" // the zero time is a Monday
}
