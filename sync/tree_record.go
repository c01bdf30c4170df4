package sync

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
)

// A record index of the source may be lost or damaged, and what it says is what readers of the tree are shown. So it is not believed: the newest version
// must be one of the last row that touches the record, and be what that row made. Otherwise nothing is said in the tree of a new state, and above all
// no record is taken for a deleted one.

// awaited is the last row that went by of a record that is not written yet.
type awaited struct {
	row     uint32
	deletes bool
	old     bool // the tree has the row already
}

// copyRecord writes the present version of a record with the last row that touches it, of which ch is the change to the record. An exported copy does not say
// which row that is; then it is written with each, and what has no index waits until all rows went by.
func (w *treeWriter) copyRecord(l treeLog, row changeset.Row, c *changeset.Changeset, ch *changeset.Change) error {
	rec := ch.Record
	v, ok, err := l.Present(rec)
	later := !ok && w.copied || v.Seq > row.Seq
	switch {
	case err != nil:
		return err
	case later && w.awaited != nil:
		w.awaited[rec] = awaited{row.Seq, ch.Kind == changeset.Delete, w.old}
		return nil
	case later:
		return nil
	case c.Lost:
	case !ok:
		return l.DamagedIndex(rec, row.Seq)
	case v.Seq == 0 && (!w.copied || v.Deleted()):
		return l.damagedVersion(rec, "its last row bears the number 0")
	case v.Seq > 0 && v.Seq < row.Seq:
		return l.damagedVersion(rec, "its last row is of row %d of the log, though row %d touches the record", v.Seq, row.Seq)
	}
	delete(w.awaited, rec)
	if !ok {
		return nil
	}
	if v.Seq != row.Seq || c.Lost {
		ch = nil
	}
	return w.writeVersion(l, rec, v, ch)
}

// settle makes sure of the records that wait: in an exported copy, those that the last row deletes; else those whose newest versions are left from rows that
// the log lost, and of rows that are lost.
func (w *treeWriter) settle(ctx context.Context, l treeLog) error {
	for _, rec := range slices.SortedFunc(maps.Keys(w.awaited), changeset.RecordID.Compare) {
		last := w.awaited[rec]
		w.old = last.old
		if err := w.settleRecord(l, rec, last); err != nil {
			return err
		}
		if err := w.flushFull(ctx); err != nil {
			return err
		}
	}
	clear(w.awaited)
	return nil
}

func (w *treeWriter) settleRecord(l treeLog, rec changeset.RecordID, last awaited) error {
	if w.copied {
		if !last.deletes && !l.lost[last.row] {
			return l.DamagedIndex(rec, last.row)
		}
		return w.remove(changeset.RecordPath(rec))
	}
	v, ok, err := l.Present(rec)
	if err == nil && !l.lost[v.Seq] {
		v, ok, err = l.Confirmed(rec)
	}
	switch {
	case err != nil:
		return err
	case !ok || v.Seq < last.row && !l.lost[last.row]:
		return l.damagedVersion(rec, "none of its last rows is of a row of the log that touches the record, as row %d does", last.row)
	}
	return w.writeVersion(l, rec, v, nil)
}

// writeVersion writes a version of a record as its present one. made is the change that made it, nil if that is not known.
func (w *treeWriter) writeVersion(l treeLog, rec changeset.RecordID, v changeset.Version, made *changeset.Change) error {
	if made != nil && v.Deleted() != (made.Kind == changeset.Delete) {
		return l.damagedVersion(rec, "row %d of the log does a %s, and its row of that number says otherwise", v.Seq, made.Kind)
	}
	if v.Deleted() {
		return w.remove(changeset.RecordPath(rec))
	}
	raw, err := l.RawRecord(rec, v)
	if err != nil {
		return err
	}
	if made != nil {
		if err := madeBy(made, raw); err != nil {
			return l.damagedVersion(rec, "its last row names a version that is not what row %d of the log made: %w", v.Seq, err)
		}
	}
	if err := w.put(changeset.ObjectPath(changeset.RecordObjects, v.Key), raw); err != nil {
		return err
	}
	name, index := changeset.RecordPath(rec), changeset.AppendVersion(nil, changeset.Version{Key: v.Key})
	if write, err := w.needs(name, index); !write || err != nil {
		return err
	}
	w.batch.Replace(name, index)
	w.files++
	if !w.old {
		w.records++
	}
	return nil
}

// madeBy returns an error if a record does not show what a change to it, the last one, wrote.
func madeBy(ch *changeset.Change, raw []byte) error {
	props, err := changeset.DecodeRecord(raw)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		if props[name] != ch.Props[name].New.Text {
			return fmt.Errorf("property %.100q differs", name)
		}
	}
	return nil
}

// damagedVersion is the error of a record index of the source that holds what it must not.
func (l treeLog) damagedVersion(rec changeset.RecordID, format string, args ...any) error {
	return l.Damaged(changeset.RecordPath(rec), fmt.Errorf(format, args...))
}
