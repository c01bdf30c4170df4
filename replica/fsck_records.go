package replica

import (
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// checkRecords checks the index of every record against the log: that it has a row for each changeset that touches the record, what replaying
// those gives, and, in a replica of ours, that this is the merged state.
func (c *checker) checkRecords() error {
	listed := map[changeset.RecordID]bool{}
	types, err := c.l.Types()
	if err != nil {
		return err
	}
	for _, typ := range types {
		for rec, err := range c.l.Records(typ) {
			if err != nil {
				return err
			}
			if err := c.ctx.Err(); err != nil {
				return err
			}
			listed[rec] = true
			c.checkRecord(rec)
		}
	}
	for _, rec := range sorted(c.touching) {
		switch {
		case listed[rec]:
		case c.lacksIndex(rec):
			c.sumUnlisted(rec)
		default:
			c.problem(changeset.RecordPath(rec), "the file is missing, though %s of the log touches the record", few(c.touching[rec]))
		}
	}
	for _, rec := range sorted(c.open) {
		if !listed[rec] {
			c.problem(conflictsFile, "it names %s, of which there is no index", rec)
		}
	}
	return nil
}

// lacksIndex reports whether a record rightly has no index: in an exported copy deleted ones and votes have none.
func (c *checker) lacksIndex(rec changeset.RecordID) bool {
	if !c.exported || c.l.prefix != "" {
		return c.exported
	}
	exists, _, ok := c.replay(c.touching[rec], rec)
	return !ok || !exists
}

func (c *checker) checkRecord(rec changeset.RecordID) {
	file := changeset.RecordPath(rec)
	versions, err := c.l.Versions(rec)
	if err != nil {
		c.fault(file, err)
		return
	}
	c.checkVersionsBeyond(file, int64(len(versions))*changeset.VersionSize)
	if len(versions) == 0 {
		if len(c.touching[rec]) > 0 {
			c.problem(file, "it has no row, though %s of the log touches the record", few(c.touching[rec]))
		}
		return
	}
	if versions[0].Seq == 0 {
		c.checkVersion(rec, versions[len(versions)-1], c.touching[rec])
		return
	}
	var seqs []uint32
	for _, v := range versions {
		seqs = append(seqs, v.Seq)
	}
	if seqs = slices.Compact(seqs); !slices.Equal(seqs, c.touching[rec]) {
		c.otherRows(rec, versions, seqs)
		return
	}
	c.checkVersions(rec, versions)
	c.checkMerge(rec, seqs)
}

// otherRows reports an index that names other rows of the log than those that touch the record, unless some of them cannot be read, which was reported.
func (c *checker) otherRows(rec changeset.RecordID, versions []changeset.Version, seqs []uint32) {
	file, touching := changeset.RecordPath(rec), c.touching[rec]
	n := len(touching)
	switch {
	case c.anyBroken(seqs):
	case n < len(seqs) && slices.Equal(seqs[:n], touching):
		whole := slices.IndexFunc(versions, func(v changeset.Version) bool { return v.Seq == seqs[n] })
		but := "are listed all the same"
		if whole == 0 {
			but = "are shown by programs of the original"
		}
		c.lostVersions(file, (len(versions)-whole)*changeset.VersionSize, int64(whole)*changeset.VersionSize, but)
	default:
		c.problem(file, "it names %s of the log; what touches the record is %s", few(seqs), few(touching))
	}
}

func (c *checker) anyBroken(seqs []uint32) bool {
	return slices.ContainsFunc(seqs, func(seq uint32) bool { return c.broken[seq] })
}

// checkVersions replays the record's changes and compares each version.
func (c *checker) checkVersions(rec changeset.RecordID, versions []changeset.Version) {
	exists, props := false, map[string]string(nil)
	for i, v := range versions {
		if i == 0 || versions[i-1].Seq != v.Seq {
			cs, err := c.l.at(v.Seq)
			if err != nil {
				return // reported with the rows
			}
			exists, props = Replay(exists, props, cs.Change(rec))
		}
		if i+1 < len(versions) && versions[i+1].Seq == v.Seq {
			c.checkHeld(rec, v)
			continue // the last row of a changeset holds its state
		}
		c.compareVersion(rec, v, exists, props)
	}
	c.sumRecord(rec, exists, props)
}

// checkHeld checks that a version is there that nothing else is known of; its bytes are checked with all objects.
func (c *checker) checkHeld(rec changeset.RecordID, v changeset.Version) {
	if held, err := c.l.versions.Has(v.Key); err == nil && !held && !v.Deleted() {
		c.problem(strings.TrimPrefix(c.l.versions.Path(v.Key), c.l.prefix), "the file is missing, though %s names it", c.l.prefix+changeset.RecordPath(rec))
	}
}

// checkVersion replays rows of the log and compares the record's only version, in an exported copy.
func (c *checker) checkVersion(rec changeset.RecordID, v changeset.Version, rows []uint32) {
	exists, props, ok := c.replay(rows, rec)
	if ok {
		c.compareVersion(rec, v, exists, props)
		c.sumRecord(rec, exists, props)
	}
}

// replay returns what rows of the log make of a record; ok is false if one of them cannot be read.
func (c *checker) replay(rows []uint32, rec changeset.RecordID) (exists bool, props map[string]string, ok bool) {
	for _, seq := range rows {
		cs, err := c.l.at(seq)
		if err != nil {
			return false, nil, false // reported with the rows
		}
		exists, props = Replay(exists, props, cs.Change(rec))
	}
	return exists, props, true
}

func (c *checker) compareVersion(rec changeset.RecordID, v changeset.Version, exists bool, props map[string]string) {
	var got map[string]string
	if !v.Deleted() {
		b, err := c.l.versions.Get(v.Key)
		if err == nil {
			got, err = changeset.DecodeRecord(b)
		}
		if err != nil {
			c.faultOf(strings.TrimPrefix(c.l.versions.Path(v.Key), c.l.prefix), err, c.l.prefix+changeset.RecordPath(rec))
			return
		}
	}
	for _, words := range differences(rec, !v.Deleted(), got, "replaying the log leads", exists, props) {
		c.problem(changeset.RecordPath(rec), "as of row %d %s", v.Seq, words)
	}
}

// checkMerge checks the parents of the record's changes, and in a replica of ours that the record's last version is the merged state and that our notes agree.
func (c *checker) checkMerge(rec changeset.RecordID, seqs []uint32) {
	entries, err := c.l.entries(rec, seqs, c.l.at)
	if err != nil {
		return // reported with the rows
	}
	seen := map[changeset.ID]bool{}
	for _, e := range entries {
		for _, p := range e.Change.Parents {
			if !seen[p] && !c.lost[p] {
				c.problem(changeset.IndexFile, "changeset %s names %s as a parent of %s, which is not above it in the log or does not touch the record", e.ID, p, rec)
			}
		}
		seen[e.ID] = true
	}
	if !c.ours || !c.mergeable || seqs[len(seqs)-1] > c.noted { // what another program wrote is taken over by the next edit
		return
	}
	if err := c.compareMerge(rec, seqs); err != nil {
		c.fault(changeset.RecordPath(rec), err)
	}
}

func (c *checker) compareMerge(rec changeset.RecordID, seqs []uint32) error {
	result, err := c.r.mergeRows(c.l, rec, seqs)
	if err != nil {
		return err
	}
	props, exists, err := c.l.Props(rec)
	if err != nil {
		return nil // reported with the versions
	}
	for _, words := range differences(rec, exists, props, "its changes and the votes merge", result.Exists, result.Props) {
		if c.settled {
			c.problem(changeset.RecordPath(rec), "%s", words)
		} else {
			c.harmless(changeset.RecordPath(rec), "%s: the next edit catches up", words)
		}
	}
	if c.l.prefix == "" && c.open != nil {
		c.compareOpen(rec, undecidedIn(result))
	}
	return c.compareSettled(rec, seqs[len(seqs)-1], result)
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
func (c *checker) compareSettled(rec changeset.RecordID, last uint32, result *resolution.Result) error {
	n, err := c.l.ours.noted(last)
	if err != nil {
		return err
	}
	row, err := c.l.Row(last)
	if err != nil {
		return err
	}
	switch {
	case n.flags&flagSettled == 0 || result.SettledBy(row.ID):
	case result.Open() && !c.settled:
		c.harmless(rowsFile, "row %d is noted as settled, but %s is in conflict: the next edit catches up", last, rec)
	case result.Open():
		c.problem(rowsFile, "row %d is noted as settled, but %s is in conflict", last, rec)
	default:
		c.problem(rowsFile, "row %d is noted as settled, but the heads of %s are %s", last, rec, idList(result.Heads))
	}
	return nil
}
