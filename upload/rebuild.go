package upload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	damagedStem = databaseName + ".damaged-" // + when it was set aside, UTC
	buildName   = databaseName + ".new"
	metaAwaits  = "awaits" // in bucketMeta: since when the queue waits for what the collector holds
)

// Rebuilt is what became of a damaged queue.
type Rebuilt struct {
	Aside   string // path of the file that was set aside
	Damage  string // what was wrong with it
	Entries int    // of the ledger that were kept
	Lost    int    // entries of the ledger that were not, as far as the file tells
	Dropped int    // orders of which the new queue knows that a person dropped them
	Batches int    // of which it is known whom they are about
	// Unsure names weeks of which a person had dropped all or a field, where it is lost of which orders: what is queued of
	// them waits its time again.
	Unsure []string
}

// String says it in a sentence, and what it means.
func (r Rebuilt) String() string {
	return fmt.Sprintf("the queue was damaged (%s). It was set aside as %s, and a new one was made: %s. "+
		"What waited to be sent and what was parked is read again. Have the disk looked at",
		r.Damage, r.Aside, r.kept()) + r.unsure()
}

func (r Rebuilt) unsure() string {
	if len(r.Unsure) == 0 {
		return ""
	}
	return fmt.Sprintf(". Of %s a person had dropped all or a field before it was sent; which orders that were is lost: look at 'roagent hold list' in time", strings.Join(r.Unsure, ", "))
}

func (r Rebuilt) kept() string {
	text := fmt.Sprintf("%d entries of the ledger were kept", r.Entries)
	if r.Lost > 0 {
		text += fmt.Sprintf(", %d behind them are lost", r.Lost)
	}
	return text
}

// Rebuild sets a damaged queue aside, in the same folder and under a name of its own, and puts a new one in its place:
// with the ledger as far as its chain holds, and what else the old file proves. The queue must not be open. Until
// [Sender.TakeOver] has told the new one what the collector holds, nothing may be read or sent: see [Queue.Awaits].
// A process that ends halfway leaves the damaged file in its place, and the next Rebuild begins anew.
func (q *Queue) Rebuild(damage *CorruptError) (Rebuilt, error) {
	if damage.Manual {
		return Rebuilt{}, damage
	}
	r := &rebuilding{q: q, now: time.Now().UTC(), done: Rebuilt{Damage: damage.Err.Error()}}
	if err := r.run(); err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild queue %s: %w", q.path(), err)
	}
	q.Logger.Error("damaged queue set aside and rebuilt", "aside", r.done.Aside, "damage", r.done.Damage,
		"ledger_entries", r.done.Entries, "ledger_entries_lost", r.done.Lost)
	return r.done, nil
}

// Awaits reports whether the queue was rebuilt and does not know yet what the collector holds. What it would read or send
// meanwhile could have been sent before.
func (q *Queue) Awaits() (awaits bool, err error) {
	err = q.view("look whether the queue was rebuilt", func(tx *bbolt.Tx) error {
		awaits = bucket(tx, bucketMeta).Get([]byte(metaAwaits)) != nil
		return nil
	})
	return awaits, err
}

// Aside returns the paths of the files that were set aside as damaged, oldest first.
func (q *Queue) Aside() (paths []string, err error) {
	paths, err = filepath.Glob(filepath.Join(globEscape(q.dir), damagedStem+"*"))
	slices.Sort(paths)
	return append([]string{}, paths...), err // in JSON an empty list
}

// globEscape keeps the brackets of a folder's name from being a pattern.
func globEscape(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // there nothing escapes
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// rebuilding is one Rebuild.
type rebuilding struct {
	q    *Queue
	now  time.Time
	done Rebuilt

	found *salvage
	build *Queue // the new one, under its first name
}

func (r *rebuilding) run() error {
	key, err := LoadKey(r.q.keyPath())
	if err != nil {
		return err
	}
	damaged, err := os.Open(r.q.path())
	if err != nil {
		return err
	}
	defer damaged.Close()
	info, err := damaged.Stat()
	if err != nil {
		return err
	}
	r.done.Aside = filepath.Join(r.q.dir, r.asideName())
	r.found = readSalvage(damaged, info.Size())
	if err := r.make(key); err != nil {
		return err
	}
	if err := damaged.Close(); err != nil { // Windows replaces no file that is open
		return err
	}
	return r.swap(info)
}

// make fills the new file.
func (r *rebuilding) make(key []byte) (err error) {
	path := filepath.Join(r.q.dir, buildName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // another process is at it, or the folder cannot be written
	}
	r.build = &Queue{dir: r.q.dir, dealer: r.q.dealer, Logger: r.q.Logger}
	if r.build.sealer, err = newSealer(key); err != nil {
		return err
	}
	if r.build.db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.build.db.Close()) }()
	if err := r.build.update("make queue", r.fill); err != nil {
		return err
	}
	return r.keepMentions()
}

func (r *rebuilding) fill(tx *bbolt.Tx) error {
	if err := r.q.fill(tx); err != nil {
		return err
	}
	if err := errors.Join(r.keepKeys(bucket(tx, bucketMeta)), r.keepLedger(tx), r.keepDropped(tx)); err != nil {
		return err
	}
	r.done.Entries, r.done.Lost, r.done.Unsure = len(r.found.ledger), r.found.lost, r.found.unsure
	return record(tx, Entry{Kind: RebuiltEntry, At: r.now, Names: []string{filepath.Base(r.done.Aside)}, Why: r.done.Damage + "; " + r.done.kept()})
}

// keepKeys notes the keys that are there. Of one that is not, and that the old queue knew, it keeps the check value: so it
// stays an error that it is missing, and no new one takes its place.
func (r *rebuilding) keepKeys(meta *bbolt.Bucket) error {
	for name, check := range r.found.keys {
		if err := meta.Put([]byte(name), check); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(globEscape(r.q.dir), "*.key"))
	if err != nil {
		return err
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".key")
		key, err := LoadKey(path)
		if err != nil {
			return err
		}
		if err := meta.Put([]byte(metaKeyStem+name), keyCheck(name, key)); err != nil {
			return err
		}
	}
	return nil
}

// keepLedger takes the ledger over, in the bytes that were hashed, and what follows from it for the weeks. A dealer who has
// left stays so, and asks the collector nothing.
func (r *rebuilding) keepLedger(tx *bbolt.Tx) error {
	b := bucket(tx, bucketLedger)
	b.FillPercent = 1
	weeks := map[string]*weekState{}
	var departed []byte // the entry by which the dealer leaves or has left
	for i, text := range r.found.ledger {
		head := ledgerKey(uint64(i) + 1)
		if err := b.Put(head, text); err != nil {
			return err
		}
		e, err := decodeEntry(text)
		if err != nil {
			return err
		}
		switch e.Kind {
		case ApprovalEntry:
			departed = nil
		case LeavingEntry:
			departed = head
		case LeftEntry:
			departed = head
			clear(weeks) // who takes part again begins anew
		default:
		}
		if weeks[e.Week] == nil {
			weeks[e.Week] = &weekState{}
		}
		weeks[e.Week].replay(&e, r.now)
	}
	delete(weeks, "") // entries of no week
	for _, name := range r.found.begun {
		if weeks[name] == nil {
			weeks[name] = &weekState{}
		}
		weeks[name].Reading = &readingState{Started: r.now}
	}
	for _, name := range slices.Sorted(maps.Keys(weeks)) {
		if w := weeks[name]; w.Readings > 0 && w.Closed == nil { // what it was closed with is lost, or it never was
			w.Reading = &readingState{Started: r.now}
		}
		if err := weeks[name].save(tx, name); err != nil {
			return err
		}
	}
	if err := b.SetSequence(uint64(len(r.found.ledger))); err != nil {
		return err
	}
	if departed != nil {
		return bucket(tx, bucketMeta).Put([]byte(metaDeparture), departed)
	}
	return bucket(tx, bucketMeta).Put([]byte(metaAwaits), []byte(r.now.Format(time.RFC3339)))
}

// replay takes out of an entry what the week's state must remember: how often it was read, what a person dropped, and
// whether its last reading found what no manifest has told since. Then it is to be read anew; else it is closed.
func (w *weekState) replay(e *Entry, now time.Time) {
	switch e.Kind {
	case ReadingEntry:
		w.Readings++
		if t := e.Tally; t != nil && t.New+t.Revised+t.Voided > 0 {
			w.Reading = &readingState{Started: now}
		}
	case ManifestEntry:
		w.Reading = nil
		w.Closed = &closedState{Manifest: e.ID, Changes: w.Changes, At: e.At} // of unknown content: the next reading tells it again
	case VetoedEntry:
		d := DropCount{What: DropWeek, Field: e.Field, Why: e.Why, Count: e.Orders}
		switch {
		case e.Field != "":
			d.What = DropField
		case e.Key != "":
			d.What = DropOrder
		}
		w.drop(d)
	default:
	}
}

// keepDropped keeps what a person dropped, as of orders of which the collector has nothing: it will tell what it has.
func (r *rebuilding) keepDropped(tx *bbolt.Tx) error {
	for _, week := range slices.Sorted(maps.Keys(r.found.dropped)) {
		orders, err := weekOrders(tx, week)
		if err != nil {
			return err
		}
		for key, content := range r.found.dropped[week] {
			state := orderState{dropped: true, droppedIs: content}
			if err := orders.Put([]byte(key), state.append(nil)); err != nil {
				return err
			}
			r.done.Dropped++
		}
	}
	return nil
}

// mentionsAtOnce bounds what one transaction keeps.
const mentionsAtOnce = 100

// keepMentions keeps whom batches are about, where it opens with the site's key, and that no batch gets a place again.
func (r *rebuilding) keepMentions() (err error) {
	type sealedAt struct {
		at     place
		sealed []byte
	}
	var some []sealedAt
	last := uint64(0)
	store := func() {
		if err != nil {
			return
		}
		err = r.build.update("keep whom batches are about", func(tx *bbolt.Tx) error {
			for _, m := range some {
				if err := putPayload(tx, bucketMentions, m.at, m.sealed); err != nil {
					return err
				}
			}
			return bucket(tx, bucketBatches).SetSequence(last)
		})
		r.done.Batches += len(some)
		some = some[:0]
	}
	r.found.eachMention(func(at place, sealed []byte) {
		if _, err := r.build.sealer.open(sealed, mentionsBound(r.q.dealer, at)); err != nil || len(at) < 8 {
			return
		}
		last = max(last, binary.BigEndian.Uint64(at))
		if some = append(some, sealedAt{at, sealed}); len(some) == mentionsAtOnce {
			store()
		}
	})
	store()
	return err
}

// asideName returns a name that is free: when the file is set aside, and a number where that was twice in a second.
func (r *rebuilding) asideName() string {
	name := damagedStem + r.now.Format("20060102-150405")
	for n := 2; ; n++ {
		if _, err := os.Lstat(filepath.Join(r.q.dir, name)); err != nil {
			return name
		}
		name = fmt.Sprintf("%s%s-%d", damagedStem, r.now.Format("20060102-150405"), n)
	}
}

// swap gives the damaged file a second name and then its first one to the new file, so that there is a queue under that
// name at any moment. was is the file that was read: if another one is there by now, another process has rebuilt it.
func (r *rebuilding) swap(was fs.FileInfo) error {
	info, err := os.Stat(r.q.path())
	if err != nil {
		return err
	}
	if !os.SameFile(was, info) {
		return &LockedError{Dir: r.q.dir}
	}
	if err := os.Link(r.q.path(), r.done.Aside); err != nil {
		return err
	}
	if dir, err := os.Open(r.q.dir); err == nil { // Windows cannot, and need not
		_ = dir.Sync()
		_ = dir.Close()
	}
	return os.Rename(filepath.Join(r.q.dir, buildName), r.q.path())
}
