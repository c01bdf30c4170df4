package replica

import (
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
	if err := x.keep(table, ref.TableFile()); err != nil {
		return ref, false, err
	}
	x.p.tell(x.prefix+ref.TableFile(), IsRebuilt, "made again from what is there")
	return ref, true, nil
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
	return f.Keep(name)
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

// looseOf reads a loose changeset, nil if it cannot be read.
func (x *partsRepair) looseOf(key cas.Key) []byte {
	b, err := cas.New(x.p.fs, x.prefix+"cas/"+changeset.ChangesetObjects).Get(key)
	x.p.unread(err)
	if err != nil {
		return nil
	}
	return b
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
