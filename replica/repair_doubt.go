package replica

import (
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// A row whose changeset cannot be read is believed, unless it is shown to be damaged itself: changesets that were never committed, or that a move named anew, lie here with the
// same ID. See docs/adr/0017-repair.md.

// doubtWeak takes for not known the rows whose changeset cannot be read and that are damaged themselves, and drops the changesets that bear the ID of a row which is believed. The others are asked
// before anything that is here takes the place of what a row names.
func (s *solver) doubtWeak() error {
	var contested []uint32
	var objects []*wanted
	for i := range s.x.slots {
		seq, weak := uint32(i+1), &s.x.slots[i]
		switch {
		case !weak.weak || !weak.known:
		case slices.ContainsFunc(s.free, func(f *candidate) bool { return s.owns(f, seq) && resembles(weak.row.Key, f.key) }):
			s.doubt(seq)
		case s.isContested(seq):
			contested = append(contested, seq)
			objects = append(objects, changesetOf(s.x.l, weak.row.Key))
		}
	}
	for i, seq := range contested {
		if err := s.ask(seq, objects[i]); err != nil {
			return err
		}
	}
	s.free = slices.DeleteFunc(s.free, func(f *candidate) bool { return s.placeOf[f.c.ID] > 0 })
	return nil
}

// ask lets the object of a contested row, if others have it, say what the row is. Where that is bookkeeping of another log, or did not make what the records became, the row is another log's, and the
// object does not come here.
func (s *solver) ask(seq uint32, object *wanted) error {
	for _, r := range s.x.p.others() {
		if err := s.x.p.fetchFrom(r, []*wanted{object}); err != nil {
			return err
		}
	}
	if err := s.x.p.disturbed(); err != nil {
		return err
	}
	row := s.x.slots[seq-1].row
	if object.from == "" && s.isWhole(seq) {
		return nil // it is lost: another edit may make the same version
	}
	c, err := changeset.Decode(object.data)
	if object.from == "" || err != nil || !s.mayStand(seq, c) {
		s.doubt(seq)
		return nil
	}
	if c.ID != row.ID {
		s.doubt(seq)
		s.free = append(s.free, &candidate{key: row.Key, c: c, from: object.from, data: object.data})
		return nil
	}
	s.x.slots[seq-1].weak = false
	s.stand(seq, c.ID, c)
	return s.x.p.store([]*wanted{object})
}

// mayStand reports whether a changeset that somebody else had may stand in a row.
func (s *solver) mayStand(seq uint32, c *changeset.Changeset) bool {
	made, err := s.x.l.made(c.ID.Origin)
	return (!c.Bookkeeping() || made && err == nil) && s.x.leadsThere(seq, c)
}

// isWhole reports whether a row is one that this log may have, by all that it says itself: it is followed by what must follow it, and its changeset was made here, under its number, or comes from where
// others in the log do.
func (s *solver) isWhole(seq uint32) bool {
	row := s.x.slots[seq-1].row
	if !s.x.isFollowed(seq) {
		return false
	}
	if row.ID.Origin == s.x.l.uuid {
		return row.ID.Seq == seq
	}
	for i := range s.x.slots {
		if other := &s.x.slots[i]; other.known && !other.weak && other.row.ID.Origin == row.ID.Origin {
			return true
		}
	}
	return false
}

// doubt takes a row for not known.
func (s *solver) doubt(seq uint32) {
	slot := &s.x.slots[seq-1]
	slot.known = false
	delete(s.placeOf, slot.row.ID)
}

// isContested reports whether a changeset that is here made what the records became in a row, and the row does not name its own for sure: of one with another ID there must be a file, if a damaged one.
func (s *solver) isContested(seq uint32) bool {
	row := s.x.slots[seq-1].row
	if !s.x.numbered || s.hasFile(row.Key) {
		return false
	}
	names := s.names(seq)
	return slices.ContainsFunc(s.free, func(f *candidate) bool { return !(names && f.c.ID == row.ID) && s.fits(f, seq) && s.x.madeIt(seq, f.c) })
}

// namesAnother reports whether a row names another object under the ID of a changeset.
func (s *solver) namesAnother(f *candidate, row uint32) bool {
	hint := s.x.slots[row-1].row
	return !s.x.doubted && hint.ID == f.c.ID && hint.Key != f.key && !resembles(hint.Key, f.key) && s.names(row)
}

// names reports whether the object that a row names is the one that was written into it: there is a file of that name, damaged or not, or at least the row is followed by what must follow it. What
// destroys a whole name, and nothing that follows, is no damage.
func (s *solver) names(row uint32) bool {
	key := s.x.slots[row-1].row.Key
	if key == (cas.Key{}) {
		return false
	}
	return s.hasFile(key) || s.x.isFollowed(row)
}

// hasFile reports whether there is a file of an object, damaged or not.
func (s *solver) hasFile(key cas.Key) bool {
	there, err := exists(s.x.p.fs, s.x.l.objects.Path(key))
	s.x.p.unread(err)
	return there && err == nil
}

// isFollowed reports whether what follows a row of the file is the next row, or the end.
func (x *indexRepair) isFollowed(row uint32) bool {
	rest := x.file[min(len(x.file), int(row)*changeset.RowSize):]
	if len(rest) < changeset.RowSize {
		return len(rest) == 0
	}
	next, err := changeset.ParseRow(rest[:changeset.RowSize])
	return err == nil && next.Seq == row+1
}

// How many bytes of a name must be left in their places to tell it: by chance one in a million pairs of names has so many in common.
const sharedBytes = 4

// resembles reports whether a name is what damage left of another one: some of its bytes are the same, or all that are not are zero, but not all of it is.
func resembles(damaged, key cas.Key) bool {
	shared, zeros := 0, 0
	for i, b := range damaged {
		if b == 0 { // where there is no row at all, all of it is
			zeros++
		} else if b == key[i] {
			shared++
		}
	}
	return damaged != key && (shared >= sharedBytes || shared > 0 && shared+zeros == len(key))
}

// fetchWeak asks others for the changesets that rows name and that cannot be read, and reports whether some of them were had: these may speak against their rows. Of a row that has a part of the
// name still it asks for what others name so under its ID.
func (x *indexRepair) fetchWeak() (some bool, err error) {
	var lacking, similar []*wanted
	for _, s := range x.slots {
		if s.weak {
			w := changesetOf(x.l, s.row.Key)
			w.id = s.row.ID
			lacking = append(lacking, w)
		}
	}
	if err := x.p.fetch(lacking); err != nil {
		return false, err
	}
	for _, w := range lacking {
		if w.from == "" {
			similar = append(similar, x.similar(w)...)
		}
	}
	err = x.p.fetch(similar)
	return slices.ContainsFunc(slices.Concat(lacking, similar), func(w *wanted) bool { return w.from != "" }), err
}

// similar returns the objects that others name under the ID of a row that has a part of the name still.
func (x *indexRepair) similar(w *wanted) (objects []*wanted) {
	for _, r := range x.p.others() {
		l := sameLog(r, x.l)
		seq, known, err := r.lookupIn(x.l.prefix, w.id)
		if !known || err != nil {
			x.p.passOver(r, err)
			continue
		}
		row, err := l.Row(seq)
		x.p.passOver(r, err)
		if err == nil && resembles(w.key, row.Key) && x.p.wholeChangeset(x.l, row.Key) == nil {
			objects = append(objects, changesetOf(x.l, row.Key))
		}
	}
	return objects
}

// lookupIn returns the row of a changeset in the log below a prefix.
func (r *Replica) lookupIn(prefix string, id changeset.ID) (row uint32, known bool, err error) {
	if prefix != "" {
		return r.LookupVote(id)
	}
	return r.Lookup(id)
}
