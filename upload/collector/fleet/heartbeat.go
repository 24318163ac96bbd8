package fleet

import (
	"encoding/json"
	"errors"
	"time"
)

// Heartbeat is what an agent told last. Agents of several versions send it, so each member may be missing.
type Heartbeat struct {
	AgentVersion    string    `json:"agent_version"`
	At              time.Time `json:"at"`    // by the agent's clock
	State           string    `json:"state"` // idle, pulling, sending, paused, full, unapproved, stopped
	NextRun         time.Time `json:"next_run"`
	LastWeek        string    `json:"last_week"`
	FieldmapDigest  string    `json:"fieldmap_digest"`
	QueuedBatches   int       `json:"queued_batches"`
	QueuedBytes     int64     `json:"queued_bytes"`
	QueueLimit      int64     `json:"queue_limit"` // bytes; 0: not told
	Parked          int       `json:"parked"`
	Delayed         int       `json:"delayed"` // batches that wait for the dealer's veto
	DelayedUntil    time.Time `json:"delayed_until"`
	LastError       string    `json:"last_error"` // a class
	LastErrorAt     time.Time `json:"last_error_at"`
	LastPullAt      time.Time `json:"last_pull_at"`
	StartedAt       time.Time `json:"started_at"`
	CertificateEnds time.Time `json:"certificate_ends"`
	OldestQueued    time.Time `json:"oldest_queued"`
}

// parseHeartbeat reads what it can. A member of another type is left out: it is some other version's.
func parseHeartbeat(raw []byte) (h Heartbeat, ok bool) {
	if len(raw) == 0 {
		return h, false
	}
	err := json.Unmarshal(raw, &h)
	_, other := errors.AsType[*json.UnmarshalTypeError](err)
	return h, err == nil || other
}
