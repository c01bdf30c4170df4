package replica

import (
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// look reads all packs that lie there, and finds out which rows of theirs the log has.
func (x *partsRepair) look() (err error) {
	if x.index, err = x.p.read(x.prefix + changeset.IndexFile); err != nil {
		return err
	}
	counts, err := x.p.fileCounts(x.l)
	if err != nil {
		return err
	}
	x.told = slices.Max(counts)
	if err := x.l.eachLoose(func(seq uint32) { x.told = max(x.told, seq) }); err != nil && !isDamage(err) {
		return err
	}
	names, err := x.l.unlisted(nil)
	end := x.told
	if n := len(x.list); n > 0 {
		end = max(end, x.list[n-1].Last)
	}
	x.packs, x.beside = nil, newPacksBeside(x.l, end, x.besideLog())
	for _, name := range names {
		if err == nil && strings.HasSuffix(name, parts.PackExt) {
			err = x.lookAt(name)
		}
	}
	return err
}

// lookAt reads a pack. One whose bytes are not what it is named after is damaged.
func (x *partsRepair) lookAt(name string) error {
	if err := x.p.disturbed(); err != nil {
		return err
	}
	sum, err := x.sumOf(x.prefix + name)
	if err != nil {
		return err
	}
	file, whole := packFile{name: name, sum: sum}, parts.Ref{Pack: sum}.PackFile() == name
	listed := slices.ContainsFunc(x.list, func(ref parts.Ref) bool { return ref.PackFile() == name })
	switch {
	case !listed:
		whole, err = x.lookBesideOne(&file, whole)
	case whole:
		whole, err = x.lookAtListed(&file)
	}
	if err != nil {
		return err
	}
	if !whole {
		file = packFile{name: name, sum: sum}
	}
	x.packs = append(x.packs, file)
	return nil
}

// lookAtListed reads a pack that the list names and that is what it is named after, and reports whether it is one.
func (x *partsRepair) lookAtListed(file *packFile) (whole bool, err error) {
	f, err := x.l.fs.Open(file.name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for row, err := range parts.ReadPack(f) {
		if err != nil {
			x.p.unread(err)
			return false, nil // if it was written so, it is none
		}
		if err := x.lookAtRow(file, row, cas.Sum(row.Changeset)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// lookBesideOne reads a pack that the list does not name, and reports whether it is whole. Of one that is not what it is named after no row counts, but it may tell how the log goes on.
func (x *partsRepair) lookBesideOne(file *packFile, named bool) (whole bool, err error) {
	s := x.beside.add(file.name)
	cut, err := x.beside.readPack(x.l, s, func(row parts.PackedRow, key cas.Key, _ *changeset.Changeset) error {
		if !named {
			return nil
		}
		return x.lookAtRow(file, row, key)
	})
	if err != nil {
		return false, err
	}
	x.p.unread(cut)
	if s.broken = !named || cut != nil; s.broken {
		_, otherLine, err := x.beside.unreadRows(x.l, s)
		x.p.unread(err)
		x.beside.otherLine = x.beside.otherLine || otherLine
	}
	return !s.broken, nil
}

// lookAtRow holds a row of a pack against the log: it counts if the index names the changeset there, or nothing whole. One that no part has is needed if no loose object has it, or only other files than the index tell of it.
func (x *partsRepair) lookAtRow(file *packFile, row parts.PackedRow, key cas.Key) error {
	if file.first == 0 {
		file.first = row.Seq
	}
	is, known := x.named(row.Seq)
	if known && is != key {
		moved, err := x.isMoved(is, row.Changeset)
		if err != nil || !moved {
			file.another = file.another || x.stands(row.Seq)
			return err
		}
	}
	if file.another {
		return nil // what follows a row in which the log has something else is of that one's line
	}
	file.lastCounted = row.Seq
	if _, covered := x.list.Covering(row.Seq); covered || !known {
		file.needed = file.needed || !covered && row.Seq <= x.told
		return nil
	}
	there, err := exists(x.p.fs, x.l.objects.Path(is))
	file.needed = file.needed || !there
	return err
}

// named returns the changeset that the index names in a row; known is false if the row is not whole.
func (x *partsRepair) named(seq uint32) (key cas.Key, known bool) {
	row, known := rowIn(x.index, seq)
	return row.Key, known
}

// stands reports whether the index names in a row what is here, loose.
func (x *partsRepair) stands(seq uint32) bool {
	row, _ := rowIn(x.index, seq)
	c, err := changeset.Decode(x.looseOf(row.Key))
	return err == nil && c.ID == row.ID
}

// isMoved reports whether the loose changeset with the key does the same as one that a pack has: then a move named it anew.
func (x *partsRepair) isMoved(key cas.Key, packed []byte) (bool, error) {
	loose := x.looseOf(key)
	if loose == nil {
		return false, x.p.disturbed()
	}
	now, err := changeset.Decode(loose)
	was, otherErr := changeset.Decode(packed)
	if err != nil || otherErr != nil {
		return false, x.p.disturbed()
	}
	return doSame(now, was), nil
}
