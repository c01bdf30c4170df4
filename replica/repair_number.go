package replica

import (
	"fmt"
	"slices"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// rowCount is how many rows a log has.
type rowCount struct {
	rows  uint32
	sure  bool   // false where what counts them disagrees, and nothing decides; then the number is left
	noted uint32 // the last row that others have, or that a file counts which is written as part of a commit
	least uint32 // of these are in the index, or counted by the number; the others only our notes and the indexes of records tell of, and the number is not written before they are found
}

// mendNumber finds out how many rows a log has, from what counts them, and makes the file that says so hold that.
func (p *repair) mendNumber(l *Log) (rowCount, error) {
	text, err := readSmall(l.fs, changeset.LatestFile)
	if err != nil && !isNotExist(err) && !isDamage(err) {
		return rowCount{}, err
	}
	says, bad := parseNumber("", text)
	if err != nil {
		says, bad = 0, err
	}
	held, err := rowsHeld(l.fs)
	if err != nil {
		return rowCount{}, err
	}
	if bad == nil && says == held && held > 0 {
		rows, noted, err := p.rowsBeyond(l, held)
		return rowCount{rows: rows, sure: true, noted: noted, least: held}, err
	}
	rows, sure, err := p.counted(l, says, bad == nil, held)
	if err != nil {
		return rowCount{}, err
	}
	if err := p.disturbed(); err != nil {
		return rowCount{}, err
	}
	if !sure {
		p.tellNumbers(l, says, held, bad)
	}
	if !sure || p.isTooMany(l, rows, held) {
		if bad != nil || says > held {
			says = 0 // nothing can be done with so many
		}
		return rowCount{rows: says, least: says}, nil
	}
	more, noted, err := p.rowsBeyond(l, rows)
	if err != nil {
		return rowCount{}, err
	}
	if more > rows {
		return rowCount{rows: more, sure: true, noted: noted, least: rows}, nil
	}
	if least := max(says, held); bad == nil && (says == rows || least > 0 && rows > least) {
		return rowCount{rows: rows, sure: true, noted: rows, least: min(rows, least)}, nil
	}
	return rowCount{rows: rows, sure: true, noted: rows, least: rows}, p.writeNumber(l, rows)
}

// writeNumber makes the number of rows what it must be, if it is not.
func (p *repair) writeNumber(l *Log, rows uint32) error {
	mended, err := p.replace(l.prefix+changeset.LatestFile, []byte(formatNumber(rows)))
	if !mended || err != nil {
		return err
	}
	p.tell(l.prefix+changeset.LatestFile, IsRebuilt, "the log has %s", rowsWord(rows))
	return nil
}

// isTooMany reports whether a log would have more rows than a repair can make again, beyond those that it has else, and tells so.
func (p *repair) isTooMany(l *Log, rows, held uint32) bool {
	if rows <= held || rows <= maxWhole/changeset.RowSize {
		return false
	}
	p.tell(l.prefix+changeset.LatestFile, IsLeft, "something tells of row %d, more than a repair can make again; else the log has %s", rows, rowsWord(held))
	return true
}

// tellVotesGone tells that nothing is left of the votes where not even their number is, and notes it for who opens the replica.
func (p *repair) tellVotesGone(l *Log) error {
	if l.prefix == "" || !p.noVotes {
		return nil
	}
	p.tell(l.prefix+changeset.IndexFile, IsLost, "nothing is left of the votes, nor says how many there were%s", p.votesOfOthers())
	return durable.WriteFile(p.fs, l.prefix+LostFile, nil)
}

// tellNumbers tells of a number of rows that is left as it is; bad is why the file holds none.
func (p *repair) tellNumbers(l *Log, says, held uint32, bad error) {
	what := fmt.Sprintf("it says %d", says)
	if isNotExist(bad) {
		bad = errMissing
	}
	if bad != nil {
		what = reason(bad).Error()
	}
	p.tell(l.prefix+changeset.LatestFile, IsLeft, "%s, %s has %s, and nothing tells how many there were", what, l.prefix+changeset.IndexFile, rowsWord(held))
}

// counted decides between the number that the file says, if it says one, and the rows that the index has, by what else counts rows: what two of them say, the greatest if there are several such numbers. The indexes of
// records are asked where the others do not agree; where they do not decide either, it is what our notes say, for nothing of theirs was ever ahead of the log; else the most that the number, those indexes, a whole row of
// the index or a mirror says, if the index has not just one row more than the number, which a program of the original may have died before it counted.
func (p *repair) counted(l *Log, says uint32, valid bool, held uint32) (rows uint32, sure bool, err error) {
	others, err := p.otherCounts(l)
	if err != nil {
		return 0, false, err
	}
	if valid && says == 0 && held == 0 {
		return p.emptied(l, others)
	}
	counts := append([]uint32{held}, others...)
	if valid {
		counts = append(counts, says)
	}
	if rows, sure = saidTwice(counts); sure {
		return rows, true, nil
	}
	named, err := l.highestVersion()
	if err != nil {
		return 0, false, err
	}
	half := valid && held > 0 && held-1 == says
	if rows, sure = saidTwice(append(counts, named)); sure && rows > 0 && !(half && rows == held) {
		return rows, true, nil
	}
	switch {
	case len(others) > 0:
		return slices.Max(others), true, nil
	case valid && says > held:
		return p.tooMany(l, says, held, named)
	case held == 0:
		return l.leftRows(named)
	case half:
		theirs := p.rowsElsewhere(l)
		return theirs, theirs >= held, nil
	}
	whole, err := p.lastWhole(l)
	return max(says, named, whole, p.rowsElsewhere(l)), true, err
}

// emptied decides where neither the file nor the index says that there are any rows: they are both lost where two other counts say how many there were.
func (p *repair) emptied(l *Log, others []uint32) (rows uint32, sure bool, err error) {
	named, err := l.highestVersion()
	if err != nil || named == 0 {
		return 0, true, err
	}
	changesets, err := p.countIDs(l)
	if err != nil {
		return 0, false, err
	}
	rows, _ = saidTwice(append(others, named, changesets))
	return rows, true, nil
}

// saidTwice returns the greatest number that stands twice among some, which it sorts.
func saidTwice(counts []uint32) (n uint32, is bool) {
	slices.Sort(counts)
	for i := len(counts) - 1; i > 0; i-- {
		if counts[i] == counts[i-1] {
			return counts[i], true
		}
	}
	return 0, false
}

// tooMany decides where a number is greater than the index has rows, and nothing else counts so many. The index may have lost rows, if there is what stood in them: here, or in
// mirrors and copies of this replica. Else the number is damaged.
func (p *repair) tooMany(l *Log, says, held, named uint32) (rows uint32, sure bool, err error) {
	changesets, err := p.countIDs(l)
	switch {
	case err != nil:
		return 0, false, err
	case says <= max(named, changesets) || says <= p.rowsElsewhere(l):
		return says, true, nil
	case named > held:
		return named, true, nil
	case held == 0:
		untouched, err := l.untouched()
		if untouched && p.rowsElsewhere(l) == 0 {
			says = 0
		}
		return says, true, err // nothing else is left that would tell
	}
	return held, changesets <= held && p.endsWhole(l, held), nil
}

// untouched reports whether there is none of the files that the first transaction of a log makes.
func (l *Log) untouched() (bool, error) {
	for _, name := range []string{changeset.IndexFile, "cas", changeset.RecordsDir, rowsFile, DigestsFile} {
		if there, err := exists(l.fs, name); there || err != nil {
			return false, err
		}
	}
	return true, nil
}

// countIDs returns of how many changesets there is an object, loose or in a part.
func (p *repair) countIDs(l *Log) (uint32, error) {
	ids := map[changeset.ID]bool{}
	err := p.eachLying(l, func(_ cas.Key, c *changeset.Changeset) error {
		ids[c.ID] = true
		return nil
	})
	return uint32(len(ids)), err
}

// eachLying calls use with each changeset of which there is a whole object, loose or in a part, in the log or not; it stops at its first error.
func (p *repair) eachLying(l *Log, use func(key cas.Key, c *changeset.Changeset) error) error {
	err := l.objects.Walk(func(key cas.Key, _ string) error {
		if key.IsZero() {
			return p.ctx.Err()
		}
		if c := p.wholeChangeset(l, key); c != nil {
			if err := use(key, c); err != nil {
				return err
			}
		}
		return p.ctx.Err()
	})
	if err != nil && !isNotExist(err) {
		return err
	}
	packs, err := l.withRows(maxSeq).packs()
	if err != nil {
		return err
	}
	for _, part := range packs.parts {
		for seq := part.First; seq <= part.Last; seq++ {
			b, err := part.Changeset(seq)
			if err != nil {
				p.unread(err)
				break
			}
			if c, bad := changeset.Decode(b); bad == nil {
				if err := use(cas.Sum(b), c); err != nil {
					return err
				}
			}
			if err := p.ctx.Err(); err != nil {
				return err
			}
		}
	}
	return p.disturbed()
}

// rowsElsewhere returns how many rows the log has in the mirror or the copy that has the most.
func (p *repair) rowsElsewhere(l *Log) (most uint32) {
	for _, r := range p.others() {
		if of := sameLog(r, l); of.uuid == l.uuid {
			most = max(most, of.latest)
		}
	}
	return most
}

// leftRows returns how many rows a log had of which neither the index nor the number is left, nor our notes: as many as the indexes of records name, else as there are changesets.
func (l *Log) leftRows(named uint32) (rows uint32, sure bool, err error) {
	if named > 0 {
		return named, true, nil
	}
	objects, err := l.countObjects()
	return objects, err == nil, err
}

// highestVersion returns the greatest number of a row that the indexes of records name, or the list of parts.
func (l *Log) highestVersion() (highest uint32, err error) {
	if err = l.eachLoose(func(seq uint32) { highest = max(highest, seq) }); err != nil {
		return highest, err
	}
	_, list, err := l.readParts()
	for _, ref := range list {
		highest = max(highest, ref.Last)
	}
	return highest, err
}

// eachLoose calls use with the number of each row that the loose indexes of records name, in no order.
func (l *Log) eachLoose(use func(seq uint32)) error {
	types, err := l.looseTypes()
	if err != nil {
		return err
	}
	for _, typ := range types {
		for rec, err := range l.looseRecords(typ, l.listing()) {
			if err != nil {
				return err
			}
			b, err := readWhole(l.fs, changeset.RecordPath(rec))
			if err != nil && !isNotExist(err) {
				return err
			}
			for _, v := range soundVersions(b) {
				use(v.Seq)
			}
		}
	}
	return nil
}

// countObjects returns how many changesets there are, in the log or not.
func (l *Log) countObjects() (n uint32, err error) {
	err = l.objects.Walk(func(key cas.Key, _ string) error {
		if !key.IsZero() {
			n++
		}
		return nil
	})
	if err != nil && !isNotExist(err) {
		return n, err
	}
	_, list, err := l.readParts()
	for _, ref := range list {
		n += ref.Last - ref.First + 1
	}
	return n, err
}

// votesGone reports whether nothing is left of the resolutions that would say how many votes there were.
func (p *repair) votesGone() bool {
	for _, name := range []string{votesVersionFile, votesNumber} {
		text, err := readSmall(p.fs, name)
		if err == nil && text != "" {
			return false
		}
		p.unread(err)
	}
	held, err := rowsHeld(newLog(p.fs, changeset.ResolutionsDir+"/", "", &limits{}).fs)
	p.unread(err)
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
func (p *repair) otherCounts(l *Log) (counts []uint32, err error) {
	all := l.withRows(maxSeq)
	all.ours = companion{l.fs, maxSeq, l.prefix, l.where, l.limits}
	n, err := all.ours.count()
	if err == nil && n > 0 {
		counts = append(counts, n)
	}
	p.unread(err)
	e, _, err := all.lastDigest()
	if err == nil && e.row > 0 {
		counts = append(counts, e.row)
	}
	p.unread(err)
	return counts, p.disturbed()
}

// lastWhole returns the last row of the index that is one, whatever it names; 0 if none is.
func (p *repair) lastWhole(l *Log) (uint32, error) {
	file, err := p.read(l.prefix + changeset.IndexFile)
	for row := uint32(len(file) / changeset.RowSize); row > 0; row-- {
		if _, whole := rowIn(file, row); whole {
			return row, err
		}
	}
	return 0, err
}

// endsWhole reports whether the last of so many rows names a changeset that is there.
func (p *repair) endsWhole(l *Log, rows uint32) bool {
	if rows == 0 {
		return true
	}
	whole := l.withRows(rows)
	row, err := whole.Row(rows)
	if err == nil {
		_, _, err = whole.RawChangeset(row)
	}
	p.unread(err)
	return err == nil
}
