package crashfs

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// block is how many bytes of unflushed data survive or are lost together.
const block = 16

// node is a file or a directory, as programs see it and as it is on the disk. Bytes below shared, and the names if they are flushed, belong to copies of the
// node or to its other state too: they are copied before they change.
type node struct {
	dir              bool
	data, diskData   []byte
	shared           int // bytes of data
	names, diskNames map[string]*node
	flushed          bool     // names and diskNames are one map
	sorted           []string // names, nil until somebody lists them
	modified         time.Time
}

func newDir() *node { return &node{dir: true, names: map[string]*node{}} }

// sync puts on the disk what programs see.
func (n *node) sync() {
	n.diskData = n.share()
	n.diskNames, n.flushed = n.names, true
}

// share returns the bytes of a file for another one, or for the disk.
func (n *node) share() []byte {
	n.shared = len(n.data)
	n.data = slices.Clip(n.data)
	return n.data
}

// changeNames returns the names in a directory, to change them.
func (n *node) changeNames() map[string]*node {
	n.sorted = nil
	if n.flushed {
		n.names, n.flushed = maps.Clone(n.names), false
	}
	return n.names
}

// list returns the names in a directory in order; nobody may change the slice. Directories are listed far more often than they change.
func (n *node) list() []string {
	if n.sorted == nil {
		n.sorted = slices.Sorted(maps.Keys(n.names))
	}
	return n.sorted
}

// writeAt writes at an offset; what lies between the end and there is zero.
func (n *node) writeAt(b []byte, at int64) {
	if at < int64(n.shared) && len(b) > 0 {
		n.data, n.shared = bytes.Clone(n.data), 0
	}
	if end := at + int64(len(b)); end > int64(len(n.data)) {
		n.truncate(end)
	}
	copy(n.data[at:], b)
}

func (n *node) truncate(size int64) {
	if size <= int64(len(n.data)) {
		n.data, n.shared = n.data[:size:size], min(n.shared, int(size))
		return
	}
	n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
}

// print writes what programs see of the node and all beneath it, with the length of each part before it.
func (n *node) print(w io.Writer) {
	fmt.Fprintf(w, "%t %d %d ", n.dir, len(n.data), len(n.names))
	w.Write(n.data)
	for _, name := range n.list() {
		fmt.Fprintf(w, "%q ", name)
		n.names[name].print(w)
	}
}

// clone copies the node and all beneath it, in both states; done has the copies made so far.
func (n *node) clone(done map[*node]*node) *node {
	if c := done[n]; c != nil {
		return c
	}
	c := &node{dir: n.dir, data: n.share(), diskData: n.diskData, modified: n.modified}
	c.shared = n.shared
	done[n] = c
	if !n.dir {
		return c
	}
	c.names = cloneNames(n.names, done)
	if c.flushed = n.flushed; c.flushed {
		c.diskNames = c.names
	} else {
		c.diskNames = cloneNames(n.diskNames, done)
	}
	return c
}

func cloneNames(names map[string]*node, done map[*node]*node) map[string]*node {
	c := make(map[string]*node, len(names))
	for name, n := range names {
		c[name] = n.clone(done)
	}
	return c
}

// cut copies what a power cut leaves of the node and all beneath it. Without dice nothing survives that was not flushed.
func (n *node) cut(dice *rand.Rand, done map[*node]*node) *node {
	if c := done[n]; c != nil {
		return c
	}
	c := &node{dir: n.dir, data: n.survivingData(dice), modified: n.modified}
	done[n] = c
	if n.dir {
		names := n.survivingNames(dice)
		c.names = make(map[string]*node, len(names))
		for _, name := range slices.Sorted(maps.Keys(names)) {
			c.names[name] = names[name].cut(dice, done)
		}
	}
	c.sync()
	return c
}

// survivingNames starts from the names on the disk; each name that has changed since may have done so there too.
func (n *node) survivingNames(dice *rand.Rand) map[string]*node {
	if dice == nil || n.flushed {
		return n.diskNames
	}
	left := map[string]*node{}
	maps.Copy(left, n.diskNames)
	both := maps.Clone(left)
	maps.Copy(both, n.names)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		now, was := n.names[name], n.diskNames[name]
		if now == was || dice.IntN(2) == 0 {
			continue
		}
		left[name] = now
		if now == nil {
			delete(left, name)
		}
	}
	return left
}

// survivingData takes a length between that on the disk and the present one, and each block as it is on the disk (beyond the end there: zeros) or now.
func (n *node) survivingData(dice *rand.Rand) []byte {
	if dice == nil || bytes.Equal(n.data, n.diskData) {
		return n.diskData
	}
	short, long := min(len(n.data), len(n.diskData)), max(len(n.data), len(n.diskData))
	left := make([]byte, short+dice.IntN(long-short+1))
	copy(left, n.diskData)
	for at := 0; at < len(left); at += block {
		if dice.IntN(2) == 0 && at < len(n.data) {
			copy(left[at:min(at+block, len(left))], n.data[at:])
		}
	}
	return left
}
