package resolution

import (
	"cmp"
	"slices"

	"prophet/changeset"
)

// Entry is one change to the record that is merged, with what the merge needs of its changeset.
type Entry struct {
	ID      changeset.ID
	Created string // UTC, compared as bytes
	Creator string
	Change  *changeset.Change
	// Waits says that others may not have it: it is lost, or builds on what is lost. A copy that does not wait counts in its place.
	Waits bool

	first changeset.ID // of those that are one edit, if it counts for them and is not that one itself
}

// compareName orders by the ID of the edit: of one that was copied, that of the first.
func (e *Entry) compareName(other *Entry) int {
	name := func(e *Entry) changeset.ID {
		if !e.first.IsZero() {
			return e.first
		}
		return e.ID
	}
	return cmp.Or(name(e).Compare(name(other)), e.ID.Compare(other.ID))
}

// bare reports whether it is not known what the maker of the change had seen.
func (e *Entry) bare() bool { return e.Change.Parents == nil }

func (e *Entry) isCopy() bool { return !e.Change.CopyOf.IsZero() }

func (e *Entry) deletes() bool { return e.Change.Kind == changeset.Delete }

// graph holds the changes of one record in the order T. Positions in T are the names of the entries here;
// a parent's position is always smaller than its child's.
type graph struct {
	entries []*Entry
	parents [][]int  // by known parents and own chains; of what is silent, also what counts for it
	given   []*Entry // as they were given; those among entries that are silent write nothing
	counts  []int    // which one counts for each; another one for what is silent; nil if none is a copy
	idle    []bool   // it is silent, and so is all that has seen it; nil if none is
}

// newGraph links the entries and sorts them by T.
func newGraph(entries []Entry) *graph {
	g := &graph{entries: make([]*Entry, len(entries))}
	for i := range entries {
		g.entries[i] = &entries[i]
	}
	slices.SortFunc(g.entries, func(a, b *Entry) int { return a.ID.Compare(b.ID) })
	counts, copied, original := counting(g.entries)
	g.link(counts)
	if len(copied) > 0 {
		g.silence(counts, copied, original)
	}
	g.sortByT(g.untied())
	g.blank()
	return g
}

// link finds the parents of each entry, which are in the order of their IDs. A parent that is not among the entries is left out. In an own chain there is nothing that waits and another one counts for: others
// do not have it.
func (g *graph) link(counts []int) {
	g.parents = make([][]int, len(g.entries))
	last := -1 // in an own chain
	for i, e := range g.entries {
		before := last
		if !e.Waits || counts[i] == i {
			last = i
		}
		if e.bare() {
			if before >= 0 && g.entries[before].ID.Origin == e.ID.Origin {
				g.parents[i] = []int{before}
			}
			continue
		}
		for _, id := range e.Change.Parents {
			p, ok := position(g.entries, id)
			if ok && p != i {
				g.parents[i] = append(g.parents[i], p)
			}
		}
	}
}

// untied returns the entries in an order in which parents come first. Where forged changes have tied a
// knot, in which an entry is its own ancestor, it undoes that: the bare entries in the knot lose their own chains; if that
// is not enough, which no log allows, all in it lose the parents that are in it too.
func (g *graph) untied() []int {
	order := topological(g.parents)
	for _, loses := range []func(*Entry) bool{(*Entry).bare, func(*Entry) bool { return true }} {
		if len(order) == len(g.entries) {
			break
		}
		g.untie(order, loses)
		order = topological(g.parents)
	}
	return order
}

// untie drops the edges of some entries within the knot: what is in no order, neither from the parents nor from the children.
func (g *graph) untie(order []int, loses func(*Entry) bool) {
	free := make([]bool, len(g.entries))
	for _, i := range append(order, topological(inverted(g.parents))...) {
		free[i] = true
	}
	for i, ps := range g.parents {
		if !free[i] && loses(g.entries[i]) {
			g.parents[i] = slices.DeleteFunc(ps, func(p int) bool { return !free[p] })
		}
	}
}

// topological returns the entries in an order in which parents come first, as far as there are no cycles.
func topological(parents [][]int) []int {
	children := inverted(parents)
	waits := make([]int, len(parents))
	order := make([]int, 0, len(parents))
	for i, ps := range parents {
		waits[i] = len(ps)
		if len(ps) == 0 {
			order = append(order, i)
		}
	}
	for k := 0; k < len(order); k++ {
		for _, c := range children[order[k]] {
			if waits[c]--; waits[c] == 0 {
				order = append(order, c)
			}
		}
	}
	return order
}

// inverted turns the edges around.
func inverted(edges [][]int) [][]int {
	back := make([][]int, len(edges))
	for i, to := range edges {
		for _, j := range to {
			back[j] = append(back[j], i)
		}
	}
	return back
}

// sortByT renames the entries to their positions in T: the greatest time of creation among an entry
// and its ancestors, then depth, origin and sequence number.
func (g *graph) sortByT(order []int) {
	type key struct {
		created string
		depth   int
	}
	keys := make([]key, len(g.entries))
	for _, i := range order {
		k := key{created: g.entries[i].Created}
		for _, p := range g.parents[i] {
			k.created = max(k.created, keys[p].created)
			k.depth = max(k.depth, keys[p].depth+1)
		}
		keys[i] = k
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a].created, keys[b].created), cmp.Compare(keys[a].depth, keys[b].depth),
			g.entries[a].compareName(g.entries[b]))
	})
	position := make([]int, len(g.entries))
	sorted := &graph{}
	for t, i := range order {
		position[i] = t
		sorted.entries = append(sorted.entries, g.entries[i])
		sorted.parents = append(sorted.parents, g.parents[i])
	}
	for _, ps := range sorted.parents {
		for k, p := range ps {
			ps[k] = position[p]
		}
	}
	for _, i := range order[:len(g.counts)] {
		sorted.counts = append(sorted.counts, position[g.counts[i]])
	}
	*g = *sorted
}

// heads returns the positions that are nobody's parent.
func (g *graph) heads() []int {
	seen := make([]bool, len(g.entries))
	for at, ps := range g.parents {
		if g.isIdle(at) {
			continue
		}
		for _, p := range ps {
			seen[p] = true
		}
	}
	var heads []int
	for i, s := range seen {
		if !s && !g.isIdle(i) {
			heads = append(heads, i)
		}
	}
	return heads
}

// overtakes reports whether an entry of the same origin has a greater number, and others have it.
func (g *graph) overtakes(id changeset.ID) bool {
	for at, e := range g.given {
		if e.ID.Origin == id.Origin && e.ID.Seq > id.Seq && !(e.Waits && g.isSilent(at)) {
			return true
		}
	}
	return false
}

// seesAllBefore reports whether the entry at position at is a bare deletion, which has seen all that is earlier in T.
func (g *graph) seesAllBefore(at int) bool {
	return g.entries[at].bare() && g.entries[at].deletes()
}

// headsByT returns the heads that have not been seen by a bare deletion either.
func (g *graph) headsByT() []*Entry {
	last := 0 // the position of the last bare deletion
	for at := range g.entries {
		if g.seesAllBefore(at) {
			last = at
		}
	}
	var heads []*Entry
	for _, h := range g.heads() {
		if h >= last {
			heads = append(heads, g.entries[h])
		}
	}
	return heads
}

// recreates reports whether the entry at position at is a create whose parents are all deletions.
func (g *graph) recreates(at int) bool {
	alive := func(p int) bool { return !g.entries[p].deletes() }
	parents := g.parents[at]
	return g.entries[at].Change.Kind == changeset.Create && len(parents) > 0 && !slices.ContainsFunc(parents, alive)
}
