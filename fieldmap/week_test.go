package fieldmap

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestWeekBounds(t *testing.T) {
	tests := []struct{ week, zone, start, end string }{
		{"2026-W46", "America/Los_Angeles", "2026-11-09T00:00:00-08:00", "2026-11-16T00:00:00-08:00"},
		{"2026-W44", "America/Los_Angeles", "2026-10-26T00:00:00-07:00", "2026-11-02T00:00:00-08:00"}, // 169 hours
		{"2026-W01", "UTC", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"},
		{"2026-W53", "UTC", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},
		{"2017-W42", "America/Sao_Paulo", "2017-10-16T00:00:00-02:00", "2017-10-23T00:00:00-02:00"},
		{"2021-W12", "Asia/Beirut", "2021-03-22T00:00:00+02:00", "2021-03-29T00:00:00+03:00"},
	}
	for _, tt := range tests {
		t.Run(tt.week+" "+tt.zone, func(t *testing.T) {
			w, err := ParseWeek(tt.week)
			if err != nil {
				t.Fatal(err)
			}
			loc := location(t, tt.zone)
			if got := w.Start(loc).Format(time.RFC3339); got != tt.start {
				t.Errorf("starts %s, want %s", got, tt.start)
			}
			if got := w.End(loc).Format(time.RFC3339); got != tt.end {
				t.Errorf("ends %s, want %s", got, tt.end)
			}
		})
	}
}

func TestParseWeekRefuses(t *testing.T) {
	for _, s := range []string{"", "2026-46", "2026-W00", "2026-W54", "2025-W53", "2026-w46", "2026-W046", "2026-W46 ", "0000-W01"} {
		if w, err := ParseWeek(s); err == nil {
			t.Errorf("ParseWeek(%q) = %v", s, w)
		}
	}
}

// Every instant lies in exactly one week, and in the one that its name gives back.
func TestWeekHoldsItsInstants(t *testing.T) {
	zones := []string{"UTC", "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago"}
	rapid.Check(t, func(rt *rapid.T) {
		loc := location(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "unix"), 0).In(loc)
		w := WeekOf(at)
		if at.Before(w.Start(loc)) || !at.Before(w.End(loc)) {
			rt.Fatalf("%s is not in %s, %s to %s", at, w, w.Start(loc), w.End(loc))
		}
		if back, err := ParseWeek(w.String()); err != nil || back != w {
			rt.Fatalf("%s reads back as %v, %v", w, back, err)
		}
		if w.Next().Add(-1) != w || !w.Before(w.Next()) || w.Next().Start(loc) != w.End(loc) {
			rt.Fatalf("the week after %s is %s", w, w.Next())
		}
	})
}

// Complaints 5 and 6: a wall clock of the DMS is never taken for UTC, and both changes of the clocks are told apart.
func TestInstant(t *testing.T) {
	tests := []struct {
		wall, zone, want string
		shift            Shift
	}{
		{"2026-11-10 09:30:00", "America/Los_Angeles", "2026-11-10T17:30:00Z", ShiftNone},
		{"2026-07-10 09:30:00", "America/Los_Angeles", "2026-07-10T16:30:00Z", ShiftNone},
		{"2026-11-01 00:59:59", "America/Los_Angeles", "2026-11-01T07:59:59Z", ShiftNone},
		{"2026-11-01 01:00:00", "America/Los_Angeles", "2026-11-01T08:00:00Z", ShiftRepeated},
		{"2026-11-01 01:59:59", "America/Los_Angeles", "2026-11-01T08:59:59Z", ShiftRepeated},
		{"2026-11-01 02:00:00", "America/Los_Angeles", "2026-11-01T10:00:00Z", ShiftNone},
		{"2026-03-08 01:59:59", "America/Los_Angeles", "2026-03-08T09:59:59Z", ShiftNone},
		{"2026-03-08 02:00:00", "America/Los_Angeles", "2026-03-08T10:00:00Z", ShiftSkipped},
		{"2026-03-08 02:30:00", "America/Los_Angeles", "2026-03-08T10:30:00Z", ShiftSkipped}, // forward: 03:30
		{"2026-03-08 03:00:00", "America/Los_Angeles", "2026-03-08T10:00:00Z", ShiftNone},
		{"2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z", ShiftRepeated},
		{"2026-04-05 01:45:00", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", ShiftRepeated}, // half an hour
		{"2026-11-10 09:30:00", "UTC", "2026-11-10T09:30:00Z", ShiftNone},
		{"0001-01-01 00:00:00", "Europe/Berlin", "0000-12-31T23:06:32Z", ShiftNone},
	}
	for _, tt := range tests {
		t.Run(tt.wall+" "+tt.zone, func(t *testing.T) {
			wall, err := time.Parse(time.DateTime, tt.wall)
			if err != nil {
				t.Fatal(err)
			}
			loc := location(t, tt.zone)
			got, shift := Instant(wall, loc)
			if s := got.UTC().Format(time.RFC3339); s != tt.want || shift != tt.shift {
				t.Errorf("got %s shift %d, want %s shift %d", s, shift, tt.want, tt.shift)
			}
			c := &clock{zone: loc}
			for range 2 { // the second time from what was learnt
				if s := c.utc(wall).Format(time.RFC3339); s != tt.want {
					t.Errorf("the clock says %s, want %s", s, tt.want)
				}
			}
		})
	}
}

// The clock's shortcut never differs from the zone's rules.
func TestClockAgreesWithInstant(t *testing.T) {
	loc := location(t, "America/Los_Angeles")
	c := &clock{zone: loc}
	rapid.Check(t, func(rt *rapid.T) {
		wall := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(rt, "unix"), 0).UTC()
		want, _ := Instant(wall, loc)
		if got := c.utc(wall); !got.Equal(want) {
			rt.Fatalf("%s: clock %s, rules %s", wall, got, want)
		}
	})
}

func TestAgeBefore(t *testing.T) {
	tests := []struct {
		from string
		age  Age
		want string
	}{
		{"2026-11-16", Age{2, Years}, "2024-11-16"},
		{"2026-11-16", Age{6, Months}, "2026-05-16"},
		{"2026-05-31", Age{3, Months}, "2026-02-28"},
		{"2028-02-29", Age{1, Years}, "2027-02-28"},
		{"2028-02-29", Age{4, Years}, "2024-02-29"},
		{"2026-03-31", Age{25, Months}, "2024-02-29"},
		{"2026-01-31", Age{1, Months}, "2025-12-31"},
		{"2026-11-16", Age{90, Days}, "2026-08-18"},
		{"2026-11-16", Age{2, Weeks}, "2026-11-02"},
	}
	for _, tt := range tests {
		from, err := time.Parse(time.DateOnly, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.age.Before(from).Format(time.DateOnly); got != tt.want {
			t.Errorf("%d %s before %s is %s, want %s", tt.age.N, tt.age.Unit, tt.from, got, tt.want)
		}
	}
}
