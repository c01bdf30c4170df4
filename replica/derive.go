package replica

import (
	"slices"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/resolution"
)

// derived is what we keep beside a log, as whole files, after rows were looked at that somebody else wrote.
type derived struct {
	rows, ids, conflicts, oldIDs []byte
	old                          struct{ rows, ids, conflicts int } // bytes of them that were kept before
	exported                     bool
	ours                         bool                 // we wrote some of the rows: the notes on them were lost
	settings                     bool                 // some record of the settings is among them
	differ                       []Shown              // records whose state in the log is not the merged one
	undone                       []changeset.RecordID // others, that show what an unfinished pull of the original set back
}

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
		d.out.rows = appendNoted(d.out.rows, n)
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
	d := &deriver{r: r, l: l, from: count + 1, touched: map[changeset.RecordID]*touched{}, open: openSet{}}
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
	list, err := (companion{d.l.ours.fs, count, d.l.prefix, d.l.limits}).readUndecided()
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
	t.straight = t.straight && !c.Bookkeeping() && !listed && t.isFollowedBy(c.ID, ch)
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
	if !ok || first.Seq == 0 {
		d.out.exported = true
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

// ours makes sure that there are notes on every row of both logs, in memory where there are none on disk, and that no log is known to hold more than it counts.
func (r *Replica) ours() (companion, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noted {
		return r.log.ours, nil
	}
	if err := r.refuseTurnedBack(); err != nil {
		return companion{}, err
	}
	if _, _, err := r.deriveBoth(); err != nil {
		return companion{}, err
	}
	r.noted = true
	return r.log.ours, nil
}

// note is one of the files of the notes.
type note struct {
	name string
	kept int // bytes of it that were kept before
	data []byte
}

// notes are the files in the order in which they are written: the one that says how many rows are noted is the last.
func (d *derived) notes() []note {
	return []note{{idsFile, d.old.ids, d.ids}, {conflictsFile, d.old.conflicts, d.conflicts}, {rowsFile, d.old.rows, d.rows}}
}

// write writes the files below prefix. One that has nothing to hold is made only to replace what is left of another.
func (d *derived) write(fsys afero.Fs, prefix string) error {
	for _, n := range append([]note{{name: oldIDsFile, data: d.oldIDs}}, d.notes()...) {
		if len(n.data) == 0 && !exists(fsys, prefix+n.name) {
			continue
		}
		if err := durable.WriteFile(fsys, prefix+n.name, n.data); err != nil {
			return err
		}
	}
	return nil
}

func exists(fsys afero.Fs, name string) bool {
	_, err := fsys.Stat(name)
	return err == nil
}

// inMemory lets a log be read with the notes, of which nothing is written.
func (d *derived) inMemory(l *Log) error {
	mem := afero.NewMemMapFs()
	if err := d.write(mem, ""); err != nil {
		return err
	}
	l.ours = companion{mem, l.latest, l.prefix, &limits{}}
	return nil
}

// appendTo adds to a transaction what is new in the notes; what is left of others goes.
func (d *derived) appendTo(tx *durable.Tx, fsys afero.Fs, prefix string) {
	for _, n := range d.notes() {
		if len(n.data) > n.kept || exists(fsys, prefix+n.name) {
			tx.Append(prefix+n.name, int64(n.kept), n.data[n.kept:])
		}
	}
}

// deriveBoth makes the notes on both logs, nil where nothing is new, and lets the logs be read with them.
func (r *Replica) deriveBoth() (votes, main *derived, err error) {
	for _, log := range []struct {
		l    *Log
		into **derived
	}{{r.votes, &votes}, {r.log, &main}} { // the decisions first: the merge counts them
		d, err := r.derive(log.l)
		if err != nil {
			return nil, nil, err
		}
		if d == nil {
			continue
		}
		if err := d.inMemory(log.l); err != nil {
			return nil, nil, err
		}
		*log.into = d
	}
	return votes, main, nil
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
