package crashfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// block is how many bytes of unflushed data survive or are lost together.
const block = 16

// node is a file or a directory, as programs see it and as it is on the disk.
type node struct {
	dir              bool
	data, diskData   []byte
	names, diskNames map[string]*node
	modified         time.Time
}

func newDir() *node { return &node{dir: true, names: map[string]*node{}} }

// sync puts on the disk what programs see.
func (n *node) sync() {
	n.diskData = bytes.Clone(n.data)
	n.diskNames = maps.Clone(n.names)
}

// writeAt writes at an offset; what lies between the end and there is zero.
func (n *node) writeAt(b []byte, at int64) {
	if end := at + int64(len(b)); end > int64(len(n.data)) {
		n.truncate(end)
	}
	copy(n.data[at:], b)
}

func (n *node) truncate(size int64) {
	if size <= int64(len(n.data)) {
		n.data = n.data[:size:size]
		return
	}
	n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
}

// clone copies the node and all beneath it, in both states; done has the copies made so far.
func (n *node) clone(done map[*node]*node) *node {
	if c := done[n]; c != nil {
		return c
	}
	c := &node{dir: n.dir, data: bytes.Clone(n.data), diskData: bytes.Clone(n.diskData), modified: n.modified}
	done[n] = c
	c.names = cloneNames(n.names, done)
	c.diskNames = cloneNames(n.diskNames, done)
	return c
}

func cloneNames(names map[string]*node, done map[*node]*node) map[string]*node {
	c := map[string]*node{}
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
	c := &node{dir: n.dir, data: n.survivingData(dice), names: map[string]*node{}, modified: n.modified}
	done[n] = c
	names := n.survivingNames(dice)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.names[name] = names[name].cut(dice, done)
	}
	c.sync()
	return c
}

// survivingNames starts from the names on the disk; each name that has changed since may have done so there too.
func (n *node) survivingNames(dice *rand.Rand) map[string]*node {
	left := map[string]*node{}
	maps.Copy(left, n.diskNames)
	if dice == nil {
		return left
	}
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
		return bytes.Clone(n.diskData)
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
