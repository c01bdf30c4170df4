package replica

import (
	"fmt"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// beyond looks for rows of a log after the last one that is told of: what counts them may have been set back, all of it or most.
type beyond struct {
	*line
	index   []byte                // as it was found
	claimed uint32                // the last row of which anything tells
	noted   uint32                // the last row that a file counts which is written as part of a commit
	indexed map[uint32]bool       // rows that the indexes of records name
	has     map[changeset.ID]bool // what has a row that is told of
	strays  []*candidate          // changesets that are here and in no row
}

// rowsBeyond returns how many rows a log has that has held ones by most of what counts them. It has more where two of all files that count rows say so; where one does, and the changesets of all rows up to there are
// here, as far as can be told; where a list of parts does; or where others have what was made here after that. Notes of ours beyond the number that no journal explains were committed with their rows: the log was set back
// then, and what was made here after those rows is its own too. The indexes of records alone make no one row of format 1, for a program of the original may have been cut off in that; and none where somebody has another
// changeset in a row that is here. A changeset of which nothing tells is what one of ours was cut off in.
//
// noted is the last row that others have, or that a file counts which is written as part of a commit; zero if nothing tells of more than the log has, or of too many.
func (p *repair) rowsBeyond(l *Log, held uint32) (rows, noted uint32, err error) {
	index, err := p.read(l.prefix + changeset.IndexFile)
	if err != nil {
		return held, 0, err
	}
	x := &beyond{line: newLine(p, l, held, index, l.packedChangeset(p)), index: index}
	if rows, err = x.counted(); err != nil {
		return held, 0, err
	}
	if err = x.findPacked(); err == nil { // first: where something is loose, too, that counts
		err = x.findStrays()
	}
	if err != nil {
		return held, 0, err
	}
	if x.claimed <= held && !p.of[l.prefix].besideAhead && !slices.ContainsFunc(x.strays, func(f *candidate) bool { return x.isOwn(f.c.ID) }) {
		return held, 0, nil
	}
	theirs, another, err := x.elsewhere()
	if err != nil {
		return held, 0, err
	}
	run := x.run(rows)
	rows = max(rows, min(x.noted, run), x.placed())
	if !another { // else the objects here may never have been committed
		if told := max(min(x.claimed, run), x.indexedOwn()); told > held+1 || p.of[l.prefix].onlyOurs { // which is written with a journal
			rows = max(rows, told)
		}
		if min(x.noted, run) > held { // it was set back for sure
			rows = max(rows, run)
		}
		rows = max(rows, theirs)
	}
	if p.isTooMany(l, rows, held) {
		return held, 0, nil
	}
	x.tellUncounted(rows)
	if rows == 0 {
		err = p.tellGone(l)
	}
	return rows, max(x.noted, theirs), err
}

// tellUncounted tells that one file counts more rows than the log is to have, and changesets of others lie here that may have stood in them, but nothing says which.
func (x *beyond) tellUncounted(rows uint32) {
	if x.noted <= rows || x.noted > maxWhole/changeset.RowSize { // no log has so many: that file is damaged
		return
	}
	free := int(rows - x.held) // of the rows that are taken up, those in which others' stand
	for _, f := range x.strays {
		if x.isOwn(f.c.ID) && f.c.ID.Seq <= rows {
			free--
		}
	}
	n := x.others() - free
	if n <= 0 {
		return
	}
	text := "a changeset of somebody else lies here that the log does not have: a pull from who has it brings it"
	if n > 1 {
		text = fmt.Sprintf("%d changesets of others lie here that the log does not have: a pull from who has them brings them", n)
	}
	x.p.tell(x.l.prefix+changeset.LatestFile, IsLost, "a file counted %s, the log has %d of them, and %s", rowsWord(x.noted), rows, text)
}

// others returns how many changesets are here that others made, and that are in no row.
func (x *beyond) others() (n int) {
	for _, f := range x.strays {
		if f.c.ID.Origin != x.l.uuid && !f.c.Bookkeeping() && !x.has[f.c.ID] {
			n++
		}
	}
	return n
}

// tellGone tells that nothing is left of a log which brought records, as the table of local ids says still.
func (p *repair) tellGone(l *Log) error {
	last, err := p.lastBrought(l)
	if last > 0 && err == nil {
		p.tell(l.prefix+changeset.IndexFile, IsLost, "nothing is left of the log, which had row %d, as %s says: a pull brings back what others have", last, l.prefix+idsFile)
	}
	return err
}

// counted returns how many rows there are by the files that count them, as two of them say, or a list of parts, which names what was committed: if one of the others tells of a row that it has, or the index has the last row
// as it has it, it is this log's.
func (x *beyond) counted() (uint32, error) {
	counts, err := x.p.fileCounts(x.l)
	if err != nil {
		return x.held, err
	}
	named, err := x.findIndexed()
	if err != nil && !isDamage(err) { // what is damaged is told when it is mended
		return x.held, err
	}
	packed, err := x.packed()
	if err != nil {
		return x.held, err
	}
	listed := x.p.of[x.l.prefix].listedTo
	x.noted = max(listed, slices.Max(counts))
	counts = append(counts, named)
	slices.Sort(counts)
	x.claimed = max(listed, counts[len(counts)-1])
	if told := min(listed, counts[len(counts)-1]); told > x.held {
		packed = listed
	}
	return max(x.held, packed, x.p.of[x.l.prefix].surelyTo, counts[len(counts)-2]), nil
}

// fileCounts returns how many rows a log has by each of the files that are written as part of a commit, but for the list of parts; zeros where one says nothing.
func (p *repair) fileCounts(l *Log) ([]uint32, error) {
	counts, err := p.otherCounts(l)
	if err != nil {
		return nil, err
	}
	brought, err := p.lastBrought(l)
	if err != nil {
		return nil, err
	}
	index, err := rowsHeld(l.fs)
	return append(counts, index, p.number(l), brought), err
}

// run returns up to which row, from one on, the changesets are here: those that were made here under the numbers of the rows, and others between these, or in rows that the indexes of records name, or up to the very row that a file
// counts to which is written as part of a commit: then all of them were in the log, and no other one is missing.
func (x *beyond) run(from uint32) uint32 {
	own, others := map[uint32]bool{}, x.others()
	for _, f := range x.strays {
		if x.isOwn(f.c.ID) {
			own[f.c.ID.Seq] = true
		}
	}
	last, row := from, from+1
	for ; own[row] || others > 0; row++ {
		if !own[row] {
			others--
		}
		if own[row] || x.indexed[row] || others == 0 && row == x.noted {
			last = row
		}
	}
	return last
}

// placed returns the last row of which a file tells that is written as part of a commit, and whose changeset is here: one that was made here under its number, or that the index names in it. Rows between may be gone.
func (x *beyond) placed() (last uint32) {
	at := map[cas.Key]uint32{}
	for seq := x.held + 1; int(seq)*changeset.RowSize <= len(x.index); seq++ {
		if row, whole := rowIn(x.index, seq); whole {
			at[row.Key] = seq
		}
	}
	for _, f := range x.strays {
		if x.isOwn(f.c.ID) && f.c.ID.Seq <= x.noted {
			last = max(last, f.c.ID.Seq)
		} else if f.c.ID.Origin != x.l.uuid {
			last = max(last, at[f.key])
		}
	}
	return last
}

// indexedOwn returns the last row that the index of a record names and whose changeset was made here under its number, and is here.
func (x *beyond) indexedOwn() (last uint32) {
	for _, f := range x.strays {
		if x.isOwn(f.c.ID) && x.indexed[f.c.ID.Seq] {
			last = max(last, f.c.ID.Seq)
		}
	}
	return last
}

// findIndexed notes the rows beyond that the loose indexes of records name, and returns the greatest number that they name.
func (x *beyond) findIndexed() (highest uint32, err error) {
	x.indexed = map[uint32]bool{}
	err = x.l.eachLoose(func(seq uint32) {
		if seq > x.held {
			x.indexed[seq] = true
		}
		highest = max(highest, seq)
	})
	return highest, err
}

// number returns how many rows the file counts that says so; zero where it says nothing.
func (p *repair) number(l *Log) uint32 {
	text, err := readSmall(l.fs, changeset.LatestFile)
	p.unread(err)
	says, bad := parseNumber("", text)
	if err != nil || bad != nil {
		return 0
	}
	return says
}

// lastBrought returns the last row of which the table of local ids has an entry.
func (p *repair) lastBrought(l *Log) (last uint32, err error) {
	b, err := p.read(l.prefix + idsFile)
	for ; len(b) >= localIDSize; b = b[localIDSize:] {
		last = max(last, parseLocalID(b).row)
	}
	return last, err
}

// packed returns the last row that parts have, if the last one of the index is the same there: else they may be another replica's.
func (x *beyond) packed() (uint32, error) {
	_, list, err := x.l.readParts()
	x.p.unread(err)
	if len(list) == 0 || err != nil || list[len(list)-1].Last <= x.held {
		return x.held, x.p.disturbed()
	}
	packs, err := x.l.packs()
	if err != nil {
		return x.held, err
	}
	if part := packs.covering(x.held); part != nil {
		var text []byte
		row, err := x.l.Row(x.held)
		if err == nil {
			text, err = part.Changeset(x.held)
		}
		x.p.unread(err)
		if err != nil || cas.Sum(text) != row.Key {
			return x.held, x.p.disturbed()
		}
	}
	return list[len(list)-1].Last, x.p.disturbed()
}

// findStrays reads the changesets that are here as loose objects, and that neither a row names that is told of nor a list beside it.
func (x *beyond) findStrays() error {
	named, err := x.p.namedBeside(x.l)
	if err != nil {
		return err
	}
	x.has = map[changeset.ID]bool{}
	for index := x.index[:min(len(x.index), int(x.held)*changeset.RowSize)]; len(index) >= changeset.RowSize; index = index[changeset.RowSize:] {
		if row, err := changeset.ParseRow(index[:changeset.RowSize]); err == nil {
			x.has[row.ID] = true
		}
		named[cas.Key(index[changeset.RowSize-len(cas.Key{}):changeset.RowSize])] = true
	}
	return x.l.objects.Walk(func(key cas.Key, _ string) error {
		if err := x.p.disturbed(); err != nil || key.IsZero() || named[key] {
			return err
		}
		if c := x.p.wholeChangeset(x.l, key); c != nil {
			x.strays = append(x.strays, &candidate{key: key, c: c})
			if x.isOwn(c.ID) {
				x.made[c.ID] = key
			}
		}
		return nil
	})
}

// findPacked reads what was made here after the last row and lies in parts.
func (x *beyond) findPacked() error {
	all := x.l.withRows(maxSeq)
	packs, err := all.packs()
	if err != nil {
		x.p.unread(err)
		return x.p.disturbed() // what is damaged is told when it is mended
	}
	for _, part := range packs.parts {
		for seq := max(part.First, x.held+1); seq <= part.Last; seq++ {
			b, err := part.Changeset(seq)
			if x.p.unread(err); err != nil {
				break
			}
			if c, bad := changeset.Decode(b); bad == nil && x.isOwn(c.ID) {
				x.made[c.ID] = cas.Sum(b)
			}
		}
	}
	return x.p.disturbed()
}
