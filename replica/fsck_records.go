package replica

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"prophet/cas"
	"prophet/changeset"
	"prophet/resolution"
)

// checkRecords checks the index of every record against the log: that it has a row for each changeset that touches the record, what replaying
// those gives, and, in a replica of ours, that this is the merged state. It takes up a part of the records after the other.
func (c *checker) checkRecords() error {
	if err := c.listRecords(); err != nil {
		return err
	}
	for part := range c.touches.parts {
		recs, err := c.takeRecords(part)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(recs, recordsLooked) {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			for i, found := range c.readIndexes(some) {
				if err := c.checkRecord(some[i], found); err != nil {
					return err
				}
			}
		}
		c.advance(part+1, len(c.touches.parts))
	}
	for _, rec := range sorted(c.unmet) {
		c.problem(conflictsFile, "it names %s, of which there is no index", rec)
	}
	return nil
}

// recordsLooked is how many records are looked at together.
const recordsLooked = 256

// listRecords puts down which records have an index, where that can be listed.
func (c *checker) listRecords() error {
	c.unmet = maps.Clone(c.open)
	if c.r.opts.Mirror {
		return nil
	}
	types, err := c.l.Types()
	if err != nil {
		return err
	}
	for _, typ := range types {
		for rec, err := range c.l.Records(typ) {
			if err == nil {
				err = c.ctx.Err()
			}
			if err == nil {
				err = c.keep(&touch{kind: touchIndex, rec: rec}, nil)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// takeRecords takes up a part of what was put down, by record.
func (c *checker) takeRecords(part int) ([]*touchedRecord, error) {
	entries, err := c.touches.take(part)
	if err != nil {
		return nil, err
	}
	found := map[changeset.RecordID]*touchedRecord{}
	for entry := range entries {
		t := parseTouch(entry)
		rec := found[t.rec]
		if rec == nil {
			rec = &touchedRecord{rec: t.rec}
			found[t.rec] = rec
		}
		switch t.kind {
		case touchChange:
			rec.changes = append(rec.changes, t)
		case touchID:
			rec.ids++
		case touchIndex:
			rec.indexed = true
		}
	}
	recs := slices.Collect(maps.Values(found))
	slices.SortFunc(recs, func(a, b *touchedRecord) int { return a.rec.Compare(b.rec) })
	return recs, nil
}

// foundIndex is the index of a record as it was read, and whether the versions that it names are there.
type foundIndex struct {
	raw      []byte // all of the file
	err      error
	versions []changeset.Version // those that are committed
	faults   []error             // of reading each of them; nil if its bytes have the SHA-1 that names them
}

// readIndexes reads the indexes of records and the versions that they name, several at once.
func (c *checker) readIndexes(recs []*touchedRecord) []*foundIndex {
	found := make([]*foundIndex, len(recs))
	var group errgroup.Group
	group.SetLimit(c.readers())
	for i, rec := range recs {
		group.Go(func() error {
			found[i] = c.readIndex(rec.rec)
			return nil
		})
	}
	_ = group.Wait() // they return none
	return found
}

func (c *checker) readIndex(rec changeset.RecordID) *foundIndex {
	f := &foundIndex{}
	f.raw, f.versions, f.err = c.l.readVersions(rec)
	f.faults = make([]error, len(f.versions))
	for i, v := range f.versions {
		if !v.Deleted() && c.ctx.Err() == nil {
			_, f.faults[i] = c.l.versions.Get(v.Key)
		}
	}
	return f
}

// checkRecord checks a record of which all is known.
func (c *checker) checkRecord(t *touchedRecord, found *foundIndex) error {
	if len(t.changes) > 0 {
		c.recs++
	}
	if t.ids > 1 {
		c.fault(idsFile, c.l.ours.damaged(idsFile, "%s has two local ids", t.rec))
	}
	if isNotExist(found.err) {
		c.checkUnindexed(t)
		return nil
	}
	delete(c.unmet, t.rec)
	for i, v := range found.versions {
		if found.faults[i] == nil && !v.Deleted() {
			if err := c.good[1].add(int(v.Key[0]), v.Key[:]); err != nil {
				return err
			}
		}
	}
	c.checkIndex(t, found)
	return nil
}

// checkUnindexed checks a record that has no index.
func (c *checker) checkUnindexed(t *touchedRecord) {
	switch {
	case len(t.changes) == 0:
	case c.lacksIndex(t):
		exists, props := t.replay()
		c.sumRecord(t.rec, exists, props)
	default:
		c.problem(changeset.RecordPath(t.rec), "the file is missing, though %s the record", fewTouch(t.rows()))
	}
}

// lacksIndex reports whether a record rightly has no index: in an exported copy deleted ones and votes have none.
func (c *checker) lacksIndex(t *touchedRecord) bool {
	if !c.exported || c.l.prefix != "" {
		return c.exported
	}
	exists, _ := t.replay()
	return !exists
}

// replay returns what the rows of the log that can be read make of the record.
func (t *touchedRecord) replay() (exists bool, props map[string]string) {
	for _, at := range t.changes {
		exists, props = Replay(exists, props, &at.c.Changes[0])
	}
	return exists, props
}

// checkIndex checks the index of a record.
func (c *checker) checkIndex(t *touchedRecord, found *foundIndex) {
	file, versions := changeset.RecordPath(t.rec), found.versions
	if found.err != nil {
		c.fault(file, found.err)
		return
	}
	c.checkVersionsBeyond(file, int64(len(versions))*changeset.VersionSize, int64(len(found.raw)))
	if len(versions) == 0 {
		if len(t.changes) > 0 {
			c.problem(file, "it has no row, though %s the record", fewTouch(t.rows()))
		}
		return
	}
	if i := slices.IndexFunc(versions, func(v changeset.Version) bool { return (v.Seq == 0) != c.exported }); i >= 0 && !c.r.opts.Mirror {
		c.otherKind(file, i, versions[i].Seq)
		return
	}
	if versions[0].Seq == 0 {
		exists, props := t.replay()
		last := len(versions) - 1
		c.compareVersion(t.rec, versions[last], found.faults[last], exists, props)
		c.sumRecord(t.rec, exists, props)
		return
	}
	var seqs []uint32
	for _, v := range versions {
		seqs = append(seqs, v.Seq)
	}
	if seqs = slices.Compact(seqs); !slices.Equal(seqs, t.rows()) {
		c.otherRows(t, versions, seqs)
		return
	}
	c.checkVersions(t, found)
	c.checkMerge(t)
}

// otherKind reports a row of a record's index, counted from 0, that bears the number of no row of the log, as in an exported copy, or one, as only there it must not.
func (c *checker) otherKind(file string, i int, seq uint32) {
	if c.exported {
		c.problem(file, "row %d: it bears the number %d; in an exported copy, and in a mirror, every one bears 0", i+1, seq)
		return
	}
	c.problem(file, "row %d: it bears the number 0, as rows of exported copies alone do", i+1)
}

// otherRows reports an index that names other rows of the log than those that touch the record, unless some of them cannot be read, which was reported.
func (c *checker) otherRows(t *touchedRecord, versions []changeset.Version, seqs []uint32) {
	file, touching := changeset.RecordPath(t.rec), t.rows()
	n := len(touching)
	switch {
	case slices.ContainsFunc(seqs, c.isBroken):
	case n < len(seqs) && slices.Equal(seqs[:n], touching):
		whole := slices.IndexFunc(versions, func(v changeset.Version) bool { return v.Seq == seqs[n] })
		but := "are listed all the same"
		if whole == 0 {
			but = "are shown by programs of the original"
		}
		c.lostVersions(file, (len(versions)-whole)*changeset.VersionSize, but)
	default:
		c.problem(file, "it names %s of the log; what touches the record is %s", few(seqs), few(touching))
	}
}

// checkVersions replays the record's changes and compares each version.
func (c *checker) checkVersions(t *touchedRecord, found *foundIndex) {
	exists, props := false, map[string]string(nil)
	for i, v := range found.versions {
		if i == 0 || found.versions[i-1].Seq != v.Seq {
			exists, props = Replay(exists, props, &t.at(v.Seq).c.Changes[0])
		}
		if i+1 < len(found.versions) && found.versions[i+1].Seq == v.Seq { // the last row of a changeset holds its state
			c.checkRead(t.rec, v, found.faults[i])
			continue
		}
		c.compareVersion(t.rec, v, found.faults[i], exists, props)
	}
	c.sumRecord(t.rec, exists, props)
}

// checkRead reports a version that could not be read.
func (c *checker) checkRead(rec changeset.RecordID, v changeset.Version, fault error) (ok bool) {
	if fault != nil {
		c.faultOf(strings.TrimPrefix(c.l.versions.Path(v.Key), c.l.prefix), fault, c.l.prefix+changeset.RecordPath(rec))
	}
	return fault == nil
}

// compareVersion compares a version with what it should be. Where it has the name of what that is written as, it is the same.
func (c *checker) compareVersion(rec changeset.RecordID, v changeset.Version, fault error, exists bool, props map[string]string) {
	if !c.checkRead(rec, v, fault) || exists && !v.Deleted() && cas.Sum(changeset.EncodeRecord(props)) == v.Key {
		return
	}
	var got map[string]string
	if !v.Deleted() {
		var err error
		if got, err = c.l.props(v.Key); err != nil {
			c.checkRead(rec, v, err)
			return
		}
	}
	for _, words := range differences(rec, !v.Deleted(), got, "replaying the log leads", exists, props) {
		c.problem(changeset.RecordPath(rec), "as of row %d %s", v.Seq, words)
	}
}

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
		if !follows || at.c.Lost || at.c.Bookkeeping() || at.c.ID.Seq <= highest[at.c.ID.Origin] || before != nil && ch.Kind == changeset.Create {
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

// checkObjects reads every object that was not read yet, and reports stray files. What is on the web cannot be listed.
func (c *checker) checkObjects(store *cas.Store, good *parcels) error {
	if c.r.opts.Mirror {
		return nil
	}
	part, read := -1, map[cas.Key]bool(nil)
	return store.Walk(func(key cas.Key, file string) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if key.IsZero() {
			c.report(Problem{Path: file, Text: "a stray file: its name is not that of an object", Harmless: true})
			return nil
		}
		if int(key[0]) != part {
			part = int(key[0])
			c.advance(part, len(good.parts))
			var err error
			if read, err = takeKeys(good, part); err != nil {
				return err
			}
		}
		if read[key] {
			return nil
		}
		if _, err := store.Get(key); err != nil {
			c.fault(strings.TrimPrefix(file, c.l.prefix), err)
		}
		return nil
	})
}

// takeKeys takes up the keys in a part.
func takeKeys(p *parcels, part int) (map[cas.Key]bool, error) {
	entries, err := p.take(part)
	if err != nil {
		return nil, err
	}
	keys := map[cas.Key]bool{}
	for entry := range entries {
		keys[cas.Key(bytes.Clone(entry))] = true
	}
	return keys, nil
}
