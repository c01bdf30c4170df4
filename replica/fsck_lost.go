package replica

import (
	"fmt"
	"strings"

	"prophet/changeset"
)

// lostFound is a lost changeset that a check met.
type lostFound struct {
	row         changeset.Row
	bookkeeping bool
	records     []changeset.RecordID // that it touched, mostNamed of them
	more        int                  // others
}

// mostNamed is how many records are named of which edits wait for a lost changeset.
const mostNamed = 5

// meetLost keeps a lost changeset to be told of.
func (c *checker) meetLost(row changeset.Row, left *changeset.Changeset) {
	c.lost[row.ID] = true
	found := lostFound{row: row, bookkeeping: left.Bookkeeping()}
	for i := range left.Changes {
		if len(found.records) == mostNamed {
			found.more = len(left.Changes) - i
			break
		}
		found.records = append(found.records, left.Changes[i].Record)
	}
	c.lostFound = append(c.lostFound, found)
}

// tellLost names the lost changesets, and what waits for them.
func (c *checker) tellLost() {
	for _, found := range c.lostFound {
		text := "what is left of it counts until it comes back, and " + c.waiting(found)
		if found.bookkeeping {
			text = lostBookkeeping
		}
		c.report(Problem{Path: c.l.prefix + LostFile, Bookkeeping: found.bookkeeping, Text: fmt.Sprintf("row %d: changeset %s is lost; %s", found.row.Seq, found.row.ID, text)})
	}
}

// lostBookkeeping says what it means that a lost changeset is bookkeeping.
const lostBookkeeping = "it is bookkeeping of this replica: nobody's edit is missing, a clone needs it not, and only a mirror of this very replica may have it"

// waiting says which edits go to nobody who lacks a lost changeset.
func (c *checker) waiting(found lostFound) string {
	what := "what builds on it goes"
	if c.l.prefix == "" && len(found.records) > 0 {
		var names []string
		for _, rec := range found.records {
			names = append(names, c.nameOf(rec))
		}
		if found.more > 0 {
			names = append(names, fmt.Sprintf("%d more records", found.more))
		}
		what = "edits of " + strings.Join(names, ", ") + " that build on it go"
	}
	return what + " to nobody who lacks it"
}

// nameOf names a record by its local id, if it is known.
func (c *checker) nameOf(rec changeset.RecordID) string {
	if c.ours {
		if id, err := c.r.LocalID(rec); err == nil && id > 0 {
			return fmt.Sprintf("%s %d", rec.Type, id)
		}
	}
	return rec.String()
}
