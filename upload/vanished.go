package upload

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// vanishedLeast is how many orders must be gone from a week before it is doubted: of a few, all may well be deleted.
const vanishedLeast = 20

// VanishedError is returned by [Pull.Finish] where most of a week's orders are gone from the DMS, though the whitelist is
// the one of the last reading: a restored, emptied or wrong database looks like that. Nothing is voided, and the reading
// is given up: the next one begins anew.
type VanishedError struct {
	Week       string
	Gone, Held int // orders that are gone, of those that the collector has
}

// Error says what is gone.
func (e *VanishedError) Error() string {
	return fmt.Sprintf("%d of the %d orders of %s that were sent are gone from the DMS: none of them is voided", e.Gone, e.Held, e.Week)
}

// doubt gives a reading up that would void most of its week, and returns the error that says so.
func (p *Pull) doubt() (*VanishedError, error) {
	var vanished *VanishedError
	err := p.q.update("look for vanished orders of "+p.name, func(tx *bbolt.Tx) error {
		w, err := p.load(tx)
		if err != nil || !w.Adopted && (w.Last == nil || w.Last.Fieldmap != w.Reading.Fieldmap) {
			return err // another whitelist may leave out whatever it says
		}
		gone, held, err := p.vanished(tx)
		if err != nil || gone < vanishedLeast || 2*gone <= held {
			return err
		}
		vanished = &VanishedError{Week: p.name, Gone: gone, Held: held}
		w.Reading = nil
		return w.save(tx, p.name)
	})
	return vanished, err
}

// vanished counts the orders that the reading has not seen, of those that the collector has or will have.
func (p *Pull) vanished(tx *bbolt.Tx) (gone, held int, err error) {
	orders, err := weekOrders(tx, p.name)
	if err != nil {
		return 0, 0, err
	}
	err = eachState(orders, nil, func(_ []byte, state orderState) bool {
		if state.held() && !state.left {
			held++
			if state.reading != p.number {
				gone++
			}
		}
		return true
	})
	return gone, held, err
}
