package replica

import (
	"fmt"
	"strings"

	"prophet/changeset"
)

func (c *checker) checkRowsAndNotes() error {
	rows, err := c.checkIndexLength()
	if err != nil {
		return err
	}
	if err := c.checkRows(rows); err != nil {
		return err
	}
	if c.ours {
		c.checkNotes()
	}
	return nil
}

// checkIndexLength compares the length of the log's index with the latest sequence number, and returns how many committed rows it has.
func (c *checker) checkIndexLength() (rows uint32, err error) {
	info, err := c.l.fs.Stat(changeset.IndexFile)
	if err != nil {
		if !isNotExist(err) || c.l.latest > 0 {
			c.fault(changeset.IndexFile, err)
			c.nameNumber()
		}
		return 0, nil
	}
	want := int64(c.l.latest) * changeset.RowSize
	if info.Size() < want {
		c.problem(changeset.IndexFile, "it is %d bytes long; %s says %d, which takes %d bytes", info.Size(), changeset.LatestFile, c.l.latest, want)
		c.nameNumber()
		return uint32(info.Size() / changeset.RowSize), nil
	}
	uncounted, err := c.l.uncounted()
	switch {
	case err != nil:
		return 0, err
	case info.Size() == want || c.atWork():
	case uncounted > 0 && !c.exported && !c.unfinished(changeset.IndexFile):
		c.problem(changeset.LatestFile, "it counts %d changesets, fewer than the log holds: %s has %d more", c.l.latest, changeset.IndexFile, uncounted)
	default:
		c.harmless(changeset.IndexFile, "%d bytes beyond the last committed row, of a writer that was cut off or is at work: %s says %d", info.Size()-want, c.l.prefix+changeset.LatestFile, c.l.latest)
	}
	return c.l.latest, nil
}

// nameNumber says which number to write where the log counts rows that it never had.
func (c *checker) nameNumber() {
	if n, ok := c.l.rowsToCount(); ok {
		c.problem(changeset.LatestFile, "it counts more changesets than the log holds: if another program died while it wrote, write %d into it", n)
	}
}

// rowOf names a row of a file of the log.
func (c *checker) rowOf(file string, row uint32) string {
	return fmt.Sprintf("row %d of %s", row, c.l.prefix+file)
}

// checkRows reads so many rows and their changesets.
func (c *checker) checkRows(rows uint32) error {
	for seq := uint32(1); seq <= rows && seq > 0; seq++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.step()
		row, err := c.l.Row(seq)
		if err != nil {
			c.fault(changeset.IndexFile, fmt.Errorf("row %d: %w", seq, err))
			c.broken[seq] = true
			continue
		}
		if c.ids[row.ID] {
			c.problem(changeset.IndexFile, "row %d: changeset %s is in the log twice", seq, row.ID)
		}
		c.ids[row.ID] = true
		cs, err := c.l.Changeset(row)
		if err != nil {
			c.faultOf(strings.TrimPrefix(c.l.objects.Path(row.Key), c.l.prefix), err, c.rowOf(changeset.IndexFile, seq))
			c.broken[seq] = true
			continue
		}
		if c.flags[seq] = flagsOf(cs); c.flags[seq] == 0 {
			c.highest[row.ID.Origin] = max(c.highest[row.ID.Origin], row.ID.Seq)
		}
		if cs.Lost {
			c.problem(LostFile, "row %d: changeset %s is lost; what is left of it counts until it comes back", seq, row.ID)
			c.lost[row.ID] = true
		}
		for _, ch := range cs.Changes {
			c.touching[ch.Record] = append(c.touching[ch.Record], seq)
		}
	}
	return nil
}
