package replica

import (
	"errors"
	"fmt"

	"prophet/changeset"
)

// rowNotes are what a transaction adds to the notes on a log's rows and to the list of what is undecided. Row n is noted with the length that the
// list has up to the lines of row n, so it is written when the next row comes, or at the end.
type rowNotes struct {
	row      uint32  // whose note is not written yet, 0 if there is none:
	last     noted   // this one
	before   noted   // of the row before the transaction
	openSet  openSet // loaded when needed
	openSize int64   // of the list, in bytes
	idsHeld  bool    // the table of local ids has been looked at
	anew     bool    // the list on the disk is not to be believed, is mostly about what was decided since, or lacks checksums, and is written anew
}

// beginRows reads what the first row that the transaction adds follows. A list of another length than is noted is looked at: leftovers of it go, and one
// that is not to be believed is made anew.
func (t *txLog) beginRows() (err error) {
	if t.notes.before, err = t.ours.noted(t.latest); err != nil {
		return err
	}
	t.lastID = t.notes.before.lastID
	if err := t.sweep(); err != nil || t != t.tx.main {
		return err
	}
	size, err := t.ours.listSize()
	if err != nil {
		return err
	}
	if t.notes.openSet == nil && t.notes.before.hasList(size) {
		return nil
	}
	if err := t.loadOpen(); err != nil {
		return err
	}
	if !t.notes.anew && size > t.notes.openSize {
		t.tx.d.Append(t.name(conflictsFile), t.notes.openSize, nil)
	}
	return nil
}

// noteRow notes the row that the transaction has just added.
func (t *txLog) noteRow(n noted) {
	t.writeRow()
	t.tx.d.Append(t.name(rowsFile), int64(t.seq-1)*notedSize, nil)
	t.notes.row, t.notes.last = t.seq, n
}

// writeRow writes the note that waits for the lines of its row.
func (t *txLog) writeRow() {
	if t.notes.row == 0 {
		return
	}
	n := t.notes.last
	switch {
	case t != t.tx.main:
	case t.notes.openSet == nil || t.notes.anew: // the list is as it was
		n.flags |= t.notes.before.flags & flagListed
		n.list = t.notes.before.list
	default:
		n = n.withList(t.notes.openSize)
	}
	t.tx.d.Append(t.name(rowsFile), int64(t.notes.row-1)*notedSize, appendNoted(nil, t.notes.row, n))
	t.notes.row = 0
}

// finishNotes writes what waits for the end of the transaction.
func (t *txLog) finishNotes() {
	if t.notes.row > 0 && t.notes.anew {
		t.writeList()
	}
	t.writeRow()
}

// sparse is how many times as long as what counts of it the list may become, from a length on, before a transaction that needs it writes it anew.
const sparse, sparseFrom = 4, 4096

// isSparse reports whether most lines of the list are about what was decided since.
func (n *rowNotes) isSparse() bool {
	if n.openSize < sparseFrom {
		return false
	}
	var lines []byte
	for rec, u := range n.openSet {
		lines = appendConflictLine(lines, conflictLine{row: maxSeq, rec: rec, undecided: u})
	}
	return n.openSize > sparse*int64(len(lines))
}

// writeList writes the whole list, as of the last row, after the commit: until then the old one stands. Lengths that are noted of it before that row
// are not its own any more.
func (t *txLog) writeList() {
	var text []byte
	for _, rec := range sorted(t.notes.openSet) {
		text = appendConflictLine(text, conflictLine{row: t.seq, rec: rec, undecided: t.notes.openSet[rec]})
	}
	if there, _ := exists(t.fs, conflictsFile); there || len(text) > 0 {
		t.tx.d.Replace(t.name(conflictsFile), text)
	}
	t.notes.openSize, t.notes.anew = int64(len(text)), false
}

// setOpen notes what of the record is undecided. The resolutions replica has no such notes. A line goes with a row: [txLog.remerge] adds one wherever there is
// something to note, and what is merely less exact than it could be waits.
func (t *txLog) setOpen(rec changeset.RecordID, u undecided) error {
	if t != t.tx.main || t.seq == t.latest {
		return nil
	}
	if err := t.loadOpen(); err != nil {
		return err
	}
	if !t.notes.openSet.note(rec, u) || t.notes.anew {
		return nil
	}
	line := appendConflictLine(nil, conflictLine{row: t.seq, rec: rec, undecided: u})
	t.tx.d.Append(t.name(conflictsFile), t.notes.openSize, line)
	t.notes.openSize += int64(len(line))
	return nil
}

// loadOpen loads what is undecided: from the list, or from the log if the list is not to be believed.
func (t *txLog) loadOpen() (err error) {
	if t.notes.openSet != nil {
		return nil
	}
	n := &t.notes
	list, err := t.ours.readUndecided()
	n.openSet, n.openSize = list.set, list.size
	if isDamage(err) {
		n.anew = true
		n.openSet, err = t.tx.r.undecidedAnew()
		return err
	}
	n.anew = err == nil && (list.bare || n.isSparse())
	return err
}

// isDamage reports whether an error says that a file does not hold what it must.
func isDamage(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage)
}

// holdIDs makes sure, before a local id is given, that the table has those that were given before, and no more: a note on the last row that counts fewer would
// give one of them again. One of another length is made again from the log, if that brings as many as are counted.
func (t *txLog) holdIDs() error {
	if t.notes.idsHeld {
		return nil
	}
	t.notes.idsHeld = true
	held, err := t.ours.idsHeld()
	if err != nil || held == int64(t.lastID) {
		return err
	}
	d, err := t.tx.r.newDeriver(t.tx.r.log, 0)
	if err == nil {
		err = d.run()
	}
	if err != nil {
		return fmt.Errorf("make %s again, which holds %d local ids of %d: %w", idsFile, held, t.lastID, err)
	}
	if d.lastID != t.lastID {
		return t.ours.damaged(idsFile, "it holds %d local ids, %s counts %d, and the log brings %d", held, rowsFile, t.lastID, d.lastID)
	}
	t.tx.r.warn(fmt.Sprintf("%s held %d local ids of %d: it was made again from the log", idsFile, held, t.lastID))
	t.tx.d.Append(t.name(idsFile), 0, d.out.ids)
	return nil
}
