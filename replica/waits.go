package replica

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// What waits of a record: its changes that hang on a lost edit, and that no later one made here has seen and is free of that. They are made again with the next edit of the record, under other names, so that
// others get them. See docs/adr/0020-lost.md.

// waiting returns where, among the changes to a record in the order of their rows, those are that wait.
func (h *hanging) waiting(entries []resolution.Entry, made func(changeset.ID) (bool, error)) (at []int, err error) {
	for i := range entries {
		hangs, err := h.has(entries[i].ID)
		if err != nil {
			return nil, err
		}
		if hangs {
			at = append(at, i)
			continue
		}
		own, err := made(entries[i].ID)
		if err != nil {
			return nil, err
		}
		if own {
			at = at[:0]
		}
	}
	return at, nil
}

// missed reports whether some of the changes to a record wait, and somebody misses them: not where all of them hang, so that nobody knows the record, and it is deleted.
func (h *hanging) missed(entries []resolution.Entry, made func(changeset.ID) (bool, error)) (bool, error) {
	at, err := h.waiting(entries, made)
	if err != nil || len(at) == 0 {
		return false, err
	}
	for i := range entries {
		if hangs, err := h.has(entries[i].ID); err != nil || !hangs {
			return true, err
		}
	}
	return !resolution.NewHistory(entries).Deleted(), nil
}

// Waits reports whether changes to a record hang on an edit that the log has lost, so that nobody who lacks that gets them, and no later edit carries what they did. The next edit of the record lets them go, and be it an
// [Edit.Update] that changes nothing, or an [Edit.Delete] of what is deleted.
func (l *Log) Waits(rec changeset.RecordID) (bool, error) {
	h, err := l.hanging()
	if err != nil || h == nil {
		return false, err
	}
	rows, err := l.rowsOf(rec)
	if err != nil {
		return false, err
	}
	entries, err := l.entries(rec, rows, l.bestAt)
	if err != nil {
		return false, err
	}
	return h.missed(entries, l.Wrote)
}

// Waiting returns the records of which changes wait, see [Log.Waits], sorted. It reads all that came to the log after the first lost edit; nothing if none is lost.
func (l *Log) Waiting() (recs []changeset.RecordID, err error) {
	h, err := l.hanging()
	if err != nil || h == nil {
		return nil, err
	}
	hang, err := l.touchedBy(h)
	if err != nil {
		return nil, err
	}
	for _, rec := range sorted(hang) {
		waits, err := l.Waits(rec)
		if err != nil {
			return nil, err
		}
		if waits {
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// touchedBy returns the records that are touched by what hangs.
func (l *Log) touchedBy(h *hanging) (map[changeset.RecordID]bool, error) {
	recs := map[changeset.RecordID]bool{}
	for row, err := range l.Rows(h.first, l.latest) {
		if err != nil {
			return nil, err
		}
		hangs, err := h.has(row.ID)
		if err != nil {
			return nil, err
		}
		if !hangs {
			continue
		}
		c, err := l.Changeset(row)
		if err != nil {
			return nil, err
		}
		for i := range c.Changes {
			recs[c.Changes[i].Record] = true
		}
	}
	return recs, nil
}

// again is what is to be made again of a record: a change that does what some did that came one after another, the last of them at a place among the entries.
type again struct {
	change  changeset.Change
	parents []changeset.ID // of the change, in their old names
	entry   *resolution.Entry
	row     uint32 // of that
}

// makeAgain makes what waits of some records again, and returns the last changeset that it took; the zero ID if nothing waits.
func (tx *Tx) makeAgain(recs []changeset.RecordID) (last changeset.ID, err error) {
	t := tx.main
	h, err := t.hanging()
	if err != nil || h == nil {
		return last, err
	}
	byRow := map[uint32][]again{}
	names := map[changeset.RecordID]map[changeset.ID]changeset.ID{} // the new ones of what is made again
	for _, rec := range recs {
		all, err := t.againOf(h, rec)
		if err != nil {
			return last, err
		}
		if len(all) > 0 && tx.again.IsZero() {
			if tx.again, err = h.under(all[0].entry.ID); err != nil {
				return last, err
			}
		}
		for _, a := range all {
			byRow[a.row] = append(byRow[a.row], a)
		}
		names[rec] = map[changeset.ID]changeset.ID{}
	}
	for _, row := range slices.Sorted(maps.Keys(byRow)) {
		var changes []changeset.Change
		for _, a := range byRow[row] {
			a.change.Parents = renamed(a.parents, names[a.change.Record])
			changes = append(changes, a.change)
		}
		e := byRow[row][0].entry
		for _, portion := range portions(changes) {
			c := t.ownChangeset()
			if e.Created != "" {
				c.Created, c.Creator = e.Created, changeset.TextOrNull(e.Creator)
			}
			c.Changes = portion
			if err := t.add(c); err != nil {
				return last, fmt.Errorf("make again what changeset %s did, which builds on one that is lost: %w", e.ID, err)
			}
			last = c.ID
			for i := range portion {
				names[portion[i].Record][e.ID] = c.ID
			}
		}
	}
	return last, nil
}

// renamed are parents in their new names, where they have such; sorted.
func renamed(parents []changeset.ID, names map[changeset.ID]changeset.ID) []changeset.ID {
	now := make([]changeset.ID, 0, len(parents))
	for _, p := range parents {
		if name, has := names[p]; has {
			p = name
		}
		now = append(now, p)
	}
	slices.SortFunc(now, changeset.ID.Compare)
	return slices.Compact(now)
}

// againOf returns what is to be made again of a record, in the order of the rows.
func (t *txLog) againOf(h *hanging, rec changeset.RecordID) (all []again, err error) {
	s, err := t.state(rec)
	if err != nil || s.wasNever() {
		return nil, err
	}
	entries, err := t.load(rec, s)
	if err != nil {
		return nil, err
	}
	at, err := h.waiting(entries, t.wrote)
	if err != nil || len(at) == 0 {
		return nil, err
	}
	free, err := h.freeParents(entries, at)
	if err != nil {
		return nil, err
	}
	straight := isStraight(entries, at)
	for k, i := range at {
		e := &entries[i]
		row, _, err := t.lookup(e.ID)
		if err != nil {
			return nil, err
		}
		if k > 0 && straight && all[len(all)-1].takes(e.Change) {
			all[len(all)-1].then(e, row)
			continue
		}
		all = append(all, again{inFull(entries, i), free[k], e, row})
	}
	return all, nil
}

// othersKnow reports whether others can know a record: some change to it hangs on nothing lost.
func (t *txLog) othersKnow(h *hanging, rec changeset.RecordID) (bool, error) {
	s, err := t.state(rec)
	if err != nil {
		return false, err
	}
	entries, err := t.load(rec, s)
	if err != nil {
		return false, err
	}
	for i := range entries {
		if hangs, err := h.has(entries[i].ID); err != nil || !hangs {
			return true, err
		}
	}
	return false, nil
}

// inFull is a change with all that it writes: a create of what was deleted also writes null to what an ancestor wrote and it does not name.
func inFull(entries []resolution.Entry, at int) changeset.Change {
	ch := *entries[at].Change
	if ch.Props = maps.Clone(ch.Props); ch.Props == nil {
		ch.Props = map[string]changeset.PropChange{} // what keeps a record writes none, and what came next may
	}
	parents := parentsOf(entries, at)
	alive := func(e resolution.Entry) bool {
		return e.Change.Kind != changeset.Delete && slices.Contains(parents, e.ID)
	}
	if ch.Kind != changeset.Create || slices.ContainsFunc(entries, alive) {
		return ch
	}
	past := ancestors(entries, parents...)
	for i := range entries {
		if !past[entries[i].ID] || entries[i].Change.Kind == changeset.Delete {
			continue
		}
		for name := range entries[i].Change.Props {
			if _, named := ch.Props[name]; !named {
				ch.Props[name] = changeset.PropChange{}
			}
		}
	}
	return ch
}

// isStraight reports whether the changes at some places have each seen the one before and no more, and the record has no other head: so nothing was made beside them.
func isStraight(entries []resolution.Entry, at []int) bool {
	for k, i := range at[1:] {
		before := entries[at[k]].ID
		if !follows(entries[i].ID, entries[i].Change, before) {
			return false
		}
	}
	return slices.Equal(resolution.NewHistory(entries).Heads(), []changeset.ID{entries[at[len(at)-1]].ID})
}

// takes reports whether what is made again may do what a change did that came next too. A deletion writes no property, so what was written before it stays apart.
func (a *again) takes(ch *changeset.Change) bool {
	return a.change.Kind != changeset.Delete && ch.Kind == changeset.Update && changeSize(&a.change)+changeSize(ch) <= portionSize
}

// then lets it do so.
func (a *again) then(e *resolution.Entry, row uint32) {
	for name, pc := range e.Change.Props {
		if was, wrote := a.change.Props[name]; wrote {
			pc.Old = was.Old
		}
		a.change.Props[name] = pc
	}
	a.entry, a.row = e, row
}

// freeParents returns, for the changes at some places, the parents that they have when they are made again: of those that they have, what waits too and is made again, and the nearest above the others that hang on
// nothing lost.
func (h *hanging) freeParents(entries []resolution.Entry, at []int) ([][]changeset.ID, error) {
	waits, places := map[changeset.ID]bool{}, map[changeset.ID]int{}
	for _, i := range at {
		waits[entries[i].ID] = true
	}
	for i := range entries {
		places[entries[i].ID] = i
	}
	free := make([][]changeset.ID, len(at))
	for k, i := range at {
		seen := map[changeset.ID]bool{}
		for rest := parentsOf(entries, i); len(rest) > 0; {
			p := rest[len(rest)-1]
			rest = rest[:len(rest)-1]
			place, known := places[p]
			if seen[p] || !known {
				continue
			}
			seen[p] = true
			hangs, err := h.has(p)
			switch {
			case err != nil:
				return nil, err
			case hangs && !waits[p]:
				rest = append(rest, parentsOf(entries, place)...)
			default:
				free[k] = append(free[k], p)
			}
		}
	}
	return free, nil
}

// parentsOf returns the parents of a change: those that it names, or, if it names none, its origin's change before it.
func parentsOf(entries []resolution.Entry, at int) []changeset.ID {
	e := &entries[at]
	if e.Change.Parents != nil {
		return slices.Clone(e.Change.Parents)
	}
	var own changeset.ID
	for i := range entries {
		if id := entries[i].ID; id.Origin == e.ID.Origin && id.Seq < e.ID.Seq && id.Seq > own.Seq {
			own = id
		}
	}
	if own.IsZero() {
		return nil
	}
	return []changeset.ID{own}
}
