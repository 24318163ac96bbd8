package upload

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// weekState is what the queue remembers of a week.
type weekState struct {
	Begun    uint32        `json:"begun"`             // readings begun: the number of the current one, or of the last
	Readings int           `json:"readings"`          // readings finished
	Reading  *readingState `json:"reading,omitempty"` // the unfinished one
	Last     *lastReading  `json:"last,omitempty"`    // the last finished one
	Changes  uint64        `json:"changes"`           // counts whatever may change the manifest
	Closed   *closedState  `json:"closed,omitempty"`
	Adopted  bool          `json:"adopted,omitempty"`  // its orders were taken over from the collector, and not read to the end since
	Behind   []string      `json:"behind,omitempty"`   // weeks that orders of it came from, of which lines waited then: its own follow from those
	Undercut bool          `json:"undercut,omitempty"` // lines of such a week were taken back: it is to be taken over, too
	Dropped  []DropCount   `json:"dropped,omitempty"`  // all that was ever dropped of what waited

	TakenOver   int       `json:"taken_over,omitempty"` // how often since it was last closed
	TakenOverAt time.Time `json:"taken_over_at,omitzero"`
}

// Zones are the time zones by which a week is read, by their IANA names. They decide which orders are its own, and what is
// sent of their times.
type Zones struct {
	Weeks string `json:"weeks"` // the dealer's: where a week begins and ends
	Times string `json:"times"` // the DMS's: what its clock means
}

// readingState is the checkpoint of an unfinished reading.
type readingState struct {
	Fieldmap string            `json:"fieldmap"`
	Zones    Zones             `json:"zones,omitzero"`
	Started  time.Time         `json:"started"`
	After    []byte            `json:"after,omitempty"`
	Done     bool              `json:"done,omitempty"`    // all pages are stored
	Resumed  bool              `json:"resumed,omitempty"` // some pages are of an earlier run
	All      bool              `json:"all,omitempty"`     // the whitelist or the zones are others than last time: every order is read
	Comers   bool              `json:"comers,omitempty"`  // only orders that the week is not known to hold are read, and none is voided
	Partial  bool              `json:"partial,omitempty"` // some orders were not read, since they did not change
	Early    bool              `json:"early,omitempty"`   // none: the week was read before it was over, and is to be read again
	Left     fieldmap.Counts   `json:"left"`
	Tally    Tally             `json:"tally"`
	Profile  *fieldmap.Profile `json:"profile,omitempty"` // of the orders that were read
}

type lastReading struct {
	Fieldmap string               `json:"fieldmap"`
	Zones    Zones                `json:"zones,omitzero"` // zero: not known, or not all of the week was read by the same
	Started  time.Time            `json:"started"`
	Ended    time.Time            `json:"ended"`
	Resumed  bool                 `json:"resumed,omitempty"`
	Skipped  []fieldmap.SkipCount `json:"skipped,omitempty"`
	Left     fieldmap.Counts      `json:"left"`
	Keyless  int                  `json:"keyless,omitempty"`
	Profile  *fieldmap.Profile    `json:"profile,omitempty"` // of the last reading that read every order
}

// closedState is the manifest for which the collector's receipt is held.
type closedState struct {
	Manifest string    `json:"manifest"` // its id
	Content  string    `json:"content"`  // its digest without what every reading changes: see manifestContent
	Changes  uint64    `json:"changes"`  // weekState.Changes of that manifest
	At       time.Time `json:"at"`
}

// Tally counts the orders of a reading.
type Tally struct {
	New       int `json:"new"`
	Revised   int `json:"revised"`
	Unchanged int `json:"unchanged"`
	Voided    int `json:"voided"`
	Parked    int `json:"parked"`
}

func loadWeek(tx *bbolt.Tx, week string) (weekState, error) {
	var w weekState
	text := bucket(tx, bucketWeeks).Get([]byte(week))
	if text == nil {
		return w, nil
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return w, damaged(err, "the state of week %s is damaged", week)
	}
	return w, nil
}

func (w *weekState) save(tx *bbolt.Tx, week string) error {
	text, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("keep week %s: %w", week, err)
	}
	return bucket(tx, bucketWeeks).Put([]byte(week), text)
}

// follow notes from which weeks orders came. What those weeks have sent by now cannot be taken back.
func (w *weekState) follow(tx *bbolt.Tx, weeks []string) error {
	if len(w.Behind)+len(weeks) == 0 {
		return nil
	}
	waits, err := weeksWithPending(tx)
	w.Behind = slices.Compact(slices.Sorted(slices.Values(append(w.Behind, weeks...))))
	w.Behind = slices.DeleteFunc(w.Behind, func(week string) bool { return !waits[week] })
	return err
}

// touchWeek notes that a week's manifest may have to say something else now.
func touchWeek(tx *bbolt.Tx, week string) error {
	w, err := loadWeek(tx, week)
	if err != nil {
		return err
	}
	w.Changes++
	return w.save(tx, week)
}
