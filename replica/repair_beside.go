package replica

import (
	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// hold holds a row of a pack that no list names against the log.
func (x *partsRepair) hold(span *packSpan, row parts.PackedRow) {
	key := cas.Sum(row.Changeset)
	is, known := x.named(row.Seq)
	if row.Seq <= x.beside.end && (!known || is == key) {
		return
	}
	c, err := changeset.Decode(row.Changeset)
	if err != nil {
		return
	}
	if row.Seq > x.beside.end {
		x.beside.row(span, row.Seq, key, c)
	} else if c.ID == (changeset.ID{Origin: x.l.uuid, Seq: row.Seq}) {
		x.beside.another = x.beside.another || !c.Bookkeeping() && !x.isEdit(is, c)
	}
}

// isEdit reports whether the changeset of a row is the same edit as another one, if only named anew.
func (x *partsRepair) isEdit(key cas.Key, c *changeset.Changeset) bool {
	b := x.looseOf(key)
	if b == nil {
		all := newLog(x.p.fs, x.prefix, x.p.opts.Where, &limits{})
		all.latest = maxSeq
		b, _, _ = all.packedObject(key) // what cannot be read is told when it is mended
	}
	is, err := changeset.Decode(b)
	return err == nil && (changeset.SameEdit(is, c) || doSame(is, c))
}

// takeBeside has the packs that no list names count where the log goes on in them, unless somebody who is asked has another edit in a row of the log: then they may be of that one's line.
func (x *partsRepair) takeBeside() error {
	end := x.beside.extent()
	if end == x.beside.end {
		return nil
	}
	err := x.l.objects.Walk(func(key cas.Key, _ string) error {
		if key.IsZero() {
			return x.p.disturbed()
		}
		if c, err := changeset.Decode(x.looseOf(key)); err == nil {
			x.beside.loose(key, c, func(c *changeset.Changeset) bool {
				is, known := x.named(c.ID.Seq)
				return !known || is == key || c.Bookkeeping() || x.isEdit(is, c)
			})
		}
		return x.p.disturbed()
	})
	if err != nil && !isNotExist(err) {
		return err
	}
	if end = x.beside.extent(); end == x.beside.end {
		return nil
	}
	l := newLog(x.p.fs, x.prefix, x.p.opts.Where, &limits{})
	l.uuid, l.format = x.l.uuid, x.l.format
	line := &beyond{p: x.p, l: l.withRows(x.beside.end), held: x.beside.end, index: x.index, lying: x.beside.made, unpack: x.unpack}
	if _, another, err := line.elsewhere(); another || err != nil {
		return err
	}
	for i, f := range x.packs {
		x.packs[i].needed = f.needed || f.first > 0 && f.lastCounted > x.beside.end && f.lastCounted <= end
	}
	x.told, x.taken = end, end
	return nil
}

// unpack reads a changeset from the packs that no list names.
func (x *partsRepair) unpack(key cas.Key) (found *changeset.Changeset) {
	for _, s := range x.beside.spans {
		f, err := x.l.fs.Open(s.name)
		if x.p.unread(err); err != nil {
			return nil
		}
		for row, err := range parts.ReadPack(f) {
			if err == nil && cas.Sum(row.Changeset) == key {
				found, _ = changeset.Decode(row.Changeset)
			}
			if err != nil || found != nil {
				break
			}
		}
		f.Close()
	}
	return found
}
