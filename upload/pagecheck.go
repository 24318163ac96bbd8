package upload

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"go.etcd.io/bbolt"
)

// checkFile walks the whole of a bbolt file and returns the first thing that is damaged in its structure. lacking is set
// where one of its two heads is: then the file is sound, but may be one transaction old. values holds the last value of
// each page against what is kept there in today's format.
func checkFile(r io.ReaderAt, size int64, values bool) (lacking bool, err error) {
	heads, lacking, err := readHeads(r, size)
	if err != nil {
		return lacking, err
	}
	c := &pageCheck{pageFile: pageFile{r: r, pageSize: heads[0].pageSize, head: heads[0]}, used: make([]bool, heads[0].end), values: values}
	for id := range uint64(2) {
		if err := c.metaHeader(id); err != nil {
			return lacking, err
		}
	}
	if err := c.freelist(); err != nil {
		return lacking, err
	}
	if err := c.tree(c.head.root, nil, nil, part{}, 0); err != nil {
		return lacking, err
	}
	for id, used := range c.used {
		if !used {
			return lacking, fmt.Errorf("page %d is neither used nor free", id)
		}
	}
	return lacking, nil
}

// pageCheck is one walk through a file. Every page must be used once, by one tree, a head or the free list, or be free.
type pageCheck struct {
	pageFile
	used   []bool
	values bool
}

func (c *pageCheck) claim(id, pages uint64) error {
	for i := id; i < id+pages; i++ {
		if i >= uint64(len(c.used)) {
			return fmt.Errorf("page %d is named, which is not in the file", i)
		}
		if c.used[i] {
			return fmt.Errorf("page %d is used twice", i)
		}
		c.used[i] = true
	}
	return nil
}

func (c *pageCheck) metaHeader(id uint64) error {
	b := make([]byte, pageHeader)
	if _, err := c.r.ReadAt(b, int64(id)*c.pageSize); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	if binary.LittleEndian.Uint64(b) != id || binary.LittleEndian.Uint16(b[8:]) != metaPage {
		return fmt.Errorf("page %d is not the head that belongs there", id)
	}
	return c.claim(id, 1)
}

// freelist claims the pages that are free, and those that say so.
func (c *pageCheck) freelist() error {
	id := c.head.free
	if id == ^uint64(0) {
		return fmt.Errorf("it has no list of free pages")
	}
	b := make([]byte, pageHeader+8)
	if id < 2 || id >= c.head.end {
		return fmt.Errorf("page %d is named, which is not in the file", id)
	}
	at := int64(id) * c.pageSize
	if _, err := c.r.ReadAt(b, at); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	pages, count := 1+uint64(binary.LittleEndian.Uint32(b[12:])), uint64(binary.LittleEndian.Uint16(b[10:]))
	if binary.LittleEndian.Uint64(b) != id || binary.LittleEndian.Uint16(b[8:]) != freelistPage || pages > c.head.end-id {
		return fmt.Errorf("page %d is not the list of free pages", id)
	}
	at += pageHeader
	if count == 0xFFFF {
		count = binary.LittleEndian.Uint64(b[pageHeader:])
		at += 8
	}
	if count > pages*uint64(c.pageSize)/8 || uint64(at)+count*8 > (id+pages)*uint64(c.pageSize) {
		return fmt.Errorf("the list of free pages on page %d is longer than the page", id)
	}
	if err := c.claim(id, pages); err != nil {
		return err
	}
	list := make([]byte, count*8)
	if _, err := c.r.ReadAt(list, at); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	for ; len(list) > 0; list = list[8:] {
		if err := c.claim(binary.LittleEndian.Uint64(list), 1); err != nil {
			return fmt.Errorf("list of free pages: %w", err)
		}
	}
	return nil
}

// tree walks a page and all that is below it. Its keys lie between from and to; nil: there is no bound. in is the bucket
// that it belongs to.
func (c *pageCheck) tree(id uint64, from, to []byte, in part, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d lies too deep", id)
	}
	n, err := c.readNode(id)
	if err != nil {
		return err
	}
	if err := c.claim(id, n.pages); err != nil {
		return err
	}
	if len(n.elems) == 0 && id != c.head.root { // a bucket that is empty has no page
		return fmt.Errorf("%s is empty", n.what)
	}
	for i := range n.elems {
		e := &n.elems[i]
		if from != nil && bytes.Compare(e.key, from) < 0 || to != nil && bytes.Compare(e.key, to) >= 0 {
			return fmt.Errorf("%s: element %d is out of order", n.what, i)
		}
		if n.leaf {
			continue
		}
		next := to
		if i+1 < len(n.elems) {
			next = n.elems[i+1].key
		}
		if err := c.tree(e.child, e.key, next, in, depth+1); err != nil {
			return err
		}
	}
	if n.leaf {
		return c.leaf(n, in, depth)
	}
	return nil
}

// leaf walks the buckets in a node, and holds its last value against what is kept there: where that one begins and ends
// follows from nothing else.
func (c *pageCheck) leaf(n *node, in part, depth int) error {
	for i := range n.elems {
		e := &n.elems[i]
		if c.values && e.bucket != in.ofBuckets(e.bucket) {
			return fmt.Errorf("%s: element %d is not what is kept there", n.what, i)
		}
		if e.bucket {
			if err := c.bucket(n, e, in, depth+1); err != nil {
				return err
			}
		}
	}
	if len(n.elems) == 0 || !c.values {
		return nil
	}
	last := &n.elems[len(n.elems)-1]
	var value []byte
	var err error
	switch sealed := in.name == bucketPayloads || in.name == bucketMentions; {
	case last.bucket, sealed && string(last.key) == payloadKey:
		return nil // what is sealed tells itself
	case !sealed:
		value, err = n.value(last)
	}
	if err == nil && !in.keeps(last.key, value) {
		err = fmt.Errorf("%s: its last element is not what is kept there", n.what)
	}
	return err
}

func (c *pageCheck) bucket(n *node, e *element, in part, depth int) error {
	page, err := n.bucket(e)
	if err != nil {
		return err
	}
	below := part{name: in.name, depth: in.depth + 1}
	if in.depth == 0 {
		below.name = string(e.key)
	}
	if page != 0 {
		return c.tree(page, nil, nil, below, depth)
	}
	inline, err := n.inlineNode(e)
	if err != nil {
		return err
	}
	return c.leaf(inline, below, depth)
}

// part is a bucket: the root, one of those that [buckets] names, or one below such a one.
type part struct {
	name  string
	depth int
}

// ofBuckets reports whether the part holds buckets. It holds what it has where nothing is known of it.
func (p part) ofBuckets(has bool) bool {
	switch {
	case p.depth == 0:
		return true
	case !slices.Contains(buckets(), p.name):
		return has
	}
	return p.depth == 1 && (p.name == bucketOrders || p.name == bucketPayloads || p.name == bucketMentions)
}

// keeps reports whether the part may hold such a value.
func (p part) keeps(key, value []byte) bool {
	switch p.name {
	case bucketOrders:
		_, err := decodeState(value)
		return err == nil
	case bucketIndex:
		_, err := unpackWeek(value)
		return err == nil
	case bucketPending, bucketWeekBatches, bucketParkedKeys:
		return len(value) == 0
	case bucketWeeks:
		return isWeek(string(key)) && json.Valid(value)
	case bucketBatches:
		return len(key) >= 8 && json.Valid(value)
	case bucketParked, bucketLedger:
		return len(key) == 8 && json.Valid(value)
	case bucketPayloads, bucketMentions:
		return false // it has another key
	}
	return true
}

// checkNumbers holds that what is numbered next does not take the place of what is there.
func checkNumbers(tx *bbolt.Tx) error {
	for _, name := range []string{bucketBatches, bucketMentions, bucketParked, bucketLedger} {
		last, _ := bucket(tx, name).Cursor().Last()
		counted := name
		if name == bucketMentions {
			counted = bucketBatches // their places
		}
		next := bucket(tx, counted).Sequence()
		switch {
		case last == nil:
		case len(last) < 8:
			return damaged(nil, "a number in its part %q is damaged", name)
		case binary.BigEndian.Uint64(last) > next:
			return damaged(nil, "its part %q ends with number %d, and says that it ends with %d", name, binary.BigEndian.Uint64(last), next)
		}
	}
	return nil
}
