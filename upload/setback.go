package upload

import (
	"bytes"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// SetBack is told that the clock of this machine was set back to now, and which weeks were read before they were over: they are
// due until they are read again. A batch that was made later than now waits the dealer's time ([Queue.Hold]) from now on.
func (q *Queue) SetBack(now time.Time, early []fieldmap.Week) error {
	return q.update("note that the clock was set back", func(tx *bbolt.Tx) error {
		for _, week := range early {
			w, err := loadWeek(tx, week.String())
			if err != nil {
				return err
			}
			if w.Reading != nil {
				continue // it is due as it is
			}
			w.readEarly(now)
			if err := w.save(tx, week.String()); err != nil {
				return err
			}
		}
		made := map[string]batchHead{} // by place
		if err := eachPending(tx, func(at place, head batchHead) error {
			if head.Made.After(now) {
				head.Made = now.UTC()
				made[string(bytes.Clone(at))] = head
			}
			return nil
		}); err != nil {
			return err
		}
		for at, head := range made {
			if err := putHead(tx, place(at), head); err != nil {
				return err
			}
		}
		return nil
	})
}

// readEarly makes a week due that was read before it was over: once it is, the agent reads it as one whose reading was stopped.
func (w *weekState) readEarly(now time.Time) {
	w.Begun++
	w.Reading = &readingState{Early: true, Started: now.UTC()}
}

// isEarly reports whether a week was not over when the collector closed it, by the collector's clock. Then that of this machine was
// ahead when it was read; or the collector's is behind, and the week is read once more for nothing.
func (q *Queue) isEarly(week fieldmap.Week, closed time.Time) bool {
	zone, err := time.LoadLocation(q.Zones.Weeks)
	return err == nil && closed.Before(week.End(zone))
}
