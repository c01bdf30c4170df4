package replica

import (
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// changeset returns the changeset of a row that touches the record, as far as it does.
func (t *touchedRecord) changeset(row uint32) (*changeset.Changeset, error) { return t.at(row).c, nil }

// checkMerge checks the parents of the record's changes, and in a replica of ours that the record's last version is the merged state and that our notes agree.
func (c *checker) checkMerge(t *touchedRecord) {
	if straight, result := c.straight(t); straight {
		c.compareNotes(t, result, true)
		return
	}
	entries, err := c.l.entries(t.rec, t.rows(), t.changeset)
	if err != nil {
		c.fault(changeset.RecordPath(t.rec), err)
		return
	}
	seen := map[changeset.ID]bool{}
	for _, e := range entries {
		for _, p := range e.Change.Parents {
			if !seen[p] && !c.lost[p] {
				c.problem(changeset.IndexFile, "changeset %s names %s as a parent of %s, which is not above it in the log or does not touch the record", e.ID, p, t.rec)
			}
		}
		seen[e.ID] = true
	}
	if !c.merges(t) {
		return
	}
	result, err := c.merge(t)
	if err != nil {
		c.fault(changeset.RecordPath(t.rec), err)
		return
	}
	c.compareNotes(t, result, false)
}

// merges reports whether the record must show the merged state: what another program wrote is taken over by the next edit.
func (c *checker) merges(t *touchedRecord) bool {
	return c.ours && c.mergeable && t.changes[len(t.changes)-1].row <= c.noted
}

// straight returns what merging the record comes to where that needs no merge: every change has seen the one before, and no more, and nothing follows a deletion.
func (c *checker) straight(t *touchedRecord) (bool, *resolution.Result) {
	if c.anyListed {
		return false, nil
	}
	var before *touch
	highest := map[[16]byte]uint32{}
	for _, at := range t.changes {
		ch := &at.c.Changes[0]
		follows := before == nil && ch.Parents != nil && len(ch.Parents) == 0 ||
			before != nil && before.c.Changes[0].Kind != changeset.Delete && len(ch.Parents) == 1 && ch.Parents[0] == before.c.ID
		if !follows || !ch.CopyOf.IsZero() || at.c.Lost || at.c.Bookkeeping() || at.c.ID.Seq <= highest[at.c.ID.Origin] || before != nil && ch.Kind == changeset.Create {
			return false, nil
		}
		highest[at.c.ID.Origin], before = at.c.ID.Seq, at
	}
	if !c.merges(t) {
		return true, nil
	}
	exists, props := t.replay()
	return true, &resolution.Result{Exists: exists, Props: props, Heads: []changeset.ID{before.c.ID}}
}

// merge merges the record's changes, in their best representations.
func (c *checker) merge(t *touchedRecord) (*resolution.Result, error) {
	entries, err := c.l.entries(t.rec, t.rows(), func(row uint32) (*changeset.Changeset, error) {
		at := t.at(row)
		if !c.anyListed {
			return at.c, nil
		}
		if _, listed, err := c.l.reps.lookup(at.c.ID); !listed || err != nil {
			return at.c, err
		}
		return c.l.bestAt(row)
	})
	if err != nil {
		return nil, err
	}
	tx := newTx(c.r, nil) // only read: its view of the votes is that of a transaction
	if c.l == c.r.votes {
		return tx.res.mergeEntries(t.rec, entries)
	}
	return tx.main.mergeEntries(t.rec, entries)
}

// compareNotes compares what the record shows, and what is noted of it, with the merge. Of a straight history, what it shows was compared with replaying it.
func (c *checker) compareNotes(t *touchedRecord, result *resolution.Result, straight bool) {
	if result == nil {
		return
	}
	if !straight {
		c.compareMerged(t, result)
	}
	if c.l.prefix == "" && c.open != nil {
		c.compareOpen(t.rec, undecidedIn(result))
	}
	c.compareSettled(t, result)
}

func (c *checker) compareMerged(t *touchedRecord, result *resolution.Result) {
	exists, props := t.replay()
	if shown, lives, err := c.l.Props(t.rec); err != nil {
		return // reported with the versions
	} else if lives != exists || !maps.Equal(shown, props) {
		exists, props = lives, shown
	}
	for _, words := range differences(t.rec, exists, props, "its changes and the votes merge", result.Exists, result.Props) {
		if c.settled {
			c.problem(changeset.RecordPath(t.rec), "%s", words)
		} else {
			c.harmless(changeset.RecordPath(t.rec), "%s: the next edit catches up", words)
		}
	}
}

// compareOpen checks what is noted of a record as undecided. Older notes do not say which properties are in conflict, and of those whose rivals agree
// more may be noted than there are.
func (c *checker) compareOpen(rec changeset.RecordID, is undecided) {
	say, noted := c.problem, c.open[rec]
	if !c.settled {
		say = c.harmless
	}
	if noted.inConflict() != is.inConflict() || !noted.any && !slices.Equal(noted.open, is.open) {
		say(conflictsFile, "%s is noted as %s, but it is %s", rec, noted.words(), is.words())
	}
	for _, prop := range is.agreed {
		if !noted.any && !slices.Contains(noted.agreed, prop) {
			say(conflictsFile, "%s is not noted as having rivals for %s, which agree", rec, prop)
		}
	}
}

// words say what is in conflict.
func (u undecided) words() string {
	switch {
	case u.any:
		return "in conflict"
	case !u.inConflict():
		return "not in conflict"
	}
	words := slices.Clone(u.open)
	if words[0] == "" {
		words[0] = "existence"
	}
	return "in conflict over " + strings.Join(words, ", ")
}

// compareSettled checks that the last row is noted as settled only if it is the record's only head and nothing is open.
func (c *checker) compareSettled(t *touchedRecord, result *resolution.Result) {
	last := t.changes[len(t.changes)-1]
	switch {
	case last.flags&flagSettled == 0 || result.SettledBy(last.c.ID):
	case result.Open() && !c.settled:
		c.harmless(rowsFile, "row %d is noted as settled, but %s is in conflict: the next edit catches up", last.row, t.rec)
	case result.Open():
		c.problem(rowsFile, "row %d is noted as settled, but %s is in conflict", last.row, t.rec)
	default:
		c.problem(rowsFile, "row %d is noted as settled, but the heads of %s are %s", last.row, t.rec, idList(result.Heads))
	}
}
