package replica

import (
	"slices"

	"prophet/changeset"
	"prophet/internal/parts"
)

// Parts that were folded while something was lost say what the records became without it. Where that came back, they are other versions than replaying the log gives, and no file of a part is ever changed: so the part
// is dissolved, and its records are mended as any that are loose. The next fold makes a part of them again.

// differing notes the parts that have other versions of a record than its index must have, and reports whether there are some.
func (x *recordsRepair) differing(rec changeset.RecordID, was, want []byte) (differ bool, err error) {
	packs, err := x.l.packs()
	if err != nil {
		return false, err
	}
	had, has := soundVersions(was), soundVersions(want)
	for _, ref := range packs.list {
		if !slices.Equal(versionsOf(ref, had), versionsOf(ref, has)) {
			x.differ[ref], differ = true, true
		}
	}
	return differ, nil
}

// versionsOf returns those of the versions of a record that are of the rows of a part.
func versionsOf(ref parts.Ref, versions []changeset.Version) []changeset.Version {
	of := func(v changeset.Version) bool { return v.Seq >= ref.First }
	first := slices.IndexFunc(versions, of)
	if first < 0 {
		return nil
	}
	versions = versions[first:]
	if end := slices.IndexFunc(versions, func(v changeset.Version) bool { return v.Seq > ref.Last }); end >= 0 {
		versions = versions[:end]
	}
	return versions
}

// loosen dissolves the parts that have other versions of records than replaying the log gives: what they have is written beside them, then the list is written without them, then they
// are set aside. It returns the records that they touched: a pack has no version that follows from its changeset, so these are to be mended.
func (x *recordsRepair) loosen() ([]changeset.RecordID, error) {
	d := &partsRepair{p: x.p, l: x.l, prefix: x.l.prefix, dissolved: map[changeset.RecordID]bool{}}
	var err error
	if d.text, d.list, err = x.l.readParts(); err != nil {
		return nil, err
	}
	d.listed = true
	var stay, gone parts.List
	for _, ref := range d.list {
		if !x.differ[ref] {
			stay = append(stay, ref)
			continue
		}
		if err := d.salvage(ref.PackFile()); err != nil {
			return nil, err
		}
		if err := d.dissolveTable(ref); err != nil {
			return nil, err
		}
		gone = append(gone, ref)
	}
	if err := x.p.disturbed(); err != nil {
		return nil, err
	}
	if err := d.writeList(stay); err != nil {
		return nil, err
	}
	for _, ref := range gone {
		x.p.tell(x.l.prefix+ref.PackFile(), IsSetAside, "what its rows %d to %d made of the records is not what replaying the log gives; they are in small files now", ref.First, ref.Last)
		for _, f := range filesOfPart(ref) {
			if err := x.p.takeAway(x.l.prefix + f.name); err != nil {
				return nil, err
			}
		}
	}
	return sorted(d.dissolved), x.p.r.reopen()
}
