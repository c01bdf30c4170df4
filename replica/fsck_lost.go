package replica

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
)

// Loss tells of changesets that are lost, and of what waits for them.
type Loss struct {
	Changesets []LostChangeset      // that a problem is about
	Waiting    []changeset.RecordID // records of which changes go to nobody who lacks what is lost, sorted, where a problem is about these
}

// LostChangeset is a changeset that nobody has who was asked.
type LostChangeset struct {
	Row         changeset.Row
	Records     []changeset.RecordID // that it touched, as far as that is known
	Votes       bool                 // it is of the resolutions
	Bookkeeping bool

	kind   changeset.Kind // of its changes; 0 if they are of several
	leaves bool           // something is left of what it did
}

// mostNamed is how many records are named in a sentence.
const mostNamed = 5

// meetLost keeps a lost changeset to be told of.
func (c *checker) meetLost(row changeset.Row, left *changeset.Changeset) {
	c.lost[row.ID] = true
	found := LostChangeset{Row: row, Votes: c.l.prefix != "", Bookkeeping: left.Bookkeeping(), leaves: SomeLeft(left)}
	for i, ch := range left.Changes {
		found.Records = append(found.Records, ch.Record)
		if i == 0 {
			found.kind = ch.Kind
		} else if found.kind != ch.Kind {
			found.kind = 0
		}
	}
	c.lostFound = append(c.lostFound, found)
}

// tellLost names the lost changesets, and the records that wait. That is harmless of what no record waits for: of bookkeeping and votes always.
func (c *checker) tellLost() {
	c.tellAllLost()
	if len(c.lostFound) == 0 {
		return
	}
	waiting, err := c.waiting()
	known := err == nil // else what is wrong is told where it is read
	var past []LostChangeset
	for _, found := range c.lostFound {
		loss, row := &Loss{Changesets: []LostChangeset{found}}, found.Row
		switch {
		case found.Bookkeeping:
			c.tellLoss(true, loss, "row %d: changeset %s is lost; %s", row.Seq, row.ID, lostBookkeeping)
		case found.Votes:
			c.tellLoss(true, loss, "row %d: changeset %s is lost; it is a vote, for which no edit waits: a pull from who has it brings it back", row.Seq, row.ID)
		case known && len(waiting) == 0:
			past = append(past, found)
		case known:
			c.tellLoss(found.noneOf(waiting), loss, "row %d: changeset %s is lost%s; %s", row.Seq, row.ID, c.whatItDid(found), countsInstead(found.leaves))
		default:
			c.tellLoss(false, loss, "row %d: changeset %s is lost%s; %s", row.Seq, row.ID, c.whatItDid(found), countsInstead(found.leaves)+whatBuildsWaits)
		}
	}
	switch {
	case len(past) == 1:
		c.tellLoss(true, &Loss{Changesets: past}, "row %d: changeset %s is lost for ever, unless somebody has it still%s; all that was made on it goes to others as copies", past[0].Row.Seq, past[0].Row.ID, c.whatItDid(past[0]))
	case len(past) > 1:
		var rows []uint32
		for _, found := range past {
			rows = append(rows, found.Row.Seq)
		}
		c.tellLoss(true, &Loss{Changesets: past}, "%d changesets are lost for ever, unless somebody has them still, %s; all that was made on them goes to others as copies", len(past), few(rows))
	case len(waiting) > 0:
		c.tellWaiting(waiting)
	}
}

func (c *checker) tellLoss(harmless bool, loss *Loss, format string, args ...any) {
	alike := ""
	switch {
	case len(loss.Changesets) != 1:
	case harmless:
		alike = "%d changesets are lost for which nothing waits; --json lists them"
	case loss.Changesets[0].leaves:
		alike = "%d changesets are lost: what is left of them counts until they come back; --json lists them"
	default:
		alike = "%d changesets are lost: until they come back they count as if they had not been there; --json lists them"
	}
	c.report(Problem{Path: c.l.prefix + LostFile, Harmless: harmless, Loss: loss, Alike: alike, Text: fmt.Sprintf(format, args...)})
}

// noneOf reports whether it is known that a changeset touched none of some records, which are sorted.
func (f LostChangeset) noneOf(recs []changeset.RecordID) bool {
	return len(f.Records) > 0 && !slices.ContainsFunc(f.Records, func(rec changeset.RecordID) bool {
		_, is := slices.BinarySearchFunc(recs, rec, changeset.RecordID.Compare)
		return is
	})
}

// whatItDid says what a lost changeset did to which records, to follow its name; nothing if that is not known.
func (c *checker) whatItDid(found LostChangeset) string {
	if len(found.Records) == 0 {
		return ""
	}
	verb := map[changeset.Kind]string{changeset.Create: "made", changeset.Delete: "deleted"}[found.kind]
	return ", which " + cmp.Or(verb, "edited") + " " + c.namesOf(found.Records)
}

// countsInstead says what counts for a lost changeset.
func countsInstead(leaves bool) string {
	if leaves {
		return "what is left of it counts until it comes back"
	}
	return "until it comes back it counts as if it had not been there"
}

// SomeLeft reports whether something is left of what a lost changeset did, beside which records it touched.
func SomeLeft(left *changeset.Changeset) bool {
	return slices.ContainsFunc(left.Changes, func(ch changeset.Change) bool { return ch.Kind != changeset.Update || len(ch.Props) > 0 })
}

// tellWaiting names the records that wait, and what ends that.
func (c *checker) tellWaiting(recs []changeset.RecordID) {
	who, them, until := "records wait", "each", `"prophet fsck --repair --release" copies all that waits`
	if len(recs) == 1 {
		who, them = "record waits", "it"
	}
	if !c.ours {
		until = "whoever publishes it releases what waits"
	}
	c.tellLoss(false, &Loss{Waiting: recs}, "%d %s, %s: what was lost of %s, and what builds on that, goes to nobody who lacks it until %s is edited again, or %s", len(recs), who, c.namesOf(recs), it(uint32(len(recs))), them, until)
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

// waiting returns the records of which changes go to nobody who lacks what is lost, sorted.
func (c *checker) waiting() ([]changeset.RecordID, error) {
	if c.l.prefix != "" {
		return nil, nil
	}
	if c.ours {
		return c.l.Waiting()
	}
	_, recs, err := c.l.Withheld()
	return recs, err
}

// namesOf names records, the first of many, in the order of their local ids.
func (c *checker) namesOf(recs []changeset.RecordID) string {
	ids := map[changeset.RecordID]uint32{}
	for _, rec := range recs {
		if n, err := c.r.LocalID(rec); err == nil {
			ids[rec] = n
		}
	}
	recs = slices.SortedStableFunc(slices.Values(recs), func(a, b changeset.RecordID) int { return cmp.Compare(ids[a], ids[b]) })
	var names []string
	for _, rec := range recs[:min(len(recs), mostNamed)] {
		names = append(names, c.r.nameOf(rec))
	}
	switch more := len(recs) - len(names); {
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	case len(names) > 1:
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

// nameOf names a record by its local id, if it has one.
func (r *Replica) nameOf(rec changeset.RecordID) string {
	if n, err := r.LocalID(rec); err == nil && n > 0 {
		return fmt.Sprintf("%s %d", rec.Type, n)
	}
	return rec.String()
}
