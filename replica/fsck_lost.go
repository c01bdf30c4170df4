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
}

// mostNamed is how many records are named of which edits wait for lost changesets.
const mostNamed = 5

// meetLost keeps a lost changeset to be told of.
func (c *checker) meetLost(row changeset.Row, left *changeset.Changeset) {
	c.lost[row.ID] = true
	c.lostFound = append(c.lostFound, lostFound{row, left.Bookkeeping()})
}

// tellLost names the lost changesets, and, with the last of them, what waits. Lost bookkeeping is harmless: nobody ever needs it again.
func (c *checker) tellLost() {
	c.tellAllLost()
	last := -1
	for i, found := range c.lostFound {
		if !found.bookkeeping {
			last = i
		}
	}
	for i, found := range c.lostFound {
		text := "what is left of it counts until it comes back"
		switch {
		case found.bookkeeping:
			text = lostBookkeeping
		case i == last:
			text += c.waiting()
		}
		c.report(Problem{Path: c.l.prefix + LostFile, Harmless: found.bookkeeping, Text: fmt.Sprintf("row %d: changeset %s is lost; %s", found.row.Seq, found.row.ID, text)})
	}
}

// tellAllLost names votes of which nothing is left. That is harmless where somebody is known: a pull from there brings what they have, and who has none has nothing to give. Nothing that is in the log needs them.
func (c *checker) tellAllLost() {
	if c.r.opts.Mirror {
		return
	}
	if all, err := c.l.AllLost(); !all || err != nil {
		return // that it cannot be read is told elsewhere
	}
	text := `nothing is left of the votes, nor says how many there were; nobody is known here who may have some: "prophet fsck --repair --from URL" or a pull brings those that somebody has`
	known := len(KnownPeers(c.r.fs)) > 0
	if known {
		text = "nothing is left of the votes, nor says how many there were; the next pull brings those that who is known here has"
	}
	c.report(Problem{Path: c.l.prefix + LostFile, Harmless: known, Votes: true, Text: text})
}

// lostBookkeeping says what it means that a lost changeset is bookkeeping.
const lostBookkeeping = "it is bookkeeping of this replica: nobody's edit is missing, a clone needs it not, and only a mirror or a copy of this very replica may have it; a program of the original that pulls from here stops at that row"

// whatBuildsWaits follows what is said of a lost edit.
const whatBuildsWaits = ", and what builds on it goes to nobody who lacks it until the record is edited again"

// waiting says which edits go to nobody who lacks what is lost.
func (c *checker) waiting() string {
	if c.l.prefix != "" || !c.ours {
		return whatBuildsWaits
	}
	recs, err := c.l.Waiting()
	if err != nil {
		return whatBuildsWaits // what is wrong is told where it is read
	}
	if len(recs) == 0 {
		return "; no edit of a record waits for it"
	}
	var names, commands []string
	for _, rec := range recs[:min(len(recs), mostNamed)] {
		name, command := c.nameOf(rec)
		names, commands = append(names, name), append(commands, command)
	}
	if more := len(recs) - len(names); more > 0 {
		names = append(names, recordsWord(more)+" more")
	}
	return fmt.Sprintf(", and edits of %s that build on it go to nobody who lacks it until the record is edited again: %s is enough", strings.Join(names, ", "), strings.Join(commands, ", "))
}

// nameOf names a record, by its local id if it is known, and a command that edits it and changes nothing.
func (c *checker) nameOf(rec changeset.RecordID) (name, command string) {
	name, id := rec.String(), rec.UUID.String()
	if n, err := c.r.LocalID(rec); err == nil && n > 0 {
		name, id = fmt.Sprintf("%s %d", rec.Type, n), fmt.Sprint(n)
	}
	word := "update"
	if _, lives, err := c.l.Props(rec); err == nil && !lives {
		word = "delete"
	}
	return name, fmt.Sprintf(`"prophet %s %s"`, word, id)
}
