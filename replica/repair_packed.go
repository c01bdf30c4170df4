package replica

import (
	"maps"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// readPacked takes what a part has of a row, and reports whether it does: no other file tells it as surely, for list and frames bear checksums, and a pack has the number of its rows. others reports whether
// the index has a whole row of another changeset there, which damage within one row does not explain.
func (x *indexRepair) readPacked(packs *packs, seq uint32) (is, others bool, err error) {
	part := packs.covering(seq)
	if part == nil {
		return false, false, nil
	}
	b, err := part.Changeset(seq)
	x.p.unread(err)
	if err != nil {
		return false, false, x.p.disturbed()
	}
	c, bad := changeset.Decode(b)
	if bad != nil {
		return false, false, nil
	}
	row := changeset.Row{Seq: seq, ID: c.ID, Key: cas.Sum(b)}
	said, whole := x.said(seq)
	if said != row || !whole {
		if moved, err := x.isMoved(c); moved || err != nil {
			return false, false, err
		}
		x.packed = append(x.packed, seq)
	}
	x.slots[seq-1] = slot{row: row, known: true}
	return true, whole && said.ID != row.ID && said.Key != row.Key, nil
}

// said returns what the index says of a row, and whether that is a whole one.
func (x *indexRepair) said(seq uint32) (row changeset.Row, whole bool) { return rowIn(x.file, seq) }

// rowIn returns what an index has in the place of a row, and whether that is a whole one.
func rowIn(index []byte, seq uint32) (row changeset.Row, whole bool) {
	at := int(seq-1) * changeset.RowSize
	if len(index) < at+changeset.RowSize {
		return row, false
	}
	row, err := changeset.ParseRow(index[at:][:changeset.RowSize])
	return row, err == nil && row.Seq == seq
}

// isMoved reports whether what stands in the row of a changeset that a part has may be a loose one: it was named anew then, or its parents were, and it does the same. Whoever moves changesets gives the
// replica another UUID.
func (x *indexRepair) isMoved(packed *changeset.Changeset) (bool, error) {
	former, err := x.l.Former()
	x.p.unread(err)
	if err == nil && len(former) == 0 {
		return false, nil
	}
	if x.moved == nil {
		if err := x.loadMoved(); err != nil {
			return false, err
		}
	}
	return slices.ContainsFunc(x.moved[packed.ID.Seq], func(loose *changeset.Changeset) bool {
		return doSame(loose, packed) && x.l.gaveUp(loose.ID.Origin) >= x.l.gaveUp(packed.ID.Origin) // else that is what it was before
	}), nil
}

// loadMoved reads the loose changesets.
func (x *indexRepair) loadMoved() error {
	x.moved = map[uint32][]*changeset.Changeset{}
	named, err := x.p.namedBeside(x.l)
	if err != nil {
		return err
	}
	return x.l.objects.Walk(func(key cas.Key, _ string) error {
		if err := x.p.disturbed(); err != nil || key.IsZero() || named[key] {
			return err
		}
		if c := x.p.wholeChangeset(x.l, key); c != nil {
			x.moved[c.ID.Seq] = append(x.moved[c.ID.Seq], c)
		}
		return nil
	})
}

// countLoose returns how many changesets lie here as loose objects that a row may name.
func (p *repair) countLoose(l *Log) (n uint32, err error) {
	named, err := p.namedBeside(l)
	if err != nil {
		return 0, err
	}
	err = l.objects.Walk(func(key cas.Key, _ string) error {
		if !key.IsZero() && !named[key] {
			n++
		}
		return p.ctx.Err()
	})
	return n, err
}

// namedBeside returns the changesets that the lists of representations and of what is lost name beside a log.
func (p *repair) namedBeside(l *Log) (map[cas.Key]bool, error) {
	named := map[cas.Key]bool{}
	for _, file := range []string{RepresentationsFile, LostFile} {
		b, err := p.read(l.prefix + file)
		if err != nil {
			return nil, err
		}
		for ; len(b) >= changeset.RowSize; b = b[changeset.RowSize:] {
			named[cas.Key(b[changeset.RowSize-len(cas.Key{}):changeset.RowSize])] = true
		}
	}
	return named, nil
}

// doSame reports whether two changesets have the same number and do the same, as one does before and after it is named anew.
func doSame(a, b *changeset.Changeset) bool {
	return a.ID.Seq == b.ID.Seq && slices.EqualFunc(a.Changes, b.Changes, func(a, b changeset.Change) bool {
		return a.Record == b.Record && a.Kind == b.Kind && maps.Equal(a.Props, b.Props)
	})
}

// looseVersions returns what a loose index has to have of a whole one: the versions of the rows that no part covers.
func (l *Log) looseVersions(index []byte) (loose []byte, err error) {
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return index, err
	}
	for ; len(index) > 0; index = index[changeset.VersionSize:] {
		v, err := changeset.ParseVersion(index[:changeset.VersionSize])
		if err != nil {
			return nil, err
		}
		if packs.covering(v.Seq) == nil {
			loose = append(loose, index[:changeset.VersionSize]...)
		}
	}
	return loose, nil
}
