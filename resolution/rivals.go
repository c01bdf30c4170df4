package resolution

import (
	"maps"
	"math/bits"
	"slices"
)

// write returns what the entry at position at writes to the property: null if it does not name it.
func (g *graph) write(at int, name string) Rival {
	pc, named := g.entries[at].Change.Props[name]
	return Rival{g.entries[at], pc.New.Text, pc.Old, named}
}

// batch is how many properties are looked at together.
const batch = 64

// properties is a set of properties of the same batch, a bit for each.
type properties uint64

// rivals yields the rival writes to each property, sorted by its name; there is at least one. For a batch of properties it goes over the
// entries three times, so the cost is that of the entries and their parents, whatever the shape of the history.
func (g *graph) rivals(yield func(name string, rivals []Rival) bool) {
	named := g.named()
	names := slices.Sorted(maps.Keys(named))
	wrote, kin := make([]properties, len(g.entries)), make([]properties, len(g.entries))
	for names := range slices.Chunk(names, batch) {
		clear(wrote)
		for i, name := range names {
			for _, at := range named[name] {
				wrote[at] |= 1 << i
			}
		}
		g.recreate(wrote, kin)
		g.overrule(wrote, kin)
		for i, rivals := range g.collect(names, wrote, kin) {
			if !yield(names[i], rivals) {
				return
			}
		}
	}
}

// named returns the positions of the entries that name each property.
func (g *graph) named() map[string][]int {
	named := make(map[string][]int)
	for at, e := range g.entries {
		if e.deletes() { // a deletion writes nothing
			continue
		}
		for name := range e.Change.Props {
			named[name] = append(named[name], at)
		}
	}
	return named
}

// recreate adds to what a re-creation wrote all that its ancestors wrote, which it finds for each entry. It goes along T: ancestors come first.
func (g *graph) recreate(wrote, ancestors []properties) {
	clear(ancestors)
	var all properties // what the entries so far wrote
	for at, parents := range g.parents {
		for _, p := range parents {
			ancestors[at] |= ancestors[p] | wrote[p]
		}
		if g.seesAllBefore(at) {
			ancestors[at] = all
		}
		if g.recreates(at) {
			wrote[at] |= ancestors[at]
		}
		all |= wrote[at]
	}
}

// overrule finds for each entry what its descendants wrote. It goes against T: descendants come first.
func (g *graph) overrule(wrote, descendants []properties) {
	clear(descendants)
	var all properties // what the descendants of the bare deletions so far wrote
	for at := len(wrote) - 1; at >= 0; at-- {
		descendants[at] |= all
		if g.seesAllBefore(at) {
			all |= descendants[at]
		}
		for _, p := range g.parents[at] {
			descendants[p] |= descendants[at] | wrote[at]
		}
	}
}

// collect returns the rivals for each of a batch of properties: the writes that no descendant overrules and that are not beaten. A bare
// write beats all earlier ones in T of the value that it names as the old one, so it goes against T too.
func (g *graph) collect(names []string, wrote, descendants []properties) [][]Rival {
	rivals := make([][]Rival, len(names))
	beaten := make([]map[string]bool, len(names)) // the old values that later bare writes name
	for at := len(wrote) - 1; at >= 0; at-- {
		bare := g.entries[at].bare()
		look := wrote[at]
		if !bare {
			look &^= descendants[at]
		}
		for ; look != 0; look &= look - 1 {
			i := bits.TrailingZeros64(uint64(look))
			w := g.write(at, names[i])
			if descendants[at]>>i&1 == 0 && !beaten[i][w.Value] {
				rivals[i] = append(rivals[i], w)
			}
			if bare && w.named {
				if beaten[i] == nil {
					beaten[i] = make(map[string]bool)
				}
				beaten[i][w.Old.Text] = true
			}
		}
	}
	return rivals
}
