package upload

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

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

// trail is a chain through the weeks that its order has been in since: there, too, lines wait that take their numbers, and
// what they replace, from what was refused.
type trail struct {
	start *chain // in the week of the refused line
	weeks map[string]*chain
	at    *chain // of the last line found
	last  int    // the revision that it had
	fixed bool   // of a line that was not found the collector may have the number: those of other weeks stay as they are
}

func newTrail(line *Line, orders *bbolt.Bucket, state orderState) (*trail, error) {
	c, err := newChain(line, orders, state)
	return &trail{start: c, at: c, last: line.Revision, weeks: map[string]*chain{line.Week: c}}, err
}

// rebase rewrites the lines that wait behind the refused batch.
func (r *refusal) rebase() error {
	if len(r.trails) == 0 {
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
	for _, t := range r.trails {
		if err := t.save(r.tx); err != nil {
			return err
		}
	}
	return nil
}

func (r *refusal) rebaseBatch(at place) error {
	head, err := loadHead(r.tx, at)
	if err != nil {
		return err
	}
	if follows, err := r.follows(head.Week); err != nil || !follows {
		return err
	}
	lines, err := r.q.lines(r.tx, at, head)
	if err != nil {
		return err
	}
	changed := false
	kept := make([][]byte, 0, len(lines))
	for _, text := range lines {
		now, err := r.next(&head, text)
		if err != nil {
			return err
		}
		changed = changed || !bytes.Equal(now, text)
		if now != nil {
			kept = append(kept, now)
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

// follows reports whether lines of a week may follow from the refused ones.
func (r *refusal) follows(week string) (bool, error) {
	if week == r.w.head.Week {
		return true, nil
	}
	s, err := loadWeek(r.tx, week)
	return slices.Contains(s.Behind, r.w.head.Week), err
}

// next returns a line that waits as it must be sent now; nil if the collector has nothing to learn from it any more.
func (r *refusal) next(head *batchHead, text []byte) ([]byte, error) {
	key, err := lineKey(text)
	if err != nil || r.trails[key] == nil {
		return text, err
	}
	line, err := parseLine(text)
	if err != nil {
		return nil, err
	}
	t := r.trails[key]
	c, err := t.reach(r.tx, head, &line)
	if err != nil || c == nil {
		return text, err
	}
	return c.send(&line), nil
}

// reach goes on to the next line, and returns the chain of its week, as the order arrives there; nil where the line stays as it is.
// Where a number is not found, its line was sent before its turn, or the number is kept free for one that may be released.
func (t *trail) reach(tx *bbolt.Tx, head *batchHead, line *Line) (c *chain, err error) {
	own := t.weeks[line.Week] == t.start
	t.fixed = t.fixed || line.Revision != t.last+1 || head.left() && !own
	if t.last = line.Revision; !t.fixed {
		c, err = t.enter(tx, line)
	} else if own {
		c = t.start
		c.pass(line)
	}
	if c != nil {
		t.at, c.last, c.superseded = c, line.Revision, true
	}
	return c, err
}

// enter returns the chain of a line's week, as the order arrives there from that of the line before.
func (t *trail) enter(tx *bbolt.Tx, line *Line) (*chain, error) {
	c := t.weeks[line.Week]
	if c == nil {
		orders, state, err := findState(tx, line)
		if err != nil {
			return nil, err
		}
		if t.fixed = orders == nil || state.revision < line.Revision || state.refused; t.fixed {
			return nil, nil
		}
		if c, err = newChain(line, orders, state); err != nil {
			return nil, err
		}
		if c.now.voids == 1 { // the week had nothing of it before: see orderState.arrive
			c.now = orderState{reading: state.reading}
		}
		c.now = c.now.unskip(t.at.now.revision)
		t.weeks[line.Week] = c
	}
	if c != t.at {
		c.now = c.now.arrive(t.at.now)
	}
	return c, nil
}

// save stores what has become of the order in each week.
func (t *trail) save(tx *bbolt.Tx) error {
	for _, week := range slices.Sorted(maps.Keys(t.weeks)) {
		if err := t.weeks[week].save(tx); err != nil {
			return err
		}
	}
	return t.back(tx)
}

// back sees to a week that the order came back to as it had left it, so that no line waits there: its next line takes the
// number behind those that are left.
func (t *trail) back(tx *bbolt.Tx) error {
	packed := bucket(tx, bucketIndex).Get([]byte(t.start.key))
	if t.fixed || packed == nil {
		return nil
	}
	week, err := unpackWeek(packed)
	if err != nil || t.weeks[week.String()] != nil {
		return err
	}
	orders, state, err := findState(tx, &Line{Week: week.String(), Key: t.start.key})
	if err != nil || orders == nil || state.refused || state.revision != t.last {
		return err
	}
	state = state.unskip(t.at.now.revision)
	return orders.Put([]byte(t.start.key), state.append(nil))
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
