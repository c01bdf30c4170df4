package replica

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
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
	if c.exported || c.l.prefix != "" && len(listed) == 0 { // an exported copy has no index of deleted records, nor of votes
		return nil
	}
	for rec := range c.touching {
		if !listed[rec] {
			c.problem(changeset.RecordPath(rec), "the file is missing, though rows %v of the log touch the record", few(c.touching[rec]))
		}
	}
	for rec := range c.open {
		if !listed[rec] {
			c.problem(conflictsFile, "it names %s, of which there is no index", rec)
		}
	}
	return nil
}

// few shortens a list of rows for a message.
func few(rows []uint32) []uint32 { return rows[:min(len(rows), 5)] }

func (c *checker) checkRecord(rec changeset.RecordID) {
	file := changeset.RecordPath(rec)
	versions, err := c.l.Versions(rec)
	if err != nil {
		c.fault(file, err)
		return
	}
	if len(versions) == 0 {
		if len(c.touching[rec]) > 0 {
			c.problem(file, "it has no row, though rows %v of the log touch the record", few(c.touching[rec]))
		}
		return
	}
	if !slices.IsSortedFunc(versions, func(a, b changeset.Version) int { return int(int64(a.Seq) - int64(b.Seq)) }) {
		c.problem(file, "its rows are not in ascending order")
		return
	}
	if versions[0].Seq == 0 {
		c.exported = true
		c.checkVersion(rec, versions[len(versions)-1], c.touching[rec])
		return
	}
	var seqs []uint32
	for _, v := range versions {
		seqs = append(seqs, v.Seq)
	}
	if seqs = slices.Compact(seqs); !slices.Equal(seqs, c.touching[rec]) {
		if !c.anyBroken(seqs) {
			c.problem(file, "it has the rows %v, but the log touches the record in the rows %v", few(seqs), few(c.touching[rec]))
		}
		return
	}
	c.checkVersions(rec, versions)
	c.checkMerge(rec, seqs)
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
			continue // the last row of a changeset holds its state
		}
		c.compareVersion(rec, v, exists, props)
	}
}

// checkVersion replays rows of the log and compares the record's only version, in an exported copy.
func (c *checker) checkVersion(rec changeset.RecordID, v changeset.Version, rows []uint32) {
	exists, props := false, map[string]string(nil)
	for _, seq := range rows {
		cs, err := c.l.at(seq)
		if err != nil {
			return
		}
		exists, props = Replay(exists, props, cs.Change(rec))
	}
	c.compareVersion(rec, v, exists, props)
}

func (c *checker) compareVersion(rec changeset.RecordID, v changeset.Version, exists bool, props map[string]string) {
	file := changeset.RecordPath(rec)
	if v.Deleted() == exists {
		c.problem(file, "row %d: deleted is %v, but replaying the log gives %v", v.Seq, v.Deleted(), !exists)
		return
	}
	if !exists {
		return
	}
	b, err := c.l.versions.Get(v.Key)
	if err != nil {
		c.fault(strings.TrimPrefix(c.l.versions.Path(v.Key), c.l.prefix), err)
		return
	}
	if !bytes.Equal(b, changeset.EncodeRecord(props)) {
		if got, err := changeset.DecodeRecord(b); err != nil || !bytes.Equal(changeset.EncodeRecord(got), changeset.EncodeRecord(props)) {
			c.problem(file, "row %d: its version %s is not what replaying the log gives", v.Seq, cas.Key(v.Key))
		}
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
			if !seen[p] {
				c.problem(changeset.IndexFile, "changeset %s names %s as a parent of %s, which is not above it in the log or does not touch the record", e.ID, p, rec)
			}
		}
		seen[e.ID] = true
	}
	if count, err := c.l.ours.count(); !c.ours || err != nil || count < c.l.latest {
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
	if ch := difference(rec, exists, props, result.Exists, result.Props); ch != nil {
		c.problem(changeset.RecordPath(rec), "it does not show the merged state: %v", ch.Props)
	}
	last := seqs[len(seqs)-1]
	n, err := c.l.ours.noted(last)
	if err != nil {
		return err
	}
	row, err := c.l.Row(last)
	if err != nil {
		return err
	}
	if n.flags&flagSettled != 0 && (result.Open() || !slices.Equal(result.Heads, []changeset.ID{row.ID})) {
		c.problem(rowsFile, "row %d is noted as settled, but the heads of %s are %v", last, rec, result.Heads)
	}
	if c.l.prefix == "" && c.open[rec] != result.Open() {
		return fmt.Errorf("%s notes that the record is in conflict: %v; it is: %v", conflictsFile, c.open[rec], result.Open())
	}
	return nil
}
