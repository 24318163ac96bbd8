package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Complaint 25: daylight saving or downtime skips or doubles a run.
func TestScheduleNext(t *testing.T) {
	tests := []struct {
		name, cron, zone string
		spread           time.Duration
		after            string
		want             []string // the runs that follow, each asked for from the one before
	}{
		{
			name: "every Monday", cron: "30 2 * * MON", zone: "America/Los_Angeles", after: "2026-11-20T00:00:00Z",
			want: []string{"2026-11-23T02:30:00-08:00", "2026-11-30T02:30:00-08:00"},
		},
		{
			name: "the offset changes, the wall clock stays", cron: "30 2 * * MON", zone: "America/Los_Angeles", after: "2026-10-27T00:00:00Z",
			want: []string{"2026-11-02T02:30:00-08:00"},
		},
		{
			name: "an hour that is skipped runs when the clock has jumped", cron: "30 2 * * SUN", zone: "America/Los_Angeles", after: "2026-03-02T00:00:00Z",
			want: []string{"2026-03-08T03:30:00-07:00", "2026-03-15T02:30:00-07:00"},
		},
		{
			name: "an hour that repeats runs once", cron: "30 1 * * *", zone: "America/Los_Angeles", after: "2026-10-31T12:00:00Z",
			want: []string{"2026-11-01T01:30:00-07:00", "2026-11-02T01:30:00-08:00"},
		},
		{
			name: "asked within the repeated hour", cron: "30 1 * * *", zone: "America/Los_Angeles", after: "2026-11-01T01:15:00-08:00",
			want: []string{"2026-11-02T01:30:00-08:00"},
		},
		{
			name: "the spread counts", cron: "30 2 * * MON", zone: "Europe/Berlin", spread: 90 * time.Minute, after: "2026-11-23T03:00:00+01:00",
			want: []string{"2026-11-23T04:00:00+01:00", "2026-11-30T04:00:00+01:00"},
		},
		{
			name: "midnight that does not exist", cron: "0 0 * * *", zone: "America/Santiago", after: "2026-09-05T12:00:00-04:00",
			want: []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Schedule{Cron: tt.cron, Zone: zone(t, tt.zone), Spread: tt.spread}
			at := instant(t, tt.after)
			var got []string
			for range tt.want {
				next, err := s.Next(at)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, next.Format(time.RFC3339))
				at = next
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Complaint 25, over three years of days in zones with odd rules: never two runs a day, never a day without.
func TestScheduleRunsOncePerDay(t *testing.T) {
	for _, name := range []string{"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"} {
		loc := zone(t, name)
		for _, cron := range []string{"30 0 * * *", "45 1 * * *", "15 2 * * *", "30 2 * * *"} {
			s := Schedule{Cron: cron, Zone: loc, Spread: 17 * time.Minute}
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
			for day := range 3 * 365 {
				next, err := s.Next(at)
				if err != nil {
					t.Fatal(err)
				}
				want := time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				if got := next.Format(time.DateOnly); got != want {
					t.Fatalf("%s %s: run %d falls on %s, want %s", name, cron, day, next, want)
				}
				at = next
			}
		}
	}
}

func TestScheduleDueMakesUpMissedRuns(t *testing.T) {
	s := Schedule{Cron: "30 2 * * MON", Zone: zone(t, "America/Los_Angeles")}
	now := instant(t, "2026-11-25T10:00:00-08:00")
	tests := []struct{ name, last, want string }{
		{"ran this week", "2026-11-23T02:30:00-08:00", "2026-11-30T02:30:00-08:00"},
		{"was off on Monday", "2026-11-16T02:30:00-08:00", "2026-11-25T10:00:00-08:00"},
		{"was off for months: one run makes up for all", "2026-06-01T02:30:00-07:00", "2026-11-25T10:00:00-08:00"},
		{"ran by a clock that was ahead", "2027-06-07T02:30:00-07:00", "2026-11-25T10:00:00-08:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Due(instant(t, tt.last), now)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(instant(t, tt.want)) {
				t.Errorf("due %s, want %s", got, tt.want)
			}
		})
	}
	first, err := s.Due(time.Time{}, now)
	if err != nil || !first.Equal(instant(t, "2026-11-30T02:30:00-08:00")) {
		t.Errorf("a new site is due %s, %v", first, err)
	}
}

func TestScheduleDeadline(t *testing.T) {
	stop := 6*time.Hour + 30*time.Minute
	s := Schedule{Zone: zone(t, "America/Los_Angeles"), StopBy: &stop}
	tests := []struct{ name, start, want string }{
		{"this morning", "2026-11-23T02:30:00-08:00", "2026-11-23T06:30:00-08:00"},
		{"made up in the afternoon: tomorrow morning", "2026-11-23T15:00:00-08:00", "2026-11-24T06:30:00-08:00"},
		{"over the change of clocks", "2026-10-31T23:00:00-07:00", "2026-11-01T06:30:00-08:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Deadline(instant(t, tt.start)); !got.Equal(instant(t, tt.want)) {
				t.Errorf("stops by %s, want %s", got, tt.want)
			}
		})
	}
}

func TestScheduleWeeks(t *testing.T) {
	s := Schedule{Zone: zone(t, "America/Los_Angeles"), Settle: 10 * time.Minute}
	week := func(name string) fieldmap.Week {
		w, err := fieldmap.ParseWeek(name)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	tests := []struct {
		name, now string
		lookback  int
		known     []string
		want      []string
	}{
		{"a new site reads the latest ended week", "2026-11-16T02:30:00-08:00", 4, nil, []string{"2026-W46"}},
		{"within settle the week is not over", "2026-11-16T00:09:00-08:00", 4, nil, []string{"2026-W45"}},
		{"settled", "2026-11-16T00:10:00-08:00", 4, nil, []string{"2026-W46"}},
		{"look-back reads only weeks read before", "2026-11-16T02:30:00-08:00", 4, []string{"2026-W44", "2026-W45"}, []string{"2026-W44", "2026-W45", "2026-W46"}},
		{"the look-back has an end", "2026-11-16T02:30:00-08:00", 1, []string{"2026-W43", "2026-W44", "2026-W45"}, []string{"2026-W45", "2026-W46"}},
		{"weeks missed are made up", "2026-11-16T02:30:00-08:00", 1, []string{"2026-W42"}, []string{"2026-W42", "2026-W43", "2026-W44", "2026-W45", "2026-W46"}},
		{"run twice, the latest is read again", "2026-11-17T02:30:00-08:00", 1, []string{"2026-W45", "2026-W46"}, []string{"2026-W45", "2026-W46"}},
		{"over the end of a year with 53 weeks", "2027-01-12T02:30:00-08:00", 2, []string{"2026-W52", "2026-W53"}, []string{"2026-W52", "2026-W53", "2027-W01"}},
		{"a clock that is behind goes back to no week before the first", "2026-09-14T02:30:00-07:00", 4, []string{"2026-W38", "2026-W39"}, nil},
		{"a clock that is behind reads what is known", "2026-09-14T02:30:00-07:00", 4, []string{"2026-W36", "2026-W37", "2026-W38"}, []string{"2026-W36", "2026-W37"}},
		{"no look-back", "2026-11-16T02:30:00-08:00", 0, []string{"2026-W45"}, []string{"2026-W46"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var known []fieldmap.Week
			for _, k := range tt.known {
				known = append(known, week(k))
			}
			var got []string
			for _, w := range s.Weeks(instant(t, tt.now), tt.lookback, known) {
				got = append(got, w.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
