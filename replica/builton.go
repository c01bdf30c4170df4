package replica

import (
	"fmt"
	"slices"
	"sort"

	"prophet/changeset"
	"prophet/internal/durable"
)

// mendBuiltOn makes the indexes of records again in which a program of the original went on from a version that was never logged: it, or another, died
// before its row, and its number was put back and given again since. The rows that are not noted yet are looked at, before anything builds on them.
func (r *Replica) mendBuiltOn(l *Log) error {
	count, err := l.ours.count()
	if err != nil || count == 0 || count >= l.latest {
		return nil // what is wrong with the notes, who reads them next says
	}
	changes, err := l.changesAfter(count)
	if err != nil {
		return err
	}
	var m durable.Mend
	for _, rec := range sorted(changes) {
		at, stray, err := l.strayBefore(rec, count)
		if err != nil {
			return err
		}
		if !stray {
			continue
		}
		if err := l.remake(changeset.RecordPath(rec), at, changes[rec], &m); err != nil {
			return err
		}
	}
	for _, c := range slices.Concat(m.Objects, m.Contents) {
		if err := durable.WriteFile(r.fs, c.Name, c.Data); err != nil {
			return err
		}
	}
	if len(m.Contents) > 0 {
		r.warn(fmt.Sprintf("another program died in %s before it logged an edit, and went on from that: versions of %s were made from the log again",
			join(l.where, l.prefix+changeset.IndexFile), recordsWord(len(m.Contents))))
	}
	return nil
}

// changesAfter returns what the rows after one do to each record.
func (l *Log) changesAfter(seq uint32) (map[changeset.RecordID][]step, error) {
	changes := map[changeset.RecordID][]step{}
	for row, err := range l.Rows(seq+1, l.latest) {
		if err != nil {
			return nil, err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return nil, err
		}
		for i := range c.Changes {
			ch := &c.Changes[i]
			changes[ch.Record] = append(changes[ch.Record], step{row.Seq, ch})
		}
	}
	return changes, nil
}

// strayBefore reports whether the last version of a record up to a row is of a row that does not touch it, and where in the index those that do end.
func (l *Log) strayBefore(rec changeset.RecordID, seq uint32) (at int64, stray bool, err error) {
	versions, err := l.Versions(rec)
	if err != nil {
		return 0, false, err
	}
	n := sort.Search(len(versions), func(i int) bool { return versions[i].Seq > seq })
	for ; n > 0 && versions[n-1].Seq > 0; n-- {
		touches, err := l.touches(versions[n-1].Seq, rec)
		if err != nil || touches {
			return int64(n) * changeset.VersionSize, stray, err
		}
		stray = true
	}
	return int64(n) * changeset.VersionSize, stray, nil
}
