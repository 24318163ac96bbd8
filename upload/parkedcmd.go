package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"
)

// ParkedItem is something that waits for a person: an order that could not be read into a line or that is held, or lines
// that the collector refused.
type ParkedItem struct {
	Number  uint64    `json:"number"`
	Week    string    `json:"week"`
	Key     string    `json:"key,omitempty"` // where it is one order
	Orders  int       `json:"orders"`
	Refused bool      `json:"refused"` // by the collector; else it could not be read, and nothing of it is kept; or:
	Held    bool      `json:"held"`    // it can be sent once a person releases it
	Reason  string    `json:"reason"`  // the collector's own words may repeat what an order holds
	Since   time.Time `json:"since"`
}

// Parked returns what is parked, oldest first.
func (q *Queue) Parked() (items []ParkedItem, err error) {
	items = []ParkedItem{}
	err = q.view("list what is parked", func(tx *bbolt.Tx) error {
		return eachParked(tx, func(number uint64, head parkedHead) error {
			item, _, err := q.openParked(tx, number, head)
			items = append(items, item)
			return err
		})
	})
	return items, err
}

// ParkedLines returns one parked item with its lines; without any where it is an order that could not be read.
func (q *Queue) ParkedLines(number uint64) (item ParkedItem, lines [][]byte, err error) {
	err = q.view("show what is parked", func(tx *bbolt.Tx) error {
		head, err := loadParked(tx, number)
		if err != nil {
			return err
		}
		var content parkedLines
		if item, content, err = q.openParked(tx, number, head); err != nil || content.Lines == nil {
			return err
		}
		all, err := unpackParked(content.Lines)
		if err != nil {
			return err
		}
		lines, _, err = currentLines(tx, number, all)
		return err
	})
	return item, lines, err
}

// openParked unseals what is parked; content is empty where no lines are kept.
func (q *Queue) openParked(tx *bbolt.Tx, number uint64, head parkedHead) (item ParkedItem, content parkedLines, err error) {
	item = ParkedItem{
		Number: number, Week: head.Week, Key: head.Key, Orders: max(1, head.Lines), Reason: head.Reason, Since: head.Since,
		Refused: head.Lines > 0 && !head.Held, Held: head.Held,
	}
	if head.Lines == 0 {
		return item, content, nil
	}
	text, err := q.sealer.open(payload(tx, bucketPayloads, parkedPlace(number)), parkedBound(q.dealer, number))
	if err != nil {
		return item, content, damaged(err, "open what is parked as number %d", number)
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return item, content, damaged(err, "what is parked as number %d is damaged", number)
	}
	if content.Detail != "" {
		item.Reason += ": " + content.Detail
	}
	return item, content, nil
}

func unpackParked(packed []byte) ([][]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBatch), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	defer d.Close()
	text, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, damaged(err, "decompress what is parked")
	}
	return splitLines(text), nil
}

// currentLines returns the lines that no later one of their order has replaced.
func currentLines(tx *bbolt.Tx, number uint64, lines [][]byte) (texts [][]byte, parsed []Line, err error) {
	for _, text := range lines {
		line, err := parseLine(text)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(parkedOf(tx, []byte(line.Key)), number) {
			texts, parsed = append(texts, text), append(parsed, line)
		}
	}
	return texts, parsed, nil
}

// ErrNotHeld is wrapped by the error of a [Queue.Release] of an order that could not be read.
var ErrNotHeld = errors.New("there is nothing to send: the order could not be read, and is tried again at every pull. Correct it in the DMS or the whitelist")

// ErrSuperseded is wrapped by the error of a [Queue.Release] of lines that say nothing any more that counts.
var ErrSuperseded = errors.New("nothing was sent: later lines have taken the place of what was parked, which is gone now")

// Release sends what was held, as it was parked: redacted. It sends again what the collector refused, as it is: after the
// collector's operator has mended the cause. A line
// that no longer follows from what the collector has of its order is left out, and the ledger says so.
func (q *Queue) Release(number uint64, who string) error {
	superseded := false
	err := q.update(fmt.Sprintf("release parked number %d", number), func(tx *bbolt.Tx) error {
		if err := mustTakePart(tx); err != nil {
			return err
		}
		head, err := loadParked(tx, number)
		if err != nil {
			return err
		}
		if head.Lines == 0 {
			return ErrNotHeld
		}
		texts, lines, tags, err := q.parkedNow(tx, number, head)
		if err != nil {
			return err
		}
		due, err := follow(tx, texts, lines)
		if err != nil {
			return err
		}
		if err := q.forgetParked(tx, number, head, lines); err != nil {
			return err
		}
		if superseded = len(due) == 0; superseded {
			return nil
		}
		at, err := nextPlace(tx)
		if err != nil {
			return err
		}
		from := batchHead{Week: head.Week, Fieldmap: head.Fieldmap, Made: head.Since}
		if err := q.putAgain(tx, at, from, due, tags); err != nil {
			return err
		}
		return record(tx, Entry{Kind: ReleasedEntry, Who: who, Week: head.Week, Key: head.Key, ID: batchID(joinLines(due)), Orders: len(due)})
	})
	if err == nil && superseded {
		return fmt.Errorf("release parked number %d: %w", number, ErrSuperseded)
	}
	return err
}

// parkedNow returns the lines of something parked that no later one of their order has replaced, and what they are
// about.
func (q *Queue) parkedNow(tx *bbolt.Tx, number uint64, head parkedHead) (texts [][]byte, lines []Line, tags orderTags, err error) {
	_, content, err := q.openParked(tx, number, head)
	if err != nil {
		return nil, nil, nil, err
	}
	if content.Mentions != nil {
		if tags, err = readTags(content.Mentions); err != nil {
			return nil, nil, nil, err
		}
	}
	all, err := unpackParked(content.Lines)
	if err != nil {
		return nil, nil, nil, err
	}
	texts, lines, err = currentLines(tx, number, all)
	return texts, lines, tags, err
}

// follow returns the lines that follow from what the collector has, and makes their orders' states count them.
func follow(tx *bbolt.Tx, texts [][]byte, lines []Line) (due [][]byte, err error) {
	for i := range lines {
		ok, err := acceptAgain(tx, &lines[i])
		if err != nil {
			return nil, err
		}
		if ok {
			due = append(due, texts[i])
			continue
		}
		if err := record(tx, Entry{Kind: SupersededEntry, Week: lines[i].Week, Key: lines[i].Key, Orders: 1}); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// acceptAgain makes the order's state what it was before the line was refused. It reports whether the line is due.
func acceptAgain(tx *bbolt.Tx, line *Line) (bool, error) {
	orders, state, err := findState(tx, line)
	if err != nil || orders == nil {
		return false, err
	}
	follows := state.revision == line.Revision-1
	switch {
	case follows && line.Voided && state.refusedVoid:
		state.refusedVoid = false
		state = state.void()
	case follows && !line.Voided && state.refused && state.refusedIs == line.content():
		state.refused = false
		state = state.send(line.content()) // what was dropped of the order stays so
	default: // the collector took it once and lost it: then the state counts it, unless later lines came
		return state.revision == line.Revision && state.voided() == line.Voided, nil
	}
	return true, orders.Put([]byte(line.Key), state.append(nil))
}

// Drop throws away what is parked. What the collector refused is not sent again until the order changes; an order that
// could not be read is parked again by the next pull that cannot.
func (q *Queue) Drop(number uint64, who string) error {
	return q.update(fmt.Sprintf("drop parked number %d", number), func(tx *bbolt.Tx) error {
		head, err := loadParked(tx, number)
		if err != nil {
			return err
		}
		var lines []Line
		if head.Lines > 0 {
			if _, lines, _, err = q.parkedNow(tx, number, head); err != nil {
				return err
			}
		}
		if err := q.forgetParked(tx, number, head, lines); err != nil {
			return err
		}
		return record(tx, Entry{Kind: DroppedEntry, Who: who, Week: head.Week, Key: head.Key, Orders: max(1, len(lines))})
	})
}

// forgetParked removes something parked with all its lines.
func (q *Queue) forgetParked(tx *bbolt.Tx, number uint64, head parkedHead, lines []Line) error {
	if head.Lines == 0 {
		lines = []Line{{Key: head.Key}}
	} else {
		head.Lines = len(lines)
	}
	for _, line := range lines {
		if err := removeParked(tx, number, head, line.Key); err != nil {
			return err
		}
		head.Lines--
	}
	return touchWeek(tx, head.Week)
}
