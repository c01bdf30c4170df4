package replica

import (
	"cmp"
	"errors"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// checkNotesLength finds out how many rows are noted.
func (c *checker) checkNotesLength() {
	count, err := c.l.ours.count()
	if err != nil {
		c.fault(rowsFile, err)
		return
	}
	if c.noted = count; count < c.l.latest {
		c.harmless(rowsFile, "%s not noted: another program wrote %s; the next edit catches up", span(count+1, c.l.latest), it(c.l.latest-count))
	}
	c.checkSetBack()
	c.checkLeftovers(rowsFile, int64(count)*notedSize, wholeRows(notedSize))
}

// noteCheck compares what is noted of each row, and the local ids that came with it, with the row: every entry names the row that brought its record.
type noteCheck struct {
	*checker
	rows           []byte // notes on rows,
	first          uint32 // from this one on
	ids            []localID
	given          uint32 // the last local id of the rows so far
	checked        bool   // a row was, by a version that notes checks
	bare, moreBare uint32 // the first row whose note has no check where it should, and how many more there are
	lost           bool   // the notes cannot be followed any further
	idsLost        bool   // nor the table of local ids
}

// load reads the notes on rows that follow those before, and the local ids that came with them.
func (n *noteCheck) load(chunk []looked) {
	if len(chunk) == 0 {
		return
	}
	first, last := chunk[0].seq, min(chunk[len(chunk)-1].seq, n.noted)
	n.rows, n.ids, n.first = nil, nil, first
	if n.lost || last < first {
		return
	}
	rows, err := n.l.ours.read(rowsFile, int64(first-1)*notedSize, int64(last-first+1)*notedSize)
	if err != nil {
		n.lose(err)
		return
	}
	n.rows = rows
	given := n.given
	for seq := first; seq <= last; seq++ {
		note, ok := n.note(seq)
		if !ok || note.lastID < given {
			break
		}
		given = note.lastID
	}
	if n.idsLost {
		return
	}
	if n.ids, err = n.l.ours.ids(n.given+1, given); err != nil {
		n.fault(idsFile, err)
		n.idsLost = true
	}
}

func (n *noteCheck) lose(err error) {
	n.fault(rowsFile, err)
	n.lost = true
}

// note is what is noted of a row that was loaded.
func (n *noteCheck) note(seq uint32) (noted, bool) {
	return parseNoted(seq, n.rows[(seq-n.first)*notedSize:][:notedSize])
}

// next checks the notes on the next row, and returns its flags; none if it is not noted.
func (n *noteCheck) next(at *looked) flags {
	if n.lost || at.seq > n.noted {
		return 0
	}
	note, ok := n.note(at.seq)
	switch {
	case !ok:
		n.lose(n.l.ours.otherCheck(at.seq))
		return 0
	case note.lastID < n.given:
		n.lose(n.l.ours.damaged(rowsFile, "the last local id goes back from %d to %d at row %d", n.given, note.lastID, at.seq))
		return 0
	}
	checked := n.l.limits.wantsChecks()
	if checked && note == emptyNote {
		n.lose(n.l.ours.noCheck(at.seq))
		return 0
	}
	if n.checked = n.checked || checked || !note.bare; n.checked && note.bare {
		n.bare = cmp.Or(n.bare, at.seq)
		n.moreBare += min(at.seq-n.bare, 1)
	}
	if at.err == nil && note.flags&flagBookkeeping != flagsOf(at.c) {
		n.checkKind(at.seq, flagsOf(at.c), note.flags)
	}
	if n.idsLost {
		n.given = note.lastID // of which a damaged note may name four thousand million
	}
	for ; n.given < note.lastID; n.given++ {
		n.checkID(at, n.given+1, n.ids[0])
		n.ids = n.ids[1:]
	}
	return note.flags
}

// checkID checks an entry of the table of local ids that was given with a row.
func (n *noteCheck) checkID(at *looked, entry uint32, id localID) {
	switch {
	case id.row != at.seq:
		n.fault(idsFile, n.l.ours.otherRow(entry, id.row, at.seq))
		return
	case at.err != nil:
		return // reported with the row
	}
	i := slices.IndexFunc(at.c.Changes, func(ch changeset.Change) bool { return ch.Record.UUID == id.rec })
	if i < 0 && at.c.Lost {
		return
	}
	if i < 0 {
		n.fault(idsFile, n.l.ours.damaged(idsFile, "entry %d: row %d does not touch record %s", entry, at.seq, uuid.UUID(id.rec)))
		return
	}
	n.failed = errors.Join(n.failed, n.keep(&touch{kind: touchID, rec: at.c.Changes[i].Record, row: at.seq}, nil))
}

// finish checks what follows the last local id.
func (n *noteCheck) finish() {
	switch {
	case n.moreBare > 0:
		n.harmless(rowsFile, "what is noted of row %d, and of %d more, bears no check: an older version wrote it, or it was damaged", n.bare, n.moreBare)
	case n.bare > 0:
		n.harmless(rowsFile, "what is noted of row %d bears no check: an older version wrote it, or it was damaged", n.bare)
	}
	n.notesRead = n.ours && !n.lost
	n.idsRead = n.notesRead && !n.idsLost && n.l.prefix == ""
	if n.notesRead && !n.idsLost {
		n.checkLeftovers(idsFile, int64(n.given)*localIDSize, wholeRows(localIDSize))
	}
}

// checkUndecided checks whether the list of what is undecided can be believed, and takes from it what is compared with the merge of each record.
func (c *checker) checkUndecided() {
	list, err := c.l.ours.readUndecided()
	var damage *DamageError
	switch {
	case errors.Is(err, errOtherList) && errors.As(err, &damage):
		c.harmless(conflictsFile, "%v", damage.Err)
	case err != nil:
		c.fault(conflictsFile, err)
	default:
		c.open = list.set
		c.checkLeftovers(conflictsFile, list.size, wholeLines)
	}
}

// checkKind reports a row that is noted as another kind of changeset than it is, unless a move made it a nullification, because the log has that edit
// under another name too: the note on such a row stays.
func (c *checker) checkKind(seq uint32, is, noted flags) {
	row, err := c.l.Row(seq)
	if err != nil {
		return // reported with the rows
	}
	made, err := c.l.made(row.ID.Origin)
	if setAside := err == nil && is&flagNullification != 0 && row.ID.Seq == seq && !made; !setAside {
		c.problem(rowsFile, "row %d: changeset %s is %s, but noted as %s", seq, row.ID, kindOf(is), kindOf(noted))
	}
}

// kindOf says in words what flags say of a changeset.
func kindOf(f flags) string {
	switch f & flagBookkeeping {
	case 0:
		return "an ordinary changeset"
	case flagNullification:
		return "a nullification"
	case flagResolution:
		return "a resolution"
	}
	return "both a nullification and a resolution"
}
