package replica

import (
	"fmt"
	"slices"

	"github.com/spf13/afero"

	"prophet/cas"
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
	p.tell(l.prefix+changeset.LatestFile, IsRebuilt, "there are %d rows", rows)
	if rows == 0 && l.prefix != "" && p.noVotes {
		p.tell(l.prefix+changeset.IndexFile, IsLost, "nothing is left of the votes, nor says how many there were%s", p.votesOfOthers())
	}
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
	case !valid && held == 0:
		return l.leftRows()
	case !valid && l.endsWhole(held):
		return held, true
	}
	return 0, false
}

// leftRows returns how many rows a log had of which neither the index nor the number is left, nor our notes: as many as the indexes of records name, else as there are changesets.
func (l *Log) leftRows() (rows uint32, sure bool) {
	named, err := l.highestVersion()
	if err != nil || named > 0 {
		return named, err == nil
	}
	objects, err := l.countObjects()
	return objects, err == nil
}

// highestVersion returns the greatest number of a row that the indexes of records name.
func (l *Log) highestVersion() (highest uint32, err error) {
	types, err := l.Types()
	if err != nil {
		return 0, err
	}
	for _, typ := range types {
		for rec, err := range l.Records(typ) {
			if err != nil {
				return 0, err
			}
			b, err := afero.ReadFile(l.fs, changeset.RecordPath(rec))
			if err != nil && !isNotExist(err) {
				return 0, err
			}
			for _, v := range soundVersions(b) {
				highest = max(highest, v.Seq)
			}
		}
	}
	return highest, nil
}

// countObjects returns how many changesets there are, in the log or not.
func (l *Log) countObjects() (n uint32, err error) {
	err = l.objects.Walk(func(key cas.Key, _ string) error {
		if !key.IsZero() {
			n++
		}
		return nil
	})
	if isNotExist(err) {
		return 0, nil
	}
	return n, err
}

// votesGone reports whether nothing is left of the resolutions that would say how many votes there were.
func (p *repair) votesGone() bool {
	for _, name := range []string{votesVersionFile, votesNumber} {
		if text, err := readSmall(p.fs, name); err == nil && text != "" {
			return false
		}
	}
	held, err := rowsHeld(newLog(p.fs, changeset.ResolutionsDir+"/", "", &limits{}).fs)
	return err == nil && held == 0
}

// votesOfOthers says who has votes.
func (p *repair) votesOfOthers() string {
	for _, r := range p.others() {
		if n := r.votes.latest; n > 0 {
			return fmt.Sprintf("; %s has %d: a pull from there brings them back", r.Where(), n)
		}
	}
	return "; a pull brings back those that others have"
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
