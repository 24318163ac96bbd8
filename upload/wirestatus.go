package upload

import (
	"regexp"
	"slices"
	"time"

	"roagent/fieldmap"
)

// Status is the agent's heartbeat. It holds no customer data and no text from the DMS.
type Status struct {
	DealerID        string    `json:"dealer_id"`
	AgentVersion    string    `json:"agent_version"`
	At              time.Time `json:"at"` // by the store's clock, which may be wrong
	State           string    `json:"state"`
	StartedAt       time.Time `json:"started_at,omitzero"` // when the service was started
	NextRun         time.Time `json:"next_run,omitzero"`
	LastWeek        string    `json:"last_week,omitempty"`   // the latest that was read to its end
	LastPullAt      time.Time `json:"last_pull_at,omitzero"` // when a week was last read to its end
	FieldmapDigest  string    `json:"fieldmap_digest,omitempty"`
	QueuedBatches   int       `json:"queued_batches"`
	QueuedBytes     int64     `json:"queued_bytes"`
	QueueLimit      int64     `json:"queue_limit,omitempty"`     // bytes: queue.max_size
	OldestQueued    time.Time `json:"oldest_queued,omitzero"`    // when the oldest batch that waits was made
	Delayed         int       `json:"delayed,omitempty"`         // lines that wait for the time of queue.hold
	DelayedUntil    time.Time `json:"delayed_until,omitzero"`    // the last of them
	CertificateEnds time.Time `json:"certificate_ends,omitzero"` // of the client certificate, where one is used
	Parked          int       `json:"parked"`                    // orders that wait for a person
	LastError       string    `json:"last_error,omitempty"`      // a class: see [Hint]. Of the last run; none where that ended well
	LastErrorAt     time.Time `json:"last_error_at,omitzero"`
}

// What an agent is at.
const (
	StateIdle       = "idle"
	StatePulling    = "pulling"
	StateSending    = "sending"
	StatePaused     = "paused"     // stop_by was reached: the pull goes on at the next run
	StateFull       = "full"       // the queue is full: reading pauses until the collector takes some
	StateUnapproved = "unapproved" // nobody at the dealer's has approved the whitelist as it is now
	StateStopped    = "stopped"    // the service was stopped, by a person or with its machine
)

// States returns all states, in the order of openapi.yaml.
func States() []string {
	return []string{StateIdle, StatePulling, StateSending, StatePaused, StateFull, StateUnapproved, StateStopped}
}

const (
	maxStatusVersion = 64
	maxStatusCount   = 1 << 40 // of orders, batches or bytes: far more than any store has
)

// statusDigest is a SHA-256 in lower-case hex.
var statusDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Problem says what is wrong with s; "" where it is well formed. What an older agent leaves out is not missed.
func (s *Status) Problem() string {
	switch {
	case s.AgentVersion == "" || len(s.AgentVersion) > maxStatusVersion || !IsPlain(s.AgentVersion):
		return "agent_version is empty, too long or not printable"
	case !slices.Contains(States(), s.State):
		return "state is none that the wire describes"
	case s.LastError != "" && !slices.Contains(ErrorClasses(), s.LastError):
		return "last_error is no class that the wire describes"
	case s.LastError == "" && !s.LastErrorAt.IsZero():
		return "last_error_at goes with last_error, and only there"
	case s.FieldmapDigest != "" && !statusDigest.MatchString(s.FieldmapDigest):
		return "fieldmap_digest is no SHA-256 in 64 lower-case hex digits"
	case s.Delayed == 0 && !s.DelayedUntil.IsZero():
		return "delayed_until goes with delayed, and only there"
	}
	for _, n := range []int64{int64(s.QueuedBatches), s.QueuedBytes, s.QueueLimit, int64(s.Delayed), int64(s.Parked)} {
		if n < 0 || n > maxStatusCount {
			return "a count or a size cannot be"
		}
	}
	if s.LastWeek != "" {
		if _, err := fieldmap.ParseWeek(s.LastWeek); err != nil {
			return "last_week is no week"
		}
	}
	return s.timeProblem()
}

// timeProblem finds times that no clock tells, however wrong it is.
func (s *Status) timeProblem() string {
	if s.At.IsZero() {
		return "at is missing"
	}
	for _, at := range []time.Time{s.At, s.StartedAt, s.NextRun, s.LastPullAt, s.OldestQueued, s.DelayedUntil, s.CertificateEnds, s.LastErrorAt} {
		if !at.IsZero() && (at.Year() < 1980 || at.Year() > 9999) {
			return "a time cannot be"
		}
	}
	return ""
}
