package replica

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// checkNotes compares what we noted about each row with the row.
func (c *checker) checkNotes() {
	count, err := c.l.ours.count()
	if err != nil {
		c.fault(rowsFile, err)
		return
	}
	if c.noted = count; count < c.l.latest {
		c.harmless(rowsFile, "%s not noted: another program wrote %s; the next edit catches up", span(count+1, c.l.latest), it(c.l.latest-count))
	}
	c.checkLeftovers(rowsFile, int64(count)*notedSize, wholeRows(notedSize))
	last, err := c.checkNoted(count)
	if err != nil {
		c.fault(rowsFile, err)
		return
	}
	c.checkIDs(last)
	c.checkUndecided()
}

// checkNoted checks the notes on so many rows, and returns the last local id after each, from row 0 on.
func (c *checker) checkNoted(count uint32) (last []uint32, err error) {
	last = make([]uint32, 1, count+1)
	checked := false // by a version that does so
	for seq := uint32(1); seq <= count; seq++ {
		n, err := c.l.ours.noted(seq)
		if err != nil {
			return nil, err
		}
		if checked = checked || !n.bare; checked && n.bare {
			c.harmless(rowsFile, "what is noted of row %d bears no check: an older version wrote it, or it was damaged", seq)
		}
		if n.lastID < last[seq-1] {
			return nil, c.l.ours.damaged(rowsFile, "the last local id goes back from %d to %d at row %d", last[seq-1], n.lastID, seq)
		}
		last = append(last, n.lastID)
		if is, read := c.flags[seq]; read && n.flags&flagBookkeeping != is {
			c.checkKind(seq, is, n.flags)
		}
	}
	return last, nil
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

// settingsNoted reports whether no row that was not noted yet changes a record of the settings.
func (c *checker) settingsNoted() bool {
	for rec, rows := range c.touching {
		if rec.Type == changeset.SettingsType && rows[len(rows)-1] > c.noted {
			return false
		}
	}
	return true
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

// checkIDs checks the table of local ids against the last one that each row is noted with: every entry names the row that brought its record, and no
// record has two.
func (c *checker) checkIDs(last []uint32) {
	ids, err := c.l.ours.ids(1, last[len(last)-1])
	if err != nil {
		c.fault(idsFile, err)
		return
	}
	c.checkLeftovers(idsFile, int64(len(ids))*localIDSize, wholeRows(localIDSize))
	records := map[uuid.UUID][]changeset.RecordID{}
	for rec := range c.touching {
		records[rec.UUID] = append(records[rec.UUID], rec)
	}
	seen := map[changeset.RecordID]bool{}
	row := uint32(0)
	for i, id := range ids {
		for last[row] <= uint32(i) { // the last one is above every i
			row++
		}
		if id.row != row {
			c.fault(idsFile, c.l.ours.otherRow(uint32(i)+1, id.row, row))
			continue
		}
		rec, ok := c.touched(row, records[id.rec])
		switch {
		case !ok && !c.broken[row] && !c.isLost(row):
			c.fault(idsFile, c.l.ours.damaged(idsFile, "entry %d: row %d does not touch record %s", i+1, row, uuid.UUID(id.rec)))
		case ok && seen[rec]:
			c.fault(idsFile, c.l.ours.damaged(idsFile, "%s has two local ids", rec))
		}
		seen[rec] = true
	}
}

// touched returns that of some records that a row of the log touches.
func (c *checker) touched(row uint32, recs []changeset.RecordID) (rec changeset.RecordID, ok bool) {
	for _, rec := range recs {
		if _, ok := slices.BinarySearch(c.touching[rec], row); ok {
			return rec, true
		}
	}
	return rec, false
}

// isLost reports whether the changeset of a row is.
func (c *checker) isLost(seq uint32) bool {
	row, err := c.l.Row(seq)
	return err == nil && c.lost[row.ID]
}
