package resolution_test

import (
	"cmp"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// modelEntry is a change as the model takes it. A silent one is a copy for which another change counts: it writes nothing, names that one as a parent too, and is no head.
type modelEntry struct {
	resolution.Entry
	silent bool
	name   changeset.ID // by which it is in order: that of the first of those that are one edit, if it counts for them
}

// modelEntries finds out which changes are silent; tied: something that was copied has seen one that says to be a copy of it, and says more, which only a forged one does. Then the model does not know.
func modelEntries(entries []resolution.Entry) (all []modelEntry, tied bool) {
	all = make([]modelEntry, len(entries))
	counts := make([]int, len(entries))
	for i := range entries {
		counts[i] = modelCounts(entries, i)
	}
	plain := slices.Clone(counts)
	seen := square(len(entries))
	for i := range entries {
		for _, j := range modelSeen(entries, plain, i) {
			seen[i][j] = true
		}
	}
	seen = closed(seen)
	for i, e := range entries {
		if best := modelBest(entries, i); plain[i] != best && isThere(entries, best) && e.Change.Kind != changeset.Delete && entries[best].Change.Kind != changeset.Delete {
			for j := range entries {
				tied = tied || seen[j][j]
			}
			if modelCovers(entries, seen, i) {
				counts[i] = best
			}
		}
		all[i] = modelEntry{e, counts[i] != i, e.ID}
		if modelBest(entries, i) == i {
			all[i].name = modelOrigin(entries, e.ID)
		}
	}
	for i, e := range entries {
		if !all[i].silent {
			continue
		}
		parents := slices.Clone(e.Change.Parents)
		if e.Change.Parents == nil {
			if p := modelPrevious(all, i); p >= 0 {
				parents = append(parents, entries[p].ID)
			}
		}
		ch := &changeset.Change{Record: e.Change.Record, Kind: changeset.Update, Parents: append(parents, entries[counts[i]].ID)}
		if e.Change.Kind == changeset.Delete {
			ch.Kind = changeset.Delete
		}
		all[i].Change = ch
	}
	return all, tied
}

// modelCounts is which change counts for another one: of those that are one edit the best, if it says as much, else the best of those that say the same, and not as much as the best.
func modelCounts(entries []resolution.Entry, i int) int {
	best, alike := modelBest(entries, i), i
	if best == i || modelSays(entries[i], entries[best]) {
		return best
	}
	for j := range entries {
		one := modelOrigin(entries, entries[j].ID) == modelOrigin(entries, entries[i].ID)
		if one && modelSays(entries[i], entries[j]) && modelSays(entries[j], entries[i]) && modelBetter(entries, j, alike) {
			alike = j
		}
	}
	return alike
}

// modelCovers reports whether each value that a copy writes was written by what it, or what it copies, had seen, or by that.
func modelCovers(entries []resolution.Entry, seen [][]bool, i int) bool {
	for name, pc := range entries[i].Change.Props {
		wrote := false
		for j, e := range entries {
			its, has := e.Change.Props[name]
			copied := modelBest(entries, j) != j && isThere(entries, modelBest(entries, j))
			wrote = wrote || seen[i][j] && !copied && e.Change.Kind != changeset.Delete && has && its.New.Text == pc.New.Text
		}
		if !wrote {
			return false
		}
	}
	return true
}

// isThere reports whether a change is no copy, or only in a circle, and does not wait.
func isThere(entries []resolution.Entry, i int) bool {
	return entries[i].ID == modelOrigin(entries, entries[i].ID) && !entries[i].Waits
}

// modelSeen is what a change has seen last: its parents, or its own chain; of a copy, also what it copies, if that is there and does not wait.
func modelSeen(entries []resolution.Entry, plain []int, i int) (seen []int) {
	e := entries[i]
	for j, other := range entries {
		if j != i && slices.Contains(e.Change.Parents, other.ID) {
			seen = append(seen, j)
		}
	}
	if e.Change.Parents == nil {
		chain := make([]modelEntry, len(entries))
		for j, other := range entries {
			chain[j] = modelEntry{other, plain[j] != j, other.ID}
		}
		if p := modelPrevious(chain, i); p >= 0 {
			seen = append(seen, p)
		}
	}
	if best := modelBest(entries, i); isThere(entries, best) && best != i {
		seen = append(seen, best)
	}
	return seen
}

// modelBest is the best of those that are one edit with a change.
func modelBest(entries []resolution.Entry, i int) int {
	best := i
	for j := range entries {
		if modelOrigin(entries, entries[j].ID) == modelOrigin(entries, entries[i].ID) && modelBetter(entries, j, best) {
			best = j
		}
	}
	for j := range entries { // it waits
		if entries[j].ID == modelOrigin(entries, entries[i].ID) && modelSays(entries[best], entries[j]) && !modelSays(entries[j], entries[best]) {
			best = j
		}
	}
	return best
}

// modelOrigin is what a change is a copy of in the end; on a circle, the least.
func modelOrigin(entries []resolution.Entry, id changeset.ID) changeset.ID {
	var way []changeset.ID
	for !slices.Contains(way, id) {
		way = append(way, id)
		i := slices.IndexFunc(entries, func(e resolution.Entry) bool { return e.ID == id })
		if i < 0 || entries[i].Change.CopyOf.IsZero() {
			return id
		}
		id = entries[i].Change.CopyOf
	}
	return slices.MinFunc(way[slices.Index(way, id):], changeset.ID.Compare)
}

// modelBetter reports whether a change counts rather than another one.
func modelBetter(entries []resolution.Entry, a, b int) bool {
	rank := func(i int) int {
		e := entries[i]
		n := 0
		if e.Waits {
			n += 2
		}
		if modelOrigin(entries, e.ID) != e.ID {
			n++
		}
		return n
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(entries[b].Change.Props), len(entries[a].Change.Props)), entries[a].ID.Compare(entries[b].ID)) < 0
}

// modelSays reports whether the other one says all that a change says.
func modelSays(e, other resolution.Entry) bool {
	if e.Change.Kind == changeset.Delete || other.Change.Kind == changeset.Delete {
		return e.Change.Kind == other.Change.Kind
	}
	for name, pc := range e.Change.Props {
		if its, has := other.Change.Props[name]; !has || strings.Compare(its.New.Text, pc.New.Text) != 0 {
			return false
		}
	}
	return true
}

// modelPrevious is the same origin's previous change to the record that others have, -1 if there is none.
func modelPrevious(entries []modelEntry, i int) int {
	found := -1
	for j, e := range entries {
		if e.silent && e.Waits {
			continue
		}
		if e.ID.Origin == entries[i].ID.Origin && e.ID.Seq < entries[i].ID.Seq && (found < 0 || e.ID.Seq > entries[found].ID.Seq) {
			found = j
		}
	}
	return found
}
