package replica

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/minio/sha256-simd"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// fold makes a part of loose rows, from first to last, or of fewer if that is much.
func (g *gc) fold(l *Log, first, last uint32) error {
	f := &fold{l: l, b: &bundle{from: 1, since: map[changeset.RecordID]uint32{}}, states: map[changeset.RecordID]*foldState{}, first: first, last: last}
	rows := &rowSum{sha256.New()}
	for row, err := range l.Rows(first, last) {
		if err == nil {
			err = g.ctx.Err()
		}
		if err == nil {
			err = f.add(row)
		}
		if err != nil {
			return err
		}
		rows.add(row)
		if f.b.size+f.held >= foldBytes {
			break
		}
	}
	ref, objects, err := f.b.part(first)
	if err != nil {
		return err
	}
	for i := range objects {
		objects[i].Name = l.prefix + objects[i].Name
	}
	done, err := g.commit(l, rows, ref, nil, objects)
	if done {
		g.report.Folded += len(f.b.rows)
	}
	return err
}

// fold goes through rows, and makes what they made of the records anew: a part can say no other version than those that replaying the changes gives.
type fold struct {
	l           *Log
	b           *bundle
	states      map[changeset.RecordID]*foldState
	held        int // bytes of these, about
	first, last uint32
}

// foldState is a record as of the row that was added last.
type foldState struct {
	exists   bool
	props    map[string]string
	versions []changeset.Version // that its index has of the rows to come
}

// add adds the next row.
func (f *fold) add(row changeset.Row) error {
	raw, c, err := f.l.RawChangeset(row)
	if err != nil {
		return err
	}
	f.b.add(row.Key, bytes.Clone(raw))
	for i := range c.Changes {
		if err := f.touch(row, &c.Changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// touch adds what the row makes of a record.
func (f *fold) touch(row changeset.Row, ch *changeset.Change) error {
	s, err := f.state(ch.Record)
	if err != nil {
		return err
	}
	existed := s.exists
	s.exists, s.props = Replay(s.exists, s.props, ch)
	v, text := changeset.Version{Seq: row.Seq}, []byte(nil)
	if s.exists {
		text = changeset.EncodeRecord(s.props)
		v.Key = cas.Sum(text)
	}
	if len(s.versions) == 0 || s.versions[0] != v {
		return f.l.damagedIndex(ch.Record, fmt.Errorf("it does not have of row %d what replaying the log gives", row.Seq))
	}
	s.versions = s.versions[1:]
	f.b.touch(parts.Touch{Record: ch.Record, Key: v.Key, Text: text}, existed)
	return nil
}

// state returns what is known of a record, which is loaded at first.
func (f *fold) state(rec changeset.RecordID) (*foldState, error) {
	s := f.states[rec]
	if s != nil {
		return s, nil
	}
	s = &foldState{}
	var err error
	if s.versions, err = f.l.versionsIn(rec, f.first, f.last); err != nil {
		return nil, err
	}
	if s.exists, s.props, err = f.l.stateBefore(rec, f.first); err != nil {
		return nil, err
	}
	f.states[rec] = s
	f.held += changeset.VersionSize * len(s.versions)
	for name, value := range s.props {
		f.held += len(name) + len(value)
	}
	return s, nil
}

// versionsIn returns what the index of a record has of rows of the log, from first to last.
func (l *Log) versionsIn(rec changeset.RecordID, first, last uint32) (list []changeset.Version, err error) {
	err = l.again(func() error {
		list, err = l.versionsInOnce(rec, first, last)
		return err
	})
	return list, err
}

func (l *Log) versionsInOnce(rec changeset.RecordID, first, last uint32) (list []changeset.Version, err error) {
	f, err := l.openVersions(rec)
	if f == nil || err != nil {
		return nil, err
	}
	defer f.Close()
	for i := f.rows - 1; i >= 0; i-- { // most are about the newest
		v, err := f.at(i)
		if err != nil {
			return nil, l.damagedIndex(rec, err)
		}
		if v.Seq < first {
			break
		}
		if v.Seq <= last {
			list = append(list, v)
		}
	}
	slices.Reverse(list)
	return list, nil
}

// pullRows returns the rows of a log one after another.
func pullRows(l *Log, first, last uint32) (next func() (changeset.Row, error), stop func()) {
	pull, stop := iter.Pull2(l.Rows(first, last))
	return func() (changeset.Row, error) {
		row, err, ok := pull()
		if !ok {
			return row, l.damaged(changeset.IndexFile, fmt.Errorf("it ends before row %d", last))
		}
		return row, err
	}, stop
}
