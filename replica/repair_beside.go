package replica

import (
	"maps"
	"slices"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// besideLog reads the log to hold packs against, as far as its index is whole.
func (x *partsRepair) besideLog() besideLog {
	packed := x.l.packedChangeset(x.p)
	loose := func(key cas.Key) *changeset.Changeset {
		c, err := changeset.Decode(x.looseOf(key))
		if err != nil {
			return nil
		}
		return c
	}
	return besideLog{row: x.named, loose: loose, stop: x.p.disturbed, read: func(seq uint32) *changeset.Changeset {
		key, _ := x.named(seq)
		if c := loose(key); c != nil {
			return c
		}
		return packed(key)
	}}
}

// goesOn returns up to which row the log goes on in packs that no list names, which is its end where it does not. If somebody who is asked has another edit in a row of the log, it does not: then they may be of that one's line.
func (x *partsRepair) goesOn() (end uint32, err error) {
	if err := x.beside.addLoose(x.l); err != nil {
		return 0, err
	}
	end = x.beside.extent()
	if end == x.beside.end {
		return end, x.p.disturbed()
	}
	line := newLine(x.p, x.l, x.beside.end, x.index, x.unpack)
	maps.Copy(line.made, x.beside.made)
	_, another, err := line.elsewhere()
	if another {
		end = x.beside.end
	}
	return end, err
}

// takeBeside has the packs that no list names count where the log goes on in them. Of one that is damaged that counts which is before the damage, as a pack of its own.
func (x *partsRepair) takeBeside() error {
	end, err := x.goesOn()
	if err != nil || end == x.beside.end {
		return err
	}
	for _, s := range x.beside.spans {
		if s.broken && s.first > 0 && s.last > x.beside.end && s.last <= end {
			if err := x.trim(s.name); err != nil {
				return err
			}
		}
	}
	for i, f := range x.packs {
		x.packs[i].needed = f.needed || f.first > 0 && f.lastCounted > x.beside.end && f.lastCounted <= end
	}
	x.told, x.taken = end, end
	return nil
}

// trim writes what a damaged pack has before the damage as a pack of its own.
func (x *partsRepair) trim(name string) error {
	pack, err := x.l.fs.Open(name)
	if err != nil {
		return err
	}
	defer pack.Close()
	out, err := durable.Create(x.p.fs, x.prefix+parts.Dir+"/new"+parts.PackExt)
	if err != nil {
		return err
	}
	sum, err := parts.Trim(pack, out)
	x.p.unread(err)
	if err == nil {
		err = x.p.disturbed()
	}
	trimmed := parts.Ref{Pack: sum}.PackFile()
	there := false
	if err == nil && trimmed != name {
		there, err = exists(x.l.fs, trimmed)
	}
	if there || err != nil {
		out.Discard()
		return err
	}
	if err := x.keep(out, trimmed); err != nil {
		return err
	}
	if trimmed == name {
		x.packs = slices.DeleteFunc(x.packs, func(f packFile) bool { return f.name == name })
		x.p.tell(x.prefix+name, IsRebuilt, "what followed its end is cut off")
	} else {
		x.p.tell(x.prefix+trimmed, IsRebuilt, "it has what %s has before the damage", x.prefix+name)
	}
	return x.lookAt(trimmed)
}

// unpack reads a changeset from the packs that no list names.
func (x *partsRepair) unpack(key cas.Key) (found *changeset.Changeset) {
	for _, s := range x.beside.spans {
		f, err := x.l.fs.Open(s.name)
		if x.p.unread(err); err != nil {
			return nil
		}
		for row, err := range parts.ReadPack(f) {
			x.p.unread(err)
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

// isLeft reports whether a damaged pack is looked at once the log is whole: it may have what was made here after the last row.
func (x *partsRepair) isLeft(name string) bool {
	for _, s := range x.beside.spans {
		if s.broken && s.name == name {
			return x.listed || s.lastOwn > 0
		}
	}
	return false
}

// mendBeside takes away the damaged packs that no list names, if the log has all that they have, and tells what else they have. What is not in a row stays where it is.
func (p *repair) mendBeside() error {
	for _, l := range p.logs() {
		damaged := p.of[l.prefix].broken
		if len(damaged) == 0 {
			continue
		}
		found, err := p.lookBeside(l)
		if err != nil {
			return err
		}
		for _, left := range found.left {
			if !slices.Contains(damaged, left.name) {
				continue
			}
			if left.only > 0 {
				p.tell(l.prefix+left.name, IsLeft, "%s", left.problem(l.prefix, found, l.latest).Text)
				continue
			}
			if err := p.takeBesideAway(l, left.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookBeside reads all packs that no list names, as fsck does: one of them may tell of another line than the damaged one alone.
func (p *repair) lookBeside(l *Log) (found lookedBeside, err error) {
	packs, err := l.packs()
	if err != nil {
		return found, err
	}
	names, err := l.unlisted(packs.list)
	if err == nil {
		found, err = l.lookBeside(p.ctx, names)
	}
	p.unread(err)
	found.end = l.latest // what it takes up it has taken up
	return found, err
}

// takeBesideAway sets a pack that no list names aside, with its table.
func (p *repair) takeBesideAway(l *Log, name string) error {
	for _, file := range []string{name, partOf(name) + parts.TableExt} {
		there, err := exists(l.fs, file)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		p.tell(l.prefix+file, IsSetAside, "no part has it any more, and the log has all of it")
		if err := p.takeAway(l.prefix + file); err != nil {
			return err
		}
	}
	return nil
}
