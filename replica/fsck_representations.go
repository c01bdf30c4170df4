package replica

import (
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// checkListNumber checks the file that says how many rows of the list of representations count, and reports whether the replica can be opened with it.
func checkListNumber(fsys afero.Fs, report func(Problem)) bool {
	text, err := readSmall(fsys, LatestRepresentationFile)
	if isNotExist(err) {
		return true
	}
	if err == nil {
		_, err = parseNumber("", text)
	}
	if err != nil {
		report(Problem{Path: LatestRepresentationFile, Text: err.Error()})
	}
	return err == nil
}

// checkRepresentations checks the list of representations: its rows and their objects, that each is another representation of the edit that the log
// holds, and that the parents it names are there. What is none is passed over by readers, and harmless.
func (c *checker) checkRepresentations() error {
	list, err := c.r.Representations()
	if err != nil {
		c.fault(LatestRepresentationFile, err)
		return nil
	}
	if text, err := readListed(c.l.root, ""); err == nil && c.r.opts.Mirror && text != formatNumber(list.Latest()) && text+formatNumber(list.Latest()) != "0" {
		c.harmless(LatestRepresentationFile, "it says %q, the mark of the mirror %d; the next publication writes it", text, list.Latest())
	}
	if held, err := c.r.rowsListed(); err == nil && held > list.Latest() && !c.unfinished(RepresentationsFile) && !c.atWork() {
		if words := fewerListed(list.Latest(), held); c.exported {
			c.harmless(LatestRepresentationFile, "%v; the next publication writes the number", words)
		} else {
			c.problem(LatestRepresentationFile, "%v; \"prophet fsck --repair\" counts them", words)
		}
	} else {
		c.checkLeftovers(RepresentationsFile, int64(list.Latest())*changeset.RowSize, wholeRows(changeset.RowSize))
	}
	for seq := uint32(1); seq <= list.Latest() && seq > 0; seq++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		row, err := list.Row(seq)
		if err != nil {
			c.fault(RepresentationsFile, err)
			return nil
		}
		cs, err := list.Changeset(row)
		if err != nil {
			c.faultOf(strings.TrimPrefix(c.l.objects.Path(row.Key), c.l.prefix), err, c.rowOf(RepresentationsFile, seq))
			continue
		}
		if err := c.checkRepresentation(row, cs); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkRepresentation(row changeset.Row, cs *changeset.Changeset) error {
	at := c.wanted.rows[row.ID]
	if at == 0 {
		c.harmless(RepresentationsFile, "row %d is about changeset %s, which is not in the log: it is passed over", row.Seq, row.ID)
		return nil
	}
	if c.isBroken(at) {
		return nil
	}
	mine, err := c.l.at(at)
	if err != nil {
		return err
	}
	if !changeset.SameEdit(mine, cs) {
		c.harmless(RepresentationsFile, "row %d holds another edit under the ID %s than the log does: it is passed over", row.Seq, row.ID)
		return nil
	}
	if last, ok, err := c.r.BestRow(row.ID); err == nil && ok && last.Seq != row.Seq {
		return nil // a later row counts; in this one, parents may have names from before a move
	}
	for i := range cs.Changes {
		ch := &cs.Changes[i]
		for _, p := range ch.Parents {
			if !c.touched(p, ch.Record) && !c.lost[p] || p == row.ID {
				c.problem(RepresentationsFile, "row %d: changeset %s names %s as a parent of %s, which is not in the log or does not touch the record",
					row.Seq, row.ID, p, ch.Record)
			}
		}
	}
	return nil
}

// listedRows are the changesets that the list of representations names, and in which rows of the log they were met.
type listedRows struct {
	rows    map[changeset.ID]uint32
	touches map[wantedTouch]bool // they touch these records
}

type wantedTouch struct {
	id  changeset.ID
	rec changeset.RecordID
}

// meet notes a row of the log; the first that names a changeset counts.
func (w *listedRows) meet(seq uint32, c *changeset.Changeset) {
	row, is := w.rows[c.ID]
	if !is || row > 0 {
		return
	}
	w.rows[c.ID] = seq
	for i := range c.Changes {
		w.touches[wantedTouch{c.ID, c.Changes[i].Record}] = true
	}
}

// wantListed finds out which changesets the list names: rows of it, and parents. What is wrong with it is told later.
func (c *checker) wantListed() {
	list, err := c.r.Representations()
	if err != nil || c.l.prefix != "" || list.Latest() == 0 {
		return
	}
	c.wanted = listedRows{map[changeset.ID]uint32{}, map[wantedTouch]bool{}}
	for row, err := range list.Rows(1, list.Latest()) {
		if err != nil {
			return
		}
		c.wanted.rows[row.ID] = 0
		cs, err := list.Changeset(row)
		if err != nil {
			continue
		}
		for i := range cs.Changes {
			for _, p := range cs.Changes[i].Parents {
				c.wanted.rows[p] = 0
			}
		}
	}
}

// touched reports whether a changeset that the list names is in the log and touches the record.
func (c *checker) touched(id changeset.ID, rec changeset.RecordID) bool {
	return c.wanted.touches[wantedTouch{id, rec}]
}
