package resolution

import (
	"math/bits"

	"prophet/changeset"
)

// bitset is a set of positions within a segment.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) union(other bitset) {
	for i, w := range other {
		b[i] |= w
	}
}
func (b bitset) addBelow(n int) {
	for i := range n / 64 {
		b[i] = ^uint64(0)
	}
	if n%64 != 0 {
		b[n/64] |= 1<<(n%64) - 1
	}
}
func (b bitset) len() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// segment is the run [from, to] of positions in T. Every entry in it has seen everything before from.
type segment struct {
	g        *graph
	from, to int
	seen     []bitset // of entry from+i: the entries of the segment that it has seen, by position less from
}

func newSegment(g *graph, from, to int) *segment {
	s := &segment{g: g, from: from, to: to, seen: make([]bitset, to-from+1)}
	for i := range s.seen {
		set := newBitset(len(s.seen))
		if e := g.entries[from+i]; e.bare() && e.deletes() {
			set.addBelow(i)
		}
		for _, p := range g.parents[from+i] {
			if p -= from; p >= 0 {
				set.add(p)
				set.union(s.seen[p])
			}
		}
		s.seen[i] = set
	}
	return s
}

// heads returns the entries that no other entry of the segment has seen.
func (s *segment) heads() []*Entry {
	all := newBitset(len(s.seen))
	for _, set := range s.seen {
		all.union(set)
	}
	var heads []*Entry
	for i := range s.seen {
		if !all.has(i) {
			heads = append(heads, s.g.entries[s.from+i])
		}
	}
	return heads
}

// recreates reports whether the entry at position i is a create whose parents are all deletions.
func (g *graph) recreates(i int) bool {
	if g.entries[i].Change.Kind != changeset.Create || len(g.parents[i]) == 0 {
		return false
	}
	for _, p := range g.parents[i] {
		if !g.entries[p].deletes() {
			return false
		}
	}
	return true
}

// write is one entry's write to one property.
type write struct {
	at    int // position of the entry in T
	entry *Entry
	old   changeset.Value
	value string // "" is null
	given bool   // named by the change, not implied by a re-creation
}

// beats reports whether w, as a bare write, names the value of the earlier write v as its old one.
func (w write) beats(v write) bool {
	return w.given && w.entry.bare() && v.at < w.at && v.value == w.old.Text
}

// rivals merges one segment after another: it holds, for each property, the writes that no other write
// in the segments so far has seen.
type rivals map[string][]write

// add merges the next segment.
func (r rivals) add(s *segment) {
	writes := s.writes(r)
	for name, ws := range writes {
		var left []write // what was there before the segment has been seen by every write in it
		for i, w := range ws {
			if !s.overruled(w, ws, i) {
				left = append(left, w)
			}
		}
		r[name] = left
	}
}

// overruled reports whether another of the writes ws to the same property has seen or beaten w, which is ws[i].
func (s *segment) overruled(w write, ws []write, i int) bool {
	for j, v := range ws {
		if j != i && (s.seen[v.at-s.from].has(w.at-s.from) || v.beats(w)) {
			return true
		}
	}
	return false
}

// writes lists the writes of the segment by property, in the order T. before holds the properties that were written before it.
func (s *segment) writes(before rivals) map[string][]write {
	writes := make(map[string][]write)
	for at := s.from; at <= s.to; at++ {
		e := s.g.entries[at]
		if e.deletes() {
			continue
		}
		if s.g.recreates(at) {
			s.clear(writes, before, at)
		}
		for name, pc := range e.Change.Props {
			writes[name] = append(writes[name], write{at, e, pc.Old, pc.New.Text, true})
		}
	}
	return writes
}

// clear adds the nulls that the re-creation at position at writes: to every property that one of its ancestors wrote and that it does not name.
func (s *segment) clear(writes map[string][]write, before rivals, at int) {
	e := s.g.entries[at]
	null := write{at: at, entry: e}
	for name := range before {
		if _, named := e.Change.Props[name]; !named {
			writes[name] = append(writes[name], null)
		}
	}
	for name, ws := range writes {
		if _, named := e.Change.Props[name]; named || ws[len(ws)-1].at == at {
			continue
		}
		for _, w := range ws {
			if s.seen[at-s.from].has(w.at - s.from) {
				writes[name] = append(ws, null)
				break
			}
		}
	}
}
