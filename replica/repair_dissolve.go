package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// dissolve writes what can be read of a part as loose files: the changesets, and the versions that the table names. What it made of the records is told by replaying the log.
func (x *partsRepair) dissolve(ref parts.Ref, table bool) error {
	if err := x.salvage(ref.PackFile()); err != nil {
		return err
	}
	x.salvaged[ref.PackFile()] = fmt.Sprintf("what can be read of its rows %d to %d is in small files now", ref.First, ref.Last)
	if table {
		if err := x.dissolveTable(ref); err != nil {
			return err
		}
	}
	if x.lossy {
		return nil
	}
	var lacking []*wanted
	for seq := ref.First; seq <= ref.Last && seq > 0; seq++ {
		if key, known := x.named(seq); known && x.looseOf(key) == nil {
			lacking = append(lacking, changesetOf(x.l, key))
		}
	}
	if err := x.p.fetch(lacking); err != nil {
		return err
	}
	for _, w := range lacking {
		x.lossy = x.lossy || x.looseOf(w.key) == nil
	}
	return nil
}

// salvage writes the changesets and versions that a pack has as loose objects.
func (x *partsRepair) salvage(name string) error {
	f, err := x.l.fs.Open(name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	batch := newRepairBatch(x.p)
	err = parts.Salvage(f, info.Size(), func(row parts.PackedRow) error {
		if err := x.put(batch, x.l.objects.Path(cas.Sum(row.Changeset)), row.Changeset); err != nil {
			return err
		}
		for _, text := range row.Texts {
			if err := x.put(batch, x.l.versions.Path(cas.Sum(text)), text); err != nil {
				return err
			}
		}
		return batch.flushFull()
	})
	x.p.unread(err)
	if err != nil {
		return err
	}
	return batch.flush()
}

// put adds an object that is not there yet. What lies in its place is set aside.
func (x *partsRepair) put(batch *repairBatch, file string, data []byte) error {
	same, err := x.p.outOfTheWay(file, data)
	if !same && err == nil {
		batch.put(file, slices.Clone(data))
	}
	return err
}

// dissolveTable adds what a table has of the records to their loose indexes. One that is damaged is set aside.
func (x *partsRepair) dissolveTable(ref parts.Ref) error {
	batch := newRepairBatch(x.p)
	var rec changeset.RecordID
	var index []changeset.Version
	end := func() error {
		if len(index) == 0 {
			return nil
		}
		name := x.prefix + changeset.RecordPath(rec)
		was, err := x.p.read(name)
		if err != nil {
			return err
		}
		if len(was) != len(soundVersions(was))*changeset.VersionSize {
			if err := x.p.setAside(name); err != nil {
				return err
			}
		}
		batch.replace(name, joinVersions(was, index, ref))
		x.dissolved[rec] = true
		index = nil
		return batch.flushFull()
	}
	err := parts.Open(x.p.fs, x.prefix, ref, new(parts.Cache)).EachTouch(func(of changeset.RecordID, v changeset.Version, _ bool) error {
		if of != rec {
			if err := errors.Join(x.p.disturbed(), end()); err != nil {
				return err
			}
			rec = of
		}
		index = append(index, v)
		return nil
	})
	if err == nil {
		err = end()
	}
	if err != nil {
		return err
	}
	return batch.flush()
}

// joinVersions puts the versions that a part has of a record in the place of those of its rows in the loose index.
func joinVersions(was []byte, of []changeset.Version, ref parts.Ref) (index []byte) {
	put := false
	add := func() {
		for _, v := range of {
			index = changeset.AppendVersion(index, v)
		}
		put = true
	}
	for _, v := range soundVersions(was) {
		if v.Seq > ref.Last && !put {
			add()
		}
		if v.Seq < ref.First || v.Seq > ref.Last {
			index = changeset.AppendVersion(index, v)
		}
	}
	if !put {
		add()
	}
	return index
}

// unwind makes the versions of the records of dissolved parts that can be made: of the one before and the change, or of the one after by taking its change back. Their names prove
// them. They tell what is left of changesets that are lost.
func (x *partsRepair) unwind() error {
	batch := newRepairBatch(x.p)
	for _, rec := range sorted(x.dissolved) {
		if err := x.p.disturbed(); err != nil {
			return err
		}
		b, err := x.p.read(x.prefix + changeset.RecordPath(rec))
		if err != nil {
			return err
		}
		versions := soundVersions(b)
		states := make([]*made, len(versions))
		for i, v := range versions {
			states[i] = x.known(rec, v)
			if states[i] == nil && (i == 0 || states[i-1] != nil) {
				before := made{}
				if i > 0 {
					before = *states[i-1]
				}
				states[i] = x.proven(v, x.changeTo(rec, v), func(ch *changeset.Change) made {
					exists, props := Replay(before.exists, before.props, ch)
					return made{exists, props}
				})
			}
		}
		for i := len(versions) - 2; i >= 0; i-- {
			after := states[i+1]
			if states[i] == nil && after != nil && after.exists {
				states[i] = x.proven(versions[i], x.changeTo(rec, versions[i+1]), func(ch *changeset.Change) made { return made{true, takenBack(after.props, ch)} })
			}
		}
		for i, s := range states {
			if s != nil && s.exists {
				if err := x.put(batch, x.l.versions.Path(versions[i].Key), changeset.EncodeRecord(s.props)); err != nil {
					return err
				}
			}
		}
		if err := batch.flushFull(); err != nil {
			return err
		}
	}
	return batch.flush()
}

// known returns the state that a version is, nil if it cannot be read.
func (x *partsRepair) known(rec changeset.RecordID, v changeset.Version) *made {
	if v.Deleted() {
		return &made{}
	}
	b, err := x.l.versions.Get(v.Key)
	x.p.unread(err)
	if err != nil {
		return nil
	}
	props, err := changeset.DecodeRecord(b)
	if err != nil {
		return nil
	}
	return &made{true, props}
}

// changeTo returns what the changeset of the row that made a version did to the record, nil if it cannot be read.
func (x *partsRepair) changeTo(rec changeset.RecordID, v changeset.Version) *changeset.Change {
	key, known := x.named(v.Seq)
	if !known {
		return nil
	}
	b := x.looseOf(key)
	if b == nil {
		return nil
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil
	}
	return c.Change(rec)
}

// proven returns the state that a change leads to, if that is the version; nil if not.
func (x *partsRepair) proven(v changeset.Version, ch *changeset.Change, state func(*changeset.Change) made) *made {
	if ch == nil {
		return nil
	}
	if s := state(ch); versionKey(s.exists, s.props) == cas.Key(v.Key) {
		return &s
	}
	return nil
}

// takenBack returns the properties before a change, as it names the old values.
func takenBack(props map[string]string, ch *changeset.Change) map[string]string {
	before := maps.Clone(props)
	if before == nil {
		before = map[string]string{}
	}
	for name, p := range ch.Props {
		if p.Old.Text == "" {
			delete(before, name)
		} else {
			before[name] = p.Old.Text
		}
	}
	return before
}
