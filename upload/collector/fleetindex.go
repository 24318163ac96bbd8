package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
)

// FleetIndex answers what is told of all dealers, for few operations of the store: per folder of flat objects, an index
// object has all of them with their versions, so that a listing tells which to read anew. Any number of processes may use
// one store. What was read is kept in memory, and is not asked for again within [FleetIndex.Life].
type FleetIndex struct {
	Life     time.Duration // how old an answer may be
	PastLife time.Duration // the same, of a week that was over two weeks ago
	Logger   *slog.Logger

	store   Store
	slots   chan struct{} // of reads at a time, of all folders
	dealers folderIndex[FleetDealer]

	mu    sync.Mutex
	weeks map[fieldmap.Week]*folderIndex[FleetWeek]
}

// Reading is what a FleetIndex knows of one folder.
type Reading[T any] struct {
	Entries map[string]T // by dealer
	Damaged []string     // names of objects that cannot be read; [RebuildFleet] mends them
	At      time.Time    // when the store was asked
}

// Defaults of [FleetIndex].
const (
	DefaultFleetLife     = 20 * time.Second
	DefaultFleetPastLife = 10 * time.Minute
)

// maxWeeksKept is how many weeks a FleetIndex holds in memory: 20,000 dealers' are some 10 MB a week.
const maxWeeksKept = 30

// maxFleetReads is how many flat objects are read at a time.
const maxFleetReads = 32

// NewFleetIndex returns a FleetIndex that has read nothing yet.
func NewFleetIndex(store Store) *FleetIndex {
	return &FleetIndex{
		Life: DefaultFleetLife, PastLife: DefaultFleetPastLife, Logger: slog.New(slog.DiscardHandler), store: store, slots: make(chan struct{}, maxFleetReads),
		dealers: folderIndex[FleetDealer]{folder: fleetDealers, name: fleetDealersIndex},
		weeks:   map[fieldmap.Week]*folderIndex[FleetWeek]{},
	}
}

// Dealers returns all dealers.
func (x *FleetIndex) Dealers(ctx context.Context) (Reading[FleetDealer], error) {
	return x.dealers.read(ctx, x, x.Life)
}

// Week returns the dealers' weeks of that name.
func (x *FleetIndex) Week(ctx context.Context, week fieldmap.Week) (Reading[FleetWeek], error) {
	x.mu.Lock()
	f := x.weeks[week]
	if f == nil {
		f = &folderIndex[FleetWeek]{folder: fleetWeekFolder(week), name: fleetWeekIndex(week)}
		if len(x.weeks) >= maxWeeksKept {
			delete(x.weeks, x.leastAsked())
		}
		x.weeks[week] = f
	}
	f.asked = time.Now()
	x.mu.Unlock()
	life := x.Life
	if week.Add(3).Start(time.UTC).Before(time.Now()) {
		life = x.PastLife
	}
	return f.read(ctx, x, life)
}

func (x *FleetIndex) leastAsked() (least fieldmap.Week) {
	for week, f := range x.weeks {
		if known := x.weeks[least]; known == nil || f.asked.Before(known.asked) {
			least = week
		}
	}
	return least
}

// Weeks returns the weeks of which something may be held, oldest first.
func (x *FleetIndex) Weeks(ctx context.Context) ([]fieldmap.Week, error) {
	return fleetWeeks(ctx, x.store)
}

func fleetWeeks(ctx context.Context, store Store) ([]fieldmap.Week, error) {
	names, err := Names(ctx, store, fleetWeeksIndex)
	if err != nil {
		return nil, err
	}
	var weeks []fieldmap.Week
	for _, name := range names {
		if week, err := fieldmap.ParseWeek(strings.TrimSuffix(path.Base(name), indexSuffix)); err == nil {
			weeks = append(weeks, week)
		}
	}
	return weeks, nil
}

// indexed is a line of an index object.
type indexed[T any] struct {
	ID      string `json:"id"`
	Version string `json:"version"` // of the flat object it was read from
	Entry   T      `json:"entry"`
}

// folderIndex is one folder of flat objects.
type folderIndex[T any] struct {
	folder, name string
	asked        time.Time // guarded by FleetIndex.mu

	mu      sync.Mutex
	loaded  bool
	known   map[string]indexed[T]
	reading Reading[T]
}

// read returns what is known, if that is not too old. Who comes while another one reads waits for it.
func (f *folderIndex[T]) read(ctx context.Context, x *FleetIndex, life time.Duration) (Reading[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loaded && time.Since(f.reading.At) < life {
		return f.reading, nil
	}
	if err := f.refresh(ctx, x); err != nil {
		return Reading[T]{}, fmt.Errorf("read the fleet's %s: %w", f.folder, err)
	}
	return f.reading, nil
}

func (f *folderIndex[T]) refresh(ctx context.Context, x *FleetIndex) error {
	at, stale := time.Now(), false
	if !f.loaded {
		data, err := x.store.Get(ctx, f.name)
		if err != nil && !missing(err) {
			return err
		}
		f.known = decodeIndex[T](data)
		stale = err != nil || len(f.known) == 0
	}
	known, damaged, changed, err := f.compare(ctx, x)
	if err != nil {
		return err
	}
	f.known, f.loaded = known, true
	entries := make(map[string]T, len(known))
	for id, e := range known {
		entries[id] = e.Entry
	}
	f.reading = Reading[T]{Entries: entries, Damaged: damaged, At: at}
	if changed || stale && len(known) > 0 {
		// It is derived: whoever looks next reads more for want of it.
		if err := putIndex(ctx, x.store, f.name, encodeIndex(known)); err != nil {
			x.Logger.WarnContext(ctx, "fleet index not written", "name", f.name, "error", err)
		}
	}
	return nil
}

// compare lists the folder and reads what changed. What is still there of a dealer who left is removed: a collector may
// have died between writing it and looking for the tombstone.
func (f *folderIndex[T]) compare(ctx context.Context, x *FleetIndex) (known map[string]indexed[T], damaged []string, changed bool, err error) {
	store := x.store
	objects, err := store.List(ctx, f.folder)
	if err != nil {
		return nil, nil, false, err
	}
	left, err := leavers(ctx, store)
	if err != nil {
		return nil, nil, false, err
	}
	known = make(map[string]indexed[T], len(objects))
	var anew []Object
	for _, o := range objects {
		id := strings.TrimSuffix(path.Base(o.Name), ".json")
		was, ok := f.known[id]
		switch {
		case left[id]:
			if err := store.Remove(ctx, o.Name); err != nil {
				return nil, nil, false, err
			}
		case ok && was.Version == o.Version:
			known[id] = was
		default:
			anew = append(anew, o)
		}
	}
	changed = len(anew) > 0 || len(known) != len(f.known)
	read, damaged, err := readFlat[T](ctx, x, anew)
	maps.Copy(known, read)
	return known, damaged, changed, err
}

// readFlat reads flat objects, some at a time. Those that are gone by now are left out.
func readFlat[T any](ctx context.Context, x *FleetIndex, objects []Object) (map[string]indexed[T], []string, error) {
	var mu sync.Mutex
	read, damaged := make(map[string]indexed[T], len(objects)), []string(nil)
	err := each(ctx, maxFleetReads, objects, func(ctx context.Context, o Object) error {
		x.slots <- struct{}{}
		data, err := x.store.Get(ctx, o.Name)
		<-x.slots
		if missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		e := indexed[T]{ID: strings.TrimSuffix(path.Base(o.Name), ".json"), Version: o.Version}
		err = json.Unmarshal(data, &e.Entry)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			damaged = append(damaged, o.Name)
			return nil
		}
		read[e.ID] = e
		return nil
	})
	slices.Sort(damaged)
	return read, damaged, err
}

// each calls do for each item, at most limit at a time, and returns the first error; after it no more are begun.
func each[T any](ctx context.Context, limit int, items []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var workers sync.WaitGroup
	for range min(limit, len(items)) {
		workers.Go(func() {
			for item := range next {
				if err := do(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		select {
		case next <- item:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// leavers are the dealers who left and were not added again.
func leavers(ctx context.Context, store Store) (map[string]bool, error) {
	names, err := Names(ctx, store, "deletions")
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, name := range names {
		if id, ok := strings.CutSuffix(path.Base(name), ".json"); ok && name == deletionFile(id) {
			left[id] = true
		}
	}
	return left, nil
}

// An index object is NDJSON, zstd; a line begins with its dealer's id, so that one can be taken out without reading the others.

func encodeIndex[T any](known map[string]indexed[T]) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	for _, id := range slices.Sorted(maps.Keys(known)) {
		_ = encoder.Encode(known[id]) // it was decoded from JSON
	}
	return b.Bytes()
}

// decodeIndex returns nothing for what is no index: then all is read anew.
func decodeIndex[T any](packed []byte) map[string]indexed[T] {
	lines, err := unpackIndex(packed)
	known := map[string]indexed[T]{}
	for line := range bytes.Lines(lines) {
		var e indexed[T]
		if err != nil || json.Unmarshal(line, &e) != nil {
			return nil
		}
		known[e.ID] = e
	}
	return known
}

// maxIndex is the most bytes of an index, decompressed: 20,000 dealers with all that MaxFleetStatus allows.
const maxIndex = 200 << 20

func unpackIndex(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxIndex))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(packed, nil)
}

// putIndex writes an index without the dealers who left. It looks for them once more after it has written: their tombstones
// are put before anything of theirs is removed, so whoever comes last sees what the other has done.
func putIndex(ctx context.Context, store Store, name string, lines []byte) error {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	for {
		if err := store.Put(ctx, name, z.EncodeAll(lines, nil), Replace); err != nil {
			return err
		}
		left, err := leavers(ctx, store)
		if err != nil {
			return err
		}
		kept := withoutLeavers(lines, left)
		if len(kept) == len(lines) {
			return nil
		}
		lines = kept
	}
}

// withoutLeavers returns the lines of an index that are not theirs.
func withoutLeavers(lines []byte, left map[string]bool) []byte {
	kept := make([]byte, 0, len(lines))
	for line := range bytes.Lines(lines) {
		id, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte(`{"id":"`)), []byte(`"`))
		if !left[string(id)] {
			kept = append(kept, line...)
		}
	}
	return kept
}

// sweepIndex takes dealers who left out of an index object.
func sweepIndex(ctx context.Context, store Store, name string, left map[string]bool) error {
	packed, err := store.Get(ctx, name)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	lines, err := unpackIndex(packed)
	if err != nil { // nobody can read it, and the next refresh makes it anew; but its bytes are still theirs
		return store.Put(ctx, name, nil, Replace)
	}
	if kept := withoutLeavers(lines, left); len(kept) < len(lines) {
		return putIndex(ctx, store, name, kept)
	}
	return nil
}
