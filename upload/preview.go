package upload

import (
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// Preview returns the line that [Pull.Store] would queue for an order now, or nil where it would send nothing. held
// tells that it would park the order until a person releases it. Preview changes nothing.
func (q *Queue) Preview(record fieldmap.Record) (line []byte, held bool, err error) {
	week, key := record.Week().String(), record.Key().Text
	err = q.view("preview of an order of "+week, func(tx *bbolt.Tx) error {
		state, err := stateAnywhere(tx, week, []byte(key))
		if err != nil {
			return err
		}
		verdict, next := state.saw(record.Digest())
		if held = verdict == sendContent && record.Held() != ""; verdict == sendContent && !held {
			line = appendLine(nil, q.dealer, week, key, next.revision, state.replaces(), record.JSON())
		}
		return nil
	})
	return line, held, err
}

// stateAnywhere returns what is known of an order that was found in a week. One that was in another week leaves it with
// a line that voids it there.
func stateAnywhere(tx *bbolt.Tx, week string, key []byte) (orderState, error) {
	if value := stateIn(tx, week, key); value != nil {
		return decodeState(value)
	}
	at := bucket(tx, bucketIndex).Get(key)
	if at == nil {
		return orderState{}, nil
	}
	other, err := unpackWeek(at)
	if err != nil {
		return orderState{}, err
	}
	value := stateIn(tx, other.String(), key)
	if value == nil {
		return orderState{}, nil
	}
	state, err := decodeState(value)
	if err == nil && state.held() {
		state = state.void()
	}
	return state, err
}

func stateIn(tx *bbolt.Tx, week string, key []byte) []byte {
	orders := bucket(tx, bucketOrders).Bucket([]byte(week))
	if orders == nil {
		return nil
	}
	return orders.Get(key)
}
