package resolution

import (
	"slices"

	"prophet/changeset"
)

// History is a set of ordinary changes to one record, linked as the merge links them, by parents, own chains and the order T. Linking them is most
// of what a question about them costs. It does not change, and may be asked by several at the same time.
type History struct{ graph *graph }

// NewHistory links the changes, which may be passed in any order, each once. They are not to be altered afterwards. Those whose parents are not
// among them count as having none.
func NewHistory(changes []Entry) *History { return &History{newGraph(changes)} }

// Rivals returns the rival writes to each property that somebody wrote, the latest first, also where they agree or there is only one.
func (h *History) Rivals() map[string][]Rival {
	all := make(map[string][]Rival)
	for name, rivals := range h.graph.rivals {
		sortLatestFirst(rivals)
		all[name] = rivals
	}
	return all
}

// Heads returns the changes that no other has seen, by known parents and own chains, sorted; see [Result].
func (h *History) Heads() []changeset.ID {
	heads := []changeset.ID{}
	for _, at := range h.graph.heads() {
		heads = append(heads, h.graph.entries[at].ID)
	}
	slices.SortFunc(heads, changeset.ID.Compare)
	return heads
}

// Deleted reports whether the record does not live: all of its heads are deletions.
func (h *History) Deleted() bool {
	alive := func(e *Entry) bool { return !e.deletes() }
	return !slices.ContainsFunc(h.graph.headsByT(), alive)
}

// Past returns the changes with the IDs and all that they had seen, by known parents and own chains: the merge of these is
// what the record was when one change was made, or what several come to together. It is nil if one of the IDs is of no change.
func (h *History) Past(ids ...changeset.ID) []Entry {
	g, wanted := h.graph, map[changeset.ID]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var positions []int
	for at, e := range g.entries {
		if wanted[e.ID] {
			positions = append(positions, at)
		}
	}
	if len(positions) < len(wanted) {
		return nil
	}
	return g.ancestry(positions)
}

// SplitDeletions parts the changes into the deletions after which nothing else was done to the record, and all others, each the latest in T first. The
// merge of the others is what a record was before it was deleted.
func (h *History) SplitDeletions() (others, deletions []Entry) {
	g := h.graph
	used := make([]bool, len(g.entries)) // some later change is no deletion
	for at := len(g.entries) - 1; at >= 0; at-- {
		goesOn := used[at] || !g.entries[at].deletes() && !g.isIdle(at)
		switch {
		case goesOn:
			others = append(others, *g.given[at])
		case !g.isSilent(at):
			deletions = append(deletions, *g.entries[at])
		}
		for _, p := range g.parents[at] {
			used[p] = used[p] || goesOn
		}
	}
	return others, deletions
}
