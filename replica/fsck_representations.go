package replica

import (
	"slices"
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
	if held, err := c.r.rowsListed(); err == nil && held > list.Latest() && !c.unfinished(RepresentationsFile) && !c.atWork() {
		say := c.problem
		if c.exported {
			say = c.harmless // a publication writes the number last
		}
		say(LatestRepresentationFile, "%v", fewerListed(list.Latest(), held))
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
	at, known, err := c.r.Lookup(row.ID)
	if err != nil {
		return nil // reported with the rows
	}
	if !known {
		c.harmless(RepresentationsFile, "row %d is about changeset %s, which is not in the log: it is passed over", row.Seq, row.ID)
		return nil
	}
	if c.broken[at] {
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
			if !c.touches(p, ch.Record) && !c.lost[p] || p == row.ID {
				c.problem(RepresentationsFile, "row %d: changeset %s names %s as a parent of %s, which is not in the log or does not touch the record",
					row.Seq, row.ID, p, ch.Record)
			}
		}
	}
	return nil
}

// touches reports whether a changeset is in the log and touches the record.
func (c *checker) touches(id changeset.ID, rec changeset.RecordID) bool {
	row, known, err := c.r.Lookup(id)
	if err != nil || !known {
		return false
	}
	_, found := slices.BinarySearch(c.touching[rec], row)
	return found
}
