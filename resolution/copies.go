package resolution

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"prophet/changeset"
)

// Copies. A change that others cannot get is copied by another one, which says so: see docs/adr/0020-lost.md. All that are copies of one change, and that change, are one edit, for which one of them counts. The others
// write nothing, and are nobody's rivals; but who has seen one of them has seen what counts for it, and what it had seen.

// counting returns for each of the entries, which are in the order of their IDs, the position of the one that counts for it: its own, unless it is one of several that are one edit; and for those that count for others
// the ID of the change that all of them copy. What copies what is there, and does not wait, copied has with the position of that; it is nil if there are no copies.
//
// The original counts; if it is not there, or waits, the copy that writes most of those that do not wait, of equal ones the first. What says something else counts for itself, and for what says the same.
func counting(entries []*Entry) (counts, copied []int, original map[int]changeset.ID) {
	counts, original = make([]int, len(entries)), map[int]changeset.ID{}
	for i := range counts {
		counts[i] = i
	}
	all := classes(entries)
	if len(all) > 0 {
		copied = slices.Clone(counts)
	}
	for origin, members := range all {
		slices.SortFunc(members, func(a, b int) int {
			x, y := entries[a], entries[b]
			return cmp.Or(order(x.Waits, y.Waits), order(x.ID != origin, y.ID != origin), cmp.Compare(len(y.Change.Props), len(x.Change.Props)), cmp.Compare(a, b))
		})
		if o, here := position(entries, origin); here && entries[members[0]].saysNoMoreThan(entries[o]) && !entries[o].saysNoMoreThan(entries[members[0]]) {
			members = append([]int{o}, slices.DeleteFunc(members, func(m int) bool { return m == o })...) // it waits
		}
		first, alike := members[0], map[string]int{}
		original[first] = origin
		there := entries[first].ID == origin && !entries[first].Waits
		for _, m := range members[1:] {
			if there {
				copied[m] = first
			}
			if entries[m].saysNoMoreThan(entries[first]) {
				counts[m] = first
				continue
			}
			says := entries[m].says()
			if like, has := alike[says]; has {
				counts[m] = like
			} else {
				alike[says] = m
			}
		}
	}
	return counts, copied, original
}

// order puts false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// classes returns the positions of the entries that are copies of one change, or that change, by its ID. That is the one to which copies of copies lead; where forged ones lead in a circle, the least on it.
func classes(entries []*Entry) map[changeset.ID][]int {
	if !slices.ContainsFunc(entries, (*Entry).isCopy) {
		return nil
	}
	origins := map[changeset.ID]changeset.ID{}
	for _, e := range entries {
		var path []changeset.ID
		at, on := e.ID, map[changeset.ID]int{}
		origin := at
		for {
			if known, is := origins[at]; is {
				origin = known
				break
			}
			if from, is := on[at]; is {
				origin = slices.MinFunc(path[from:], changeset.ID.Compare)
				break
			}
			on[at], path = len(path), append(path, at)
			i, here := position(entries, at)
			if origin = at; !here || !entries[i].isCopy() {
				break
			}
			at = entries[i].Change.CopyOf
		}
		for _, id := range path {
			origins[id] = origin
		}
	}
	members := map[changeset.ID][]int{}
	for i, e := range entries {
		members[origins[e.ID]] = append(members[origins[e.ID]], i)
	}
	maps.DeleteFunc(members, func(_ changeset.ID, m []int) bool { return len(m) == 1 && !entries[m[0]].isCopy() })
	return members
}

// position finds an entry among those in the order of their IDs.
func position(entries []*Entry, id changeset.ID) (int, bool) {
	return slices.BinarySearchFunc(entries, id, func(e *Entry, id changeset.ID) int { return e.ID.Compare(id) })
}

// saysNoMoreThan reports whether both delete, or neither does and the other one writes all that it writes, with the same values.
func (e *Entry) saysNoMoreThan(other *Entry) bool {
	if e.deletes() || other.deletes() {
		return e.deletes() == other.deletes()
	}
	for name, pc := range e.Change.Props {
		if its, named := other.Change.Props[name]; !named || its.New.Text != pc.New.Text {
			return false
		}
	}
	return true
}

// says is what it does, as a text: two that do the same have the same.
func (e *Entry) says() string {
	if e.deletes() {
		return "deletion"
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.Change.Props)) {
		b.WriteString(strconv.Quote(name) + strconv.Quote(e.Change.Props[name].New.Text))
	}
	return b.String()
}

// silence links copies, which are in the order of their IDs still, to what counts for them. One that this has seen was forged: it counts for itself. What counts for others has the name of what they copy, so that rivals
// of one time are in the same order whichever of the copies counts.
func (g *graph) silence(counts, copied []int, original map[int]changeset.ID) {
	for at, id := range original {
		if id != g.entries[at].ID {
			named := *g.entries[at]
			named.first = id
			g.entries[at] = &named
		}
	}
	g.cover(counts, copied)
	apart(g.parents, counts)
	g.counts = counts
	for i, by := range counts {
		if by != i && !slices.Contains(g.parents[i], by) {
			g.parents[i] = append(g.parents[i], by)
		}
	}
}

// apart lets entries count for themselves that what counts for them has seen. It goes along the parents, and where it cannot go on, lets those in the knot of which it knows all parents.
func apart(parents [][]int, counts []int) {
	knotted := inKnots(parents, counts)
	if knotted == nil {
		return
	}
	children, copies := inverted(parents), make([][]int, len(parents))
	waits, done := make([]int, len(parents)), make([]bool, len(parents))
	var ready, blocked []int
	for i, ps := range parents {
		waits[i] = len(ps)
		if counts[i] != i {
			waits[i]++
			copies[counts[i]] = append(copies[counts[i]], i)
		}
	}
	came := func(i int) {
		switch {
		case waits[i] == 0:
			ready = append(ready, i)
		case waits[i] == 1 && counts[i] != i && !done[counts[i]] && knotted[i]:
			blocked = append(blocked, i)
		}
	}
	for i := range parents {
		came(i)
	}
	for len(ready) > 0 || len(blocked) > 0 {
		for len(ready) > 0 {
			i := ready[len(ready)-1]
			ready, done[i] = ready[:len(ready)-1], true
			for _, c := range children[i] {
				waits[c]--
				came(c)
			}
			for _, c := range copies[i] {
				if counts[c] == i { // it was not taken apart
					waits[c]--
					came(c)
				}
			}
		}
		for _, i := range blocked {
			if by := counts[i]; by != i && !done[by] {
				counts[i] = i
				waits[i]--
				came(i)
			}
		}
		blocked = nil
	}
}

// inKnots says which entries have seen something that has seen them, where what counts for an entry is seen by it, or are between such; nil if none.
func inKnots(parents [][]int, counts []int) []bool {
	seen := make([][]int, len(parents))
	for i, ps := range parents {
		if seen[i] = ps; counts[i] != i {
			seen[i] = append(slices.Clip(ps), counts[i])
		}
	}
	order := topological(seen)
	if len(order) == len(seen) {
		return nil
	}
	knotted := make([]bool, len(seen))
	for i := range knotted {
		knotted[i] = true
	}
	for _, i := range append(order, topological(inverted(seen))...) {
		knotted[i] = false
	}
	return knotted
}

// blank puts in the place of what is silent an edit that writes nothing, and finds what is idle: silent, and seen by nothing that is not idle. The entries are in the order T.
func (g *graph) blank() {
	g.given = g.entries
	if g.counts == nil {
		return
	}
	g.entries, g.idle = slices.Clone(g.entries), make([]bool, len(g.entries))
	for at := range g.idle {
		g.idle[at] = g.isSilent(at)
	}
	for at := len(g.entries) - 1; at >= 0; at-- {
		if g.isSilent(at) {
			e := *g.entries[at]
			e.Change = &changeset.Change{Record: e.Change.Record, Kind: changeset.Update, Parents: []changeset.ID{}}
			if g.given[at].deletes() {
				e.Change.Kind = changeset.Delete
			}
			g.entries[at] = &e
		}
		if g.isIdle(at) {
			continue
		}
		for _, p := range g.parents[at] {
			g.idle[p] = false
		}
	}
}

// isSilent reports whether another entry counts for the one at position at.
func (g *graph) isSilent(at int) bool { return g.counts != nil && g.counts[at] != at }

// isIdle reports whether the entry at position at is silent, and so is all that has seen it.
func (g *graph) isIdle(at int) bool { return g.idle != nil && g.idle[at] }

// OneEdit returns the IDs of the changes that are one edit with a change, its own first.
func (h *History) OneEdit(id changeset.ID) []changeset.ID {
	g, ids := h.graph, []changeset.ID{id}
	at := slices.IndexFunc(g.given, func(e *Entry) bool { return e.ID == id })
	if at < 0 {
		return ids
	}
	for other, by := range g.counts {
		if other != at && by == g.counts[at] {
			ids = append(ids, g.given[other].ID)
		}
	}
	return ids
}

// beyondSilent returns the positions, with what those that are silent had seen in their place; sorted, where any is.
func (g *graph) beyondSilent(positions []int) []int {
	if !slices.ContainsFunc(positions, g.isSilent) {
		return positions
	}
	return g.beyond(positions, g.isSilent)
}

// beyond returns the positions, with the parents of those that are passed in their place, and so on; sorted.
func (g *graph) beyond(positions []int, passed func(at int) bool) (found []int) {
	seen := map[int]bool{}
	for rest := slices.Clone(positions); len(rest) > 0; {
		at := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		switch {
		case seen[at]:
		case passed(at):
			rest = append(rest, g.parents[at]...)
		default:
			found = append(found, at)
		}
		seen[at] = true
	}
	slices.Sort(found)
	return found
}

// Waiting is a change that waits, and for which no other one counts.
type Waiting struct {
	*Entry
	// Parents are the last of the changes that it had seen of which each waits too, and no other one counts for it, or does not wait; sorted.
	Parents []changeset.ID
}

// Waiting returns the changes that wait, and for which no other one counts, parents first.
func (h *History) Waiting() (waiting []Waiting) {
	g := h.graph
	for at, e := range g.given {
		if e.Waits && !g.isSilent(at) {
			waiting = append(waiting, Waiting{e, g.seenLast(at)})
		}
	}
	return waiting
}

// seenLast returns what the change at a position had seen last, without what waits and another one counts for.
func (g *graph) seenLast(at int) []changeset.ID {
	last := g.beyond(g.parents[at], func(p int) bool { return g.isSilent(p) && g.given[p].Waits })
	if len(last) > 1 {
		last = joined([][]int{last}, reached(last, g.parents))
	}
	ids := []changeset.ID{}
	for _, p := range last {
		ids = append(ids, g.given[p].ID)
	}
	slices.SortFunc(ids, changeset.ID.Compare)
	return ids
}
