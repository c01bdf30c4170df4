package replica

import "prophet/changeset"

// sumRecord adds to the digests what replaying the log makes of a record.
func (c *checker) sumRecord(rec changeset.RecordID, exists bool, props map[string]string) {
	c.summed++ // no record is summed twice
	if exists {
		d := c.sums.of(c.l, rec.Type)
		*d = d.plus(RecordDigest(rec, props))
	}
}

// checkDigests checks the entries of the file of digests, and that of the last row against what replaying the log gives.
func (c *checker) checkDigests() {
	last, end, err := c.checkDigestEntries()
	if err != nil {
		c.fault(DigestsFile, err)
		return
	}
	c.checkLeftovers(DigestsFile, end, wholeRows(digestSize))
	switch whole := c.summed == c.recs && c.broken == nil; {
	case last.row == 0:
		c.checkDigestsThere()
	case last.row < c.l.latest:
		if c.noted == c.l.latest { // else it was said of the notes
			c.harmless(DigestsFile, "its last entry is of row %d, the log has %d; the next edit catches up", last.row, c.l.latest)
		}
	case whole && last.sums != c.sums:
		c.problem(DigestsFile, "the entry of row %d says %s, replaying the log leads to %s; %s", last.row, last.sums, c.sums, remakeDigests)
	}
}

// remakeDigests says what becomes of a damaged file of digests.
const remakeDigests = "a repair makes it again"

// checkDigestEntries checks the entries that are not beyond the log, and returns the last of them and where it ends.
func (c *checker) checkDigestEntries() (last digestEntry, end int64, err error) {
	b, err := c.l.limits.readCommitted(c.l.fs, c.l.prefix, DigestsFile)
	if isNotExist(err) {
		return last, 0, nil
	}
	if err != nil {
		return last, 0, err
	}
	for ; len(b) >= digestSize; b = b[digestSize:] {
		e, ok := parseDigest(b)
		switch n := end/digestSize + 1; {
		case !ok:
			c.problem(DigestsFile, "entry %d does not have the checksum that it bears; %s", n, remakeDigests)
		case e.row > c.l.latest:
			return last, end, nil
		case e.row <= last.row:
			c.problem(DigestsFile, "entry %d is of row %d, one before it of row %d; %s", n, e.row, last.row, remakeDigests)
		default:
			last = e
		}
		end += digestSize
	}
	return last, end, nil
}
