package fleet

import (
	"strings"
	"testing"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// stateTest makes an entry of a store in Los Angeles that was added long ago, is well and is not in; edit changes it.
type stateTest struct {
	now     string // in Los Angeles
	edit    func(*Entry)
	want    State
	overdue bool
}

func beatAgo(d time.Duration) func(*Entry) {
	return func(e *Entry) { e.Dealer.ReceivedAt = e.Dealer.ReceivedAt.Add(-d) }
}

func TestState(t *testing.T) {
	const late, early = "2026-11-16 09:00", "2026-11-16 08:59"
	in := &collector.FleetWeek{Held: 100}
	for name, test := range map[string]stateTest{
		"a minute before the deadline":             {early, nil, Due, false},
		"at the deadline":                          {late, nil, Late, true},
		"the week is not over":                     {"2026-11-14 12:00", nil, Due, false},
		"in":                                       {late, func(e *Entry) { e.Week = in }, In, false},
		"in, and silent since":                     {late, func(e *Entry) { e.Week = in; beatAgo(90 * time.Hour)(e) }, In, false},
		"in, and failing since":                    {late, func(e *Entry) { e.Week = in; e.Beat.LastError = "dms" }, In, false},
		"in, and something about it":               {late, func(e *Entry) { e.Week = in; e.Findings = []string{"odd"} }, Wrong, false},
		"findings of a week that is not in":        {late, func(e *Entry) { e.Findings = []string{"odd"} }, Late, true},
		"silent for as long as may be":             {late, beatAgo(12 * time.Hour), Late, true},
		"silent for longer":                        {late, beatAgo(12*time.Hour + time.Second), Silent, true},
		"silent before the deadline":               {early, beatAgo(13 * time.Hour), Silent, false},
		"never heard of":                           {late, func(e *Entry) { e.Dealer.ReceivedAt = time.Time{} }, Silent, true},
		"what it told before it fell silent":       {late, func(e *Entry) { e.Beat.LastError = "dms"; e.Beat.State = "stopped"; beatAgo(90 * time.Hour)(e) }, Silent, true},
		"stopped":                                  {late, func(e *Entry) { e.Beat.State = "stopped" }, Paused, true},
		"held back":                                {late, func(e *Entry) { e.Beat.Delayed = 1 }, Paused, true},
		"stopped, with an error":                   {late, func(e *Entry) { e.Beat.State = "stopped"; e.Beat.LastError = "dms" }, Paused, true},
		"unapproved":                               {late, func(e *Entry) { e.Beat.State = "unapproved"; e.Beat.LastError = "refused" }, Unapproved, true},
		"full":                                     {late, func(e *Entry) { e.Beat.State = "full"; e.Beat.LastError = "collector" }, Full, true},
		"failing":                                  {late, func(e *Entry) { e.Beat.LastError = "dms" }, Failing, true},
		"failing before the deadline":              {early, func(e *Entry) { e.Beat.LastError = "dms" }, Failing, false},
		"failing while it tries again":             {late, func(e *Entry) { e.Beat.LastError = "dms"; e.Beat.State = "pulling" }, Failing, true},
		"pulling":                                  {late, func(e *Entry) { e.Beat.State = "pulling" }, Late, true},
		"paused by its own hours is not by a hand": {late, func(e *Entry) { e.Beat.State = "paused" }, Late, true},
		"a state of another version":               {late, func(e *Entry) { e.Beat.State = "dreaming" }, Late, true},
		"suspended":                                {late, func(e *Entry) { e.Dealer.Suspended = added("2026-11-14 00:00"); beatAgo(90 * time.Hour)(e) }, Suspended, false},
		"suspended, and in":                        {late, func(e *Entry) { e.Dealer.Suspended = added("2026-11-16 00:00"); e.Week = in }, In, false},
		"added when the week was over":             {late, func(e *Entry) { e.Dealer.Added = added("2026-11-16 00:00") }, NotExpected, false},
		"added in the week's last second":          {late, func(e *Entry) { e.Dealer.Added = added("2026-11-15 23:59") }, Late, true},
		"added when it was over, and in":           {late, func(e *Entry) { e.Dealer.Added = added("2026-11-16 00:00"); e.Week = in }, In, false},
		"just added, not heard of yet": {"2026-11-15 20:00", func(e *Entry) {
			e.Dealer.Added, e.Dealer.ReceivedAt = added("2026-11-15 19:00"), time.Time{}
		}, Due, false},
		"in another zone it is nine already": {"2026-11-16 06:00", func(e *Entry) { e.Zone = mustZone("America/New_York") }, Late, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := added(test.now)
			e := Entry{
				Dealer: collector.FleetDealer{DealerID: "1", Added: now.AddDate(-1, 0, 0), ReceivedAt: now}, HasBeat: true, Beat: upload.Status{State: "idle"},
				Name: fieldmap.Week{Year: 2026, Number: 46}, Zone: mustZone("America/Los_Angeles"),
			}
			if test.edit != nil {
				test.edit(&e)
			}
			rules := DefaultRules()
			if got := rules.State(&e, now); got != test.want {
				t.Errorf("it is %q, want %q", got, test.want)
			}
			if got := rules.Overdue(&e, now); got != test.overdue {
				t.Errorf("overdue is %t", got)
			}
			v := &row{Entry: e, State: test.want, now: now}
			if why := rules.why(v); why == "" {
				t.Error("nothing says why")
			}
		})
	}
}

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func added(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", clock, mustZone("America/Los_Angeles"))
	if err != nil {
		panic(err)
	}
	return t
}

// The deadline is wall clock: also on the Monday after clocks have changed.
func TestDeadlineAcrossDST(t *testing.T) {
	for _, test := range []struct{ week, zone, want string }{
		{"2026-W43", "America/Los_Angeles", "2026-10-26T09:00:00-07:00"},
		{"2026-W44", "America/Los_Angeles", "2026-11-02T09:00:00-08:00"},
		{"2026-W53", "America/Los_Angeles", "2027-01-04T09:00:00-08:00"},
		{"2021-W11", "Asia/Tehran", "2021-03-22T09:00:00+04:30"}, // that Monday began at 01:00
	} {
		week, err := fieldmap.ParseWeek(test.week)
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{Name: week, Zone: mustZone(test.zone)}
		if got := DefaultRules().deadlineOf(&e).Format(time.RFC3339); got != test.want {
			t.Errorf("%s: %s, want %s", week, got, test.want)
		}
	}
}

// A heartbeat of another version tells what it can.
func TestParseHeartbeat(t *testing.T) {
	h, ok := parseHeartbeat([]byte(`{"state":"full","delayed":true,"queue_limit":5,"at":"2026-11-16T11:00:00Z","new_member":{"a":1},"agent_version":"2"}`))
	if !ok || h.State != "full" || h.Delayed != 0 || h.QueueLimit != 5 || h.AgentVersion != "2" || h.At.IsZero() {
		t.Errorf("%+v, %t", h, ok)
	}
	for _, text := range []string{"", "{", "nonsense", `{"at":5`} {
		if _, ok := parseHeartbeat([]byte(text)); ok {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestNotes(t *testing.T) {
	now := added("2026-11-16 09:00")
	for want, edit := range map[string]func(*row){
		"": func(*row) {},
		"heard of it for 30 h": func(v *row) {
			v.Entry.Dealer.ReceivedAt = now.Add(-30 * time.Hour)
			v.Entry.Beat.At = now.Add(-30 * time.Hour)
		},
		"last run failed":      func(v *row) { v.Entry.Beat.LastError = "dms" },
		"dealer's approval":    func(v *row) { v.Entry.Beat.State = "unapproved" },
		"3 hours ahead":        func(v *row) { v.Entry.Beat.At = now.Add(3 * time.Hour) },
		"20 minutes behind":    func(v *row) { v.Entry.Beat.At = now.Add(-20 * time.Minute) },
		"certificate ends on":  func(v *row) { v.Entry.Beat.CertificateEnds = now.AddDate(0, 0, 20) },
		"queue is filling: 90": func(v *row) { v.Entry.Beat.QueuedBytes, v.Entry.Beat.QueueLimit = 90, 100 },
	} {
		v := &row{now: now, State: In, Entry: Entry{Week: &collector.FleetWeek{}, Dealer: collector.FleetDealer{ReceivedAt: now}, Beat: upload.Status{At: now}}}
		edit(v)
		got := strings.Join(DefaultRules().notes(v), "\n")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}
