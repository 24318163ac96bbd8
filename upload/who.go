package upload

import (
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// Sending is one line about a car or a customer.
type Sending struct {
	Week     string    `json:"week"`
	Key      string    `json:"key"`
	Revision int       `json:"revision"`
	Voided   bool      `json:"voided,omitempty"` // the line says that the order is gone
	Fieldmap string    `json:"fieldmap"`         // the digest of the whitelist under which it was read
	Batch    string    `json:"batch"`            // its id
	Stored   time.Time `json:"stored,omitzero"`  // as the receipt says; zero where there is none
}

// Disclosure is what was ever sent about one car or customer, in the order of sending.
type Disclosure struct {
	Sent    []Sending `json:"sent"`    // the collector's receipt is held
	Waiting []Sending `json:"waiting"` // queued, not sent yet
	Held    []Sending `json:"held"`    // parked, and not sent unless a person releases it
	Refused []Sending `json:"refused"` // offered to the collector, which refused it; parked
	// Unknown counts the batches that were taken over or rebuilt: of those nobody can say whom they are about.
	Unknown int `json:"unknown"`
}

// About returns what was sent about the subject of a tag. A line that voids an order is about whatever an earlier line
// of the order was about.
func (q *Queue) About(subject fieldmap.Subject, tag fieldmap.Tag) (Disclosure, error) {
	s := &search{q: q, subject: subject, tag: tag, named: map[string]bool{}}
	s.found = Disclosure{Sent: []Sending{}, Waiting: []Sending{}, Held: []Sending{}, Refused: []Sending{}}
	err := q.view("look for what was sent", func(tx *bbolt.Tx) error {
		if err := s.delivered(tx); err != nil {
			return err
		}
		if err := s.batches(tx); err != nil {
			return err
		}
		return s.parked(tx)
	})
	return s.found, err
}

// search is one reading of all that batches are about, in the order of sending.
type search struct {
	q       *Queue
	subject fieldmap.Subject
	tag     fieldmap.Tag
	sent    map[string]Sending // by batch id: what its lines have in common
	named   map[string]bool    // week and key of the orders that named the subject
	found   Disclosure
}

// delivered reads out of the ledger which batches the collector has, or had.
func (s *search) delivered(tx *bbolt.Tx) error {
	s.sent = map[string]Sending{}
	return bucket(tx, bucketLedger).ForEach(func(_, text []byte) error {
		e, err := decodeEntry(text)
		if err != nil || e.Kind != BatchEntry {
			return err
		}
		if _, again := s.sent[e.ID]; !again {
			s.sent[e.ID] = Sending{Week: e.Week, Fieldmap: e.Fieldmap, Batch: e.ID, Stored: e.stored()}
		}
		return nil
	})
}

// stored returns the time that the receipt of an entry says. It was verified when it came, and is not again.
func (e *Entry) stored() time.Time {
	text, _, _ := strings.Cut(e.Receipt, "\n\n")
	r, err := parseReceipt(text + "\n")
	if err != nil {
		return e.At
	}
	return r.Stored
}

func (s *search) batches(tx *bbolt.Tx) error {
	known := map[string]bool{}
	if err := bucket(tx, bucketMentions).ForEachBucket(func(at []byte) error {
		id, mentions, _, err := s.q.mentions(tx, at)
		if err != nil || known[id] {
			return err
		}
		known[id] = true
		if common, ok := s.sent[id]; ok {
			return s.look(mentions, common, &s.found.Sent)
		}
		if bucket(tx, bucketBatches).Get(at) == nil {
			return nil // it waited in a queue that was rebuilt since, and was read again
		}
		head, err := loadHead(tx, at)
		if err != nil {
			return err
		}
		return s.look(mentions, Sending{Week: head.Week, Fieldmap: head.Fieldmap, Batch: id}, &s.found.Waiting)
	}); err != nil {
		return err
	}
	for id := range s.sent {
		if !known[id] {
			s.found.Unknown++
		}
	}
	return bucket(tx, bucketPending).ForEach(func(at, _ []byte) error {
		head, err := loadHead(tx, at)
		if _, sent := s.sent[head.ID]; err == nil && !sent && !known[head.ID] {
			s.found.Unknown++
		}
		return err
	})
}

// parked looks at what is held, and at what the collector refused: it saw those lines, whatever it did with them.
func (s *search) parked(tx *bbolt.Tx) error {
	return eachParked(tx, func(number uint64, head parkedHead) error {
		if head.Lines == 0 {
			return nil
		}
		_, content, err := s.q.openParked(tx, number, head)
		if err != nil {
			return err
		}
		var all []Sending
		if err := s.look(content.Mentions, Sending{Week: head.Week, Fieldmap: head.Fieldmap, Batch: head.ID}, &all); err != nil {
			return err
		}
		found := &s.found.Refused
		if head.Held {
			found = &s.found.Held
		}
		for _, line := range all {
			if slices.Contains(parkedOf(tx, []byte(line.Key)), number) {
				*found = append(*found, line)
			}
		}
		return nil
	})
}

// look appends the lines of one batch that are about the subject.
func (s *search) look(mentions []byte, common Sending, found *[]Sending) error {
	err := eachMention(mentions, func(m mention) {
		order := common.Week + "/" + m.key
		about := m.tags[s.subject] == s.tag
		if !about && (!m.voided || !s.named[order]) {
			return
		}
		s.named[order] = true
		line := common
		line.Key, line.Revision, line.Voided = m.key, m.revision, m.voided
		*found = append(*found, line)
	})
	if err != nil {
		return damaged(err, "look into batch %.12s of %s", common.Batch, common.Week)
	}
	return nil
}
