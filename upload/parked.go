package upload

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// parkedHead is what is known of something parked without unsealing it.
type parkedHead struct {
	Week     string    `json:"week"`
	Key      string    `json:"key,omitempty"` // where it is one order
	Lines    int       `json:"lines"`         // of its payload: how many are not superseded; 0: an order that could not be read
	Held     bool      `json:"held,omitempty"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Reading  uint32    `json:"reading,omitempty"` // Lines == 0: in which it was last found so
	ID       string    `json:"id,omitempty"`      // of the batch that was refused
	Fieldmap string    `json:"fieldmap,omitempty"`
}

// parkedLines is the payload of what the collector refused, or of an order that is held. It is sealed: the collector's words may repeat what an
// order holds.
type parkedLines struct {
	Detail string `json:"detail"`
	Lines  []byte `json:"lines"` // NDJSON, zstd
	// Mentions is what the lines are about; null where it is not known.
	Mentions []byte `json:"mentions"`
}

func hasParked(tx *bbolt.Tx) bool {
	first, _ := bucket(tx, bucketParkedKeys).Cursor().First()
	return first != nil
}

// parkedKey is a key of bucketParkedKeys: what is parked of an order.
func parkedKey(key string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(key), 0), number)
}

func parkedNumber(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// parkedOf returns the numbers of what is parked of an order.
func parkedOf(tx *bbolt.Tx, key []byte) []uint64 {
	var numbers []uint64
	prefix := append(bytes.Clone(key), 0)
	c := bucket(tx, bucketParkedKeys).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if len(k) == len(prefix)+8 { // else it is a longer key
			numbers = append(numbers, binary.BigEndian.Uint64(k[len(prefix):]))
		}
	}
	return numbers
}

func loadParked(tx *bbolt.Tx, number uint64) (parkedHead, error) {
	var h parkedHead
	text := bucket(tx, bucketParked).Get(parkedNumber(number))
	if text == nil {
		return h, fmt.Errorf("nothing is parked as number %d; `roagent parked list` shows what is", number)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, damaged(err, "what is parked as number %d is damaged", number)
	}
	return h, nil
}

func (h *parkedHead) save(tx *bbolt.Tx, number uint64) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	return bucket(tx, bucketParked).Put(parkedNumber(number), text)
}

// parkOrders parks orders that cannot be sent as they are. They count as seen: nobody said that they are gone. Not so
// duplicates.
func (w *pageWriter) parkOrders(orders []fieldmap.Parked, duplicates bool) error {
	for _, order := range orders {
		w.stored.Parked++
		if err := w.parkOrder(order); err != nil {
			return err
		}
		if order.Key.Text == "" || len(order.Key.Text) > MaxKey || duplicates {
			continue // it has no state, or one that is another order's of that key
		}
		if err := w.seeOne(order.Key.Text); err != nil {
			return err
		}
	}
	return nil
}

// parkOrder notes the order, or that it is still so.
func (w *pageWriter) parkOrder(order fieldmap.Parked) error {
	key := shortKey(order.Key.Text)
	for _, number := range parkedOf(w.tx, []byte(key)) {
		head, err := loadParked(w.tx, number)
		if err != nil {
			return err
		}
		if head.Lines > 0 || head.Week != w.name {
			continue
		}
		if head.Reason == order.Reason {
			head.Reading = w.reading
			return head.save(w.tx, number)
		}
		if err := removeParked(w.tx, number, head, key); err != nil {
			return err
		}
	}
	number, err := bucket(w.tx, bucketParked).NextSequence()
	if err != nil {
		return fmt.Errorf("park an order: %w", err)
	}
	head := parkedHead{Week: w.name, Key: key, Reason: order.Reason, Since: w.now, Reading: w.reading, Fieldmap: w.digest}
	if err := head.save(w.tx, number); err != nil {
		return err
	}
	if err := bucket(w.tx, bucketParkedKeys).Put(parkedKey(key, number), nil); err != nil {
		return err
	}
	return record(w.tx, Entry{Kind: ParkedEntry, At: w.now, Week: w.name, Fieldmap: w.digest, Key: key, Orders: 1, Why: order.Reason})
}

// shortKey is a key as it can be kept.
func shortKey(key string) string {
	if len(key) > MaxKey {
		return key[:MaxKey]
	}
	return key
}

// unpark removes what is parked of an order in a week where it is fine now, or that it left. Lines that the collector refused stay where stillRefused.
func unpark(tx *bbolt.Tx, week string, key []byte, stillRefused bool) error {
	for _, number := range parkedOf(tx, key) {
		head, err := loadParked(tx, number)
		if err != nil {
			return err
		}
		if head.Week != week || head.Lines > 0 && stillRefused {
			continue
		}
		if err := removeParked(tx, number, head, string(key)); err != nil {
			return err
		}
		if err := touchWeek(tx, head.Week); err != nil {
			return err
		}
	}
	return nil
}

// removeParked takes one order out of something parked; the last one takes it all away.
func removeParked(tx *bbolt.Tx, number uint64, head parkedHead, key string) error {
	if err := bucket(tx, bucketParkedKeys).Delete(parkedKey(key, number)); err != nil {
		return err
	}
	if head.Lines > 1 {
		head.Lines--
		return head.save(tx, number)
	}
	if head.Lines == 1 {
		if err := bucket(tx, bucketPayloads).DeleteBucket(parkedPlace(number)); err != nil {
			return err
		}
	}
	return bucket(tx, bucketParked).Delete(parkedNumber(number))
}

// unparkGone removes orders of a week that were parked by an earlier reading and that this one did not find.
func unparkGone(tx *bbolt.Tx, week string, reading uint32) error {
	if !hasParked(tx) {
		return nil
	}
	gone := map[uint64]parkedHead{}
	err := eachParked(tx, func(number uint64, head parkedHead) error {
		if head.Week == week && head.Lines == 0 && head.Reading != reading {
			gone[number] = head
		}
		return nil
	})
	if err != nil {
		return err
	}
	for number, head := range gone {
		if err := removeParked(tx, number, head, head.Key); err != nil {
			return err
		}
	}
	return nil
}

func eachParked(tx *bbolt.Tx, fn func(uint64, parkedHead) error) error {
	return bucket(tx, bucketParked).ForEach(func(k, text []byte) error {
		var head parkedHead
		if err := json.Unmarshal(text, &head); err != nil || len(k) != 8 {
			return damaged(err, "what is parked as number %x is damaged", k)
		}
		return fn(binary.BigEndian.Uint64(k), head)
	})
}

// parkedPlace is where the payload of something parked is stored, beside those of batches.
func parkedPlace(number uint64) []byte { return append([]byte(parkedStem), parkedNumber(number)...) }

const parkedStem = "parked/"

func parkedBound(dealer string, number uint64) []byte {
	return append([]byte("roagent parked 1\x00"+dealer+"\x00"), parkedNumber(number)...)
}
