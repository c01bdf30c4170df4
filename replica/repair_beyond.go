package replica

import (
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// beyond looks for rows of a log after the last one that is told of: what counts them may have been set back, all of it or most.
type beyond struct {
	p       *repair
	l       *Log // of the rows that are told of
	held    uint32
	claimed uint32       // the last row of which anything tells
	strays  []*candidate // changesets that are here and in no row
}

// rowsBeyond returns how many rows a log has that has held ones by most of what counts them. It has more where two of all files that count rows say so, or parts have them; where changesets are here of two rows at
// least, one after the other, which the index names there, or of which the indexes of records have the versions that they make; or where others have what was made here after that. Where somebody has another
// changeset under the number of one that is here, the files that count rows, and parts, are believed alone. Notes of ours beyond the number that no journal explains were committed with their rows. One changeset of
// which only the index of a record tells may be what a program of the original was cut off in, and one of which nothing does what one of ours was.
func (p *repair) rowsBeyond(l *Log, held uint32) (rows uint32, err error) {
	x := &beyond{p: p, l: l.withRows(held), held: held}
	if rows, err = x.counted(); err != nil {
		return held, err
	}
	if err := x.findStrays(); err != nil {
		return held, err
	}
	if x.claimed <= held && !slices.ContainsFunc(x.strays, func(f *candidate) bool { return x.isOwn(f.c.ID) }) {
		return held, nil
	}
	proven, err := x.proven()
	if err != nil {
		return held, err
	}
	theirs, another, err := x.elsewhere()
	if err != nil {
		return held, err
	}
	if !another { // else the objects here may never have been committed
		if proven > held+1 {
			rows = max(rows, proven)
		}
		rows = max(rows, theirs)
	}
	if rows > maxWhole/changeset.RowSize {
		p.tell(l.prefix+changeset.LatestFile, IsLeft, "the log has %s by most of what counts them; something tells of row %d, more than a repair can make again", rowsWord(held), rows)
		return held, nil
	}
	return rows, nil
}

// counted returns how many rows there are by the files that count them, as two of them say, or a list of parts, which names what was committed.
func (x *beyond) counted() (uint32, error) {
	counts, err := x.p.otherCounts(x.l)
	if err != nil {
		return x.held, err
	}
	named, err := x.l.highestVersion()
	if err != nil && !isDamage(err) { // what is damaged is told when it is mended
		return x.held, err
	}
	brought, err := x.p.lastBrought(x.l)
	if err != nil {
		return x.held, err
	}
	packed, err := x.packed()
	if err != nil {
		return x.held, err
	}
	index, err := rowsHeld(x.l.fs)
	if err != nil {
		return x.held, err
	}
	counts = append(counts, index, x.number(), named, brought, 0)
	slices.Sort(counts)
	x.claimed = max(packed, counts[len(counts)-1])
	return max(x.held, packed, counts[len(counts)-2]), nil
}

// number returns how many rows the file counts that says so; zero where it says nothing.
func (x *beyond) number() uint32 {
	text, err := readSmall(x.l.fs, changeset.LatestFile)
	x.p.unread(err)
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
	index, err := x.p.read(x.l.prefix + changeset.IndexFile)
	if err != nil {
		return err
	}
	index = index[:min(len(index), int(x.held)*changeset.RowSize)]
	for ; len(index) >= changeset.RowSize; index = index[changeset.RowSize:] {
		named[cas.Key(index[changeset.RowSize-len(cas.Key{}):changeset.RowSize])] = true
	}
	return x.l.objects.Walk(func(key cas.Key, _ string) error {
		if err := x.p.disturbed(); err != nil || key.IsZero() || named[key] {
			return err
		}
		if c := x.p.wholeChangeset(x.l, key); c != nil {
			x.strays = append(x.strays, &candidate{key: key, c: c})
		}
		return nil
	})
}

// isOwn reports whether a changeset was made here under the number of a row after the last.
func (x *beyond) isOwn(id changeset.ID) bool { return id.Origin == x.l.uuid && id.Seq > x.held }

// proven returns up to which row, without a gap, changesets are here of which the index has the row, or the indexes of records the versions that they make.
func (x *beyond) proven() (uint32, error) {
	index := &indexRepair{p: x.p, l: x.l}
	err := index.loadVersions()
	if err != nil {
		return x.held, err
	}
	if index.file, err = x.p.read(x.l.prefix + changeset.IndexFile); err != nil {
		return x.held, err
	}
	s := &solver{x: index}
	for row := x.held + 1; ; row++ {
		said, whole := index.said(row)
		stood := func(f *candidate) bool {
			return whole && said.Key == f.key && said.ID == f.c.ID || index.numbered && index.madeIt(row, f.c)
		}
		if !slices.ContainsFunc(x.strays, func(f *candidate) bool { return s.owns(f, row) && stood(f) }) {
			return row - 1, x.p.disturbed()
		}
	}
}

// elsewhere returns how many rows there are by those who are asked: as many as a mirror or a copy of this replica has, or up to the last changeset that was made here. another says that somebody has another edit under the
// number of one that is here: one of the two was made on a copy, so a pull gives the replica another UUID.
func (x *beyond) elsewhere() (rows uint32, another bool, err error) {
	here := map[changeset.ID]cas.Key{}
	for _, f := range x.strays {
		if x.isOwn(f.c.ID) {
			here[f.c.ID] = f.key
		}
	}
	for _, r := range x.p.others() {
		l := sameLog(r, x.l)
		if l.uuid == x.l.uuid {
			rows = max(rows, l.latest)
		}
		for row, err := range l.Rows(1, l.latest) {
			if err != nil {
				x.p.passOver(r, err)
				break
			}
			if !x.isOwn(row.ID) {
				continue
			}
			if key, is := here[row.ID]; is && key != row.Key && !x.sameEdit(l, row, key) {
				return 0, true, x.p.disturbed()
			}
			rows = max(rows, row.ID.Seq)
		}
	}
	return rows, false, x.p.disturbed()
}

// sameEdit reports whether the changeset of a row of somebody's log is the same edit as one that is here.
func (x *beyond) sameEdit(l *Log, row changeset.Row, key cas.Key) bool {
	here := x.p.wholeChangeset(x.l, key)
	there, err := l.Changeset(row)
	return err == nil && here != nil && changeset.SameEdit(here, there)
}
