package replica

import (
	"fmt"
	"iter"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// All yields the living records of a type in the order of their UUIDs, or of all types, one after another, if typ is empty. The log brought each of them, as
// its local id says; an index that is left of a record that the log lost is passed over.
func (r *Replica) All(typ string) iter.Seq2[*Record, error] { return r.AllHaving(typ, Having{}) }

// AllHaving yields the records of All whose property has the value, and maybe others. It costs less than All: what parts have of records that never had it is
// neither decoded nor checked.
func (r *Replica) AllHaving(typ string, having Having) iter.Seq2[*Record, error] {
	if packs, err := r.log.packs(); err == nil && len(packs.parts) > 0 {
		return r.log.together(r.listed(typ), having, r.log.listedProps)
	}
	return func(yield func(*Record, error) bool) {
		for rec, err := range r.listed(typ) {
			lives := false
			if err == nil {
				rec.Props, lives, err = r.log.listedProps(rec)
			}
			if err == nil && !lives {
				continue
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// A Deletion is a deleted record, with the properties that it had before the deletions, which are those that [Edit.RestoreAt] gives it.
type Deletion struct {
	*Record
	By *changeset.Changeset // the edit that deleted it, the latest if several did; nil if only bookkeeping did, as a replica of the original may settle it
}

// Deletions yields the deleted records of a type, or of all types if typ is empty, in the order of All. Each costs what its own history costs. An exported copy and
// a mirror do not say what is deleted: they yield none.
func (r *Replica) Deletions(typ string) iter.Seq2[Deletion, error] {
	return func(yield func(Deletion, error) bool) {
		for rec, err := range r.listed(typ) {
			d := Deletion{Record: rec}
			deleted := false
			if err == nil {
				deleted, err = d.read(r)
			}
			if err == nil && !deleted {
				continue
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// read fills in what a record was and who deleted it; ok is false if it lives. Both follow from the changes to it alone: what the log shows before a deletion
// depends on what came first.
func (d *Deletion) read(r *Replica) (ok bool, err error) {
	last, ok, err := r.log.last(d.ID)
	if err == nil && !ok {
		err = d.lacksVersions(r.log)
	}
	if err != nil || !ok || !last.Deleted() {
		return false, err
	}
	d.Deleted = true
	rows, err := r.log.rowsOf(d.ID)
	if err != nil {
		return false, err
	}
	entries, err := r.log.entries(d.ID, slices.Compact(rows), r.log.bestAt)
	if err != nil {
		return false, err
	}
	others, deletions := resolution.NewHistory(entries).SplitDeletions()
	was, err := newTx(r, nil).main.mergeEntries(d.ID, others) // only read, as in mergeRows
	if err != nil {
		return false, err
	}
	d.Props = was.Props
	return true, d.find(r, deletions)
}

// find finds the edit that deleted it: the latest in the order T.
func (d *Deletion) find(r *Replica, deletions []resolution.Entry) error {
	if len(deletions) == 0 {
		return nil
	}
	seq, _, err := r.Lookup(deletions[0].ID)
	if err != nil {
		return err
	}
	row, err := r.log.Row(seq)
	if err != nil {
		return err
	}
	d.By, err = r.log.Changeset(row)
	return err
}

// listed yields the records of All, and the deleted ones, with nothing read of them but their local ids. An error at the end says that one is missing.
func (r *Replica) listed(typ string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		r.warnOfAllLost()
		n, err := r.idTable()
		types := []string{typ}
		if err == nil && typ == "" {
			types, err = r.log.Types()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		left := false
		for _, typ := range types {
			for rec, err := range r.log.Records(typ) {
				if err == nil && n.ids[rec.UUID] == 0 {
					left = left || r.log.leftOver(rec)
					continue
				}
				if !yield(n.record(rec), err) || err != nil {
					return
				}
			}
		}
		if err := n.lacks(typ); err != nil {
			yield(nil, err)
			return
		}
		if left {
			r.warn(fmt.Sprintf("records of which %s has no changeset are left in %s, as after a backup was put back over it; they are not shown, and \"prophet fsck\" names them",
				changeset.IndexFile, r.where()))
		}
	}
}

// allRecords yields all records that have an index, type by type, with nothing read of them.
func (l *Log) allRecords() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		types, err := l.Types()
		if err != nil {
			yield(nil, err)
			return
		}
		for _, typ := range types {
			for rec, err := range l.recordsOf(typ) {
				if !yield(rec, err) || err != nil {
					return
				}
			}
		}
	}
}

// recordsOf yields the records of a type that have an index, with nothing read of them.
func (l *Log) recordsOf(typ string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for rec, err := range l.Records(typ) {
			if !yield(&Record{ID: rec}, err) || err != nil {
				return
			}
		}
	}
}

// leftOver reports whether a record has versions that the log's length does not rule out.
func (l *Log) leftOver(rec changeset.RecordID) bool {
	_, ok, err := l.last(rec)
	return ok && err == nil
}
