package replica

import (
	"bytes"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// indexRepair mends the index of one log: it keeps the rows that hold together with their changesets and with what the records' indexes say, and finds the others.
type indexRepair struct {
	says               // its log has the number of rows that it has to have
	file      []byte   // the index, as it was found
	slots     []slot   // of row n at n-1
	disputed  bool     // more of the records' indexes speak against the rows than for them
	foreign   bool     // it is another replica's: whole rows stand in wrong places
	doubted   bool     // perhaps it is
	mirror    string   // where rows were had from
	undecided []string // rows of which several things are said, with these

	packed []uint32                          // rows of which a part has another changeset than the index says
	moved  map[uint32][]*changeset.Changeset // loose ones by their numbers, if changesets were named anew: they may stand in rows of which parts have what was there before
}

// slot is a row of the index as far as it is known.
type slot struct {
	row   changeset.Row
	known bool
	guess bool // nothing tells that the changeset stood there but that no other one does that is here: mirrors know better
	weak  bool // its changeset cannot be read, so that it is known only if nothing speaks against it
}

// mendIndex mends the index of a log and the number of its rows, and reports whether the log can be read with it.
func (p *repair) mendIndex(prefix string) (sound bool, err error) {
	if prefix == "" {
		if err := p.mendListNumber(); err != nil {
			return false, err
		}
	}
	l := newLog(p.fs, prefix, p.opts.Where, &limits{})
	if l.uuid, err = l.readUUID(changeset.ReplicaUUIDFile); err != nil {
		return false, err
	}
	n, err := p.mendNumber(l)
	if err != nil || !n.sure && n.rows == 0 {
		return false, err
	}
	if n.rows == 0 {
		if err := p.tellVotesGone(l); err != nil {
			return false, err
		}
	}
	file, err := p.read(prefix + changeset.IndexFile)
	if err != nil {
		return false, err
	}
	for rows := n.rows; ; {
		l.latest, l.ours = rows, companion{l.fs, rows, prefix, l.where, l.limits}
		x, lacking, err := p.solveIndex(l, file)
		if err != nil {
			return false, err
		}
		unknown := x.unknown()
		if rows == n.least || len(unknown) == 0 || len(x.undecided) > 0 {
			return x.mend(lacking, n)
		}
		rows = max(unknown[0]-1, n.least) // what only notes tell of, and nobody has, must not keep the rest from being read
	}
}

// means is what a pass over an index takes for possible beside what is here and sound.
type means struct {
	deep    bool // what others have in their logs may stand in this one
	trusts  bool // that records' indexes say otherwise is no reason to doubt the index
	unnoted bool // the notes on rows may be another replica's: that a changeset made the versions of a row goes before what they say of it
	older   bool // records' indexes may be older ones, which say nothing of rows behind their last; what was made here stands in the row of its number
}

// allMeans are the passes, in order: each is made only where the ones before leave rows unknown.
var allMeans = []means{{}, {deep: true}, {trusts: true}, {trusts: true, deep: true}, {unnoted: true}, {unnoted: true, deep: true}, {older: true}, {older: true, deep: true}}

// solveIndex finds out, with more and more means, what stands in the rows of an index, and returns which were not known at first.
func (p *repair) solveIndex(l *Log, file []byte) (x *indexRepair, lacking []uint32, err error) {
	said, err := newSays(p, l) // once: nothing writes meanwhile what it reads
	if err != nil {
		return nil, nil, err
	}
	for _, m := range allMeans {
		if m.trusts && (!x.disputed || x.foreign) { // else it is the records' indexes that are damaged
			continue
		}
		for again := true; again; {
			x = &indexRepair{says: said, file: file, slots: make([]slot, l.latest)} // a copy, for a round says of it what it takes for damaged
			x.means = m
			if err := x.look(); err != nil {
				return nil, nil, err
			}
			if lacking, err = x.settle(); err != nil {
				return nil, nil, err
			}
			if again, err = x.fetchWeak(); err != nil {
				return nil, nil, err
			}
		}
		if err := x.knownToMirrors(); err != nil {
			return nil, nil, err
		}
		if len(x.unknown()) == 0 || len(x.undecided) > 0 {
			break
		}
	}
	return x, lacking, nil
}

// look finds out which rows are known.
func (x *indexRepair) look() error {
	lacks, err := x.lacksLoose()
	if err != nil {
		return err
	}
	x.mayHaveLost = x.mayHaveLost || lacks
	packs, err := x.l.packs()
	if err != nil {
		return err
	}
	agree, differ, foreign, otherIDs := 0, 0, 0, false
	for i := range x.slots {
		if err := x.p.disturbed(); err != nil {
			return err
		}
		is, others, err := x.readPacked(packs, uint32(i+1))
		switch {
		case err != nil:
			return err
		case others:
			foreign++
		}
		if is {
			continue
		}
		c := x.readSlot(i)
		if c == nil {
			continue
		}
		seq := uint32(i + 1)
		switch named := x.namesRow(seq, c); {
		case c.ID.Origin == x.l.uuid && c.ID.Seq != seq: // and yet the row is whole: it is not damaged, but another log's
			x.slots[i].known = false
			foreign++
		case named:
			agree++
			otherIDs = otherIDs || !x.bringsAll(seq, c)
		default:
			differ++
		}
	}
	if otherIDs {
		x.brought = nil // that table is damaged
	}
	x.foreign = foreign > 0
	x.disputed = differ > agree
	x.doubted = x.foreign || x.disputed && !x.trusts
	return nil
}

// readSlot reads a row of the index and its changeset, and notes whether they hold together; the changeset is nil if it cannot be read.
func (x *indexRepair) readSlot(i int) *changeset.Changeset {
	row, whole := x.said(uint32(i + 1))
	x.slots[i].row = row
	if !whole {
		return nil
	}
	c := x.p.wholeChangeset(x.l, row.Key)
	x.slots[i].weak = c == nil
	x.slots[i].known = c == nil && !(row.ID.Origin == x.l.uuid && row.ID.Seq != row.Seq) || c != nil && c.ID == row.ID
	if !x.slots[i].known {
		return nil
	}
	return c
}

// wholeChangeset reads a changeset by its name; nil if it is missing or damaged, or the disk fails, see [repair.disturbed].
func (p *repair) wholeChangeset(l *Log, key cas.Key) *changeset.Changeset {
	b, err := l.objects.Get(key)
	if err != nil {
		p.unread(err)
		return nil
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil
	}
	return c
}

// settle finds the rows that are not known from the changesets that are there, and returns which were not.
func (x *indexRepair) settle() (lacking []uint32, err error) {
	if x.doubted {
		packs, err := x.l.packs()
		if err != nil {
			return nil, err
		}
		for i := range x.slots {
			seq, s := uint32(i+1), &x.slots[i]
			c := x.p.wholeChangeset(x.l, s.row.Key)
			s.known = s.known && c != nil && x.leadsThere(seq, c)
			s.guess = x.foreign && s.known && packs.covering(seq) == nil && c.ID.Origin != x.l.uuid && !x.madeIt(seq, c)
		}
	}
	lacking = x.unknown()
	if len(lacking) > 0 || slices.ContainsFunc(x.slots, func(s slot) bool { return s.weak }) {
		lacking, err = x.solve()
	}
	lacking = append(lacking, x.packed...)
	slices.Sort(lacking)
	return lacking, err
}

// knownToMirrors asks mirrors for the rows that are not known, or guessed, if there are some.
func (x *indexRepair) knownToMirrors() (err error) {
	if slices.ContainsFunc(x.slots, func(s slot) bool { return !s.isSure() }) {
		x.mirror, err = x.askMirrors()
	}
	return err
}

// mend writes the index if all its rows are known, then the number, where that waited for it.
func (x *indexRepair) mend(lacking []uint32, n rowCount) (sound bool, err error) {
	how := "made again from the changesets"
	if x.mirror != "" {
		how = "had from " + x.mirror
	}
	if err := x.p.disturbed(); err != nil {
		return false, err
	}
	if left := x.unknown(); len(left) > 0 {
		x.tellUndecided()
		x.p.tell(x.l.prefix+changeset.IndexFile, IsLeft, "%s of it cannot be told for sure; it is left as it is", few(left))
		return false, nil
	}
	if err := x.write(how, lacking, n.sure); err != nil || n.rows == n.least {
		return true, err
	}
	rows := uint32(len(x.slots))
	x.p.of[x.l.prefix].noteTo = rows // files of ours told of them
	if err := x.p.writeNumber(x.l, rows); err != nil || rows == n.rows {
		return true, err
	}
	if rows == 0 {
		if err := x.p.tellVotesGone(x.l); err != nil {
			return true, err
		}
	}
	if rows < n.noted {
		x.p.tell(x.l.prefix+changeset.LatestFile, IsLost, "%s noted and gone: nobody who was asked has what stood there; a pull from a replica that has it brings it back", span(rows+1, n.rows))
	} else {
		x.p.tell(x.l.prefix+changeset.LatestFile, IsLost, "%s not made again: what may have stood there lies here, but nothing tells in which order, nor that it was committed; a pull from a replica that has it brings it", span(rows+1, n.rows))
	}
	return true, nil
}

// unknown returns the rows that are not known.
func (x *indexRepair) unknown() (rows []uint32) {
	for i, s := range x.slots {
		if !s.known {
			rows = append(rows, uint32(i+1))
		}
	}
	return rows
}

// write writes the index. What follows the rows that count goes, unless they may count.
func (x *indexRepair) write(how string, lacking []uint32, sure bool) error {
	var want []byte
	for _, s := range x.slots {
		want = changeset.AppendRow(want, s.row)
	}
	if !sure && bytes.HasPrefix(x.file, want) || x.file == nil && len(want) == 0 {
		return nil
	}
	mended, err := x.p.replace(x.l.prefix+changeset.IndexFile, want)
	switch {
	case !mended || err != nil:
	case len(lacking) == 0:
		x.p.tell(x.l.prefix+changeset.IndexFile, IsRebuilt, "what followed its %d rows was no row", len(x.slots))
	default:
		x.p.tell(x.l.prefix+changeset.IndexFile, IsRebuilt, "%s %s", few(lacking), how)
	}
	return err
}
