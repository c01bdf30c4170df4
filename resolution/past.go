package resolution

import "slices"

// past is a set of changes to a record of which each has all that it has seen in it: first all of them, then, again and again, what all rivals
// for a property have seen of them. Each change leaves once, and what is deep in the set is not looked at while it stays, so that going
// back to the beginning costs about what going through the history once costs.
type past struct {
	g     *graph
	prop  string
	wrote []properties // who writes the property, as 1
	kin   []properties // room to find that
	in    []bool       // the set
	goes  []bool       // what is about to leave it
	kids  []int        // how many children each has in it
	heads int          // how many have none
	top   int          // above all positions in it

	round          int // of the search under way; what was marked in another one is not marked
	marked, queued []int
	seenBy         []uint64 // by which rivals, of what is marked
}

// newPast returns a past that has yet to [past.begin].
func newPast(g *graph) *past {
	n := len(g.entries)
	return &past{g: g, wrote: make([]properties, n), kin: make([]properties, n), in: make([]bool, n), goes: make([]bool, n), kids: make([]int, n),
		marked: make([]int, n), queued: make([]int, n), seenBy: make([]uint64, n)}
}

// begin makes it all changes, for a property. It may be done again, for another one.
func (p *past) begin(prop string) {
	g := p.g
	p.prop, p.top, p.heads = prop, len(g.entries), 0
	clear(p.wrote)
	clear(p.kids)
	for at, e := range g.entries {
		p.in[at] = !g.isIdle(at)
		if _, named := e.Change.Props[prop]; named && !e.deletes() {
			p.wrote[at] = 1
		}
		if !p.in[at] {
			continue
		}
		for _, parent := range g.parents[at] {
			p.kids[parent]++
		}
	}
	g.recreate(p.wrote, p.kin)
	for at, kids := range p.kids {
		if kids == 0 && p.in[at] {
			p.heads++
		}
	}
}

// queue counts a change that a search has yet to come to; first marks it, once a round.
func (p *past) queue(at int) (more int) {
	if p.queued[at] == p.round {
		return 0
	}
	p.queued[at] = p.round
	return 1
}

// waited reports whether a search has waited for a change: it is a head, or was queued.
func (p *past) waited(at int) bool { return p.kids[at] == 0 || p.queued[at] == p.round }

// rivals returns the positions of the rival writes in the set, the greatest first, and whether the record lives by it. It goes against T, until
// all that remains is overruled.
func (p *past) rivals() (at []int, lives bool) {
	p.round++
	overruled, deletion := false, false // by what a bare deletion above has been seen by; there is one
	beaten := map[string]bool{}
	for i, waiting := p.top-1, p.heads; i >= 0 && waiting > 0; i-- {
		if !p.in[i] {
			continue
		}
		if p.waited(i) {
			waiting--
		}
		e, over := p.g.entries[i], overruled || p.marked[i] == p.round
		lives = lives || p.kids[i] == 0 && !e.deletes() && !deletion
		if p.g.seesAllBefore(i) {
			overruled, deletion = overruled || over, true
		}
		writes := p.wrote[i] == 1
		if writes {
			w := p.g.write(i, p.prop)
			if !over && !beaten[w.Value] {
				at = append(at, i)
			}
			if e.bare() && w.named {
				beaten[w.Old.Text] = true
			}
		}
		for _, parent := range p.g.parents[i] {
			if over || writes {
				p.marked[parent] = p.round
			} else {
				waiting += p.queue(parent)
			}
		}
	}
	return at, lives
}

// narrow takes from the set what not all of the rivals have seen, and returns the writes among that, the last one in T first.
func (p *past) narrow(rivals []int) (writes []Rival) {
	lowest := p.top
	for some := range slices.Chunk(rivals, batch) {
		lowest = min(lowest, p.markUnseen(some))
	}
	for at := p.top - 1; at >= lowest; at-- {
		if !p.goes[at] {
			continue
		}
		p.drop(at)
		if p.wrote[at] == 1 {
			writes = append(writes, p.g.write(at, p.prop))
		}
	}
	for p.top > 0 && !p.in[p.top-1] {
		p.top--
	}
	return writes
}

// markUnseen marks what not all of some rivals have seen, and returns the lowest position of it. There are no more rivals than a batch, the greatest
// position first.
func (p *past) markUnseen(rivals []int) (lowest int) {
	p.round++
	all := ^uint64(0) >> (batch - len(rivals))
	next := 0          // of the rivals
	below := uint64(0) // which of them have seen all that is below, by a bare deletion
	for i, waiting := p.top-1, p.heads; i >= 0 && waiting > 0; i-- {
		if !p.in[i] {
			continue
		}
		if p.waited(i) {
			waiting--
		}
		by := below
		if p.marked[i] == p.round {
			by |= p.seenBy[i]
		}
		missed := by != all
		if missed {
			p.goes[i], lowest = true, i
		}
		if next < len(rivals) && rivals[next] == i {
			by |= 1 << next
			next++
		}
		if p.g.seesAllBefore(i) {
			below |= by
		}
		for _, parent := range p.g.parents[i] {
			p.mark(parent, by)
			if missed {
				waiting += p.queue(parent)
			}
		}
	}
	return lowest
}

// mark adds to the rivals that have seen a change.
func (p *past) mark(at int, by uint64) {
	if p.marked[at] != p.round {
		p.marked[at], p.seenBy[at] = p.round, 0
	}
	p.seenBy[at] |= by
}

// drop takes a change from the set that has no children in it any more, and what is silent and then has none either.
func (p *past) drop(at int) {
	p.heads--
	for leave := []int{at}; len(leave) > 0; {
		at := leave[len(leave)-1]
		leave = leave[:len(leave)-1]
		p.in[at], p.goes[at] = false, false
		for _, parent := range p.g.parents[at] {
			if p.kids[parent]--; p.kids[parent] > 0 {
				continue
			}
			if p.g.isSilent(parent) {
				leave = append(leave, parent)
			} else {
				p.heads++
			}
		}
	}
}

// writes returns the writes at some positions, latest first.
func (p *past) writes(at []int) []Rival {
	var writes []Rival
	for _, i := range at {
		writes = append(writes, p.g.write(i, p.prop))
	}
	sortLatestFirst(writes)
	return writes
}
