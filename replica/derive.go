package replica

import (
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// touched is what the log has of one record.
type touched struct {
	rows     []uint32
	last     changeset.ID
	deleted  bool   // by the last change
	setBack  uint32 // the row of a nullification with which the log ends for the record: the original died before it logged what was to follow
	straight bool   // every change has seen the one before it, no change brings the record back, and none is bookkeeping
}

// deriver looks at the rows of a log that are not noted yet: all of them in a replica of the original.
type deriver struct {
	r       *Replica
	l       *Log
	from    uint32
	out     derived
	lastID  uint32
	flags   []flags
	lastIDs []uint32
	touched map[changeset.RecordID]*touched
	highest map[uuid.UUID]uint32 // number of each origin in the rows so far
	old     *oldIDs
	open    openSet // what was noted as undecided before
}

// derive computes what we keep beside the log, from the first row that is not noted. It returns nil if all are.
func (r *Replica) derive(l *Log) (*derived, error) {
	count, err := l.ours.count()
	if err != nil || count == l.latest {
		return nil, err
	}
	d, err := r.newDeriver(l, count)
	if err != nil {
		return nil, err
	}
	digest, _, err := l.lastDigest()
	if err != nil {
		return nil, err
	}
	d.out.ours = digest.row >= d.from
	if err := d.run(); err != nil {
		return nil, err
	}
	for i, f := range d.flags {
		n := noted{lastID: d.lastIDs[i], flags: f}
		if l.prefix == "" {
			n = n.withList(d.listed(i))
		}
		d.out.rows = appendNoted(d.out.rows, d.from+uint32(i), n)
	}
	return &d.out, nil
}

// listed returns how long the list of what is undecided is with the i-th of the rows that are looked at: what is added to it comes with the last one.
func (d *deriver) listed(i int) int64 {
	if i < len(d.flags)-1 {
		return int64(d.out.old.conflicts)
	}
	return int64(len(d.out.conflicts))
}

// undecidedAnew finds out from the log what is undecided, where the list of it is not to be believed.
func (r *Replica) undecidedAnew() (openSet, error) {
	d, err := r.newDeriver(r.log, 0)
	if err != nil {
		return nil, err
	}
	return d.open, d.run()
}

// newDeriver looks at the rows that follow those that are noted; at all of them, if the notes cannot be believed.
func (r *Replica) newDeriver(l *Log, count uint32) (*deriver, error) {
	d := &deriver{r: r, l: l, from: count + 1, touched: map[changeset.RecordID]*touched{}, highest: map[uuid.UUID]uint32{}, open: openSet{}}
	err := d.loadNoted(count)
	if isDamage(err) && count > 0 {
		return r.newDeriver(l, 0)
	}
	return d, err
}

// run looks at the rows and merges what they touch.
func (d *deriver) run() error {
	for row, err := range d.l.Rows(d.from, d.l.latest) {
		if err != nil {
			return err
		}
		if err := d.look(row); err != nil {
			return err
		}
	}
	return d.mergeAll()
}

// loadNoted reads what is kept of the rows that were looked at before.
func (d *deriver) loadNoted(count uint32) (err error) {
	if d.l.prefix == "" {
		if d.old, d.out.oldIDs, err = d.l.readOldIDs(); err != nil {
			return err
		}
	}
	if count == 0 {
		return nil
	}
	last, err := d.l.ours.noted(count)
	if err != nil {
		return err
	}
	d.lastID = last.lastID
	for _, part := range []struct {
		name string
		size int64
		into *[]byte
	}{{rowsFile, int64(count) * notedSize, &d.out.rows}, {idsFile, int64(d.lastID) * localIDSize, &d.out.ids}} {
		if part.size == 0 {
			continue
		}
		if *part.into, err = d.l.ours.read(part.name, 0, part.size); err != nil {
			return err
		}
	}
	list, err := (companion{d.l.ours.fs, count, d.l.prefix, d.l.where, d.l.limits}).readUndecided()
	if err != nil {
		return err
	}
	if d.open = list.set; list.size > 0 {
		d.out.conflicts, err = d.l.ours.read(conflictsFile, 0, list.size)
	}
	d.out.old.rows, d.out.old.ids, d.out.old.conflicts = len(d.out.rows), len(d.out.ids), len(d.out.conflicts)
	return err
}

// look notes one row, and which records it touches.
func (d *deriver) look(row changeset.Row) error {
	c, err := d.l.Changeset(row)
	if err != nil {
		return err
	}
	f := flagsOf(c)
	if f == 0 {
		f = flagSettled // until shown otherwise
	}
	for i := range c.Changes {
		if err := d.lookAt(row, c, &c.Changes[i]); err != nil {
			return err
		}
	}
	d.highest[c.ID.Origin] = max(d.highest[c.ID.Origin], c.ID.Seq)
	d.flags = append(d.flags, f)
	d.lastIDs = append(d.lastIDs, d.lastID)
	return nil
}

// lookAt notes one change to a record.
func (d *deriver) lookAt(row changeset.Row, c *changeset.Changeset, ch *changeset.Change) error {
	t := d.touched[ch.Record]
	if t == nil {
		var err error
		if t, err = d.meet(row, ch.Record); err != nil {
			return err
		}
		d.touched[ch.Record] = t
	}
	d.out.ours = d.out.ours || ch.Parents != nil // which the original drops
	d.out.settings = d.out.settings || ch.Record.Type == changeset.SettingsType
	_, listed, err := d.l.reps.lookup(c.ID)
	if err != nil {
		return err
	}
	t.straight = t.straight && !c.Bookkeeping() && !listed && c.ID.Seq > d.highest[c.ID.Origin] && t.isFollowedBy(c.ID, ch)
	t.last, t.deleted = c.ID, ch.Kind == changeset.Delete
	switch {
	case !c.Nullification:
		t.setBack = 0
	case t.setBack == 0:
		t.setBack = row.Seq
	}
	t.rows = append(t.rows, row.Seq)
	return nil
}

// meet begins with a record at the first of the rows that touches it.
func (d *deriver) meet(row changeset.Row, rec changeset.RecordID) (*touched, error) {
	first, ok, err := d.l.first(rec)
	if err != nil {
		return nil, err
	}
	if (!ok || first.Seq == 0) && d.out.unnumbered == nil {
		d.out.unnumbered = &unnumbered{rec, row.Seq}
	}
	if ok && first.Seq > 0 && first.Seq < d.from { // it has a past, which was looked at before
		rows, err := d.l.rowsBefore(rec, d.from)
		return &touched{rows: rows}, err
	}
	d.giveID(row, rec)
	return &touched{straight: true}, nil
}

// giveID gives a record that is new to the log its local id, unless the original gave it one.
func (d *deriver) giveID(row changeset.Row, rec changeset.RecordID) {
	if d.l.prefix == "" && !d.old.has(rec.UUID) {
		d.out.ids = appendLocalID(d.out.ids, localID{rec.UUID, row.Seq})
		d.lastID++
	}
}

// isFollowedBy reports whether the next change had seen all before it, and is one of which replaying the log gives the merged state: a record that comes back
// after its deletion is not, for a deletion writes no property.
func (t *touched) isFollowedBy(id changeset.ID, ch *changeset.Change) bool {
	switch {
	case !ch.CopyOf.IsZero():
		return false
	case len(t.rows) == 0:
		return len(ch.Parents) == 0
	case t.deleted && ch.Kind != changeset.Delete:
		return false
	}
	return follows(id, ch, t.last)
}

// rowsBefore returns the rows below seq that touch the record.
func (l *Log) rowsBefore(rec changeset.RecordID, seq uint32) ([]uint32, error) {
	rows, err := l.rowsOf(rec)
	return slices.DeleteFunc(rows, func(row uint32) bool { return row >= seq }), err
}
