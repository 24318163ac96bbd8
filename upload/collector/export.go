package collector

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
	"roagent/upload"
)

// ErrNoDealer is wrapped by [Export]'s error for a dealer that was never added.
var ErrNoDealer = errors.New("there is no such dealer")

// Export writes the lines held of a week, of each order the newest revision, sorted by key, as NDJSON. The same store
// gives the same bytes. A batch that is damaged ends the export with an error that names it.
//
// A manifest names every batch that its agent ever delivered of the week. So a batch that is older than the manifest
// and not in it belongs to an agent that has lost its queue and begun again at revision 1; it counts no longer.
//
// Memory: about 100 bytes an order, and some batches at a time.
func Export(ctx context.Context, store Store, dealer string, week fieldmap.Week, w io.Writer) error {
	out := bufio.NewWriter(w)
	err := Lines(ctx, store, dealer, week, NewestRevisions, func(line []byte) error {
		if _, err := out.Write(line); err != nil {
			return err
		}
		return out.WriteByte('\n')
	})
	return errors.Join(err, out.Flush())
}

// Revisions says which lines of an order are exported.
type Revisions bool

// What [Lines] can be asked for.
const (
	NewestRevisions Revisions = false
	AllRevisions    Revisions = true
)

// Lines is [Export] by the line, without its end. The bytes are valid until each returns.
func Lines(ctx context.Context, store Store, dealer string, week fieldmap.Week, which Revisions, each func(line []byte) error) error {
	if err := eachLine(ctx, store, dealer, week, which, each); err != nil {
		return fmt.Errorf("export %s of dealer %s: %w", week, dealer, err)
	}
	return nil
}

func eachLine(ctx context.Context, store Store, dealer string, week fieldmap.Week, which Revisions, each func([]byte) error) error {
	if err := checkDealer(dealer); err != nil {
		return err
	}
	record, err := readDealer(ctx, store, dealer)
	if err != nil {
		return err
	}
	switch {
	case record == nil:
		return ErrNoDealer
	case record.Left != nil:
		return &LeftError{Dealer: dealer, At: record.Left.At}
	}
	batches, err := validBatches(ctx, store, dealer, week)
	if err != nil {
		return err
	}
	decoder, err := newBatchDecoder()
	if err != nil {
		return err
	}
	defer decoder.Close()
	open := &batchCache{store: store, dealer: dealer, week: week, decoder: decoder}
	orders, err := indexOrders(ctx, open, batches, which)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(orders)) {
		for _, at := range orders[key] {
			data, err := open.get(ctx, at.batch)
			if err != nil {
				return err
			}
			if err := each(data[at.offset:at.end]); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedBatch is a batch and when its receipt says it was stored; zero where there is no receipt that verifies.
type storedBatch struct {
	id     string
	stored time.Time
}

// validBatches returns the batches that count, in the order in which they were stored.
func validBatches(ctx context.Context, store Store, dealer string, week fieldmap.Week) ([]storedBatch, error) {
	ids, err := batchIDs(ctx, store, dealer, week)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	key, err := OpenKey(ctx, store, "")
	if err != nil {
		return nil, err
	}
	named, closed, err := lastManifest(ctx, store, key, dealer, week)
	if err != nil {
		return nil, err
	}
	var batches []storedBatch
	for _, id := range ids {
		stored, err := storedAt(ctx, store, key, receiptFile(dealer, week, id))
		if err != nil {
			return nil, err
		}
		if !stored.IsZero() && stored.Before(closed) && !named[id] {
			continue
		}
		batches = append(batches, storedBatch{id, stored})
	}
	slices.SortStableFunc(batches, func(a, b storedBatch) int { return a.stored.Compare(b.stored) })
	return batches, nil
}

// lastManifest returns the batches that the week's manifest names and when it was stored; zero where there is none.
func lastManifest(ctx context.Context, store Store, key Key, dealer string, week fieldmap.Week) (map[string]bool, time.Time, error) {
	data, err := store.Get(ctx, manifestFile(dealer, week))
	if missing(err) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	var m upload.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, time.Time{}, fmt.Errorf("%s is damaged: %w", manifestFile(dealer, week), err)
	}
	named := map[string]bool{}
	for _, b := range m.Batches {
		named[b.ID] = true
	}
	stored, err := storedAt(ctx, store, key, manifestReceiptFile(dealer, week, digestOf(data)))
	return named, stored, err
}

// storedAt returns the time in a receipt, or zero where there is none that verifies.
func storedAt(ctx context.Context, store Store, key Key, name string) (time.Time, error) {
	signed, err := store.Get(ctx, name)
	if missing(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	receipt, err := upload.OpenReceipt(signed, key.Verifier)
	if err != nil {
		return time.Time{}, nil
	}
	return receipt.Stored, nil
}

// place is where an order's line lies.
type place struct {
	batch       string
	offset, end int
	revision    int
}

// indexOrders finds each order's newest revision, or all of them in their order. Of two lines with the same revision the one
// stored last counts.
func indexOrders(ctx context.Context, open *batchCache, batches []storedBatch, which Revisions) (map[string][]place, error) {
	orders := map[string][]place{}
	for _, b := range batches {
		data, err := open.get(ctx, b.id)
		if err != nil {
			return nil, err
		}
		for offset := 0; offset < len(data); {
			end := len(data)
			if n := bytes.IndexByte(data[offset:], '\n'); n >= 0 {
				end = offset + n
			}
			l, err := parseLine(data[offset:end])
			if err != nil {
				return nil, fmt.Errorf("batch %s: %w", b.id, err)
			}
			orders[l.key] = keep(orders[l.key], place{b.id, offset, end, l.revision}, which)
			offset = end + 1
		}
	}
	return orders, nil
}

// keep adds a line to those of its order, sorted by revision.
func keep(lines []place, l place, which Revisions) []place {
	i, same := slices.BinarySearchFunc(lines, l.revision, func(p place, revision int) int { return p.revision - revision })
	switch {
	case same:
		lines[i] = l
	case which == AllRevisions || len(lines) == 0:
		return slices.Insert(lines, i, l)
	case i > 0: // newer than the one that is there
		lines[0] = l
	}
	return lines
}

// batchCache holds the batches last used, decompressed. Agents read in the order of keys, or nearly, so an export that
// is sorted by key seldom needs a batch twice.
type batchCache struct {
	store   Store
	dealer  string
	week    fieldmap.Week
	decoder *zstd.Decoder

	batches []openBatch // the one used last comes last
	size    int
}

type openBatch struct {
	id   string
	data []byte
}

const maxCache = 32 << 20

// get returns a batch, which is the one its name says. The bytes must not be changed.
func (c *batchCache) get(ctx context.Context, id string) ([]byte, error) {
	if i := slices.IndexFunc(c.batches, func(b openBatch) bool { return b.id == id }); i >= 0 {
		b := c.batches[i]
		c.batches = append(slices.Delete(c.batches, i, i+1), b)
		return b.data, nil
	}
	name := batchFile(c.dealer, c.week, id)
	packed, err := c.store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	data, err := c.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove it, and the agent sends it again when it closes the week", name, err)
	}
	if digestOf(data) != id {
		return nil, fmt.Errorf("%s is damaged: its bytes are not those its name says; remove it, and the agent sends it again when it closes the week", name)
	}
	for len(c.batches) > 0 && c.size+len(data) > maxCache {
		c.size -= len(c.batches[0].data)
		c.batches = slices.Delete(c.batches, 0, 1)
	}
	c.batches = append(c.batches, openBatch{id, data})
	c.size += len(data)
	return data, nil
}
