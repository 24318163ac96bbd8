package upload

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// overlap is how far before the last reading's start an edit may carry its time and still not be committed then:
// clocks that differ, transactions that stay open.
const overlap = 24 * time.Hour

// voidsAtOnce bounds the orders that one transaction voids.
const voidsAtOnce = 5000

// Pull is one reading of one week. It is made by [Queue.Begin]; between its methods the process may end at any moment,
// and Begin goes on from the last page that Store has stored.
type Pull struct {
	q      *Queue
	week   fieldmap.Week
	name   string
	digest fieldmap.Digest
	number uint32
	state  readingState
	since  time.Time
	first  bool // nothing of the week can be at the collector
}

// PageResult is one page of a reading: what became of each of its orders.
type PageResult struct {
	Unchanged []fieldmap.OrderKey       // known and not read: [Pull.Wanted] did not ask for them
	Records   iter.Seq[fieldmap.Record] // valid until Store returns
	Parked    []fieldmap.Parked         // read, and cannot be sent
	Counts    fieldmap.Counts           // of Records
	Profile   *fieldmap.Profile         // of Records
	Next      []byte                    // where the next page starts; nil after the last page
}

// Stored is what became of one page, or of a reading.
type Stored struct {
	New, Revised, Unchanged int   // orders
	Moved                   int   // orders that left another week, which got a line that voids them
	Parked                  int   // orders
	Batches                 int   // queued
	Bytes                   int64 // of Batches, as they are stored
}

// FinishResult is what is known of a week when its last page is stored.
type FinishResult struct {
	Skipped []fieldmap.SkipCount
	Keyless int // orders without a key
	Now     time.Time
	Void    bool // orders that are gone are voided however many they are: see VanishedError
}

// Finished is what became of a reading.
type Finished struct {
	Voided  int // orders that are gone from the week
	Batches int // queued for them
}

// Begin goes on with the unfinished reading of a week, or begins one. A reading that another whitelist (digest) left
// unfinished, or other zones did, is begun again. The readings of one run are begun with the same now: an order that two of them find
// is in the DMS twice, and has not moved. A dealer who left reads nothing: then it fails with *[LeftError].
func (q *Queue) Begin(week fieldmap.Week, digest fieldmap.Digest, now time.Time) (*Pull, error) {
	return q.begin(week, digest, now, false)
}

// BeginComers is Begin for a week beside one that is read by other zones than before, and which is not read itself. What
// belongs to it now and not to that one any more comes into it; what it is known to hold stays as it is, wherever it belongs.
func (q *Queue) BeginComers(week fieldmap.Week, digest fieldmap.Digest, now time.Time) (*Pull, error) {
	return q.begin(week, digest, now, true)
}

func (q *Queue) begin(week fieldmap.Week, digest fieldmap.Digest, now time.Time, comers bool) (*Pull, error) {
	p := &Pull{q: q, week: week, name: week.String(), digest: digest}
	err := q.update("begin reading of "+p.name, func(tx *bbolt.Tx) error {
		if err := mustTakePart(tx); err != nil {
			return err
		}
		w, err := loadWeek(tx, p.name)
		if err != nil {
			return err
		}
		p.first = w.Last == nil && !w.Adopted
		if w.Last != nil {
			p.since = w.Last.Started.Add(-overlap)
		}
		if w.Reading == nil || w.Reading.Fieldmap != digest.String() || w.Reading.Zones != q.Zones || w.Reading.Comers != comers {
			w.Begun++
			w.Reading = &readingState{
				Fieldmap: digest.String(), Zones: q.Zones, Started: now.UTC(), Comers: comers,
				// A reading under another whitelist or zone that was left halfway counts too: some orders were sent by it. Where
				// the last one is still to come the clock was ahead, and Since says nothing.
				All: w.Last == nil || w.Last.Started.After(now) || w.Last.Fieldmap != digest.String() || w.Last.Zones != q.Zones || w.Reading != nil,
			}
		}
		begun := w.Reading.After != nil || w.Reading.Done
		w.Reading.Resumed = w.Reading.Resumed || begun && !w.Reading.Started.Equal(now)
		p.number, p.state = w.Begun, *w.Reading
		return w.save(tx, p.name)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Week returns the week that is read.
func (p *Pull) Week() fieldmap.Week { return p.week }

// After returns where the next page starts, as [PageResult].Next said; nil for the first page.
func (p *Pull) After() []byte { return p.state.After }

// Done reports whether all pages are stored, so that only Finish remains.
func (p *Pull) Done() bool { return p.state.Done }

// Since returns the time from which on an order's changed value is too young to trust (see [fieldmap.OrderKey]): a
// day before the week's last reading began. It is zero where the week was never read.
func (p *Pull) Since() time.Time { return p.since }

// Tally returns what the reading found so far, also before it was resumed.
func (p *Pull) Tally() Tally { return p.state.Tally }

// Wanted returns the indices of the orders that must be read: those not known or not known as they are now.
func (p *Pull) Wanted(keys []fieldmap.OrderKey) ([]int, error) {
	wanted := make([]int, 0, len(keys))
	if p.state.All && !p.state.Comers {
		for i := range keys {
			wanted = append(wanted, i)
		}
		return wanted, nil
	}
	err := p.q.view("compare keys of "+p.name, func(tx *bbolt.Tx) error {
		orders, err := weekOrders(tx, p.name)
		if err != nil {
			return err
		}
		var states *bbolt.Cursor
		if orders != nil {
			states = orders.Cursor()
		}
		var scratch []byte
		for i, key := range keys {
			scratch = append(scratch[:0], key.Text...)
			known, err := p.isKnown(states, scratch, key)
			if err != nil {
				return err
			}
			if !known {
				wanted = append(wanted, i)
			}
		}
		return nil
	})
	return wanted, err
}

// isKnown reports whether the order need not be read.
func (p *Pull) isKnown(states *bbolt.Cursor, text []byte, key fieldmap.OrderKey) (bool, error) {
	if states == nil || !p.state.Comers && (key.Recent || key.Changed == "") {
		return false, nil
	}
	value := seek(states, text)
	if value == nil {
		return false, nil
	}
	state, err := decodeState(value)
	if err != nil || state.left || state.voided() {
		return false, err
	}
	return p.state.Comers || string(state.changed) == key.Changed, nil
}

// Store keeps a page in one transaction: its batch, what is now known of its orders, and the checkpoint. When it
// returns an error nothing of the page is stored: [ErrFull] where the queue has no room, *[DiskFullError].
func (p *Pull) Store(page PageResult) (Stored, error) {
	var stored Stored
	next := p.state
	err := p.q.update("store page of "+p.name, func(tx *bbolt.Tx) error {
		writer := p.q.page
		writer.begin(p.q, tx, p)
		if err := writer.take(page); err != nil {
			return err
		}
		if err := errors.Join(writer.parkOrders(page.Parked, false), writer.parkOrders(writer.parks, true)); err != nil {
			return err
		}
		if err := writer.finish(); err != nil {
			return err
		}
		stored = writer.stored
		w, err := p.load(tx) // only now: what was parked may have touched it
		if err != nil {
			return err
		}
		if err := w.follow(tx, slices.DeleteFunc(writer.behind, func(week string) bool { return week == p.name })); err != nil {
			return err
		}
		next = *w.Reading
		next.page(page, stored)
		w.Reading = &next
		if stored.Batches > 0 {
			w.Changes++
		}
		return w.save(tx, p.name)
	})
	if err != nil {
		return Stored{}, err
	}
	p.state = next
	return stored, nil
}

// ErrBegunAnew is wrapped by the error of a [Pull] that another reading of its week has taken the place of, or that sending
// has: the week was taken over from the collector, and is to be read from its beginning.
var ErrBegunAnew = errors.New("another reading of the week has begun since")

// load returns the state of the week, if this reading is still the one under way.
func (p *Pull) load(tx *bbolt.Tx) (weekState, error) {
	w, err := loadWeek(tx, p.name)
	if err == nil && (w.Reading == nil || w.Begun != p.number) {
		err = ErrBegunAnew
	}
	return w, err
}

// page moves the checkpoint behind a page.
func (r *readingState) page(page PageResult, stored Stored) {
	r.After, r.Done = bytes.Clone(page.Next), page.Next == nil
	r.Partial = r.Partial || len(page.Unchanged) > 0
	r.Tally.New += stored.New
	r.Tally.Revised += stored.Revised
	r.Tally.Unchanged += stored.Unchanged
	r.Tally.Parked += stored.Parked
	var left fieldmap.Counts // r.Left's map is shared with the state before
	left.Add(r.Left)
	left.Add(page.Counts)
	r.Left = left
	if page.Profile != nil {
		var profile fieldmap.Profile // as with Left
		if r.Profile != nil {
			profile = *r.Profile
		}
		profile.Add(page.Profile)
		r.Profile = &profile
	}
}

// Finish ends the reading: orders that it did not see are voided, and the week is ready for its manifest. Calling it
// before all pages are stored is an error. Where most of the week is gone it fails with *[VanishedError].
func (p *Pull) Finish(f FinishResult) (Finished, error) {
	if !p.state.Done {
		return Finished{}, fmt.Errorf("finish reading of %s: not all of its pages are stored", p.name)
	}
	if p.state.Comers {
		return Finished{}, p.q.update("finish reading of what came into "+p.name, func(tx *bbolt.Tx) error { return p.closeComers(tx, f) })
	}
	if !f.Void && !p.first { // a first reading voids nothing
		if vanished, err := p.doubt(); err != nil || vanished != nil {
			return Finished{}, cmp.Or[error](err, vanished)
		}
	}
	var finished Finished
	var from []byte
	for {
		var part Finished
		var next []byte
		err := p.q.update("finish reading of "+p.name, func(tx *bbolt.Tx) error {
			var err error
			part, next, err = p.voidSome(tx, from)
			if err != nil || next != nil {
				return err
			}
			return p.close(tx, f)
		})
		if err != nil {
			return finished, err
		}
		finished.Voided += part.Voided
		finished.Batches += part.Batches
		if next == nil {
			return finished, nil
		}
		from = next
	}
}

// voidSome voids orders that this reading has not seen, from a key on. next is nil when there are no more.
func (p *Pull) voidSome(tx *bbolt.Tx, from []byte) (f Finished, next []byte, err error) {
	writer := p.q.page
	writer.begin(p.q, tx, p)
	gone, next, err := writer.unseen(from)
	if err != nil {
		return f, nil, err
	}
	for _, key := range gone {
		if err := writer.void(key); err != nil {
			return f, nil, err
		}
	}
	if err := writer.finish(); err != nil {
		return f, nil, err
	}
	f = Finished{Voided: writer.stored.Revised, Batches: writer.stored.Batches}
	w, err := p.load(tx)
	if err != nil {
		return f, nil, err
	}
	w.Reading.Tally.Voided += f.Voided
	if f.Batches > 0 {
		w.Changes++
	}
	return f, next, w.save(tx, p.name)
}

// unseen returns the keys of orders that the reading has not seen and whose state that changes.
func (w *pageWriter) unseen(from []byte) (keys [][]byte, next []byte, err error) {
	orders, err := weekOrders(w.tx, w.name)
	if err != nil {
		return nil, nil, err
	}
	err = eachState(orders, from, func(key []byte, state orderState) bool {
		switch {
		case state.reading == w.reading || state.left || state.voided() && !state.refused && !state.dropped:
		case len(keys) == voidsAtOnce:
			next = bytes.Clone(key)
			return false
		default:
			keys = append(keys, bytes.Clone(key))
		}
		return true
	})
	return keys, next, err
}

func (w *pageWriter) void(key []byte) error {
	orders, err := weekOrders(w.tx, w.name)
	if err != nil {
		return err
	}
	state, err := decodeState(orders.Get(key))
	if err != nil {
		return err
	}
	verdict, next := state.missed()
	if verdict == sendVoid {
		w.lines = appendLine(w.lines, w.q.dealer, w.name, string(key), next.revision, state.replaces(), nil)
		w.about = appendMention(w.about, mention{key: string(key), revision: next.revision, voided: true})
		w.orders++
		w.stored.Revised++
	}
	if err := unpark(w.tx, w.name, key, next.refusedVoid); err != nil {
		return err
	}
	if next.revision == 0 { // the collector never had it, and the DMS no longer has
		return forgetState(w.tx, orders, key, next.left)
	}
	w.put(string(key), &next, false)
	return nil
}

// close ends the reading and notes it in the ledger.
func (p *Pull) close(tx *bbolt.Tx, f FinishResult) error {
	w, err := p.load(tx)
	if err != nil {
		return err
	}
	if err := unparkGone(tx, p.name, p.number); err != nil {
		return err
	}
	r := w.Reading
	last := &lastReading{
		Fieldmap: r.Fieldmap, Zones: r.Zones, Started: r.Started, Ended: f.Now.UTC(), Resumed: r.Resumed, Skipped: f.Skipped, Left: r.Left, Keyless: f.Keyless,
		Profile: r.Profile,
	}
	if r.Partial {
		last.Profile = nil
	}
	if r.Partial && w.Last != nil {
		last.Left, last.Profile = w.Last.Left, w.Last.Profile // those of the last reading that read every order
	}
	w.Last, w.Reading, w.Adopted = last, nil, false
	w.Readings++
	w.Changes++
	if err := w.save(tx, p.name); err != nil {
		return err
	}
	return record(tx, Entry{Kind: ReadingEntry, At: f.Now, Week: p.name, Fieldmap: r.Fieldmap, Tally: &r.Tally})
}

// closeComers ends a reading of what came into the week. The last reading is still the one before, since what was in the week
// was not looked at.
func (p *Pull) closeComers(tx *bbolt.Tx, f FinishResult) error {
	w, err := p.load(tx)
	if err != nil {
		return err
	}
	r := w.Reading
	if w.Reading = nil; w.Last == nil { // it was taken over from the collector
		w.Last = &lastReading{Fieldmap: r.Fieldmap, Started: r.Started, Ended: f.Now.UTC()}
	}
	if err := w.save(tx, p.name); err != nil {
		return err
	}
	return record(tx, Entry{Kind: ReadingEntry, At: f.Now, Week: p.name, Fieldmap: r.Fieldmap, Tally: &r.Tally})
}
