package upload

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// MaxKey is the most bytes an order's key may have. SQL Server indexes no more than 1,700.
const MaxKey = 2048

// pageWriter stores one page of a reading. It is reused from page to page, with its buffers: a pull of a million
// orders needs no more memory than a pull of a thousand.
type pageWriter struct {
	encoder *zstd.Encoder

	records []fieldmap.Record
	keys    []string     // of orders that only were seen
	puts    []putState   // in the order of their keys
	values  []byte       // the encoded states of puts
	key     []byte       // scratch
	changed []byte       // scratch
	lines   []byte       // of the page's own batch
	about   []byte       // the mentions of lines
	orders  int          // lines in lines
	voids   []*voidLines // of orders that left other weeks
	behind  []string     // weeks that orders of the page came from
	packed  []byte
	sealed  [][]byte // one for each batch of the transaction: bbolt reads them when it commits
	batches int      // of sealed: in use

	q       *Queue
	tx      *bbolt.Tx
	week    fieldmap.Week
	name    string // of the week
	digest  string
	reading uint32
	started time.Time // of the reading
	now     time.Time
	known   *bbolt.Cursor // of the week's orders
	index   *bbolt.Cursor
	stored  Stored
	parks   []fieldmap.Parked // found by the page writer itself
}

type putState struct {
	key      string
	from, to int // in pageWriter.values
	isNew    bool
}

type voidLines struct {
	week   string
	lines  []byte
	about  []byte // the mentions of lines
	orders int
}

func newPageWriter() (*pageWriter, error) {
	encoder, err := newEncoder()
	if err != nil {
		return nil, err
	}
	return &pageWriter{encoder: encoder, about: []byte{}}, nil // not nil, which would mean that it is not known
}

// begin makes w ready for a page, or for the voids of a week.
func (w *pageWriter) begin(q *Queue, tx *bbolt.Tx, p *Pull) {
	w.q, w.tx, w.week, w.name, w.digest, w.reading, w.started = q, tx, p.week, p.name, p.digest.String(), p.number, p.state.Started
	w.now = q.now().UTC()
	w.records, w.keys, w.puts, w.values = w.records[:0], w.keys[:0], w.puts[:0], w.values[:0]
	w.lines, w.about, w.orders = w.lines[:0], w.about[:0], 0
	w.voids, w.behind, w.batches, w.parks = w.voids[:0], nil, 0, w.parks[:0]
	w.stored = Stored{}
}

// take decides for each record, in the order of the keys, and appends the lines to send.
func (w *pageWriter) take(page PageResult) error {
	for record := range page.Records {
		w.records = append(w.records, record)
	}
	slices.SortFunc(w.records, func(a, b fieldmap.Record) int { return cmp.Compare(a.Key().Text, b.Key().Text) })
	orders, err := weekOrders(w.tx, w.name)
	if err != nil {
		return err
	}
	w.known, w.index = orders.Cursor(), bucket(w.tx, bucketIndex).Cursor()
	anyParked := hasParked(w.tx)
	last := ""
	for i, record := range w.records {
		text := record.Key().Text
		if problem := keyProblem(text, i > 0 && text == last); problem != "" {
			w.parks = append(w.parks, fieldmap.Parked{Week: w.week, Key: record.Key(), Reason: problem})
			continue
		}
		last = text
		if err := w.takeOne(record, anyParked); err != nil {
			return err
		}
	}
	return w.see(page.Unchanged)
}

const duplicateKey = "the DMS holds more than one order with this key; the whitelist's key must name each order by itself: add a column to it"

// duplicateWeek is said of a key that a week holds that the same run found in another one.
const duplicateWeek = "the DMS holds an order with this key in %s too; the whitelist's key must name each order by itself: add a column to it"

func keyProblem(key string, again bool) string {
	switch {
	case key == "":
		return "its key is empty; correct it in the DMS, or name another key column in the whitelist"
	case len(key) > MaxKey:
		return fmt.Sprintf("its key has %d bytes; at most %d can be sent: name another key column in the whitelist", len(key), MaxKey)
	case again:
		return duplicateKey
	}
	return ""
}

func (w *pageWriter) takeOne(record fieldmap.Record, anyParked bool) error {
	key := record.Key()
	w.key = append(w.key[:0], key.Text...)
	state, isNew, problem, err := w.lookup()
	if err != nil {
		return err
	}
	if problem == "" && !isNew && state.reading == w.reading {
		problem = duplicateKey
	}
	if problem != "" {
		w.parks = append(w.parks, fieldmap.Parked{Week: w.week, Key: key, Reason: problem})
		return nil
	}
	if anyParked && state.refused && record.Held() == "" {
		if state.refused, err = w.refusedByCollector(); err != nil {
			return err
		}
	}
	verdict, next := state.saw(record.Digest())
	if anyParked {
		if err := unpark(w.tx, w.name, w.key, next.refused || next.refusedVoid); err != nil {
			return err
		}
	}
	switch {
	case verdict == sendContent && record.Held() != "":
		if next, err = w.hold(record, state, next); err != nil {
			return err
		}
	case verdict == sendContent:
		w.lines = appendLine(w.lines, w.q.dealer, w.name, key.Text, next.revision, state.replaces(), record.JSON())
		w.about = appendMention(w.about, mention{key: key.Text, revision: next.revision, tags: record.Tags()})
		w.orders++
		fallthrough
	default:
		w.count(verdict, next)
	}
	next.reading = w.reading
	w.changed = append(w.changed[:0], key.Changed...)
	next.changed = w.changed
	w.put(key.Text, &next, isNew)
	if len(w.lines) >= batchBytes {
		return w.flush()
	}
	return nil
}

// replaces returns what a line after s replaces; nil for an order's first.
func (s *orderState) replaces() *digest {
	if s.revision == 0 {
		return nil
	}
	return &s.digest
}

func (w *pageWriter) count(v verdict, next orderState) {
	switch {
	case v == sendNothing:
		w.stored.Unchanged++
	case next.revision == 1:
		w.stored.New++
	default:
		w.stored.Revised++
	}
}

// lookup returns the state of the order w.key. One that was in another week comes over from there: the week that it
// left gets a line that voids it. problem says why the order can be in neither.
func (w *pageWriter) lookup() (state orderState, isNew bool, problem string, err error) {
	if value := seek(w.known, w.key); value != nil {
		if state, err = decodeState(value); err != nil || !state.left {
			return state, false, "", err
		}
	}
	value := seek(w.index, w.key)
	if value == nil {
		state.left = false
		return state, true, "", nil
	}
	other, err := unpackWeek(value)
	if err != nil {
		return state, true, "", err
	}
	there, problem, err := w.leave(other)
	return state.arrive(there), true, problem, err
}

// seek returns the value of a key like [bbolt.Bucket.Get], which makes a new cursor each time.
func seek(c *bbolt.Cursor, key []byte) []byte {
	found, value := c.Seek(key)
	if !bytes.Equal(found, key) {
		return nil
	}
	return value
}

// leave takes the order w.key out of another week, and returns its state there. An order that this run has seen there
// did not leave: the DMS holds two of its key.
func (w *pageWriter) leave(other fieldmap.Week) (state orderState, problem string, err error) {
	name := other.String()
	orders, err := weekOrders(w.tx, name)
	if err != nil {
		return state, "", err
	}
	value := orders.Get(w.key)
	if value == nil {
		return state, "", nil
	}
	if state, err = decodeState(value); err != nil {
		return state, "", err
	}
	if here, err := w.sawToo(name, &state); err != nil || here {
		return state, fmt.Sprintf(duplicateWeek, name), err
	}
	verdict, state := state.missed()
	if verdict == sendVoid {
		v := w.voidsOf(name)
		v.lines = appendLine(v.lines, w.q.dealer, name, string(w.key), state.revision, &state.digest, nil)
		v.about = appendMention(v.about, mention{key: string(w.key), revision: state.revision, voided: true})
		v.orders++
		w.stored.Moved++
	}
	if err := unpark(w.tx, name, w.key, state.refusedVoid); err != nil {
		return state, "", err
	}
	if state.revision == 0 { // the collector never had it
		return state, "", orders.Delete(w.key)
	}
	if err := w.follow(name); err != nil {
		return state, "", err
	}
	state.left = true
	if err := orders.Put(w.key, state.append(nil)); err != nil {
		return state, "", err
	}
	if state.refusedVoid {
		state.revision++ // it is kept free: the line may be released
	}
	return state, "", nil
}

// follow notes that an order came from another week, where its lines may follow from those of a third.
func (w *pageWriter) follow(week string) error {
	if slices.Contains(w.behind, week) {
		return nil
	}
	s, err := loadWeek(w.tx, week)
	w.behind = append(append(w.behind, week), s.Behind...)
	return err
}

// sawToo reports whether this run has read another week too, and saw the order there. The readings of a run have the
// same start.
func (w *pageWriter) sawToo(week string, state *orderState) (bool, error) {
	s, err := loadWeek(w.tx, week)
	if err != nil || state.reading != s.Begun {
		return false, err
	}
	started := time.Time{}
	switch {
	case s.Reading != nil:
		started = s.Reading.Started
	case s.Last != nil:
		started = s.Last.Started
	}
	return started.Equal(w.started), nil
}

func (w *pageWriter) voidsOf(week string) *voidLines {
	for _, v := range w.voids {
		if v.week == week {
			return v
		}
	}
	v := &voidLines{week: week}
	w.voids = append(w.voids, v)
	return v
}

func (w *pageWriter) put(key string, state *orderState, isNew bool) {
	from := len(w.values)
	w.values = state.append(w.values)
	w.puts = append(w.puts, putState{key: key, from: from, to: len(w.values), isNew: isNew})
}

// see notes that orders were seen that did not have to be read.
func (w *pageWriter) see(keys []fieldmap.OrderKey) error {
	for _, key := range keys {
		w.keys = append(w.keys, key.Text)
	}
	slices.Sort(w.keys)
	for _, key := range w.keys {
		if err := w.seeOne(key); err != nil {
			return err
		}
	}
	w.stored.Unchanged += len(w.keys)
	return nil
}

// seeOne notes that an order was seen, so that it is not voided. An order without a state has nothing to void.
func (w *pageWriter) seeOne(key string) error {
	w.key = append(w.key[:0], key...)
	value := seek(w.known, w.key)
	if value == nil {
		return nil
	}
	state, err := decodeState(value)
	if err != nil {
		return err
	}
	state.reading = w.reading
	w.put(key, &state, false)
	return nil
}

// flush stores the lines so far as batches: first what left other weeks, then what came into this one.
func (w *pageWriter) flush() error {
	for _, v := range w.voids {
		if err := w.store(v.week, v.lines, v.about, v.orders); err != nil {
			return err
		}
		if err := touchWeek(w.tx, v.week); err != nil {
			return err
		}
	}
	w.voids = w.voids[:0]
	if w.orders > 0 {
		if err := w.store(w.name, w.lines, w.about, w.orders); err != nil {
			return err
		}
	}
	w.lines, w.about, w.orders = w.lines[:0], w.about[:0], 0
	return nil
}

func (w *pageWriter) store(week string, lines, about []byte, orders int) error {
	pending, err := loadPending(w.tx)
	if err != nil {
		return err
	}
	at, err := nextPlace(w.tx)
	if err != nil {
		return err
	}
	if w.batches == len(w.sealed) {
		w.sealed = append(w.sealed, nil)
	}
	head := batchHead{Week: week, Fieldmap: w.digest, Orders: orders, Made: w.now}
	w.packed, w.sealed[w.batches], err = w.q.putBatch(w.tx, at, head, lines, about, w.packed, w.sealed[w.batches])
	if err != nil {
		return err
	}
	size := int64(len(w.sealed[w.batches]))
	if w.q.MaxSize > 0 && pending.Bytes > 0 && pending.Bytes+size > w.q.MaxSize {
		return fmt.Errorf("%w: %d batches with %d bytes wait, queue.max_size is %d; nothing is lost. "+
			"The reading pauses here and goes on by itself once the collector has taken some; if that lasts, raise queue.max_size", ErrFull, pending.Batches, pending.Bytes, w.q.MaxSize)
	}
	w.batches++
	w.stored.Batches++
	w.stored.Bytes += size
	return nil
}

// finish writes the states, sorted by key: neighbours share pages.
func (w *pageWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	orders, err := weekOrders(w.tx, w.name)
	if err != nil {
		return err
	}
	index := bucket(w.tx, bucketIndex)
	orders.FillPercent, index.FillPercent = 0.9, 0.9 // keys mostly come in their order
	slices.SortFunc(w.puts, func(a, b putState) int { return cmp.Compare(a.key, b.key) })
	week := packWeek(w.week)
	for _, put := range w.puts {
		w.key = append(w.key[:0], put.key...)
		if err := orders.Put(w.key, w.values[put.from:put.to]); err != nil {
			return fmt.Errorf("store the state of an order: %w", err)
		}
		if !put.isNew {
			continue
		}
		if err := index.Put(w.key, week[:]); err != nil {
			return fmt.Errorf("store the week of an order: %w", err)
		}
	}
	clear(w.records) // they point into the page, which is not ours
	return nil
}

// weekOrders returns the bucket of a week's orders. In a transaction that only reads it may be nil.
func weekOrders(tx *bbolt.Tx, week string) (*bbolt.Bucket, error) {
	all := bucket(tx, bucketOrders)
	if !tx.Writable() {
		return all.Bucket([]byte(week)), nil
	}
	b, err := all.CreateBucketIfNotExists([]byte(week))
	if err != nil {
		return nil, fmt.Errorf("store the orders of %s: %w", week, err)
	}
	return b, nil
}
