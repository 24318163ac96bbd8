package upload

import (
	"bytes"
	"encoding/json"

	"go.etcd.io/bbolt"
)

// chain is an order of which a line was refused while later ones wait. Those take the refused line's place: else the
// next would replace something that the collector never took. That is rare: the order changed again before the
// collector was offered, and refused, what it was before.
type chain struct {
	key    string
	orders *bbolt.Bucket
	before orderState // as the database has it
	now    orderState // after the lines that the collector takes

	last       int  // the revision that the last line found had before
	superseded bool // there was one
}

func newChain(line *Line, orders *bbolt.Bucket, state orderState) (*chain, error) {
	c := &chain{key: line.Key, orders: orders, before: state, last: line.Revision}
	c.now = orderState{reading: state.reading, revision: line.Revision - 1, voids: state.voids >> (state.revision - line.Revision + 1)}
	replaced, err := line.replaced()
	if replaced != nil {
		c.now.digest = *replaced
	}
	return c, err
}

// rebase rewrites the lines that wait behind the refused batch.
func (r *refusal) rebase() error {
	if len(r.chains) == 0 {
		return nil
	}
	var places []place
	c := bucket(r.tx, bucketPending).Cursor()
	for at, _ := c.Seek(r.w.at); at != nil; at, _ = c.Next() {
		places = append(places, bytes.Clone(at))
	}
	for _, at := range places {
		if err := r.rebaseBatch(at); err != nil {
			return err
		}
	}
	for _, c := range r.chains {
		if err := c.save(r.tx); err != nil {
			return err
		}
	}
	return nil
}

func (r *refusal) rebaseBatch(at place) error {
	head, err := loadHead(r.tx, at)
	if err != nil || head.Week != r.w.head.Week { // what waits for another week does not build on it
		return err
	}
	lines, err := r.q.lines(r.tx, at, head)
	if err != nil {
		return err
	}
	changed := false
	kept := lines[:0]
	for _, text := range lines {
		key, err := lineKey(text)
		if err != nil {
			return err
		}
		if c := r.chains[key]; c != nil {
			changed = true
			if text, err = c.next(text); err != nil {
				return err
			}
		}
		if text != nil {
			kept = append(kept, text)
		}
	}
	if !changed {
		return nil
	}
	tags, err := r.q.tagsOf(r.tx, at)
	if err != nil {
		return err
	}
	if err := removeBatch(r.tx, at, head); err != nil {
		return err
	}
	if err := touchWeek(r.tx, head.Week); err != nil {
		return err
	}
	return r.q.putAgain(r.tx, at.child(0), head, kept, tags)
}

// next returns a later line as it must be sent now; nil if the collector has nothing to learn from it any more.
func (c *chain) next(text []byte) ([]byte, error) {
	line, err := parseLine(text)
	if err != nil {
		return nil, err
	}
	c.superseded = true
	c.pass(&line)
	return c.send(&line), nil
}

// pass notes that a line comes next.
func (c *chain) pass(line *Line) {
	if line.Revision > c.last+1 { // the order was in another week meanwhile
		c.now = c.now.skip(line.Revision - 1)
	}
	c.last = line.Revision
}

// send returns a line as it must be sent now, nil if the collector has nothing to learn from it.
func (c *chain) send(line *Line) []byte {
	before := c.now
	var v verdict
	if line.Voided {
		v, c.now = before.missed()
	} else {
		v, c.now = before.saw(line.content())
	}
	if v == sendNothing {
		return nil
	}
	return appendLine(nil, line.DealerID, line.Week, line.Key, c.now.revision, before.replaces(), line.RepairOrder)
}

// save makes the order's state what the collector will have once all that waits is delivered. Where the last line of
// the order was not among what waits, the collector has it, and the state is right.
func (c *chain) save(tx *bbolt.Tx) error {
	if c.last != c.before.revision {
		return nil
	}
	c.now.dropped, c.now.droppedIs = c.before.dropped, c.before.droppedIs
	return c.put(tx)
}

// put stores the state that the chain has come to. What was held of the order beyond it follows from nothing any more:
// the next reading reads the order in any case, and holds it anew.
func (c *chain) put(tx *bbolt.Tx) error {
	if c.now.revision == 0 && !c.now.dropped {
		return forgetState(tx, c.orders, []byte(c.key), c.before.left)
	}
	if c.now.left = c.before.left; !c.before.refused {
		c.now.changed = c.before.changed
	}
	return c.orders.Put([]byte(c.key), c.now.append(nil))
}

// forgetState forgets an order of which the collector has nothing in a week.
func forgetState(tx *bbolt.Tx, orders *bbolt.Bucket, key []byte, left bool) error {
	if err := orders.Delete(key); err != nil || left { // then the index names the week that it is in now
		return err
	}
	return bucket(tx, bucketIndex).Delete(key)
}

// lineKey returns the key of a line that this queue made, without reading its order. What comes before the revision
// holds no quote that is not escaped, so the first match is the one.
func lineKey(text []byte) (string, error) {
	envelope, _, ok := bytes.Cut(text, []byte(`,"revision":`))
	var line Line
	if !ok || json.Unmarshal(append(bytes.Clone(envelope), '}'), &line) != nil {
		return "", damaged(nil, "a queued line is damaged: it names no key")
	}
	return line.Key, nil
}
