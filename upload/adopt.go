package upload

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// adoption is one transaction that makes a week of the queue what the collector holds of it: its batches, and of each
// order what the next line must follow from. The queue did not know all of it, since it is new, rebuilt, or an old copy;
// so what it knew better cannot be told from what it knew worse, and what waits was made of the wrong states.
type adoption struct {
	tx    *bbolt.Tx
	held  *heldWeek
	again bool // the week is to be read anew
	now   time.Time
	name  string
	of    fieldmap.Week

	unparked map[string]bool // keys of which refused or held lines were parked
	foreign  int             // batches that the queue did not know
	back     int             // lines that waited
	follows  bool            // it is taken over since another week was
	behind   []string        // weeks that are to be taken over, too
}

// heldWeek is what the collector holds of a week, checked.
type heldWeek struct {
	OrdersHeld
	week     fieldmap.Week
	receipts []Receipt      // of Batches
	digests  []digest       // of Orders
	byID     map[string]int // places in Batches
	byKey    map[string]int // places in Orders
}

// adopt makes a week what the collector holds of it. A week that is to be read again is due from then on, and nothing
// of it is sent before its next reading has ended. behind are the weeks that are to be taken over, too.
func (q *Queue) adopt(held *heldWeek, again bool) (behind []string, err error) {
	err = q.update("take over "+held.Week, func(tx *bbolt.Tx) error {
		a := &adoption{tx: tx, held: held, again: again, now: q.now().UTC(), name: held.Week, of: held.week}
		for _, step := range []func() error{a.batches, a.unpark, a.orders, a.week, a.undercut, a.note} {
			if err := step(); err != nil {
				return err
			}
		}
		behind = a.behind
		return nil
	})
	return behind, err
}

// batches makes the week's batches those that the collector holds. What waits and has arrived is delivered; what waits
// and has not is taken back: it is read again. What was delivered and is lost there is not asked for any more, since
// its orders are read again, too.
func (a *adoption) batches() error {
	type placed struct {
		at   place
		head batchHead
	}
	var here []placed
	if err := eachBatch(a.tx, a.name, func(at place, head batchHead) error {
		here = append(here, placed{bytes.Clone(at), head})
		return nil
	}); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, b := range here {
		i, held := a.held.byID[b.head.ID]
		known[b.head.ID] = true
		var err error
		switch waits := b.head.Delivered.IsZero(); {
		case held && waits:
			err = deliverIn(a.tx, waiting{at: b.at, head: b.head}, a.held.receipts[i], []byte(a.held.Batches[i].Receipt))
		case waits:
			a.back += b.head.Orders
			err = removeBatch(a.tx, b.at, b.head)
		case !held:
			err = bucket(a.tx, bucketWeekBatches).Delete(weekPlace(a.name, b.at))
		}
		if err != nil {
			return err
		}
	}
	return a.add(known)
}

// add notes the batches that the queue did not know, without their lines. The ledger gets the receipts that it lacks.
func (a *adoption) add(known map[string]bool) error {
	noted, err := deliveredIn(a.tx)
	if err != nil {
		return err
	}
	for i, b := range a.held.Batches {
		if known[b.ID] {
			continue
		}
		a.foreign++
		at, err := nextPlace(a.tx)
		if err != nil {
			return err
		}
		stored := a.held.receipts[i].Stored
		head := batchHead{ID: b.ID, Week: a.name, Orders: b.Orders, Made: stored, Delivered: stored}
		if err := putHead(a.tx, at, head); err != nil {
			return err
		}
		if err := bucket(a.tx, bucketWeekBatches).Put(weekPlace(a.name, at), nil); err != nil {
			return err
		}
		if noted[b.ID] {
			continue
		}
		if err := record(a.tx, Entry{Kind: BatchEntry, Week: a.name, ID: b.ID, Orders: b.Orders, Receipt: b.Receipt}); err != nil {
			return err
		}
	}
	return nil
}

// deliveredIn returns the ids of the batches that the ledger says were delivered.
func deliveredIn(tx *bbolt.Tx) (map[string]bool, error) {
	noted := map[string]bool{}
	return noted, bucket(tx, bucketLedger).ForEach(func(_, text []byte) error {
		e, err := decodeEntry(text)
		if e.Kind == BatchEntry {
			noted[e.ID] = true
		}
		return err
	})
}

// unpark forgets the week's lines that are parked: they follow from states that are not the collector's. The orders are
// read again, and held or offered again.
func (a *adoption) unpark() error {
	a.unparked = map[string]bool{}
	type parked struct {
		number uint64
		key    string
	}
	var found []parked
	if err := eachParkedKey(a.tx, func(key string, number uint64) error {
		head, err := loadParked(a.tx, number)
		if err == nil && head.Week == a.name && head.Lines > 0 {
			found = append(found, parked{number, key})
		}
		return err
	}); err != nil {
		return err
	}
	for _, p := range found {
		head, err := loadParked(a.tx, p.number) // again: it counts what is left
		if err != nil {
			return err
		}
		if err := removeParked(a.tx, p.number, head, p.key); err != nil {
			return err
		}
		a.unparked[p.key] = true
	}
	return nil
}

// orders makes what is known of the week's orders what the collector has. What a person dropped stays dropped.
func (a *adoption) orders() error {
	orders, err := weekOrders(a.tx, a.name)
	if err != nil {
		return err
	}
	decided := map[string]orderState{}
	var gone []string
	if err := eachState(orders, nil, func(key []byte, state orderState) bool {
		kept := a.decisions(string(key), &state)
		_, held := a.held.byKey[string(key)]
		switch {
		case kept.refused || kept.refusedVoid || kept.dropped:
			decided[string(key)] = kept
		case !held:
			gone = append(gone, string(key))
		}
		return true
	}); err != nil {
		return err
	}
	for _, key := range gone {
		if err := a.forget(orders, key); err != nil {
			return err
		}
	}
	for i, order := range a.held.Orders {
		state := decided[order.Key]
		delete(decided, order.Key)
		state.revision, state.digest = order.Revision, a.held.digests[i]
		if order.Voided {
			state.voids = 1
		}
		if err := a.locate(order.Key, &state); err != nil {
			return err
		}
		if err := orders.Put([]byte(order.Key), state.append(nil)); err != nil {
			return err
		}
	}
	for key, state := range decided { // of orders of which the collector has nothing
		if state.refusedVoid = false; !state.refused && !state.dropped {
			if err := a.forget(orders, key); err != nil {
				return err
			}
			continue
		}
		if err := orders.Put([]byte(key), state.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// decisions returns what a person decided on an order: all that stays of its state. What is refused and not parked any
// more was dropped.
func (a *adoption) decisions(key string, state *orderState) orderState {
	kept := orderState{left: state.left, dropped: state.dropped, droppedIs: state.droppedIs}
	if !a.unparked[key] {
		kept.refused, kept.refusedIs, kept.refusedVoid = state.refused, state.refusedIs, state.refusedVoid
	}
	return kept
}

// forget forgets an order of which the collector has nothing in this week. Where another week is where it came from, it is there
// again until it is read: its next line follows from what that week has of it.
func (a *adoption) forget(orders *bbolt.Bucket, key string) error {
	index, here := bucket(a.tx, bucketIndex), packWeek(a.of)
	if err := orders.Delete([]byte(key)); err != nil || !bytes.Equal(index.Get([]byte(key)), here[:]) {
		return err
	}
	week, state, err := a.before(key)
	if err != nil || week == nil {
		return cmp.Or(err, index.Delete([]byte(key)))
	}
	of, err := fieldmap.ParseWeek(string(week))
	if err != nil {
		return damaged(err, "the week of an order is damaged")
	}
	at := packWeek(of)
	state.left = false
	return errors.Join(index.Put([]byte(key), at[:]), bucket(a.tx, bucketOrders).Bucket(week).Put([]byte(key), state.append(nil)))
}

// before returns what is known of an order in the week that it was in before this one; nil where it was in no other.
func (a *adoption) before(key string) (week []byte, last orderState, err error) {
	all := bucket(a.tx, bucketOrders)
	err = all.ForEachBucket(func(name []byte) error {
		value := all.Bucket(name).Get([]byte(key))
		if value == nil {
			return nil
		}
		state, err := decodeState(value)
		if err == nil && state.revision > last.revision {
			week, last = bytes.Clone(name), state
			last.changed = bytes.Clone(state.changed)
		}
		return err
	})
	return week, last, err
}

// locate decides in which week an order is that the collector holds in this one: in this one, unless it is voided here and
// known in another.
func (a *adoption) locate(key string, state *orderState) error {
	index, here := bucket(a.tx, bucketIndex), packWeek(a.of)
	at := index.Get([]byte(key))
	if state.left = at != nil && !bytes.Equal(at, here[:]) && state.voided(); state.left {
		return nil
	}
	if at != nil && !bytes.Equal(at, here[:]) {
		if err := a.leave(at, key); err != nil {
			return err
		}
	}
	return index.Put([]byte(key), here[:])
}

// leave notes in another week that an order is not in it any more. Where the collector still has it there, that week's next
// reading finds out.
func (a *adoption) leave(at []byte, key string) error {
	other, err := unpackWeek(at)
	if err != nil {
		return err
	}
	orders, err := weekOrders(a.tx, other.String())
	if err != nil {
		return err
	}
	value := orders.Get([]byte(key))
	if value == nil {
		return nil
	}
	state, err := decodeState(value)
	if err != nil || state.held() {
		return err
	}
	state.left = true
	return orders.Put([]byte(key), state.append(nil))
}

// week gives up a reading that is under way.
func (a *adoption) week() error {
	w, err := loadWeek(a.tx, a.name)
	if err != nil {
		return err
	}
	w.Begun++
	w.Changes++
	w.TakenOver++
	w.TakenOverAt = a.now
	due, early := a.again || w.Reading.anew(), w.Reading != nil && w.Reading.Early
	a.follows = w.Undercut
	w.Reading, w.Adopted, w.Undercut, w.Behind = nil, true, false, nil
	if w.Last != nil {
		w.Last.Zones = Zones{} // by which what is held was read is not known
	}
	w.Readings = max(1, w.Readings) // what is held was read: the weeks that were missed are those since
	if due || early {
		w.Reading = &readingState{Early: early, Started: a.now} // under no whitelist: the next Begin begins anew
	}
	return w.save(a.tx, a.name)
}

// undercut notes which weeks are to be taken over, too, where lines of this one were taken back: those whose lines follow
// from them, since their orders came from here. Sent as they are, they would replace what the collector never had.
func (a *adoption) undercut() error {
	if a.back == 0 {
		return nil
	}
	found := map[string]weekState{}
	if err := bucket(a.tx, bucketWeeks).ForEach(func(k, _ []byte) error {
		w, err := loadWeek(a.tx, string(k))
		if slices.Contains(w.Behind, a.name) {
			found[string(k)] = w
		}
		return err
	}); err != nil {
		return err
	}
	a.behind = slices.Sorted(maps.Keys(found))
	for _, week := range a.behind {
		w := found[week]
		w.Undercut = true
		if err := w.save(a.tx, week); err != nil {
			return err
		}
	}
	return nil
}

func (a *adoption) note() error {
	why := fmt.Sprintf("the collector held %d batches that this data folder did not know; %d lines that waited were taken back", a.foreign, a.back)
	if a.follows {
		why += "; orders of it came from a week that was taken over"
	}
	return record(a.tx, Entry{Kind: AdoptedEntry, Week: a.name, Orders: len(a.held.Orders), Why: why})
}

// anew reports whether the week is to be read anew, since it was taken over from the collector.
func (r *readingState) anew() bool { return r != nil && r.Fieldmap == "" && !r.Early }

// eachParkedKey calls fn for each order of what is parked.
func eachParkedKey(tx *bbolt.Tx, fn func(key string, number uint64) error) error {
	return bucket(tx, bucketParkedKeys).ForEach(func(k, _ []byte) error {
		n := len(k) - 9
		if n < 0 {
			return damaged(nil, "an order that is parked is damaged")
		}
		return fn(string(k[:n]), binary.BigEndian.Uint64(k[n+1:]))
	})
}

// decodeDigest reads a SHA-256 in hex.
func decodeDigest(text string) (d digest, err error) {
	if len(text) != hex.EncodedLen(len(d)) {
		return d, fmt.Errorf("a digest has %d characters", len(text))
	}
	_, err = hex.Decode(d[:], []byte(text))
	return d, err
}
