package replica

import (
	"maps"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// solver finds out which changesets stand in the rows of an index that are not known. It decides only what is forced: a row that one changeset alone can stand in, and, where there are as many
// changesets as rows, a changeset that can stand in one row alone.
type solver struct {
	x       *indexRepair
	rows    []uint32     // not known yet, in order
	free    []*candidate // changesets that no known row names
	all     bool         // each of them stands in one of the rows
	enough  bool         // there are as many of them as rows, so that what stood in a row may be among them
	placeOf map[changeset.ID]uint32
	had     []*wanted               // what stands in a row and somebody else has
	child   map[changeset.ID]uint32 // the first known row that names a changeset as a parent
}

// candidate is a changeset that may stand in one of the rows.
type candidate struct {
	key  cas.Key
	c    *changeset.Changeset
	rows []uint32 // where it can stand
	from string   // who has it; "" if it is here
	data []byte   // its bytes, if somebody else has it
}

// solve finds rows from the changesets that are there, and returns which were not known before.
func (x *indexRepair) solve() (lacking []uint32, err error) {
	s := &solver{x: x, placeOf: map[changeset.ID]uint32{}, child: map[changeset.ID]uint32{}}
	for _, known := range x.slots {
		if known.known {
			s.stand(known.row.Seq, known.row.ID, x.p.wholeChangeset(x.l, known.row.Key))
		}
	}
	if err := s.collect(); err != nil {
		return nil, err
	}
	if err := s.doubtWeak(); err != nil {
		return nil, err
	}
	lacking = x.unknown()
	s.rows = slices.Clone(lacking)
	if !x.doubted {
		s.takeHints(s.fits)
	}
	s.all, s.enough = len(s.free) == len(s.rows), len(s.free) >= len(s.rows)
	for _, f := range s.free {
		for _, row := range s.mayFit(f) {
			if s.fits(f, row) {
				f.rows = append(f.rows, row)
			}
		}
	}
	if x.older {
		s.placeOwn()
	}
	for s.force() {
	}
	if !x.doubted { // what the records' indexes say against them may be damage of these
		s.takeHints(s.mayBeDamaged)
	}
	return lacking, x.p.store(s.had)
}

// collect finds the changesets that no row names which is known, nor the list of representations, and that are not what is left of another one.
func (s *solver) collect() error {
	named, err := s.x.p.namedBeside(s.x.l)
	if err != nil {
		return err
	}
	for _, known := range s.x.slots {
		if known.known {
			named[known.row.Key] = true
		}
	}
	err = s.x.l.objects.Walk(func(key cas.Key, _ string) error {
		if err := s.x.p.disturbed(); err != nil || key.IsZero() || named[key] {
			return err
		}
		named[key] = true
		c := s.x.p.wholeChangeset(s.x.l, key)
		if c != nil && s.x.mayBeHere(c) && (s.placeOf[c.ID] == 0 || s.x.slots[s.placeOf[c.ID]-1].weak) {
			s.free = append(s.free, &candidate{key: key, c: c})
		}
		return nil
	})
	if err != nil || !s.x.deep {
		return err
	}
	return s.collectElsewhere(named)
}

// mayBeHere reports whether a changeset may stand in the log at all: bookkeeping of another one, which a pull that was cut off left, does not.
func (x *indexRepair) mayBeHere(c *changeset.Changeset) bool {
	if !c.Bookkeeping() {
		return true
	}
	made, err := x.l.made(c.ID.Origin)
	x.p.unread(err)
	return made || err != nil
}

// collectElsewhere adds what others have in their logs.
func (s *solver) collectElsewhere(named map[cas.Key]bool) error {
	for _, r := range s.x.p.others() {
		l := sameLog(r, s.x.l)
		for row, err := range l.Rows(1, l.latest) {
			if err != nil {
				s.x.p.passOver(r, err)
				break
			}
			if named[row.Key] || s.placeOf[row.ID] > 0 {
				continue
			}
			named[row.Key] = true
			raw, c, err := l.RawChangeset(row)
			if err == nil && !c.Bookkeeping() {
				s.free = append(s.free, &candidate{key: row.Key, c: c, from: r.where(), data: raw})
			}
			s.x.p.passOver(r, err)
		}
	}
	return s.x.p.disturbed()
}

// takeHints places what a damaged row of that number names still, if it may stand there: by the name of the object, or by what is left of that, or by the ID.
func (s *solver) takeHints(may func(f *candidate, row uint32) bool) {
	for _, row := range slices.Clone(s.rows) {
		hint := s.x.slots[row-1].row
		var byKey, byPart, byID []*candidate
		for _, f := range s.free {
			isKey, isPart, isID := f.key == hint.Key, resembles(hint.Key, f.key), f.c.ID == hint.ID
			if !isKey && !isPart && !isID || !may(f, row) {
				continue
			}
			if isKey {
				byKey = append(byKey, f)
			}
			if isPart {
				byPart = append(byPart, f)
			}
			if isID {
				byID = append(byID, f)
			}
		}
		for _, found := range [][]*candidate{byKey, byPart, byID} {
			if len(found) == 1 {
				s.place(found[0], row)
				break
			}
		}
	}
}

// placeOwn places what was made here, and alone bears the number of a row in which it can stand.
func (s *solver) placeOwn() {
	own := map[uint32][]*candidate{}
	for _, f := range s.free {
		if row := f.c.ID.Seq; f.c.ID.Origin == s.x.l.uuid && slices.Contains(f.rows, row) {
			own[row] = append(own[row], f)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(own)) {
		if len(own[row]) == 1 {
			s.place(own[row][0], row)
		}
	}
}

// mayBeDamaged is owns where the row bears its number, so that it is no other row that got there, and names the object of the changeset still, if only in part.
func (s *solver) mayBeDamaged(f *candidate, row uint32) bool {
	hint := s.x.slots[row-1].row
	return s.owns(f, row) && hint.Seq == row && (f.key == hint.Key || resembles(hint.Key, f.key))
}

// owns reports whether a changeset can stand in a row by its number.
func (s *solver) owns(f *candidate, row uint32) bool { return f.c.ID.Seq == row || !s.isNumbered(f) }

// isNumbered reports whether a changeset stands in the row of its number, if in any: it was made in this log, or is bookkeeping of a former UUID, which was in no other log.
func (s *solver) isNumbered(f *candidate) bool {
	return f.c.ID.Origin == s.x.l.uuid || f.c.Bookkeeping()
}

// mayFit returns the rows in which a changeset may fit, of those that are not known: one at most if it is numbered, so that a log of what was made in it costs a look at each.
func (s *solver) mayFit(f *candidate) []uint32 {
	if !s.isNumbered(f) {
		return s.rows
	}
	at, is := slices.BinarySearch(s.rows, f.c.ID.Seq)
	if !is {
		return nil
	}
	return s.rows[at : at+1]
}

// fits reports whether a changeset can stand in a row. What is in memory is asked first: where it says no, as of most rows, nothing is read.
func (s *solver) fits(f *candidate, row uint32) bool {
	return s.owns(f, row) && s.x.touchesAll(row, f.c) && s.mayCome(f, row) && s.x.leadsThere(row, f.c) && !s.namesAnother(f, row) && s.x.isNoted(row, f.c)
}

// mayCome reports whether a changeset that only others have may stand in a row: it was made in this log, or an index of a record tells that it stood there. Others have many that never came here.
func (s *solver) mayCome(f *candidate, row uint32) bool {
	return f.from == "" || f.c.ID.Origin == s.x.l.uuid || slices.ContainsFunc(f.c.Changes, func(ch changeset.Change) bool { return s.x.versionAt(ch.Record, row) >= 0 })
}

// isNoted reports whether a changeset is what the notes on a row say of it; or they may be another replica's, and it made the very version that the index of a record has of that row.
func (x *indexRepair) isNoted(row uint32, c *changeset.Changeset) bool {
	return x.bringsAll(row, c) && x.sameKind(row, c) || x.unnoted && x.madeIt(row, c)
}

// place puts a changeset into a row.
func (s *solver) place(f *candidate, row uint32) {
	s.x.slots[row-1] = slot{row: changeset.Row{Seq: row, ID: f.c.ID, Key: f.key}, known: true}
	if f.data != nil {
		w := changesetOf(s.x.l, f.key)
		w.data, w.from = f.data, f.from
		s.had = append(s.had, w)
	}
	s.stand(row, f.c.ID, f.c)
	s.rows = slices.DeleteFunc(s.rows, func(r uint32) bool { return r == row })
	s.free = slices.DeleteFunc(s.free, func(g *candidate) bool { return g == f || g.c.ID == f.c.ID })
	for _, g := range s.free {
		g.rows = slices.DeleteFunc(g.rows, func(r uint32) bool { return r == row })
	}
}

// force places one changeset that can stand in one row alone, or one that alone can stand in its row, and reports whether there was one.
func (s *solver) force() bool {
	s.keepOrder()
	for _, row := range s.rows {
		var can []*candidate
		for _, f := range s.free {
			if slices.Contains(f.rows, row) {
				can = append(can, f)
			}
		}
		if len(can) == 1 && (s.enough || s.tells(can[0], row)) {
			s.guess(can[0], row)
			return true
		}
	}
	if !s.all {
		return false
	}
	for _, f := range s.free {
		if len(f.rows) == 1 {
			s.guess(f, f.rows[0])
			return true
		}
	}
	return false
}

// guess puts a changeset into a row where no other one that is here can stand.
func (s *solver) guess(f *candidate, row uint32) {
	told := s.tells(f, row)
	s.place(f, row)
	s.x.slots[row-1].guess = !told
}

// tells reports whether something says that a changeset stood in a row: its own number, in the log that it was made in, or the version that a record's index has of that row.
func (s *solver) tells(f *candidate, row uint32) bool {
	return f.c.ID.Seq == row && s.isNumbered(f) || s.x.madeIt(row, f.c)
}

// keepOrder takes from each changeset the rows that are not below all its parents, or not above all its children.
func (s *solver) keepOrder() {
	for changed := true; changed; {
		changed = false
		for _, f := range s.free {
			n := len(f.rows)
			above := s.lowest(f)
			f.rows = slices.DeleteFunc(f.rows, func(row uint32) bool { return row <= above || s.hasChildAbove(f, row) })
			changed = changed || len(f.rows) < n
		}
	}
}

// lowest returns the row below which all parents of a changeset stand, at best.
func (s *solver) lowest(f *candidate) (row uint32) {
	for _, ch := range f.c.Changes {
		for _, p := range ch.Parents {
			row = max(row, s.placeOf[p])
			for _, g := range s.free {
				if g.c.ID == p && len(g.rows) > 0 {
					row = max(row, g.rows[0])
				}
			}
		}
	}
	return row
}

// stand notes that a changeset stands in a row; c is nil if it cannot be read.
func (s *solver) stand(row uint32, id changeset.ID, c *changeset.Changeset) {
	s.placeOf[id] = row
	if c == nil {
		return
	}
	for _, ch := range c.Changes {
		for _, p := range ch.Parents {
			if first := s.child[p]; first == 0 || row < first {
				s.child[p] = row
			}
		}
	}
}

// hasChildAbove reports whether a known row above another one names the changeset as a parent.
func (s *solver) hasChildAbove(f *candidate, row uint32) bool {
	first := s.child[f.c.ID]
	return first > 0 && first <= row
}
