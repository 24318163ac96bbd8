package upload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// refuse parks lines of a batch that the collector refused, and puts the others in its place. Without lines, or with
// numbers that the batch does not have, the whole batch is parked: then nobody can tell which are meant.
func (q *Queue) refuse(w waiting, reason string, refused []LineProblem) (parked int, err error) {
	err = q.update("park what was refused", func(tx *bbolt.Tx) error {
		parked = 0
		lines, err := q.lines(tx, w.at, w.head)
		if err != nil {
			return err
		}
		r := &refusal{q: q, tx: tx, w: w, trails: map[string]*trail{}}
		if r.tags, err = q.tagsOf(tx, w.at); err != nil {
			return err
		}
		kept := r.sort(lines, reason, refused)
		if err := removeBatch(tx, w.at, w.head); err != nil {
			return err
		}
		if err := q.putAgain(tx, w.at.child(0), w.head, kept, r.tags); err != nil {
			return err
		}
		if parked, err = r.park(); err != nil {
			return err
		}
		return touchWeek(tx, w.head.Week)
	})
	return parked, err
}

// refusal is one transaction that parks.
type refusal struct {
	q      *Queue
	tx     *bbolt.Tx
	w      waiting
	tags   orderTags // of w
	groups []refusedLines
	trails map[string]*trail // by key
}

// refusedLines were refused for one reason.
type refusedLines struct {
	reason string
	texts  [][]byte
	lines  []Line // of texts
}

// sort fills groups and returns the lines that are not refused.
func (r *refusal) sort(lines [][]byte, reason string, refused []LineProblem) (kept [][]byte) {
	why := map[int]string{}
	for _, problem := range refused {
		if problem.Line < 1 || problem.Line > len(lines) {
			clear(why)
			break
		}
		why[problem.Line] = oneLine(problem.Detail)
	}
	if len(why) == 0 {
		r.groups = []refusedLines{{reason: reason, texts: lines}}
		return nil
	}
	for i, line := range lines {
		if reason, ok := why[i+1]; ok {
			r.groups = append(r.groups, refusedLines{reason: reason, texts: [][]byte{line}})
		} else {
			kept = append(kept, line)
		}
	}
	return kept
}

// park takes back what the refused lines changed and parks them, but for lines of which a later one takes the place.
func (r *refusal) park() (parked int, err error) {
	for i := range r.groups {
		group := &r.groups[i]
		for _, text := range group.texts {
			line, err := parseLine(text)
			if err != nil {
				return 0, err
			}
			if err := r.takeBack(&line); err != nil {
				return 0, err
			}
			group.lines = append(group.lines, line)
		}
	}
	if err := r.rebase(); err != nil {
		return 0, err
	}
	for i := range r.groups {
		n, err := r.parkGroup(&r.groups[i])
		if err != nil {
			return 0, err
		}
		parked += n
	}
	return parked, nil
}

// takeBack undoes what a refused line changed, or notes that later lines of its order may wait.
func (r *refusal) takeBack(line *Line) error {
	orders, state, err := findState(r.tx, line)
	if err != nil || orders == nil {
		return err
	}
	if r.w.head.Again && state.revision > line.Revision {
		return nil // it was accepted once, lost, and is refused now; the collector may have later lines that build on it
	}
	if state.revision > line.Revision {
		r.trails[line.Key], err = newTrail(line, orders, state)
		return err
	}
	later := state.refused
	if state, err = state.refuse(line); err != nil {
		return err
	}
	if later { // what came after it was refused before: the next reading tells what the order is now, and sends that
		state.refused, state.refusedIs, state.changed = false, digest{}, nil
	}
	return orders.Put([]byte(line.Key), state.append(nil))
}

// findState returns the state of a line's order in the line's week, and the bucket that it is in; nil where there is
// none.
func findState(tx *bbolt.Tx, line *Line) (orders *bbolt.Bucket, state orderState, err error) {
	if orders, err = weekOrders(tx, line.Week); err != nil || orders == nil {
		return nil, state, err
	}
	value := orders.Get([]byte(line.Key))
	if value == nil {
		return nil, state, nil
	}
	state, err = decodeState(value)
	return orders, state, err
}

func (r *refusal) parkGroup(group *refusedLines) (int, error) {
	var keys []string
	var texts [][]byte
	for i, line := range group.lines {
		if t := r.trails[line.Key]; t != nil && t.start.superseded {
			if err := record(r.tx, Entry{Kind: SupersededEntry, Week: line.Week, Key: line.Key, ID: r.w.head.ID, Orders: 1}); err != nil {
				return 0, err
			}
			continue
		}
		keys, texts = append(keys, line.Key), append(texts, group.texts[i])
	}
	if len(keys) == 0 {
		return 0, nil
	}
	from := r.w.head
	head := parkedHead{
		Week: from.Week, Lines: len(texts), Reason: "the collector refused it", Since: time.Now().UTC(), ID: from.ID, Fieldmap: from.Fieldmap,
	}
	if len(keys) == 1 {
		head.Key = keys[0]
	}
	return len(keys), r.q.parkLines(r.tx, head, group.reason, keys, texts, r.tags)
}

// parkLines parks lines of one week together. detail and what the lines are about are sealed with them.
func (q *Queue) parkLines(tx *bbolt.Tx, head parkedHead, detail string, keys []string, lines [][]byte, tags orderTags) error {
	mentions, err := tags.mentionsOf(lines)
	if err != nil {
		return err
	}
	number, err := bucket(tx, bucketParked).NextSequence()
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	content, err := json.Marshal(parkedLines{Detail: detail, Lines: q.page.encoder.EncodeAll(joinLines(lines), nil), Mentions: mentions})
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	sealed := q.sealer.seal(nil, content, parkedBound(q.dealer, number))
	if err := errors.Join(head.save(tx, number), putPayload(tx, bucketPayloads, parkedPlace(number), sealed)); err != nil {
		return err
	}
	for _, key := range keys {
		if err := bucket(tx, bucketParkedKeys).Put(parkedKey(key, number), nil); err != nil {
			return err
		}
	}
	return record(tx, Entry{Kind: ParkedEntry, Week: head.Week, Fieldmap: head.Fieldmap, ID: head.ID, Key: head.Key, Orders: len(lines), Why: head.Reason})
}

// joinLines makes the text of a batch.
func joinLines(lines [][]byte) []byte { return bytes.Join(lines, nil) }
