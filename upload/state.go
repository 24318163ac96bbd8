package upload

import (
	"crypto/sha256"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

type digest = [sha256.Size]byte

// orderState is what the queue remembers of one order in one week: what the collector has of it there (or will have,
// once all that waits is delivered), and what of it the collector refused or a person at the dealer's dropped. An order
// that moves leaves its state behind, so that what becomes of the line that voids it there is nothing to the week that it is in now.
type orderState struct {
	reading  uint32 // the week's reading in which it was last seen
	revision int    // of the last line; 0: the collector has nothing of it
	digest   digest // of the repair_order bytes last sent, if revision > 0
	voids    uint64 // which of the last 64 lines voided it: bit 0 is the last line

	refused     bool   // the collector refused a line of it that is parked, with content of refusedIs
	refusedIs   digest // if refused
	refusedVoid bool   // the collector refused the line that voids it
	dropped     bool   // a person dropped it, or a field of it, when it had been read as droppedIs
	droppedIs   digest // if dropped; zero: not known any more
	left        bool   // the order is in another week now: see bucketIndex

	changed []byte // the changed column's token of the bytes last looked at; "" where there is none
}

const (
	stateVersion = 1

	flagRefused     = 1 << 0
	flagRefusedVoid = 1 << 1
	flagLeft        = 1 << 2
	flagDropped     = 1 << 3
)

func errState() error { return damaged(nil, "the state of an order is damaged") }

// append encodes s: version, flags, reading (4 bytes, so that seeing an order again changes no length), revision
// and voids (uvarint), digest, refused and dropped digest where there is one, changed token.
func (s *orderState) append(dst []byte) []byte {
	var flags byte
	if s.refused {
		flags |= flagRefused
	}
	if s.refusedVoid {
		flags |= flagRefusedVoid
	}
	if s.left {
		flags |= flagLeft
	}
	if s.dropped {
		flags |= flagDropped
	}
	dst = append(dst, stateVersion, flags)
	dst = binary.BigEndian.AppendUint32(dst, s.reading)
	dst = binary.AppendUvarint(dst, uint64(s.revision))
	dst = binary.AppendUvarint(dst, s.voids)
	dst = append(dst, s.digest[:]...)
	if s.refused {
		dst = append(dst, s.refusedIs[:]...)
	}
	if s.dropped {
		dst = append(dst, s.droppedIs[:]...)
	}
	return append(dst, s.changed...)
}

// decodeState reads what append wrote. The token is not copied.
func decodeState(b []byte) (orderState, error) {
	var s orderState
	if len(b) < 6 || b[0] != stateVersion || b[1]&^(flagRefused|flagRefusedVoid|flagLeft|flagDropped) != 0 {
		return s, errState()
	}
	s.refused, s.refusedVoid = b[1]&flagRefused != 0, b[1]&flagRefusedVoid != 0
	s.left, s.dropped = b[1]&flagLeft != 0, b[1]&flagDropped != 0
	s.reading = binary.BigEndian.Uint32(b[2:])
	revision, n := binary.Uvarint(b[6:])
	if n <= 0 || revision > 1<<31-1 {
		return s, errState()
	}
	s.revision = int(revision)
	b = b[6+n:]
	if s.voids, n = binary.Uvarint(b); n <= 0 {
		return s, errState()
	}
	b = b[n:]
	for _, d := range []struct {
		is   bool
		into *digest
	}{{true, &s.digest}, {s.refused, &s.refusedIs}, {s.dropped, &s.droppedIs}} {
		if !d.is {
			continue
		}
		if len(b) < sha256.Size {
			return s, errState()
		}
		b = b[copy(d.into[:], b):]
	}
	s.changed = b
	return s, nil
}

// verdict is what an order calls for.
type verdict uint8

const (
	sendNothing verdict = iota
	sendContent
	sendVoid
)

// saw returns what an order calls for that was read with content of this digest, and its state after that.
func (s orderState) saw(content digest) (verdict, orderState) {
	if s.refused && content == s.refusedIs {
		return sendNothing, s // the same would be refused again: it stays parked
	}
	if s.dropped && s.droppedIs == (digest{}) {
		s.droppedIs = content // what it was is lost, with the queue that was rebuilt: the person's word counts for what it is now
	}
	if s.dropped && content == s.droppedIs {
		return sendNothing, s
	}
	s.refused, s.refusedIs, s.refusedVoid = false, digest{}, false
	s.dropped, s.droppedIs = false, digest{}
	if s.held() && content == s.digest {
		return sendNothing, s
	}
	return sendContent, s.send(content)
}

// send returns the state after a line with this content.
func (s orderState) send(content digest) orderState {
	s.revision++
	s.digest = content
	s.voids <<= 1
	return s
}

// missed returns what an order calls for that is gone from its week, and its state after that.
func (s orderState) missed() (verdict, orderState) {
	if s.refusedVoid {
		return sendNothing, s
	}
	s.refused, s.refusedIs = false, digest{}
	s.dropped, s.droppedIs = false, digest{}
	if !s.held() {
		return sendNothing, s
	}
	return sendVoid, s.void()
}

// void returns the state after a line that voids the order.
func (s orderState) void() orderState {
	s.revision++
	s.voids = s.voids<<1 | 1
	return s
}

// arrive returns the state of an order that comes into this week from another one, where its state was other: its
// revisions go on counting, so that none is used twice.
func (s orderState) arrive(other orderState) orderState {
	s.left = false
	if s.revision == 0 && other.revision > 0 {
		return orderState{revision: other.revision, digest: other.digest, voids: 1, reading: s.reading}
	}
	return s.skip(other.revision)
}

// skip leaves out revisions that other weeks have used. Those of an order of which the collector has nothing start at 1.
func (s orderState) skip(revision int) orderState {
	for s.revision > 0 && s.revision < revision {
		s.revision++
		s.voids = s.voids<<1 | s.voids&1
	}
	return s
}

// unskip takes revisions back that other weeks have not used after all: those down to one that is not below the order's own last.
func (s orderState) unskip(revision int) orderState {
	if s.revision > revision {
		s.voids >>= s.revision - revision
		s.revision = revision
	}
	return s
}

// refuse returns the state after the collector refused l, the order's last line: what the line would have changed is
// taken back, so that a later line takes its revision and replaces what it would have replaced.
func (s orderState) refuse(l *Line) (orderState, error) {
	s.revision--
	s.voids >>= 1
	if l.Voided {
		s.refusedVoid = true
		return s, nil
	}
	s.refused, s.refusedIs = true, s.digest
	before, err := l.replaced()
	if err != nil {
		return s, err
	}
	s.digest = digest{}
	if before != nil {
		s.digest = *before
	}
	return s, nil
}

// held reports whether the collector has a valid order.
func (s *orderState) held() bool { return s.revision > 0 && !s.voided() }

func (s *orderState) voided() bool { return s.voids&1 == 1 }

// packWeek is a week as the index keeps it.
func packWeek(w fieldmap.Week) [3]byte {
	return [3]byte{byte(w.Year >> 8), byte(w.Year), byte(w.Number)}
}

func unpackWeek(b []byte) (fieldmap.Week, error) {
	if len(b) != 3 || b[2] == 0 || b[2] > 53 {
		return fieldmap.Week{}, damaged(nil, "the week of an order is damaged: %d bytes", len(b))
	}
	return fieldmap.Week{Year: int(b[0])<<8 | int(b[1]), Number: int(b[2])}, nil
}

// statesAtOnce bounds the states that are looked at before the memory that they lie in is given back. Their pages lie
// between those of batches, and Linux maps sixteen for each that is touched.
const statesAtOnce = 1024

// eachState calls fn for the orders of a week, from a key on, until it returns false.
func eachState(orders *bbolt.Bucket, from []byte, fn func(key []byte, state orderState) (more bool)) error {
	c, seen := orders.Cursor(), 0
	for key, value := c.Seek(from); key != nil; key, value = c.Next() {
		state, err := decodeState(value)
		if err != nil {
			return err
		}
		if !fn(key, state) {
			return nil
		}
		if seen++; seen%statesAtOnce == 0 {
			releaseMemory(orders.Tx())
		}
	}
	return nil
}
