package upload

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// Veto is what a person at the dealer's takes out of what waits, before it is sent.
type Veto struct {
	What  DropKind
	Week  string // of which to drop it; "" is every week, unless What is DropWeek
	Key   string // of the order, where What is DropOrder
	Field string // a sent path, where What is DropField: job.pricing.price.charge_amount
	Why   string // the manifest tells the collector
	Who   string
}

// Vetoed is what a veto dropped.
type Vetoed struct {
	Weeks   map[string]int // orders by week
	Offered int            // lines that it is about and that the collector may have: these are left as they are
}

// Orders counts the orders of all weeks.
func (v *Vetoed) Orders() (n int) {
	for _, orders := range v.Weeks {
		n += orders
	}
	return n
}

// Veto drops an order, a field or a week from what waits to be sent, in one transaction. What it drops is not sent as
// long as the order reads the same; an order that is edited is queued again, whole. Lines that void an order are
// rewritten or vanish where there is nothing left to void, and are never dropped: they only take back.
func (q *Queue) Veto(v Veto) (done Vetoed, err error) {
	d := DropCount{What: v.What, Field: v.Field, Why: v.Why, Count: 1}
	switch problem := d.Problem(); {
	case problem != "":
		return done, errors.New(problem)
	case (v.What == DropOrder) != (v.Key != ""), v.What == DropWeek && v.Week == "":
		return done, errors.New("the drop of an order names its key, that of a week the week")
	}
	err = q.update("drop what waits", func(tx *bbolt.Tx) error {
		t := &vetoing{Veto: v, q: q, tx: tx, chains: map[string]*vetoChain{}}
		if err := t.batches(); err != nil {
			return err
		}
		done = t.done
		return t.finish()
	})
	return done, err
}

// vetoing is one transaction that drops.
type vetoing struct {
	Veto
	q      *Queue
	tx     *bbolt.Tx
	chains map[string]*vetoChain // by week and key
	done   Vetoed
}

// vetoChain is an order of which something was dropped; its later lines take the place of what is gone.
type vetoChain struct {
	*chain
	content *digest // of the order as it was read for its last line, if that is not what is sent
}

func (t *vetoing) batches() error {
	var places []place
	if err := eachPending(t.tx, func(at place, head batchHead) error {
		if t.Week == "" || head.Week == t.Week {
			places = append(places, bytes.Clone(at))
		}
		return nil
	}); err != nil {
		return err
	}
	for _, at := range places {
		if err := t.batch(at); err != nil {
			return err
		}
	}
	return nil
}

// batch writes a batch anew if the veto is about a line of it.
func (t *vetoing) batch(at place) error {
	head, err := loadHead(t.tx, at)
	if err != nil {
		return err
	}
	lines, err := t.q.lines(t.tx, at, head)
	if err != nil {
		return err
	}
	changed := false
	kept := make([][]byte, 0, len(lines))
	for _, text := range lines {
		now, err := t.line(&head, text)
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
	tags, err := t.q.tagsOf(t.tx, at)
	if err != nil {
		return err
	}
	if err := removeBatch(t.tx, at, head); err != nil {
		return err
	}
	return t.q.putAgain(t.tx, at.child(0), head, kept, tags)
}

// line returns a line as it is sent now; nil where it is not.
func (t *vetoing) line(head *batchHead, text []byte) ([]byte, error) {
	key, err := lineKey(text)
	if err != nil || t.What == DropOrder && key != t.Key {
		return text, err
	}
	line, err := parseLine(text)
	if err != nil {
		return nil, err
	}
	read := line.content()
	about, err := t.edit(&line)
	if err != nil {
		return nil, err
	}
	if head.left() {
		if about {
			t.done.Offered++
		}
		return text, nil
	}
	c := t.chains[line.Week+"/"+key]
	if c == nil && !about {
		return text, nil
	}
	if c == nil {
		if c, err = t.begin(&line); err != nil {
			return nil, err
		}
	}
	c.pass(&line)
	if c.content = nil; about {
		c.content = &read
	}
	if !line.Voided && line.RepairOrder == nil {
		return nil, nil
	}
	return c.send(&line), nil
}

// edit takes out of a line what is to be dropped: all of its order, or a field. It reports whether there was any.
func (t *vetoing) edit(line *Line) (about bool, err error) {
	switch {
	case line.Voided:
	case t.What != DropField:
		line.RepairOrder, about = nil, true
	default:
		line.RepairOrder, about, err = fieldmap.WithoutField(line.RepairOrder, t.Field)
		if err != nil {
			err = damaged(err, "a queued line is damaged")
		}
	}
	return about, err
}

// begin begins the chain of an order with the first line that the veto is about.
func (t *vetoing) begin(line *Line) (*vetoChain, error) {
	orders, state, err := findState(t.tx, line)
	if err != nil {
		return nil, err
	}
	if orders == nil || state.revision < line.Revision {
		return nil, damaged(nil, "a line waits of an order that is not known")
	}
	c, err := newChain(line, orders, state)
	if err != nil {
		return nil, err
	}
	c.last = line.Revision - 1
	v := &vetoChain{chain: c}
	t.chains[line.Week+"/"+line.Key] = v
	if t.done.Weeks == nil {
		t.done.Weeks = map[string]int{}
	}
	t.done.Weeks[line.Week]++
	return v, nil
}

// finish stores what is known of the orders now, and notes the veto in the manifests and the ledger.
func (t *vetoing) finish() error {
	for _, name := range slices.Sorted(maps.Keys(t.chains)) {
		c := t.chains[name]
		if c.last < c.before.revision { // it was in another week since
			c.now = c.now.skip(c.before.revision)
		}
		switch {
		case c.before.dropped: // it still reads as it did when something was dropped first
			c.now.dropped, c.now.droppedIs = true, c.before.droppedIs
		case c.content != nil:
			c.now.dropped, c.now.droppedIs = true, *c.content
		}
		if err := c.put(t.tx); err != nil {
			return err
		}
	}
	for _, week := range slices.Sorted(maps.Keys(t.done.Weeks)) {
		if err := t.note(week, t.done.Weeks[week]); err != nil {
			return err
		}
	}
	return nil
}

func (t *vetoing) note(week string, orders int) error {
	w, err := loadWeek(t.tx, week)
	if err != nil {
		return err
	}
	w.drop(DropCount{What: t.What, Field: t.Field, Why: t.Why, Count: orders})
	w.Changes++
	if err := w.save(t.tx, week); err != nil {
		return err
	}
	return record(t.tx, Entry{Kind: VetoedEntry, Who: t.Who, Week: week, Key: t.Key, Field: t.Field, Orders: orders, Why: t.Why})
}

// drop counts what was dropped together with what was dropped before for the same reason.
func (w *weekState) drop(d DropCount) {
	for i := range w.Dropped {
		if have := &w.Dropped[i]; have.What == d.What && have.Field == d.Field && have.Why == d.Why {
			have.Count += d.Count
			return
		}
	}
	w.Dropped = append(w.Dropped, d)
}
