package replica

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// What waits of a record: its changes that hang on a lost edit, and of which no copy is here that does not. They are copied before the next edit of the record, so that others get them. See docs/adr/0020-lost.md.

// missed returns what waits of a record, if somebody misses it: not where all of it hangs, so that nobody knows the record, and it is deleted.
func missed(entries []resolution.Entry) []resolution.Waiting {
	history := resolution.NewHistory(entries)
	if !knownToOthers(entries) && history.Deleted() {
		return nil
	}
	return history.Waiting()
}

// knownToOthers reports whether others can know a record: some change to it hangs on nothing lost.
func knownToOthers(entries []resolution.Entry) bool {
	return slices.ContainsFunc(entries, func(e resolution.Entry) bool { return !e.Waits })
}

// Waits reports whether changes to a record hang on an edit that the log has lost, so that nobody who lacks that gets them, and no copy of them is here that others can have. The next edit of the record copies them, and be it an
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
	return len(missed(entries)) > 0, err
}

// Waiting returns the records of which changes wait, see [Log.Waits], sorted. It reads all that came to the log after the first lost edit; nothing if none is lost.
func (l *Log) Waiting() (recs []changeset.RecordID, err error) {
	h, err := l.hangingNow()
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

// Withheld returns how many changesets go to nobody who lacks what the log has lost, those themselves counted: of each no copy is here that does. It returns the records that they touch, too, sorted. That is what
// readers of the log find, in one pass over all that came to it after the first lost edit, be it a mirror; of a lost one of which nothing is left nobody can say what is missed.
func (l *Log) Withheld() (changesets int, recs []changeset.RecordID, err error) {
	h, err := l.hangingNow()
	if err != nil || h == nil {
		return 0, nil, err
	}
	found := readersFind{hung: map[changeset.RecordID][]resolution.Entry{}, free: map[changeset.RecordID]map[changeset.ID]bool{}}
	for row, err := range l.Rows(h.first, l.latest) {
		if err != nil {
			return 0, nil, err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return 0, nil, err
		}
		hangs, err := h.has(row.ID)
		if err != nil {
			return 0, nil, err
		}
		if !c.Bookkeeping() {
			found.add(c, hangs)
		}
	}
	changesets, recs = found.withheld()
	return changesets, recs, nil
}

// readersFind is what those who lack what a log has lost find in it of its records.
type readersFind struct {
	hung map[changeset.RecordID][]resolution.Entry    // the changes that hang on what is lost, and do not come to them
	free map[changeset.RecordID]map[changeset.ID]bool // which changes come, or copies of them
}

func (f *readersFind) add(c *changeset.Changeset, hangs bool) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if hangs {
			f.hung[ch.Record] = append(f.hung[ch.Record], resolution.Entry{ID: c.ID, Created: c.Created, Change: ch, Waits: true})
			continue
		}
		if f.free[ch.Record] == nil {
			f.free[ch.Record] = map[changeset.ID]bool{}
		}
		f.free[ch.Record][c.ID] = true
		if !ch.CopyOf.IsZero() {
			f.free[ch.Record][ch.CopyOf] = true
		}
	}
}

// withheld returns how many changesets do not come that somebody misses, and the records that they touch, sorted.
func (f *readersFind) withheld() (changesets int, recs []changeset.RecordID) {
	missed, waiting := map[changeset.ID]bool{}, map[changeset.RecordID]bool{}
	for rec, entries := range f.hung {
		free := f.free[rec]
		if NobodyMisses(entries, len(free) > 0) {
			continue
		}
		for _, e := range entries {
			if !free[e.ID] && !free[e.Change.CopyOf] {
				missed[e.ID], waiting[rec] = true, true
			}
		}
	}
	return len(missed), sorted(waiting)
}

// NobodyMisses reports whether somebody who lacks some changes to a record, and all that they build on, misses nothing: he does not know the record, and they end with its deletion. known says that he has other changes to it;
// that is also so where the changes say that they build on such.
func NobodyMisses(entries []resolution.Entry, known bool) bool {
	among := map[changeset.ID]bool{}
	for _, e := range entries {
		among[e.ID] = true
	}
	for _, e := range entries {
		known = known || e.Change.Parents == nil && e.Change.Kind != changeset.Create
		if known || slices.ContainsFunc(e.Change.Parents, func(p changeset.ID) bool { return !among[p] }) {
			return false
		}
	}
	return resolution.NewHistory(entries).Deleted()
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

// mayHang returns all changes to a record, if something is lost and there are any; else none.
func (t *txLog) mayHang(rec changeset.RecordID) ([]resolution.Entry, error) {
	h, err := t.hanging()
	if err != nil || h == nil {
		return nil, err
	}
	s, err := t.state(rec)
	if err != nil || s.wasNever() {
		return nil, err
	}
	return t.load(rec, s)
}

// copyWaiting copies what waits of some records, and returns the last copy; the zero ID if nothing waits. Each changeset is copied by one of its own, as far as it touches these records, after what it builds on, else in the order of the log.
func (tx *Tx) copyWaiting(recs []changeset.RecordID) (last changeset.ID, err error) {
	t := tx.main
	byRow, rowOf := map[uint32][]resolution.Waiting{}, map[changeset.ID]uint32{}
	names := map[changeset.RecordID]map[changeset.ID]changeset.ID{} // of the copies
	for _, rec := range recs {
		entries, err := t.mayHang(rec)
		if err != nil {
			return last, err
		}
		for _, w := range resolution.NewHistory(entries).Waiting() {
			row, _, err := t.lookup(w.ID)
			if err != nil {
				return last, err
			}
			byRow[row], rowOf[w.ID] = append(byRow[row], w), row
		}
		names[rec] = map[changeset.ID]changeset.ID{}
	}
	for _, row := range parentsFirst(byRow, rowOf) {
		of := byRow[row][0]
		if tx.copied.IsZero() {
			if tx.copied, err = t.hang.under(of.ID); err != nil {
				return last, err
			}
		}
		var changes []changeset.Change
		for _, w := range byRow[row] {
			ch := *w.Change
			if ch.Parents, err = copiedParents(w, names[ch.Record]); err != nil {
				return last, err
			}
			if ch.CopyOf.IsZero() { // else it is a copy itself
				ch.CopyOf = w.ID
			}
			changes = append(changes, ch)
		}
		for _, portion := range portions(changes) {
			c := &changeset.Changeset{Created: of.Created, Creator: changeset.TextOrNull(of.Creator), Changes: portion}
			if err := t.add(c); err != nil {
				return last, fmt.Errorf("copy what changeset %s did, which builds on one that is lost: %w", of.ID, err)
			}
			last = c.ID
			tx.copies++
			for i := range portion {
				names[portion[i].Record][of.ID] = c.ID
			}
		}
	}
	return last, nil
}

// parentsFirst returns the rows of what waits, those of parents first. A log has them so, but a copy may stand in it before what it copies: then what builds on the copy comes before that, which counts. Forged ones may build on each
// other: of these, one comes first.
func parentsFirst(byRow map[uint32][]resolution.Waiting, rowOf map[changeset.ID]uint32) (order []uint32) {
	begun, done := map[uint32]bool{}, map[uint32]bool{}
	for _, first := range slices.Sorted(maps.Keys(byRow)) {
		for stack := []uint32{first}; len(stack) > 0; {
			row := stack[len(stack)-1]
			if begun[row] {
				if stack = stack[:len(stack)-1]; !done[row] {
					done[row], order = true, append(order, row)
				}
				continue
			}
			begun[row] = true
			for _, w := range byRow[row] {
				for _, p := range w.Parents {
					if parent, waits := rowOf[p]; waits && !begun[parent] {
						stack = append(stack, parent)
					}
				}
			}
		}
	}
	return order
}

// copiedParents returns the parents of a copy: for those of the change that are copied too, the copies.
func copiedParents(w resolution.Waiting, copies map[changeset.ID]changeset.ID) ([]changeset.ID, error) {
	parents := make([]changeset.ID, 0, len(w.Parents))
	for _, p := range w.Parents {
		if name, copied := copies[p]; copied {
			p = name
		}
		parents = append(parents, p)
	}
	slices.SortFunc(parents, changeset.ID.Compare)
	parents = slices.Compact(parents)
	if len(parents) > changeset.MaxParents {
		return nil, fmt.Errorf("copy what changeset %s did to %s: it has %d parents, at most %d are allowed", w.ID, w.Change.Record, len(parents), changeset.MaxParents)
	}
	return parents, nil
}
