package replica

import (
	"slices"

	"prophet/changeset"
)

// mendNumber finds out how many rows a log has, from what counts them, and makes the file that says so hold that. sure is false where these disagree and nothing decides; then the
// file is left.
func (p *repair) mendNumber(l *Log) (rows uint32, sure bool, err error) {
	text, err := readSmall(l.fs, changeset.LatestFile)
	if err != nil && !isNotExist(err) && !isDamage(err) {
		return 0, false, err
	}
	says, bad := parseNumber("", text)
	if err != nil {
		bad = err
	}
	held, err := rowsHeld(l.fs)
	if err != nil || bad == nil && says == held {
		return held, true, err
	}
	rows, sure = l.counted(says, bad == nil, held)
	if !sure {
		p.tell(l.prefix+changeset.LatestFile, IsLeft, "it says %.20q, %s has %d rows, and nothing says which is right", text, changeset.IndexFile, held)
		return says, bad == nil, nil
	}
	if bad == nil && says == rows {
		return rows, true, nil
	}
	if _, err := p.replace(l.prefix+changeset.LatestFile, []byte(formatNumber(rows))); err != nil {
		return 0, false, err
	}
	p.tell(l.prefix+changeset.LatestFile, Rebuilt, "there are %d rows", rows)
	return rows, true, nil
}

// counted decides between the number that the file says, if it says one, and the rows that the index has, by what else counts rows: what two of them say, the greatest if there are several such numbers; else what our
// notes say, for nothing of theirs was ever ahead of the log.
func (l *Log) counted(says uint32, valid bool, held uint32) (rows uint32, sure bool) {
	others := l.otherCounts()
	counts := append([]uint32{held}, others...)
	if valid {
		counts = append(counts, says)
	}
	slices.Sort(counts)
	for i := len(counts) - 1; i > 0; i-- {
		if counts[i] == counts[i-1] {
			return counts[i], true
		}
	}
	switch {
	case len(others) > 0:
		return slices.Max(others), true
	case valid && says > held:
		return says, true // the index lost some; it is looked for them
	case !valid && l.endsWhole(held):
		return held, true
	}
	return 0, false
}

// otherCounts returns how many rows our notes count: one a row, and the last digest.
func (l *Log) otherCounts() (counts []uint32) {
	l.latest = maxSeq
	l.ours = companion{l.fs, maxSeq, l.prefix, l.where, l.limits}
	if n, err := l.ours.count(); err == nil && n > 0 {
		counts = append(counts, n)
	}
	if e, _, err := l.lastDigest(); err == nil && e.row > 0 {
		counts = append(counts, e.row)
	}
	return counts
}

// endsWhole reports whether the last of so many rows names a changeset that is there.
func (l *Log) endsWhole(rows uint32) bool {
	if rows == 0 {
		return true
	}
	l.latest = rows
	row, err := l.Row(rows)
	if err == nil {
		_, _, err = l.RawChangeset(row)
	}
	return err == nil
}
