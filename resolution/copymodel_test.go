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

// modelEntries finds out which changes are silent.
func modelEntries(entries []resolution.Entry) []modelEntry {
	all := make([]modelEntry, len(entries))
	counts := make([]int, len(entries))
	for i, e := range entries {
		counts[i] = modelCounts(entries, i)
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
	return all
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

// modelBest is the best of those that are one edit with a change.
func modelBest(entries []resolution.Entry, i int) int {
	best := i
	for j := range entries {
		if modelOrigin(entries, entries[j].ID) == modelOrigin(entries, entries[i].ID) && modelBetter(entries, j, best) {
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
