package upload

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// salvage is what a damaged file still holds that proves itself, or that does no harm where it is wrong. Nothing of it
// was read through bbolt.
type salvage struct {
	ledger  [][]byte                     // the entries from the first on that follow from each other
	lost    int                          // entries behind them, as far as the file tells
	keys    map[string][]byte            // check values of the site's keys, by key of bucketMeta
	dropped map[string]map[string]digest // what a person dropped, by week and order; zero: it is not known what of it
	begun   []string                     // weeks whose reading had not ended
	unsure  []string                     // weeks of which a person dropped all or a field: which orders that were is lost

	file     *pageFile
	mentions bucketAt // they may be many, and are read one by one
}

// bucketAt is where a bucket lies: on a page, or within another node; neither where it cannot be found.
type bucketAt struct {
	page   uint64
	inline *node
}

// readSalvage reads what it can. Of two heads that are sound it takes the one by which more of the ledger is found.
func readSalvage(r io.ReaderAt, size int64) *salvage {
	best := &salvage{}
	heads, _, _ := readHeads(r, size) // a file that is cut short still has what lies before the cut
	for _, head := range heads {
		s := &salvage{file: &pageFile{r: r, pageSize: head.pageSize, head: head}, keys: map[string][]byte{}, dropped: map[string]map[string]digest{}}
		s.read()
		if best.file == nil || len(s.ledger) > len(best.ledger) {
			best = s
		}
	}
	return best
}

func (s *salvage) read() {
	parts := s.file.parts()
	s.mentions = parts[bucketMentions]
	noted := uint64(0)
	s.file.eachValue(parts[bucketMeta], func(key, value []byte) {
		switch name := string(key); {
		case strings.HasPrefix(name, metaKeyStem):
			s.keys[name] = value
		case name == metaLedger && len(value) > 8:
			noted = binary.BigEndian.Uint64(value)
		}
	})
	s.readLedger(parts[bucketLedger], noted)
	vetoed := s.readVetoes()
	s.file.eachBucket(parts[bucketOrders], func(week string, at bucketAt) {
		if isWeek(week) {
			s.file.eachValue(at, func(key, value []byte) { s.readState(week, string(key), value, vetoed[week]) })
		}
	})
	s.lostVetoes(vetoed)
	s.file.eachValue(parts[bucketWeeks], func(key, value []byte) {
		var w weekState
		if isWeek(string(key)) && json.Unmarshal(value, &w) == nil && w.Reading != nil {
			s.begun = append(s.begun, string(key))
		}
	})
}

// readLedger takes the entries as far as each names the digest of the one before. noted is how many the file says there are.
func (s *salvage) readLedger(at bucketAt, noted uint64) {
	head, whole := linkOf(nil), true
	s.file.eachValue(at, func(key, value []byte) {
		e, err := decodeEntry(value)
		number := uint64(len(s.ledger)) + 1
		if whole = whole && err == nil && bytes.Equal(key, ledgerKey(number)) && e.Number == number && e.Previous == head; whole {
			s.ledger, head = append(s.ledger, value), linkOf(value)
		} else if len(key) == 8 {
			noted = max(noted, binary.BigEndian.Uint64(key))
		}
	})
	const most = 1 << 30 // more than any site writes: the number is damaged
	if kept := uint64(len(s.ledger)); noted > kept && noted < most {
		s.lost = int(noted - kept)
	}
}

// readVetoes returns the orders that the ledger says a person dropped, by week; "" for drops of a week or a field.
func (s *salvage) readVetoes() map[string]map[string]bool {
	vetoed := map[string]map[string]bool{}
	for _, text := range s.ledger {
		e, err := decodeEntry(text)
		if err != nil || e.Kind != VetoedEntry {
			continue
		}
		if vetoed[e.Week] == nil {
			vetoed[e.Week] = map[string]bool{}
		}
		vetoed[e.Week][e.Key] = true
	}
	return vetoed
}

// readState takes what a person dropped, and strikes off what the state tells of. One that is damaged matches no order,
// and comes to nothing.
func (s *salvage) readState(week, key string, value []byte, vetoed map[string]bool) {
	state, err := decodeState(value)
	if err != nil {
		return
	}
	delete(vetoed, key)
	if state.dropped {
		delete(vetoed, "")
		s.drop(week, key, state.droppedIs)
	}
}

func (s *salvage) drop(week, key string, content digest) {
	if s.dropped[week] == nil {
		s.dropped[week] = map[string]digest{}
	}
	s.dropped[week][key] = content
}

// lostVetoes keeps what the ledger tells of that no state did.
func (s *salvage) lostVetoes(vetoed map[string]map[string]bool) {
	for _, week := range slices.Sorted(maps.Keys(vetoed)) {
		for key := range vetoed[week] {
			if key == "" {
				s.unsure = append(s.unsure, week)
			} else {
				s.drop(week, key, digest{})
			}
		}
	}
}

// eachMention calls fn for what batches are about, sealed, with their places.
func (s *salvage) eachMention(fn func(at place, sealed []byte)) {
	if s.file == nil {
		return
	}
	s.file.eachBucket(s.mentions, func(at string, in bucketAt) {
		s.file.eachValue(in, func(_, sealed []byte) { fn(place(at), sealed) })
	})
}

func isWeek(name string) bool {
	_, err := fieldmap.ParseWeek(name)
	return err == nil
}

// parts returns the buckets of the file, as far as they can be read.
func (f *pageFile) parts() map[string]bucketAt {
	parts := map[string]bucketAt{}
	f.eachBucket(bucketAt{page: f.head.root}, func(name string, at bucketAt) { parts[name] = at })
	return parts
}

// eachValue calls fn for the values of a bucket in the order of their keys, as far as they can be read.
func (f *pageFile) eachValue(at bucketAt, fn func(key, value []byte)) {
	f.eachElement(at, func(n *node, e *element) {
		if e.bucket {
			return
		}
		if value, err := n.value(e); err == nil {
			fn(e.key, value)
		}
	})
}

// eachBucket calls fn for the buckets in a bucket, as far as they can be read.
func (f *pageFile) eachBucket(at bucketAt, fn func(name string, at bucketAt)) {
	f.eachElement(at, func(n *node, e *element) {
		if !e.bucket {
			return
		}
		page, err := n.bucket(e)
		if err != nil {
			return
		}
		in := bucketAt{page: page}
		if page == 0 {
			if in.inline, err = n.inlineNode(e); err != nil {
				return
			}
		}
		fn(string(e.key), in)
	})
}

// eachElement calls fn for the elements of a tree's leaves, as far as they can be read. What is damaged is left out; no
// page is followed twice.
func (f *pageFile) eachElement(at bucketAt, fn func(*node, *element)) {
	if at.inline != nil {
		for i := range at.inline.elems {
			fn(at.inline, &at.inline.elems[i])
		}
		return
	}
	f.follow(at.page, map[uint64]bool{}, 0, fn)
}

func (f *pageFile) follow(page uint64, seen map[uint64]bool, depth int, fn func(*node, *element)) {
	if seen[page] || depth > maxDepth {
		return
	}
	seen[page] = true
	n, err := f.readNode(page)
	if err != nil {
		return
	}
	for i := range n.elems {
		if n.leaf {
			fn(n, &n.elems[i])
		} else {
			f.follow(n.elems[i].child, seen, depth+1, fn)
		}
	}
}
