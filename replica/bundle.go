package replica

import (
	"bytes"
	"math"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// bundle is what a transaction adds to a log of format 2, until its end: only then is known whether it is enough for a part, or goes into loose files.
type bundle struct {
	rows  []bundled
	from  int                           // rows, from which on there will be a part
	since map[changeset.RecordID]uint32 // versions since the last one of which a part would keep the text, plus one
	size  int                           // bytes
}

// bundled is a row of a bundle: the changeset, and the versions that it made, with their texts as long as they may be loose.
type bundled struct {
	key     cas.Key
	object  []byte
	touches []parts.Touch
	keep    []bool // which of the texts a part keeps
}

const (
	packFrom  = 64 // changesets, see [Options.PackFrom]
	textEvery = 8  // versions of a record, of which a part keeps the text of one
)

// newBundle returns nil in a replica of format 1: there all that is added is loose at once.
func (r *Replica) newBundle(l *Log) *bundle {
	if r.format != FormatParts {
		return nil
	}
	b := &bundle{from: packFrom, since: map[changeset.RecordID]uint32{}}
	if r.opts.PackFrom > 0 {
		b.from = r.opts.PackFrom
	}
	if parts.PackAll == "yes" {
		b.from = 1
	}
	if packs, err := l.packs(); r.rehearsal || err != nil || len(packs.list) >= parts.MaxParts {
		b.from = math.MaxInt // no more can be listed
	}
	return b
}

// bytes is how much memory it takes.
func (b *bundle) bytes() int {
	if b == nil {
		return 0
	}
	return b.size
}

// putChangeset adds the changeset of the next row.
func (t *txLog) putChangeset(text []byte) cas.Key {
	if t.bundle == nil {
		return t.objects.Put(t.tx.d, text)
	}
	key := cas.Sum(text)
	t.bundle.add(key, text)
	return key
}

// add adds the changeset of the next row.
func (b *bundle) add(key cas.Key, text []byte) {
	b.rows = append(b.rows, bundled{key: key, object: text})
	b.size += len(text) + changeset.RowSize
	if len(b.rows) == b.from {
		b.dropTexts()
	}
}

// putVersion adds a version of a record that the row makes which was added last; a deletion has no text. existed says that there was another one before.
func (t *txLog) putVersion(rec changeset.RecordID, s *state, text []byte, existed bool) changeset.Version {
	v := changeset.Version{Seq: t.seq}
	if t.bundle == nil {
		if text != nil {
			v.Key = t.versions.Put(t.tx.d, text)
		}
		at := s.size + int64(len(s.rows))*changeset.VersionSize
		t.tx.d.Append(t.name(changeset.RecordPath(rec)), at, changeset.AppendVersion(nil, v))
		return v
	}
	if text != nil {
		v.Key = cas.Sum(text)
	}
	t.bundle.touch(parts.Touch{Record: rec, Key: v.Key, Text: text}, existed)
	return v
}

// touch adds what the last row made of a record.
func (b *bundle) touch(touch parts.Touch, existed bool) {
	keep := false
	switch since := b.since[touch.Record]; {
	case touch.Text == nil:
		b.since[touch.Record] = 1 // replaying begins with nothing
	case since == 0 && existed || since == textEvery:
		keep = true
		b.since[touch.Record] = 1
	default:
		b.since[touch.Record] = max(since, 1) + 1
	}
	if !keep && len(b.rows) >= b.from {
		touch.Text = nil
	}
	b.size += len(touch.Text) + changeset.VersionSize
	row := &b.rows[len(b.rows)-1]
	row.touches, row.keep = append(row.touches, touch), append(row.keep, keep)
}

// dropTexts lets go of the texts that a part does not keep.
func (b *bundle) dropTexts() {
	for i := range b.rows {
		row := &b.rows[i]
		for j := range row.touches {
			if !row.keep[j] {
				b.size -= len(row.touches[j].Text)
				row.touches[j].Text = nil
			}
		}
	}
}

// writeBundle adds to the commit what the transaction bundled: as a part, or as loose files. It returns the text of the list of parts after it.
func (t *txLog) writeBundle() (list string, err error) {
	packs, err := t.packs()
	if err != nil || t.bundle == nil {
		return packs.text, err
	}
	names := packs.list
	switch {
	case len(t.bundle.rows) == 0:
		return packs.text, nil
	case len(t.bundle.rows) < t.bundle.from:
		t.writeLoose()
	default:
		ref, err := t.writePart()
		if err != nil {
			return "", err
		}
		names = append(names[:len(names):len(names)], ref)
	}
	return names.Encode(), nil
}

// writePart makes a part of the bundle.
func (t *txLog) writePart() (parts.Ref, error) {
	ref, files, err := t.bundle.part(t.latest + 1)
	for _, f := range files {
		t.tx.partFiles = append(t.tx.partFiles, durable.Content{Name: t.name(f.Name), Data: f.Data})
	}
	return ref, err
}

// part returns a part of the rows, of which the first has that number in the log, and its files, as they are called within the directory of the log.
func (b *bundle) part(first uint32) (ref parts.Ref, files []durable.Content, err error) {
	var pack, table bytes.Buffer
	w := parts.NewWriter(&pack, first)
	for _, row := range b.rows {
		if err := w.Add(row.object, row.touches); err != nil {
			return ref, nil, err
		}
	}
	if ref, err = w.Close(&table); err != nil {
		return ref, nil, err
	}
	return ref, []durable.Content{{Name: ref.PackFile(), Data: pack.Bytes()}, {Name: ref.TableFile(), Data: table.Bytes()}}, nil
}

// writeLoose writes what was bundled as format 1 has it.
func (t *txLog) writeLoose() {
	ends := map[changeset.RecordID]int64{}
	for i, row := range t.bundle.rows {
		t.tx.d.Put(t.objects.Path(row.key), row.object)
		for _, touch := range row.touches {
			if touch.Text != nil {
				t.tx.d.Put(t.versions.Path(touch.Key), touch.Text)
			}
			at, begun := ends[touch.Record]
			if !begun {
				at = t.states[touch.Record].loose
			}
			v := changeset.Version{Seq: t.latest + 1 + uint32(i), Key: touch.Key}
			t.tx.d.Append(t.name(changeset.RecordPath(touch.Record)), at, changeset.AppendVersion(nil, v))
			ends[touch.Record] = at + changeset.VersionSize
		}
	}
}
