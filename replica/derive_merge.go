package replica

import (
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// mergeAll merges the records whose history is not a straight line: it says which rows are not settled, what is open, and where
// the log shows something else.
func (d *deriver) mergeAll() error {
	for _, rec := range sorted(d.touched) {
		t := d.touched[rec]
		if t.straight {
			continue
		}
		result, err := d.r.mergeRows(d.l, rec, t.rows)
		if err != nil {
			return err
		}
		if d.l.prefix != "" {
			d.settle(rec, t, result, false)
			continue
		}
		if u := undecidedIn(result); d.open.note(rec, u) {
			d.out.conflicts = appendConflictLine(d.out.conflicts, conflictLine{row: d.l.latest, rec: rec, undecided: u})
		}
		props, exists, err := d.l.Props(rec)
		if err != nil {
			return err
		}
		differs := difference(rec, exists, props, result.Exists, result.Props) != nil
		d.settle(rec, t, result, differs)
		if !differs {
			continue
		}
		if err := d.differs(t, Shown{rec, exists, props}, result); err != nil {
			return err
		}
	}
	return nil
}

// differs notes a record of which the log shows something else than the merge. What only a nullification set back, nobody settled: then what held before counts.
func (d *deriver) differs(t *touched, s Shown, result *resolution.Result) (err error) {
	if t.setBack > 0 {
		if s.Props, s.Exists, _, err = d.l.PropsAt(s.Record, t.setBack-1); err != nil {
			return err
		}
		if difference(s.Record, s.Exists, s.Props, result.Exists, result.Props) == nil {
			d.out.undone = append(d.out.undone, s.Record)
			return nil
		}
	}
	d.out.differ = append(d.out.differ, s)
	return nil
}

// settle clears the settled flag of the record's last row if that is not its only head, something is open, or the log shows another state.
func (d *deriver) settle(rec changeset.RecordID, t *touched, result *resolution.Result, differs bool) {
	if !differs && result.SettledBy(t.last) {
		return
	}
	d.flags[t.rows[len(t.rows)-1]-d.from] &^= flagSettled
}

// mergeRows merges the changes to a record in these rows of a log.
func (r *Replica) mergeRows(l *Log, rec changeset.RecordID, rows []uint32) (*resolution.Result, error) {
	entries, err := l.entries(rec, slices.Compact(rows), l.bestAt)
	if err != nil {
		return nil, err
	}
	tx := newTx(r, nil) // only read: its view of the votes is that of a transaction
	if l == r.votes {
		return tx.res.mergeEntries(rec, entries)
	}
	return tx.main.mergeEntries(rec, entries)
}
