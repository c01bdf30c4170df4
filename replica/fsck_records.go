package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"prophet/cas"
	"prophet/changeset"
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
	for rec, err := range c.l.allRecords() {
		if err == nil {
			err = c.ctx.Err()
		}
		if err == nil {
			err = c.keep(&touch{kind: touchIndex, rec: rec.ID}, nil)
		}
		if err != nil {
			return err
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
		}
	}
	recs := slices.Collect(maps.Values(found))
	slices.SortFunc(recs, func(a, b *touchedRecord) int { return a.rec.Compare(b.rec) })
	return recs, nil
}

// foundIndex is the index of a record as it was read, and whether the versions that it names are there.
type foundIndex struct {
	looseIndex
	err      error
	versions []changeset.Version // those that are committed
	same     []bool              // which of them bear the SHA-1 of what replaying the log makes
	faults   []error             // of reading each of them; nil if its bytes have the SHA-1 that names them
}

// readIndexes reads the indexes of records and the versions that they name, several at once.
func (c *checker) readIndexes(recs []*touchedRecord) []*foundIndex {
	found := make([]*foundIndex, len(recs))
	var group errgroup.Group
	group.SetLimit(c.readers())
	for i, rec := range recs {
		group.Go(func() error {
			found[i] = c.readIndex(rec)
			return nil
		})
	}
	_ = group.Wait() // they return none
	return found
}

// readIndex reads the index of a record and the versions. A packed version is what replaying the log makes: if it bears the SHA-1 of that, there is nothing to read but
// the text that its part may keep of it, and those are read in the order of their rows ([checker.checkKept]).
func (c *checker) readIndex(t *touchedRecord) *foundIndex {
	packs, err := c.l.packs()
	if err != nil {
		return &foundIndex{err: err}
	}
	f := &foundIndex{}
	f.looseIndex, f.versions, f.err = c.l.readVersions(t.rec)
	f.same, f.faults = make([]bool, len(f.versions)), make([]error, len(f.versions))
	exists, props := false, map[string]string(nil)
	for i, v := range f.versions {
		if at := t.at(v.Seq); at != nil && (i == 0 || f.versions[i-1].Seq != v.Seq) {
			exists, props = Replay(exists, props, &at.c.Changes[0])
		}
		if v.Deleted() || c.ctx.Err() != nil {
			continue
		}
		f.same[i] = sameText(v, exists, props)
		if !f.same[i] || packs.covering(v.Seq) == nil {
			_, f.faults[i] = c.l.textAt(t.rec, v)
		}
	}
	return f
}

// sameText reports whether a version bears the SHA-1 of what a state is written as.
func sameText(v changeset.Version, exists bool, props map[string]string) bool {
	return exists && !v.Deleted() && cas.Sum(changeset.EncodeRecord(props)) == v.Key
}

// checkRecord checks a record of which all is known.
func (c *checker) checkRecord(t *touchedRecord, found *foundIndex) error {
	if len(t.changes) > 0 {
		c.recs++
	}
	if t.ids > 1 {
		c.fault(idsFile, c.l.ours.damaged(idsFile, "%s has two local ids", t.rec))
	}
	if t.ids == 0 && c.givesID(t) {
		c.fault(idsFile, c.l.ours.damaged(idsFile, "%s has no local id, though %s it", t.rec, fewTouch(t.rows())))
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

// givesID reports whether a row of the log that is noted gave the record a local id. Where changesets cannot be read it is not known which.
func (c *checker) givesID(t *touchedRecord) bool {
	if !c.idsRead || c.broken != nil || len(c.lost) > 0 || len(t.changes) == 0 || t.changes[0].row > c.noted {
		return false
	}
	old, err := c.r.oldIDs()
	return err == nil && !old.has(t.rec.UUID)
}

// checkUnindexed checks a record that has no index.
func (c *checker) checkUnindexed(t *touchedRecord) {
	switch {
	case len(t.changes) == 0:
	case c.exported && c.broken != nil: // what cannot be read may have deleted it
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
	c.checkVersionsBeyond(file, found.end, found.size)
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
		if c.broken != nil { // which rows touch it is not known: what else it should be follows from these
			c.checkRead(t.rec, versions[last], found.faults[last])
			return
		}
		found.same[last] = sameText(versions[last], exists, props)
		c.compareVersion(t.rec, found, last, exists, props)
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
		c.compareVersion(t.rec, found, i, exists, props)
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

// compareVersion compares a version with what it should be.
func (c *checker) compareVersion(rec changeset.RecordID, found *foundIndex, i int, exists bool, props map[string]string) {
	v := found.versions[i]
	if !c.checkRead(rec, v, found.faults[i]) || found.same[i] {
		return
	}
	var got map[string]string
	if !v.Deleted() {
		var err error
		if got, err = c.l.props(rec, v); err != nil {
			c.checkRead(rec, v, err)
			return
		}
	}
	for _, words := range differences(rec, !v.Deleted(), got, "replaying the log leads", exists, props) {
		if v.Seq > 0 {
			words = fmt.Sprintf("as of row %d %s", v.Seq, words)
		}
		c.problem(changeset.RecordPath(rec), "%s", words)
	}
}
