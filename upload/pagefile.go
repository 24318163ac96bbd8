package upload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// This file reads the format of bbolt's files by itself (go.etcd.io/bbolt, internal/common), and takes nothing in them
// for granted. bbolt has no checksums and believes what it reads: a damaged page can make it fault, panic, or follow
// itself until the stack ends, which no program survives.

// The format, on the machines that the agent runs on: little endian.
const (
	pageHeader  = 16 // id, flags, count, overflow
	elementSize = 16
	metaSize    = 64
	bucketSize  = 16 // root page, sequence
	metaMagic   = 0xED0CDAED
	metaVersion = 2

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	bucketElement = 0x01
	maxDepth      = 64 // of pages and buckets below each other
)

// pageFile is a bbolt file as it was when the transaction of its head ended.
type pageFile struct {
	r        io.ReaderAt
	pageSize int64
	head     fileHead
}

// fileHead is what a meta page holds.
type fileHead struct {
	root, free, end uint64 // pages: of the root bucket, of the free list, behind the last one
	transaction     uint64
	pageSize        int64
}

var errNoHead = errors.New("both of its heads are damaged")

// readHeads returns the heads of a file that are sound, the newer first. lacking is set where one of them is not.
func readHeads(r io.ReaderAt, size int64) (heads []fileHead, lacking bool, err error) {
	first, ok := readHead(r, 0)
	if ok {
		heads = append(heads, first)
	}
	for pageSize := int64(1 << 10); pageSize <= 1<<16; pageSize <<= 1 {
		if ok && pageSize != first.pageSize {
			continue
		}
		if second, ok := readHead(r, pageSize); ok && second.pageSize == pageSize {
			heads = append(heads, second)
			break
		}
	}
	switch len(heads) {
	case 0:
		return nil, true, errNoHead
	case 2:
		if heads[0].transaction < heads[1].transaction {
			heads[0], heads[1] = heads[1], heads[0]
		}
	}
	if heads[0].end > uint64(size/heads[0].pageSize) {
		return heads, false, fmt.Errorf("the file has %d bytes, %d are missing", size, int64(heads[0].end)*heads[0].pageSize-size)
	}
	return heads, len(heads) < 2, nil
}

// readHead reads a meta page; ok is false where its checksum is not its own.
func readHead(r io.ReaderAt, offset int64) (h fileHead, ok bool) {
	b := make([]byte, metaSize)
	if _, err := r.ReadAt(b, offset+pageHeader); err != nil {
		return h, false
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	h = fileHead{
		pageSize: int64(binary.LittleEndian.Uint32(b[8:])), root: binary.LittleEndian.Uint64(b[16:]),
		free: binary.LittleEndian.Uint64(b[32:]), end: binary.LittleEndian.Uint64(b[40:]), transaction: binary.LittleEndian.Uint64(b[48:]),
	}
	return h, binary.LittleEndian.Uint32(b) == metaMagic && binary.LittleEndian.Uint32(b[4:]) == metaVersion &&
		binary.LittleEndian.Uint64(b[56:]) == sum.Sum64() && h.pageSize >= 1<<10 && h.pageSize <= 1<<16 && h.end < 1<<40
}

// node is a page of a tree, or a small bucket that lies within one.
type node struct {
	f     *pageFile
	what  string // for errors: page 7
	leaf  bool
	at    int64  // of the page, in the file
	size  int64  // of the page with its overflow
	pages uint64 // that it fills
	head  []byte // the first bytes of the page
	elems []element
}

// element is one entry of a node. Its place is from the beginning of the node.
type element struct {
	key    []byte
	child  uint64 // of a branch: the page
	bucket bool   // of a leaf: the value is a bucket
	at     int64  // of the value
	size   int64
}

// readNode reads a page of a tree and holds it against what bbolt writes: every byte of its element headers follows
// from the others.
func (f *pageFile) readNode(id uint64) (*node, error) {
	n := &node{f: f, what: fmt.Sprintf("page %d", id), at: int64(id) * f.pageSize}
	if id < 2 || id >= f.head.end {
		return nil, fmt.Errorf("%s is named, which is not in the file", n.what)
	}
	n.head = make([]byte, f.pageSize)
	if _, err := f.r.ReadAt(n.head, n.at); err != nil {
		return nil, fmt.Errorf("read %s: %w", n.what, err)
	}
	flags, overflow := binary.LittleEndian.Uint16(n.head[8:]), uint64(binary.LittleEndian.Uint32(n.head[12:]))
	if binary.LittleEndian.Uint64(n.head) != id || flags != branchPage && flags != leafPage || overflow >= f.head.end-id {
		return nil, fmt.Errorf("%s is not what is named there", n.what)
	}
	n.leaf, n.pages, n.size = flags == leafPage, 1+overflow, int64(1+overflow)*f.pageSize
	end, err := n.parse()
	if err != nil {
		return nil, err
	}
	if uint64((end+f.pageSize-1)/f.pageSize) != n.pages {
		return nil, fmt.Errorf("%s has another length than its content", n.what)
	}
	return n, nil
}

// inlineNode reads a small bucket that is the value of an element.
func (n *node) inlineNode(e *element) (*node, error) {
	i := &node{f: n.f, what: "a bucket in " + n.what, leaf: true, at: n.at + e.at + bucketSize, size: e.size - bucketSize}
	if i.size < pageHeader {
		return nil, fmt.Errorf("%s is cut short", i.what)
	}
	i.head = make([]byte, i.size)
	if _, err := n.f.r.ReadAt(i.head, i.at); err != nil {
		return nil, fmt.Errorf("read %s: %w", i.what, err)
	}
	if binary.LittleEndian.Uint64(i.head) != 0 || binary.LittleEndian.Uint16(i.head[8:]) != leafPage || binary.LittleEndian.Uint32(i.head[12:]) != 0 {
		return nil, fmt.Errorf("%s is not what bbolt writes", i.what)
	}
	end, err := i.parse()
	if err == nil && end != i.size {
		err = fmt.Errorf("%s has another length than its content", i.what)
	}
	for j := range i.elems {
		if i.elems[j].bucket {
			return nil, fmt.Errorf("%s holds a bucket", i.what)
		}
	}
	return i, err
}

// parse reads the elements of a node, and returns where they end.
func (n *node) parse() (end int64, err error) {
	count := int64(binary.LittleEndian.Uint16(n.head[10:]))
	end = pageHeader + count*elementSize
	for i := range count {
		at := pageHeader + i*elementSize
		b, err := n.bytes(at, elementSize)
		if err != nil {
			return 0, err
		}
		var e element
		pos, ksize := int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:]))
		if n.leaf {
			flags := binary.LittleEndian.Uint32(b)
			pos, ksize = ksize, int64(binary.LittleEndian.Uint32(b[8:]))
			e.bucket, e.size = flags == bucketElement, int64(binary.LittleEndian.Uint32(b[12:]))
			if flags > bucketElement || e.bucket && e.size < bucketSize {
				return 0, fmt.Errorf("%s: element %d is not what bbolt writes", n.what, i)
			}
		} else {
			e.child = binary.LittleEndian.Uint64(b[8:])
		}
		if at+pos != end || ksize < 1 || ksize > n.size || end+ksize+e.size > n.size {
			return 0, fmt.Errorf("%s: element %d is not where bbolt writes it", n.what, i)
		}
		if e.key, err = n.bytes(end, ksize); err != nil {
			return 0, err
		}
		e.at = end + ksize
		end = e.at + e.size
		if i > 0 && bytes.Compare(n.elems[i-1].key, e.key) >= 0 {
			return 0, fmt.Errorf("%s: element %d is out of order", n.what, i)
		}
		n.elems = append(n.elems, e)
	}
	return end, nil
}

// bytes returns bytes of a node: a large value between them is not read.
func (n *node) bytes(at, size int64) ([]byte, error) {
	if at+size > n.size {
		return nil, fmt.Errorf("%s is cut short", n.what)
	}
	if at+size <= int64(len(n.head)) {
		return n.head[at : at+size], nil
	}
	b := make([]byte, size)
	if _, err := n.f.r.ReadAt(b, n.at+at); err != nil {
		return nil, fmt.Errorf("read %s: %w", n.what, err)
	}
	return b, nil
}

func (n *node) value(e *element) ([]byte, error) { return n.bytes(e.at, e.size) }

// bucket returns the root of the bucket that an element is; page is 0 where it lies within the node.
func (n *node) bucket(e *element) (page uint64, err error) {
	b, err := n.bytes(e.at, bucketSize)
	if err != nil {
		return 0, err
	}
	if page = binary.LittleEndian.Uint64(b); page != 0 && e.size != bucketSize {
		err = fmt.Errorf("%s: a bucket has another length than its head", n.what)
	}
	return page, err
}
