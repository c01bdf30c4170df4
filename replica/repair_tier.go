package replica

import (
	"errors"
	"fmt"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// mendPart makes a part whole, if that can be done, and returns it as the list is to name it; ok is false if it was dissolved. before are the parts of earlier rows, which are whole.
func (x *partsRepair) mendPart(ref parts.Ref, before parts.List) (is parts.Ref, ok bool, err error) {
	pack, table := partFile{ref.PackFile(), ref.Pack}, partFile{ref.TableFile(), ref.Table}
	packWhole, err := x.isWhole(pack)
	if err != nil {
		return ref, false, err
	}
	tableWhole := false
	if ref.Table != (parts.Sum{}) {
		tableWhole, err = x.isWhole(table)
	}
	if err == nil && !packWhole && tableWhole {
		packWhole, err = x.refill(ref, before)
	}
	if err == nil && packWhole && !tableWhole {
		ref, tableWhole, err = x.remakeTable(ref, before)
	}
	if err != nil || packWhole && tableWhole && !x.lossy {
		return ref, err == nil, err
	}
	return ref, false, x.dissolve(ref, tableWhole)
}

// tierOf is the log up to a row with the parts of a list, whatever the one that lies there says.
func (x *partsRepair) tierOf(list parts.List, latest uint32) *Log {
	l := newLog(x.p.fs, x.prefix, x.p.opts.Where, &limits{})
	l.format, l.latest = FormatParts, latest
	l.tier.known, l.tier.text, l.tier.list, l.tier.cache = true, list.Encode(), list, new(parts.Cache)
	l.tier.held = true
	return l
}

// remakeTable writes the table of a part whose pack is whole: what its rows make of the records that were there before.
func (x *partsRepair) remakeTable(ref parts.Ref, before parts.List) (is parts.Ref, ok bool, err error) {
	l := x.tierOf(before, ref.First-1)
	pack, err := x.l.fs.Open(ref.PackFile())
	if err != nil {
		return ref, false, err
	}
	defer pack.Close()
	table, err := durable.Create(x.p.fs, x.prefix+parts.Dir+"/new"+parts.TableExt)
	if err != nil {
		return ref, false, err
	}
	states := map[changeset.RecordID]*made{}
	made, err := parts.RemakeTable(pack, table, func(row parts.PackedRow) (touches []parts.Touch, err error) {
		if err := x.p.disturbed(); err != nil {
			return nil, err
		}
		c, err := changeset.Decode(row.Changeset)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", row.Seq, err)
		}
		for i := range c.Changes {
			touch, _, err := replayOn(l, states, &c.Changes[i], ref.First)
			if err != nil {
				return nil, err
			}
			touches = append(touches, touch)
		}
		return touches, nil
	})
	x.p.unread(err)
	switch disturbed := x.p.disturbed(); {
	case disturbed != nil:
		table.Discard()
		return ref, false, disturbed
	case err != nil || ref.Table != (parts.Sum{}) && made.Table != ref.Table: // what was there before is another thing, or cannot be read
		table.Discard()
		return ref, false, nil
	}
	ref.Table = made.Table
	if whole, err := x.isWhole(partFile{ref.TableFile(), ref.Table}); whole || err != nil {
		table.Discard()
		return ref, whole, err
	}
	return ref, true, x.keep(table, ref.TableFile())
}

// keep gives a file of a part that was made again its name.
func (x *partsRepair) keep(f *durable.File, name string) error {
	name = x.prefix + name
	there, err := exists(x.p.fs, name)
	if err == nil && there {
		err = x.p.setAside(name)
	}
	if err != nil {
		f.Discard()
		return err
	}
	if err := f.Keep(name); err != nil {
		return err
	}
	x.p.tell(name, IsRebuilt, "made again from what is there")
	return nil
}

// replayOn applies a change to what a record was before it: at first what the log up to a row has. It returns the version that it made, without its text, which is the second.
func replayOn(l *Log, states map[changeset.RecordID]*made, ch *changeset.Change, first uint32) (touch parts.Touch, text []byte, err error) {
	s := states[ch.Record]
	if s == nil {
		s = &made{}
		if s.exists, s.props, err = l.stateBefore(ch.Record, first); err != nil {
			return touch, nil, err
		}
		states[ch.Record] = s
	}
	s.exists, s.props = Replay(s.exists, s.props, ch)
	touch.Record = ch.Record
	if s.exists {
		text = changeset.EncodeRecord(s.props)
		touch.Key = cas.Sum(text)
	}
	return touch, text, nil
}

// errNobodyHas says that a row of a pack cannot be had.
var errNobodyHas = errors.New("nobody who was asked has it")

// refill writes a damaged pack anew, frame by frame: from those that are whole, and from changesets that are loose here or that others have. It reports whether that came to the same bytes.
func (x *partsRepair) refill(ref parts.Ref, before parts.List) (bool, error) {
	part := parts.Open(x.p.fs, x.prefix, ref, new(parts.Cache))
	kept, err := part.Kept()
	if err != nil {
		return false, err
	}
	out, err := durable.Create(x.p.fs, x.prefix+parts.Dir+"/new"+parts.PackExt)
	if err != nil {
		return false, err
	}
	from := map[string]bool{}
	sum, err := part.Refill(out, func(seq uint32) (object []byte, texts []parts.Touch, err error) {
		if object, err = x.objectOf(seq, from); err != nil {
			return nil, nil, err
		}
		return x.withTexts(object, kept[seq], func(t parts.Touch) ([]byte, error) {
			return x.replayed(part, x.tierOf(before, ref.First-1), seq, t, from)
		}, from)
	})
	x.p.unread(err)
	if disturbed := x.p.disturbed(); disturbed != nil {
		out.Discard()
		return false, disturbed
	}
	if err != nil || sum != ref.Pack {
		out.Discard()
		return false, nil
	}
	if err := x.keep(out, ref.PackFile()); err != nil {
		return false, err
	}
	for _, r := range x.p.sources {
		if from[r.where()] {
			x.p.tell(x.prefix+ref.PackFile(), IsFetched, "what it lacked from %s", r.where())
		}
	}
	return true, nil
}

// objectOf returns the changeset that the index names in a row, from here or from others.
func (x *partsRepair) objectOf(seq uint32, from map[string]bool) ([]byte, error) {
	key, known := x.named(seq)
	if !known {
		return nil, errNobodyHas
	}
	return x.had(x.looseOf(cas.Key(key)), func(r *Replica) ([]byte, error) { return sameLog(r, x.l).objects.Get(key) }, func(r *Replica) ([]byte, error) {
		row, err := changeset.ParseRow(x.index[int64(seq-1)*changeset.RowSize:][:changeset.RowSize])
		if err != nil {
			return nil, nil
		}
		return r.bytesOf(row.ID, x.prefix != "", key)
	}, from)
}

// looseOf reads a loose changeset, nil if it cannot be read.
func (x *partsRepair) looseOf(key cas.Key) []byte {
	b, err := cas.New(x.p.fs, x.prefix+"cas/"+changeset.ChangesetObjects).Get(key)
	x.p.unread(err)
	if err != nil {
		return nil
	}
	return b
}

// had returns what is here, or else what others have, each asked in one way and then in another.
func (x *partsRepair) had(here []byte, ask, orElse func(r *Replica) ([]byte, error), from map[string]bool) ([]byte, error) {
	if here != nil {
		return here, nil
	}
	for _, way := range []func(r *Replica) ([]byte, error){ask, orElse} {
		for _, r := range x.p.others() {
			b, err := way(r)
			x.p.passOver(r, err)
			if err == nil && b != nil {
				from[r.where()] = true
				return b, nil
			}
		}
	}
	return nil, errNobodyHas
}

// withTexts returns a row of a pack with the versions of which it had the texts, in the order of its changes.
func (x *partsRepair) withTexts(object []byte, kept []parts.Touch, replayed func(parts.Touch) ([]byte, error), from map[string]bool) ([]byte, []parts.Touch, error) {
	if len(kept) == 0 {
		return object, nil, nil
	}
	c, err := changeset.Decode(object)
	if err != nil {
		return nil, nil, errNobodyHas
	}
	var texts []parts.Touch
	for i := range c.Changes {
		for _, t := range kept {
			if t.Record != c.Changes[i].Record {
				continue
			}
			here, err := replayed(t)
			if err != nil {
				return nil, nil, err
			}
			ask := func(r *Replica) ([]byte, error) { return sameLog(r, x.l).versions.Get(t.Key) }
			if t.Text, err = x.had(here, ask, func(r *Replica) ([]byte, error) { return sameLog(r, x.l).versionOf(t.Record, t.Key) }, from); err != nil {
				return nil, nil, err
			}
			texts = append(texts, t)
		}
	}
	return object, texts, nil
}

// replayed makes a version of a record that a row of a damaged pack made, of what was before the part and the changes in it; nil if that does not come to it.
func (x *partsRepair) replayed(part *parts.Part, l *Log, seq uint32, of parts.Touch, from map[string]bool) ([]byte, error) {
	touches, err := part.Touches(of.Record)
	if err != nil {
		return nil, err
	}
	states := map[changeset.RecordID]*made{}
	for i := range touches.Len() {
		v, _, err := touches.At(i)
		if err != nil || v.Seq > seq {
			return nil, err
		}
		object, err := part.Changeset(v.Seq)
		if err != nil {
			object, err = x.objectOf(v.Seq, from)
		}
		if err != nil {
			return nil, x.p.disturbed()
		}
		c, err := changeset.Decode(object)
		if err != nil || c.Change(of.Record) == nil {
			return nil, x.p.disturbed()
		}
		touch, text, err := replayOn(l, states, c.Change(of.Record), part.First)
		x.p.unread(err)
		if err != nil || v.Seq == seq && touch.Key == of.Key {
			return text, x.p.disturbed()
		}
	}
	return nil, nil
}

// versionOf returns the bytes of a version of a record, by its name, nil if the log never had it.
func (l *Log) versionOf(rec changeset.RecordID, key cas.Key) ([]byte, error) {
	versions, err := l.Versions(rec)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.Key == key {
			return l.textAt(rec, v)
		}
	}
	return nil, nil
}

// readIndex returns the index of a record, nil if there is none: that of format 1, made of what parts and the loose index have.
func (p *repair) readIndex(l *Log, rec changeset.RecordID) ([]byte, error) {
	loose, err := p.read(l.prefix + changeset.RecordPath(rec))
	if err != nil {
		return nil, err
	}
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return loose, err
	}
	f, err := l.openVersions(rec)
	if isDamage(err) {
		return loose, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", rec, err)
	}
	if f == nil {
		return loose, nil
	}
	defer f.Close()
	var index []byte
	for i := range f.rows {
		v, err := f.at(i)
		if err != nil {
			return append(index, 0), nil // the row is damaged: what ends so is no index
		}
		index = changeset.AppendVersion(index, v)
	}
	return append(index, loose[f.loose*changeset.VersionSize:]...), nil
}
