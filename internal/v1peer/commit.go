package v1peer

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"prophet/cas"
	"prophet/changeset"
)

// edit is a changeset in the making and the versions of records that it makes.
// Its ID is that of the changeset that it repeats, else zero.
type edit struct {
	c        changeset.Changeset
	versions []version
}

type version struct {
	rec changeset.RecordID
	key cas.Key
}

var errNoRecord = errors.New("there is no such record")

// apply adds to an edit what a change does to the record as it is now: the change's old values do not count.
func (l *log) apply(e *edit, ch changeset.Change) error {
	switch ch.Kind {
	case changeset.Create:
		return l.create(e, ch)
	case changeset.Update:
		return l.update(e, ch)
	}
	e.c.Changes = append(e.c.Changes, changeset.Change{Record: ch.Record, Kind: changeset.Delete})
	e.versions = append(e.versions, version{rec: ch.Record})
	return nil
}

// create replaces the record. Empty values are lost, in the change too.
func (l *log) create(e *edit, ch changeset.Change) error {
	props, kept := map[string]string{}, map[string]changeset.PropChange{}
	for name, pc := range ch.Props {
		if pc.New.Text != "" {
			props[name], kept[name] = pc.New.Text, changeset.PropChange{New: pc.New}
		}
	}
	return l.put(e, changeset.Change{Record: ch.Record, Kind: changeset.Create, Props: kept}, props)
}

// update writes to the record and notes the values that it has.
func (l *log) update(e *edit, ch changeset.Change) error {
	props, ok, err := l.props(ch.Record)
	if err != nil {
		return err
	}
	if !ok {
		return errNoRecord
	}
	kept := map[string]changeset.PropChange{}
	for name, pc := range ch.Props {
		kept[name] = changeset.PropChange{Old: changeset.TextOrNull(props[name]), New: pc.New}
	}
	for name, pc := range ch.Props {
		props[name] = pc.New.Text // what is empty is not stored
	}
	return l.put(e, changeset.Change{Record: ch.Record, Kind: changeset.Update, Props: kept}, props)
}

// put stores a version of a record.
func (l *log) put(e *edit, ch changeset.Change, props map[string]string) error {
	key, err := l.store(changeset.RecordObjects, changeset.EncodeRecord(props))
	e.c.Changes = append(e.c.Changes, ch)
	e.versions = append(e.versions, version{ch.Record, key})
	return err
}

func (l *log) store(kind string, b []byte) (cas.Key, error) {
	key := cas.Sum(b)
	return key, l.write(changeset.ObjectPath(kind, key), b)
}

// commit logs an edit: as the original does, the number first, then the record indexes, the object, the row.
func (l *log) commit(e *edit) error {
	latest, err := l.latest()
	if err != nil {
		return err
	}
	seq := latest + 1
	if err := l.write(changeset.LatestFile, strconv.AppendUint(nil, uint64(seq), 10)); err != nil {
		return err
	}
	for _, v := range e.versions {
		if err := l.append(changeset.RecordPath(v.rec), changeset.AppendVersion(nil, changeset.Version{Seq: seq, Key: v.key})); err != nil {
			return err
		}
	}
	foreign := !e.c.ID.IsZero()
	if !foreign {
		e.c.ID = changeset.ID{Origin: l.uuid, Seq: seq}
	}
	return l.log(seq, &e.c, foreign)
}

// log writes a changeset's object and its row. The original writes the number of a changeset that it made as a number, that of one that it read as text.
func (l *log) log(seq uint32, c *changeset.Changeset, foreign bool) error {
	b := c.Encode()
	if foreign {
		b = numberAsText(b, c.ID)
	}
	key, err := l.store(changeset.ChangesetObjects, b)
	if err != nil {
		return err
	}
	return l.append(changeset.IndexFile, changeset.AppendRow(nil, changeset.Row{Seq: seq, ID: c.ID, Key: key}))
}

// numberAsText puts the original_sequence_no of an encoded changeset in quotes. It is the last key but one.
func numberAsText(b []byte, id changeset.ID) []byte {
	end := fmt.Appendf(nil, `%d,"original_source_uuid":"%s"}`, id.Seq, id.Origin)
	return fmt.Appendf(bytes.TrimSuffix(b, end), `"%d","original_source_uuid":"%s"}`, id.Seq, id.Origin)
}
