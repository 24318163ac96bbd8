package main

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cutDisk is a folder on a disk that promises no more than POSIX does: what was written is there for certain once the file
// was flushed, a name once its folder was. Whatever came later may be there after a power cut, or not, or in parts; and a
// rename wholly or not at all.
type cutDisk struct {
	root string
	top  *cutNode
}

// cutNode is a file or a folder, as programs see it and as it is on the disk for certain.
type cutNode struct {
	folder  bool
	now     cutState
	flushed cutState
	pending []cutChange // what is not flushed, in order
}

type cutState struct {
	data  []byte
	names map[string]*cutNode
}

// cutChange is one change of a file or a folder.
type cutChange struct {
	at          float64 // when it was done
	offset      int64   // of data, in a file
	data        []byte  // nil: the file gets the size offset
	remove, add string  // names in a folder; "": none
	node        *cutNode
}

const cutSector = 512 // bytes that a disk writes wholly or not at all

// newCutDisk takes over a folder as it is, all of it flushed.
func newCutDisk(t *testing.T, root string) *cutDisk {
	t.Helper()
	return &cutDisk{root: root, top: readCutNode(t, root, true)}
}

func readCutNode(t *testing.T, path string, folder bool) *cutNode {
	t.Helper()
	n := &cutNode{folder: folder}
	if !folder {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n.now.data, n.flushed.data = text, slices.Clone(text)
		return n
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	n.now.names, n.flushed.names = map[string]*cutNode{}, map[string]*cutNode{}
	for _, e := range entries {
		child := readCutNode(t, filepath.Join(path, e.Name()), e.IsDir())
		n.now.names[e.Name()], n.flushed.names[e.Name()] = child, child
	}
	return n
}

// find returns what has a path, and the folder it lies in. Each is nil where there is none.
func (d *cutDisk) find(path string) (folder, node *cutNode) {
	rest, ok := strings.CutPrefix(path, d.root)
	if !ok || rest != "" && rest[0] != '/' {
		return nil, nil
	}
	node = d.top
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" {
			continue
		}
		if node == nil {
			return nil, nil
		}
		folder, node = node, node.now.names[part]
	}
	return folder, node
}

// change notes a change, and makes it where programs see it.
func (n *cutNode) change(c cutChange) {
	n.pending = append(n.pending, c)
	n.now.apply(c)
}

// flush makes certain what was done before the flush began.
func (n *cutNode) flush(began float64) {
	n.pending = slices.DeleteFunc(n.pending, func(c cutChange) bool {
		if c.at <= began {
			n.flushed.apply(c)
		}
		return c.at <= began
	})
}

func (s *cutState) apply(c cutChange) {
	if s.names != nil {
		delete(s.names, c.remove)
		if c.add != "" {
			s.names[c.add] = c.node
		}
		return
	}
	end := c.offset + int64(len(c.data))
	if c.data == nil && end < int64(len(s.data)) {
		s.data = s.data[:end]
	}
	if missing := end - int64(len(s.data)); missing > 0 {
		s.data = append(s.data, make([]byte, missing)...)
	}
	copy(s.data[c.offset:], c.data)
}

// apply does what a call did. Calls on other folders are none of this disk's.
func (d *cutDisk) apply(c *tracedCall) {
	folder, node := d.find(c.path)
	name := filepath.Base(c.path)
	switch c.name {
	case "openat":
		if node == nil && folder != nil && c.has("O_CREAT") {
			node = &cutNode{}
			folder.change(cutChange{at: c.end, add: name, node: node})
		}
		if node != nil && c.has("O_TRUNC") {
			node.change(cutChange{at: c.end})
		}
	case "mkdirat":
		if folder != nil {
			made := &cutNode{folder: true, now: cutState{names: map[string]*cutNode{}}, flushed: cutState{names: map[string]*cutNode{}}}
			folder.change(cutChange{at: c.end, add: name, node: made})
		}
	case "linkat", "renameat", "renameat2":
		if folder != nil && node != nil {
			d.rename(c, folder, node)
		}
	case "unlinkat":
		if folder != nil {
			folder.change(cutChange{at: c.end, remove: name})
		}
	case "write", "pwrite64":
		if node != nil {
			d.write(c, node)
		}
	case "ftruncate":
		if node != nil {
			node.change(cutChange{at: c.end, offset: c.number})
		}
	case "fsync", "fdatasync":
		if node != nil {
			node.flush(c.start)
		}
	}
}

// rename gives a file another name in the same folder: nothing here moves one between folders.
func (d *cutDisk) rename(c *tracedCall, folder, node *cutNode) {
	to, _ := d.find(c.to)
	if to != folder {
		panic(c.path + " is moved to another folder")
	}
	change := cutChange{at: c.end, add: filepath.Base(c.to), node: node}
	if c.name != "linkat" {
		change.remove = filepath.Base(c.path)
	}
	folder.change(change)
}

func (d *cutDisk) write(c *tracedCall, node *cutNode) {
	offset := c.number
	if c.name == "write" { // whole files are written from their beginning
		offset = int64(len(node.now.data))
	}
	node.change(cutChange{at: c.end, offset: offset, data: c.data[:c.result]})
}

// cut writes what a power cut leaves into a folder: of what was not flushed, each change with the likelihood keep.
// r nil: there is no power cut, and everything is there.
func (d *cutDisk) cut(t *testing.T, dir string, r *rand.Rand, keep float64) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.top.cut(t, dir, r, keep, map[*cutNode][]byte{})
}

func (n *cutNode) cut(t *testing.T, path string, r *rand.Rand, keep float64, done map[*cutNode][]byte) {
	t.Helper()
	if !n.folder {
		if _, ok := done[n]; !ok { // a file with two names is one
			left := n.left(r, keep)
			done[n] = left.data
		}
		if err := os.WriteFile(path, done[n], 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	names := n.left(r, keep).names
	for _, name := range slices.Sorted(maps.Keys(names)) {
		names[name].cut(t, filepath.Join(path, name), r, keep, done)
	}
}

// left draws what is left of a file or a folder.
func (n *cutNode) left(r *rand.Rand, keep float64) cutState {
	if r == nil {
		return n.now
	}
	left := cutState{data: slices.Clone(n.flushed.data), names: maps.Clone(n.flushed.names)}
	for _, c := range n.pending {
		switch {
		case r.Float64() >= keep:
		case len(c.data) <= cutSector || keep == 1 || r.IntN(2) == 0:
			left.apply(c)
		default:
			left.tear(r, c)
		}
	}
	return left
}

// tear writes some of the sectors of a write.
func (s *cutState) tear(r *rand.Rand, c cutChange) {
	for from := 0; from < len(c.data); {
		// The first sector may be a part of one.
		to := min(len(c.data), from+cutSector-int((c.offset+int64(from))%cutSector))
		if r.IntN(2) == 0 {
			s.apply(cutChange{offset: c.offset + int64(from), data: c.data[from:to]})
		}
		from = to
	}
}

// same holds that programs see on the real disk what the traced calls made of this one: none was missed.
func (d *cutDisk) same(t *testing.T) {
	t.Helper()
	if path := differs(d.top, readCutNode(t, d.root, true), d.root); path != "" {
		t.Fatalf("the trace missed a call: %s is something else on the disk", path)
	}
}

// differs returns the first path at which two folders differ, "" where none does.
func differs(a, b *cutNode, path string) string {
	if a == nil || b == nil || a.folder != b.folder || string(a.now.data) != string(b.now.data) {
		return path
	}
	names := slices.Concat(slices.Collect(maps.Keys(a.now.names)), slices.Collect(maps.Keys(b.now.names)))
	for _, name := range names {
		if found := differs(a.now.names[name], b.now.names[name], filepath.Join(path, name)); found != "" {
			return found
		}
	}
	return ""
}

func sortCalls(calls []*tracedCall) {
	slices.SortStableFunc(calls, func(a, b *tracedCall) int { return cmp.Compare(a.end, b.end) })
}
