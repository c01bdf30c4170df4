package replica

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"prophet/cas"
	"prophet/changeset"
	"prophet/resolution"
)

// Event is one changeset of the log that touched a record.
type Event struct {
	Row       changeset.Row
	Changeset *changeset.Changeset
	Change    *changeset.Change // what it did to the record
}

// History returns the changesets that touched a record in the order of the log, bookkeeping included.
// It costs what the record's own history costs.
func (r *Replica) History(rec changeset.RecordID) ([]Event, error) {
	seqs, err := r.log.rowsOf(rec)
	if err != nil {
		return nil, err
	}
	return r.events(rec, seqs)
}

// events reads the changesets that touched a record from their rows.
func (r *Replica) events(rec changeset.RecordID, seqs []uint32) ([]Event, error) {
	var events []Event
	var left leftover
	for _, seq := range seqs {
		row, err := r.log.Row(seq)
		if err != nil {
			return nil, err
		}
		c, err := r.log.Changeset(row)
		if err != nil {
			return nil, err
		}
		passed, err := left.passes(r.log, rec, seq, c)
		if err != nil {
			return nil, err
		}
		if !passed {
			events = append(events, Event{row, c, c.Change(rec)})
		}
	}
	return events, nil
}

// rowsOf returns the rows of the log that touch the record. An exported replica does not say; then the log is searched.
func (l *Log) rowsOf(rec changeset.RecordID) ([]uint32, error) {
	versions, err := l.Versions(rec)
	if err != nil {
		return nil, err
	}
	var seqs []uint32
	for _, v := range versions {
		seqs = append(seqs, v.Seq)
	}
	if len(seqs) > 0 && seqs[0] > 0 {
		return slices.Compact(seqs), nil
	}
	seqs = nil
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			return nil, err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return nil, err
		}
		if c.Change(rec) != nil {
			seqs = append(seqs, row.Seq)
		}
	}
	return seqs, nil
}

// entries reads the ordinary changes to a record from rows of the log, which get gives. One that the original logged twice counts once, in its first row.
func (l *Log) entries(rec changeset.RecordID, seqs []uint32, get func(seq uint32) (*changeset.Changeset, error)) ([]resolution.Entry, error) {
	return l.entriesBeside(rec, seqs, get, l.hanging)
}

// entriesBeside is entries, where a transaction may know more of what hangs on lost changesets.
func (l *Log) entriesBeside(rec changeset.RecordID, seqs []uint32, get func(seq uint32) (*changeset.Changeset, error),
	hanging func() (*hanging, error)) ([]resolution.Entry, error) {
	entries, known := make([]resolution.Entry, 0, len(seqs)), make(map[changeset.ID]bool, len(seqs))
	above, lost := Above{}, false
	var left leftover
	for _, seq := range seqs {
		c, err := get(seq)
		if err != nil {
			return nil, err
		}
		passed, err := left.passes(l, rec, seq, c)
		if err != nil {
			return nil, err
		}
		if passed || c.Bookkeeping() || known[c.ID] {
			continue
		}
		known[c.ID] = true
		ch := c.Change(rec)
		if ch.Parents == nil {
			tells, err := l.tells(seq, c.ID)
			if err != nil {
				return nil, err
			}
			if tells { // the maker's own log says what it had seen
				named := *ch
				named.Parents = above.Parents()
				ch = &named
			}
		}
		entries = append(entries, resolution.Entry{ID: c.ID, Created: c.Created, Creator: c.Creator.Text, Change: ch})
		above.Add(seq, c.ID)
		lost = lost || c.Lost
	}
	if l.prefix != "" || l.limits.mirror && !lost { // a mirror is not asked for what it need not have
		return entries, nil
	}
	h, err := hanging()
	if err != nil || h == nil {
		return entries, err
	}
	return entries, h.mark(entries)
}

// leftover is the first row at the end of a record's index that is of a changeset that the log lost: see [Log.confirmed]. 0 if there is none.
type leftover uint32

// passes reports whether a row of a record's index is left over. One that is not, but follows such a one, is damage.
func (f *leftover) passes(l *Log, rec changeset.RecordID, seq uint32, c *changeset.Changeset) (bool, error) {
	switch touches := c.Change(rec) != nil; {
	case !touches:
		*f = leftover(seq)
	case *f > 0:
		return false, l.damagedIndex(rec, fmt.Errorf("row %d of the log does not touch the record, but row %d does", *f, seq))
	}
	return c.Change(rec) == nil, nil
}

// Record is the present state of one record.
type Record struct {
	ID      changeset.RecordID
	LocalID uint32            // 0: none was given
	Props   map[string]string // nil if it is deleted
	Deleted bool

	given bool // by us: the log has changesets that touch it
}

// Record returns the present state of a record; of one that is deleted too. ErrNoRecord is wrapped if there never was one.
func (r *Replica) Record(id changeset.RecordID) (*Record, error) {
	v, _, ok, err := r.log.shown(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, r.noRecord(id)
	}
	rec := &Record{ID: id, Deleted: v.Key == (cas.Key{})}
	if !rec.Deleted {
		if rec.Props, err = r.log.props(id, v); err != nil {
			return nil, err
		}
	}
	rec.LocalID, err = r.LocalID(id)
	return rec, err
}

// OpenConflict is a record about which something is open.
type OpenConflict struct {
	Record changeset.RecordID
	*resolution.Result
}

// InConflict returns the records about which something is open, by UUID. It reads what is noted, and merges nothing.
func (r *Replica) InConflict() ([]changeset.RecordID, error) {
	open, err := r.undecided()
	return open.inConflict(), err
}

// OpenProps returns what is in conflict about the records, as [resolution.Result.OpenProps] names it; those about which nothing is are left out. It merges
// only where an older version did not note what it is.
func (r *Replica) OpenProps(recs iter.Seq[changeset.RecordID]) (map[changeset.RecordID][]string, error) {
	noted, err := r.undecided()
	if err != nil {
		return nil, err
	}
	open := map[changeset.RecordID][]string{}
	for rec := range recs {
		props := noted[rec].open
		if noted[rec].any {
			result, err := r.Merged(rec)
			if err != nil {
				return nil, err
			}
			props = result.OpenProps()
		}
		if len(props) > 0 {
			open[rec] = props
		}
	}
	return open, nil
}

// undecided returns what is: what is noted, or, where that cannot be believed, what the log says.
func (r *Replica) undecided() (openSet, error) {
	ours, err := r.ours()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil {
		return r.open, nil
	}
	list, err := ours.readUndecided()
	if isDamage(err) {
		r.warn(fmt.Sprintf("%v; until then all changesets are read for it", err))
		r.open, err = r.undecidedAnew()
		return r.open, err
	}
	return list.set, err
}

// Conflicts returns what is open, by record.
func (r *Replica) Conflicts() ([]OpenConflict, error) {
	open, err := r.InConflict()
	if err != nil {
		return nil, err
	}
	var conflicts []OpenConflict
	for _, rec := range open {
		result, err := r.Merged(rec)
		if err != nil {
			return nil, err
		}
		if result.Open() {
			conflicts = append(conflicts, OpenConflict{rec, result})
		}
	}
	return conflicts, nil
}

// Merged returns the merged state of a record, from all changes to it. Nobody may change it: it may be one that a transaction came to.
func (r *Replica) Merged(rec changeset.RecordID) (*resolution.Result, error) {
	if _, err := r.ours(); err != nil {
		return nil, err
	}
	if kept := r.merges.at(r.stateOf(), rec); kept != nil {
		return kept, nil
	}
	rows, err := r.log.rowsOf(rec)
	if err != nil {
		return nil, err
	}
	return r.mergeRows(r.log, rec, rows)
}

// Unsettled returns the records whose heads are more than their last change, or about which something is open.
// It looks at every record.
func (r *Replica) Unsettled() ([]changeset.RecordID, error) {
	ours, err := r.ours()
	if err != nil {
		return nil, err
	}
	types, err := r.log.Types()
	if err != nil {
		return nil, err
	}
	var unsettled []changeset.RecordID
	for _, typ := range types {
		for rec, err := range r.log.Records(typ) {
			if err != nil {
				return nil, err
			}
			last, ok, err := r.log.last(rec)
			if err != nil {
				return nil, err
			}
			if !ok || last.Seq == 0 {
				continue
			}
			n, err := ours.noted(last.Seq)
			if err != nil {
				return nil, err
			}
			if n.flags&flagSettled == 0 {
				unsettled = append(unsettled, rec)
			}
		}
	}
	return unsettled, nil
}

// Ours reports whether the replica was made or written by us, and so shows the merged state, or is a mirror of such a one. It is not only where what
// tells so does not exist; what cannot be read tells neither.
func (r *Replica) Ours() (bool, error) {
	m, markErr := r.readMark()
	if m.exists {
		return true, nil
	}
	taken, err := r.log.takenOver()
	if taken || markErr == nil && r.hides(err) {
		return taken, nil
	}
	return false, cmp.Or(err, markErr)
}

// hides reports whether an error may mean that a file of a mirror is not there: servers that do not list directories may forbid what does not exist.
func (r *Replica) hides(err error) bool { return r.opts.Mirror && errors.Is(err, fs.ErrPermission) }
