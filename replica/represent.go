package replica

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// restatement is what a transaction adds to the list of representations, and the records that have to be merged anew for it.
type restatement struct {
	seq   uint32                                // of the list's last row, pending ones included
	last  changeset.Row                         // that row, if it is pending
	best  map[changeset.ID]*changeset.Changeset // pending
	stale map[changeset.RecordID]bool
}

// Represent takes up another representation of a changeset that is in the log, and reports whether it told anything new. One that is of another edit, or
// of a changeset that is not known, is passed over. The records that it touches are merged anew by [Tx.Settle].
func (tx *Tx) Represent(c *changeset.Changeset) (news bool, err error) {
	t := tx.main
	row, known, err := t.lookup(c.ID)
	if err != nil || !known {
		return false, err
	}
	mine, err := t.changeset(row)
	if err != nil || c.Lost || c.Bookkeeping() || !changeset.SameEdit(mine, c) {
		return false, err
	}
	return t.represent(row, mine, c)
}

// Represented is of how many changesets the transaction took up another representation so far.
func (tx *Tx) Represented() int { return len(tx.main.restated.best) }

// represent joins what is known of the changeset in a row of the log with what is offered of it.
func (t *txLog) represent(row uint32, mine, offered *changeset.Changeset) (news bool, err error) {
	if t.reps == nil || mine.Lost || mine.Bookkeeping() { // what a vote is does not depend on representations
		return false, nil
	}
	joined, err := changeset.Join(mine, offered)
	if err != nil || changeset.SameRepresentation(joined, mine) {
		return false, err
	}
	best, err := t.bestWithParents(row, mine)
	if err != nil {
		return false, err
	}
	joined, err = changeset.Join(best, offered)
	if err != nil || changeset.SameRepresentation(joined, best) {
		return false, err
	}
	if err := t.restate(best, joined); err != nil {
		return false, fmt.Errorf("take up another representation of changeset %s: %w", mine.ID, err)
	}
	return true, nil
}

// bestAt is [Log.bestAt], with what the transaction took up.
func (t *txLog) bestAt(seq uint32) (*changeset.Changeset, error) {
	c, err := t.changeset(seq)
	if err != nil {
		return nil, err
	}
	if best := t.restated.best[c.ID]; best != nil {
		return best, nil
	}
	return t.reps.of(c)
}

// bestWithParents is the best representation of the changeset in a row, with the parents that the log itself tells if it is its maker's.
func (t *txLog) bestWithParents(row uint32, mine *changeset.Changeset) (*changeset.Changeset, error) {
	best, err := t.bestAt(row)
	if err != nil {
		return nil, err
	}
	tells, err := t.tells(row, mine.ID)
	if err != nil || !tells {
		return best, err
	}
	named := *best
	named.Changes = slices.Clone(best.Changes)
	for i := range named.Changes {
		if ch := &named.Changes[i]; ch.Parents == nil {
			entry, err := t.entry(ch.Record, mine.ID)
			if err != nil {
				return nil, err
			}
			ch.Parents = entry.Change.Parents
		}
	}
	return &named, nil
}

// nameOwn gives a changeset that comes to the row of its number, under a former UUID of which it was not noted when it was given up, the parents that the rows
// above tell, as whoever reads the log would: see [Log.tells].
func (t *txLog) nameOwn(c *changeset.Changeset, row uint32) error {
	tells, err := t.tells(row, c.ID)
	if err != nil || !tells {
		return err
	}
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Parents != nil {
			continue
		}
		s, err := t.state(ch.Record)
		if err != nil {
			return err
		}
		above := Above{}
		if !s.wasNever() {
			if err := t.loadEntries(ch.Record, s); err != nil {
				return err
			}
		}
		for i, e := range s.entries { // which stand in this order
			above.Add(uint32(i+1), e.ID)
		}
		ch.Parents = above.Parents()
	}
	return nil
}

// entry returns the change of a changeset to a record as the merge takes it.
func (t *txLog) entry(rec changeset.RecordID, id changeset.ID) (*resolution.Entry, error) {
	s, err := t.state(rec)
	if err != nil {
		return nil, err
	}
	if err := t.loadEntries(rec, s); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.entries, func(e resolution.Entry) bool { return e.ID == id })
	if i < 0 {
		return nil, t.damagedIndex(rec, fmt.Errorf("it does not name the row of changeset %s, which touches the record", id))
	}
	return &s.entries[i], nil
}

// restate puts the better representation of a changeset in the place of the one that was the best.
func (t *txLog) restate(best, joined *changeset.Changeset) error {
	byRecord := func(ch changeset.Change, rec changeset.RecordID) int { return ch.Record.Compare(rec) }
	for _, old := range best.Changes {
		at, _ := slices.BinarySearchFunc(joined.Changes, old.Record, byRecord) // a join has the same records, sorted
		ch := &joined.Changes[at]
		if sameMeaning(&old, ch) {
			continue
		}
		if err := t.replaceChange(joined.ID, ch); err != nil {
			return err
		}
	}
	return t.addBest(joined)
}

// addBest adds the best representation of a changeset to the list.
func (t *txLog) addBest(best *changeset.Changeset) error {
	text := best.Encode()
	switch {
	case len(text) > changeset.MaxFile:
		return fmt.Errorf("nobody could read it: it has %d bytes, at most %d are allowed", len(text), changeset.MaxFile)
	case t.restated.seq == maxSeq:
		return fmt.Errorf("the list of them is full: it has %d rows", uint32(maxSeq))
	}
	t.restated.seq++
	row := changeset.Row{Seq: t.restated.seq, ID: best.ID, Key: t.objects.Put(t.tx.d, text)}
	t.restated.last = row
	t.tx.d.Append(RepresentationsFile, int64(row.Seq-1)*changeset.RowSize, changeset.AppendRow(nil, row))
	t.restated.best[best.ID] = best
	return nil
}

// sameMeaning reports whether two representations of one change are the same to the merge.
func sameMeaning(a, b *changeset.Change) bool {
	sameOld := func(p, q changeset.PropChange) bool { return p.Old.Text == q.Old.Text }
	return a.Kind == b.Kind && a.CopyOf == b.CopyOf && (a.Parents == nil) == (b.Parents == nil) && slices.Equal(a.Parents, b.Parents) &&
		(a.Kind == changeset.Delete || maps.EqualFunc(a.Props, b.Props, sameOld))
}

// replaceChange puts a better representation of a change in the place of the one that the merge took so far.
func (t *txLog) replaceChange(id changeset.ID, ch *changeset.Change) error {
	entry, err := t.entry(ch.Record, id)
	if err != nil {
		return err
	}
	s := t.states[ch.Record]
	for _, p := range ch.Parents {
		if p != id && slices.ContainsFunc(s.entries, func(e resolution.Entry) bool { return e.ID == p }) {
			continue
		}
		if err := t.knowParent(ch, p); p == id || err != nil {
			return unknownParent(ch, p)
		}
	}
	if !t.restated.stale[ch.Record] {
		t.restated.stale[ch.Record] = true
		s.entries = slices.Clone(s.entries) // a merged state refers to the old ones
		if entry, err = t.entry(ch.Record, id); err != nil {
			return err
		}
	}
	s.merged = nil
	entry.Change = ch
	return nil
}

// Settle merges the records anew of whose changes another representation was taken up, and those that votes or rules which came with the transaction may
// settle otherwise, and logs a resolution where that changes their state. It is for whoever wants to know what the transaction opened; before its commit the
// transaction does it by itself, and before a changeset to a record of the first kind.
func (tx *Tx) Settle() error {
	if err := tx.main.settleStale(sorted(tx.main.restated.stale)); err != nil {
		return err
	}
	return tx.settleAnew()
}

// settleBefore settles the stale ones of the records that a changeset touches.
func (t *txLog) settleBefore(c *changeset.Changeset) error {
	if len(t.restated.stale) == 0 {
		return nil
	}
	var recs []changeset.RecordID
	for i := range c.Changes {
		if rec := c.Changes[i].Record; t.restated.stale[rec] {
			recs = append(recs, rec)
		}
	}
	return t.settleStale(recs)
}

func (t *txLog) settleStale(recs []changeset.RecordID) error {
	for _, rec := range recs {
		delete(t.restated.stale, rec)
	}
	return t.remerge(recs)
}
