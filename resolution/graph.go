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
}

// bare reports whether it is not known what the maker of the change had seen.
func (e *Entry) bare() bool { return e.Change.Parents == nil }

func (e *Entry) deletes() bool { return e.Change.Kind == changeset.Delete }

// graph holds the changes of one record in the order T. Positions in T are the names of the entries here;
// a parent's position is always smaller than its child's.
type graph struct {
	entries []*Entry
	parents [][]int // by known parents and own chains
}

// newGraph links the entries and sorts them by T.
func newGraph(entries []Entry) *graph {
	g := &graph{entries: make([]*Entry, len(entries))}
	for i := range entries {
		g.entries[i] = &entries[i]
	}
	slices.SortFunc(g.entries, func(a, b *Entry) int { return a.ID.Compare(b.ID) })
	g.parents = g.link(true)
	order, ok := g.topological()
	if !ok { // only forged changes get here: their own chain runs against their known parents
		g.parents = g.link(false)
		order, _ = g.topological()
	}
	g.sortByT(order)
	return g
}

// link returns the parents of each entry, which are in the order of their IDs. A parent that is not among the entries is left out.
func (g *graph) link(ownChains bool) [][]int {
	parents := make([][]int, len(g.entries))
	for i, e := range g.entries {
		if e.bare() {
			if ownChains && i > 0 && g.entries[i-1].ID.Origin == e.ID.Origin {
				parents[i] = []int{i - 1}
			}
			continue
		}
		for _, id := range e.Change.Parents {
			p, ok := slices.BinarySearchFunc(g.entries, id, func(e *Entry, id changeset.ID) int { return e.ID.Compare(id) })
			if ok && p != i {
				parents[i] = append(parents[i], p)
			}
		}
	}
	return parents
}

// topological returns the entries in an order in which parents come first; ok is false if there is a cycle,
// whose members then are left out.
func (g *graph) topological() (order []int, ok bool) {
	children := make([][]int, len(g.entries))
	waits := make([]int, len(g.entries))
	for i, ps := range g.parents {
		waits[i] = len(ps)
		for _, p := range ps {
			children[p] = append(children[p], i)
		}
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
	return order, len(order) == len(g.entries)
}

// sortByT renames the entries to their positions in T: the greatest time of creation among an entry
// and its ancestors, then depth, origin and sequence number.
func (g *graph) sortByT(topological []int) {
	type key struct {
		created string
		depth   int
	}
	keys := make([]key, len(g.entries))
	for _, i := range topological {
		k := key{created: g.entries[i].Created}
		for _, p := range g.parents[i] {
			k.created = max(k.created, keys[p].created)
			k.depth = max(k.depth, keys[p].depth+1)
		}
		keys[i] = k
	}
	order := slices.Clone(topological)
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a].created, keys[b].created), cmp.Compare(keys[a].depth, keys[b].depth),
			g.entries[a].ID.Compare(g.entries[b].ID))
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
	*g = *sorted
}

// heads returns the positions that are nobody's parent.
func (g *graph) heads() []int {
	seen := make([]bool, len(g.entries))
	for _, ps := range g.parents {
		for _, p := range ps {
			seen[p] = true
		}
	}
	var heads []int
	for i, s := range seen {
		if !s {
			heads = append(heads, i)
		}
	}
	return heads
}

// cuts returns the positions that have seen all that is earlier in T and have been seen by all that is later, and
// the end. Between two cuts lies a segment, beyond which the merge need not look: a history without forks is
// all cuts, and a record with thousands of changes costs no more than the few that are rivals.
func (g *graph) cuts() []int {
	n := len(g.entries)
	lowest := make([]int, n+1) // the least, over all later entries, of their greatest parent
	lowest[n] = n
	for i := n - 1; i >= 0; i-- {
		lowest[i] = lowest[i+1]
		greatest := -1
		for _, p := range g.parents[i] {
			greatest = max(greatest, p)
		}
		lowest[i] = min(lowest[i], greatest)
	}
	var cuts []int
	isHead := make([]bool, n)
	heads := 0
	for i, ps := range g.parents {
		for _, p := range ps {
			if isHead[p] {
				isHead[p] = false
				heads--
			}
		}
		isHead[i] = true
		heads++
		if heads == 1 && lowest[i+1] >= i {
			cuts = append(cuts, i)
		}
	}
	if len(cuts) == 0 || cuts[len(cuts)-1] != n-1 {
		cuts = append(cuts, n-1)
	}
	return cuts
}
