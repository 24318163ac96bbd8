package upload

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// batchBytes is when a page is cut into several batches. Only very large orders come near it.
const batchBytes = 8 << 20

// No order is too large for a line: fieldmap parks it before, and an envelope needs no more than this.
const _ = uint(MaxLine - fieldmap.MaxOrder - 6*MaxKey - 4096)

// zstdWindow costs 5 MiB of buffers; a larger one gains next to nothing on orders (PLATFORM: measured).
const zstdWindow = 512 << 10

// batchHead is what is known of a batch without opening it.
type batchHead struct {
	ID        string    `json:"id"`
	Week      string    `json:"week"`
	Fieldmap  string    `json:"fieldmap"`
	Orders    int       `json:"orders"`
	Bytes     int64     `json:"bytes"`  // of its lines
	Sealed    int64     `json:"sealed"` // of its payload as it is stored
	Made      time.Time `json:"made"`
	Delivered time.Time `json:"delivered,omitzero"`
	Again     bool      `json:"again,omitempty"`   // it was delivered before, and the collector lost it
	Offered   bool      `json:"offered,omitempty"` // to the collector, which may have it, whatever became of its answer
	Released  time.Time `json:"released,omitzero"` // when a person let it go before its time
}

// place is where a batch stands in the queue. Places sort as bytes in the order of sending. A batch that takes the
// place of another one has that one's place with a byte more, so that no later line of an order overtakes an earlier.
type place []byte

func (p place) child(i byte) place { return append(bytes.Clone(p), i) }

func nextPlace(tx *bbolt.Tx) (place, error) {
	n, err := bucket(tx, bucketBatches).NextSequence()
	if err != nil {
		return nil, fmt.Errorf("number a batch: %w", err)
	}
	return binary.BigEndian.AppendUint64(nil, n), nil
}

func newEncoder() (*zstd.Encoder, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	return e, nil
}

// batchID returns the id of a batch of these lines.
func batchID(lines []byte) string {
	sum := sha256.Sum256(lines)
	return hex.EncodeToString(sum[:])
}

func batchBound(dealer, week, id string) []byte {
	return []byte("roagent batch 1\x00" + dealer + "\x00" + week + "\x00" + id)
}

// putBatch stores lines as a batch that waits to be sent, and what they are about; nil mentions: that is not known.
// packed and sealed are buffers, which it returns: sealed must not be used again before the transaction ends.
func (q *Queue) putBatch(tx *bbolt.Tx, at place, head batchHead, lines, mentions, packed, sealed []byte) (usedPacked, usedSealed []byte, err error) {
	head.ID = batchID(lines)
	head.Bytes = int64(len(lines))
	packed = q.page.encoder.EncodeAll(lines, packed[:0])
	sealed = q.sealer.seal(sealed[:0], packed, batchBound(q.dealer, head.Week, head.ID))
	head.Sealed = int64(len(sealed))
	if err := putHead(tx, at, head); err != nil {
		return packed, sealed, err
	}
	if err := putPayload(tx, bucketPayloads, at, sealed); err != nil {
		return packed, sealed, err
	}
	if err := bucket(tx, bucketWeekBatches).Put(weekPlace(head.Week, at), nil); err != nil {
		return packed, sealed, err
	}
	if mentions != nil {
		if err := q.putMentions(tx, at, head.ID, mentions); err != nil {
			return packed, sealed, err
		}
	}
	return packed, sealed, addPending(tx, at, head)
}

func putHead(tx *bbolt.Tx, at place, head batchHead) error {
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("store batch %.12s: %w", head.ID, err)
	}
	return bucket(tx, bucketBatches).Put(at, text)
}

func loadHead(tx *bbolt.Tx, at place) (batchHead, error) {
	var head batchHead
	text := bucket(tx, bucketBatches).Get(at)
	if text == nil {
		return head, damaged(nil, "batch at %x is missing", []byte(at))
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return head, damaged(err, "the head of a batch is damaged")
	}
	return head, nil
}

const payloadKey = "sealed"

// putPayload stores a large value in a bucket of its own: beside others it would be copied whenever one is added.
func putPayload(tx *bbolt.Tx, into string, at, sealed []byte) error {
	b, err := bucket(tx, into).CreateBucket(at)
	if err != nil {
		return fmt.Errorf("store payload: %w", err)
	}
	return b.Put([]byte(payloadKey), sealed)
}

// payload returns a sealed payload, valid until tx ends; nil where there is none.
func payload(tx *bbolt.Tx, from string, at []byte) []byte {
	b := bucket(tx, from).Bucket(at)
	if b == nil {
		return nil
	}
	return b.Get([]byte(payloadKey))
}

// unseal returns the compressed lines of a batch.
func (q *Queue) unseal(tx *bbolt.Tx, at place, head batchHead) ([]byte, error) {
	packed, err := q.sealer.open(payload(tx, bucketPayloads, at), batchBound(q.dealer, head.Week, head.ID))
	if err != nil {
		return nil, damaged(err, "open batch %.12s of %s", head.ID, head.Week)
	}
	return packed, nil
}

// unpack decompresses lines, and holds them against the batch's id.
func unpack(packed []byte, id string) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBatch), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	defer d.Close()
	lines, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, damaged(err, "decompress batch %.12s", id)
	}
	if batchID(lines) != id {
		return nil, damaged(nil, "decompress batch %.12s: its lines have another digest", id)
	}
	return lines, nil
}

// lines opens a batch to its lines.
func (q *Queue) lines(tx *bbolt.Tx, at place, head batchHead) ([][]byte, error) {
	packed, err := q.unseal(tx, at, head)
	if err != nil {
		return nil, err
	}
	text, err := unpack(packed, head.ID)
	if err != nil {
		return nil, err
	}
	return splitLines(text), nil
}

// splitLines returns the lines of a batch's text, each with its line break.
func splitLines(text []byte) [][]byte { return slices.Collect(bytes.Lines(text)) }

// weekPlace is a key of bucketWeekBatches: all batches of a week, in their order.
func weekPlace(week string, at place) []byte { return append([]byte(week+"/"), at...) }

// pendingTotal is what waits to be sent.
type pendingTotal struct {
	Batches int   `json:"batches"`
	Orders  int   `json:"orders"`
	Bytes   int64 `json:"bytes"`
}

func loadPending(tx *bbolt.Tx) (pendingTotal, error) {
	var p pendingTotal
	text := bucket(tx, bucketMeta).Get([]byte(metaPending))
	if text == nil {
		return p, nil
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, damaged(err, "the count of waiting batches is damaged")
	}
	return p, nil
}

func (p pendingTotal) save(tx *bbolt.Tx) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("count waiting batches: %w", err)
	}
	return bucket(tx, bucketMeta).Put([]byte(metaPending), text)
}

func addPending(tx *bbolt.Tx, at place, head batchHead) error {
	p, err := loadPending(tx)
	if err != nil {
		return err
	}
	p.Batches++
	p.Orders += head.Orders
	p.Bytes += head.Sealed
	if err := p.save(tx); err != nil {
		return err
	}
	return bucket(tx, bucketPending).Put(at, nil)
}

func mustWait(tx *bbolt.Tx, at place, head batchHead) error {
	if found, _ := bucket(tx, bucketPending).Cursor().Seek(at); !bytes.Equal(found, at) {
		return fmt.Errorf("batch %.12s of %s does not wait any more", head.ID, head.Week)
	}
	return nil
}

// removePending fails where the batch does not wait: two senders must not both count it.
func removePending(tx *bbolt.Tx, at place, head batchHead) error {
	if err := mustWait(tx, at, head); err != nil {
		return err
	}
	p, err := loadPending(tx)
	if err != nil {
		return err
	}
	p.Batches--
	p.Orders -= head.Orders
	p.Bytes -= head.Sealed
	if err := p.save(tx); err != nil {
		return err
	}
	return bucket(tx, bucketPending).Delete(at)
}

// removeBatch takes a batch that waits out of the queue. What it is about stays known where the collector had it once.
func removeBatch(tx *bbolt.Tx, at place, head batchHead) error {
	if err := removePending(tx, at, head); err != nil {
		return err
	}
	if err := bucket(tx, bucketBatches).Delete(at); err != nil {
		return err
	}
	if err := bucket(tx, bucketPayloads).DeleteBucket(at); err != nil {
		return err
	}
	if mentions := bucket(tx, bucketMentions); !head.Again && mentions.Bucket(at) != nil {
		if err := mentions.DeleteBucket(at); err != nil {
			return err
		}
	}
	return bucket(tx, bucketWeekBatches).Delete(weekPlace(head.Week, at))
}
