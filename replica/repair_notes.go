package replica

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// mendNotes makes our notes on rows again, where they are not what the log says. As they were written they are made from the log row by row; a list of what is undecided that was
// written anew since, or notes on rows that another program wrote, may be others and as good, and are kept if they agree with the log.
func (p *repair) mendNotes() error {
	if !p.ours {
		return nil
	}
	for _, l := range p.logs() {
		if err := p.mendNotesOf(l); err != nil {
			return err
		}
	}
	return p.r.reopen()
}

func (p *repair) mendNotesOf(l *Log) error {
	x, err := p.newNoter(l)
	if err != nil {
		return err
	}
	if err := x.run(); err != nil {
		return err
	}
	if err := x.mergeUnlike(); err != nil {
		return err
	}
	files := x.files()
	var were [][]byte
	same := true
	for _, f := range files {
		was, err := p.read(l.prefix + f.name)
		if err != nil {
			return err
		}
		were = append(were, was)
		same = same && bytes.Equal(was, f.data)
	}
	if same {
		return nil
	}
	if x.mayBe(were) {
		if sound, err := p.notesAgree(l); sound || err != nil {
			return err
		}
	}
	for _, f := range files {
		if was, err := p.read(l.prefix + f.name); err != nil || was == nil && len(f.data) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		mended, err := p.replace(l.prefix+f.name, f.data)
		if err != nil {
			return err
		}
		if mended {
			p.tell(l.prefix+f.name, IsRebuilt, "made again from the log")
		}
	}
	return nil
}

// mergeUnlike notes the records that show something else than their changes merge to, as after an edit that was made when a rule or a vote could not be read. They are
// merged anew in the end. What another program wrote the next edit catches up with.
func (x *noter) mergeUnlike() error {
	if x.p.of[changeset.ResolutionsDir+"/"].noteTo < x.p.r.votes.latest || x.to < x.l.latest {
		return nil
	}
	for _, rec := range sorted(x.records) {
		s := x.records[rec]
		if s.result == nil {
			continue
		}
		props, exists, err := x.l.Props(rec)
		if err != nil {
			return err
		}
		words := differences(rec, exists, props, "its changes and the votes merge", s.result.Exists, s.result.Props)
		if len(words) == 0 {
			continue
		}
		x.p.remergeLater(x.l, rec)
		if _, told := x.p.showed[rec]; !told { // else it is, with what it comes to
			x.p.tell(x.l.prefix+changeset.RecordPath(rec), IsRebuilt, "%s, to which a resolution leads", words[0])
		}
	}
	return nil
}

// notesAgree reports whether a check finds nothing wrong with the notes on rows.
func (p *repair) notesAgree(l *Log) (bool, error) {
	sound := true
	opts := p.opts
	opts.Warn = nil
	err := Check(p.ctx, p.fs, opts, func(found Problem) {
		if slices.Contains([]string{l.prefix + rowsFile, l.prefix + idsFile, l.prefix + conflictsFile}, found.Path) {
			sound = false
		}
	}, nil)
	if p.of[l.prefix].noteTo < l.latest { // another program wrote the rest; what a check says of that is no damage
		return sound || p.countsAll(l), err
	}
	return sound, err
}

// mayBe reports whether notes that are not those that were made may be as good: each bears its check, or is of an older version, and says the same but whether the row is settled, which those on
// rows of another program may say of any but the last row of a record; and but for the length of a list of what is undecided, which was written anew since.
func (x *noter) mayBe(were [][]byte) bool {
	rows := were[len(were)-1]
	if len(rows) != len(x.rows) || x.l.prefix == "" && !bytes.Equal(were[0], x.ids) {
		return false
	}
	anew := x.l.prefix == "" && !bytes.Equal(were[1], x.conflicts)
	for i := 0; i < len(rows); i += notedSize {
		row := uint32(i/notedSize + 1)
		is, ok := parseNoted(row, rows[i:])
		want, _ := parseNoted(row, x.rows[i:])
		ok = ok && !(is.bare && x.l.limits.wantsChecks())
		is.bare, want.bare = false, false
		is.flags, want.flags = is.flags&^flagSettled, want.flags&^flagSettled
		if anew {
			is.flags, is.list, want.flags, want.list = is.flags&^flagListed, 0, want.flags&^flagListed, 0
		}
		if !ok || is != want {
			return false
		}
	}
	return true
}

// countsAll reports whether the files of the notes have the lengths that they note.
func (p *repair) countsAll(l *Log) bool {
	c := companion{l.fs, l.latest, l.prefix, l.where, &limits{}}
	n, err := c.count()
	if err != nil || n != p.of[l.prefix].noteTo {
		return false
	}
	c.latest = n
	_, err = c.table()
	if err == nil {
		_, err = c.readUndecided()
	}
	p.unread(err)
	return err == nil
}

// noter makes the notes on the rows of a log as their writers made them.
type noter struct {
	p       *repair
	l       *Log
	to      uint32
	tx      *Tx // only read
	old     *oldIDs
	records map[changeset.RecordID]*notedRecord
	highest map[uuid.UUID]uint32
	open    openSet
	lastID  uint32

	rows, ids, conflicts []byte
}

// notedRecord is what the notes know of a record at a row.
type notedRecord struct {
	rows    []uint32 // all that touch it
	seen    int      // of them so far
	entries []resolution.Entry
	loaded  bool
	exists  bool
	settled bool
	head    changeset.ID
	result  *resolution.Result // of the last of them, if it was merged
}

func (p *repair) newNoter(l *Log) (*noter, error) {
	x := &noter{p: p, l: l, to: p.of[l.prefix].noteTo, tx: newTx(p.r, nil), records: map[changeset.RecordID]*notedRecord{}, highest: map[uuid.UUID]uint32{}, open: openSet{}}
	if l.prefix != "" {
		x.old = &oldIDs{}
		return x, nil
	}
	old, _, err := l.readOldIDs()
	x.old = old
	return x, err
}

// files are the notes, the one that says how many rows are noted last.
func (x *noter) files() []note {
	files := []note{{name: rowsFile, data: x.rows}}
	if x.l.prefix == "" {
		files = []note{{name: idsFile, data: x.ids}, {name: conflictsFile, data: x.conflicts}, files[0]}
	}
	return files
}

func (x *noter) run() error {
	for row, err := range x.l.Rows(1, x.to) {
		if err != nil {
			return err
		}
		c, err := x.l.Changeset(row)
		if err != nil {
			return err
		}
		for i := range c.Changes {
			rec := c.Changes[i].Record
			if x.records[rec] == nil {
				x.records[rec] = &notedRecord{}
			}
			x.records[rec].rows = append(x.records[rec].rows, row.Seq)
		}
	}
	for row, err := range x.l.Rows(1, x.to) {
		if err == nil {
			err = x.p.ctx.Err()
		}
		if err != nil {
			return err
		}
		if err := x.note(row); err != nil {
			return err
		}
	}
	return nil
}

// note makes the note on a row.
func (x *noter) note(row changeset.Row) error {
	c, err := x.l.Changeset(row)
	if err != nil {
		return err
	}
	f := flagsOf(c)
	if f == 0 {
		f = flagSettled
	}
	for i := range c.Changes {
		ch := &c.Changes[i]
		settled, err := x.change(row, c, ch)
		if err != nil {
			return err
		}
		if !settled {
			f &^= flagSettled
		}
	}
	x.highest[c.ID.Origin] = max(x.highest[c.ID.Origin], c.ID.Seq)
	n := noted{lastID: x.lastID, flags: f}
	if x.l.prefix == "" {
		n = n.withList(int64(len(x.conflicts)))
	}
	x.rows = appendNoted(x.rows, row.Seq, n)
	return nil
}

// change notes a change to a record, and reports whether the record is settled by it.
func (x *noter) change(row changeset.Row, c *changeset.Changeset, ch *changeset.Change) (bool, error) {
	s := x.records[ch.Record]
	first := s.seen == 0
	s.seen++
	if first && x.l.prefix == "" && !x.old.has(ch.Record.UUID) {
		x.ids = appendLocalID(x.ids, localID{ch.Record.UUID, row.Seq})
		x.lastID++
	}
	defer func() { s.exists = ch.Kind != changeset.Delete }()
	own, err := x.l.own(row.Seq, c.ID)
	if err != nil {
		return false, err
	}
	sees := first && len(ch.Parents) == 0 || s.settled && follows(c.ID, ch, s.head)
	if !c.Bookkeeping() && ch.CopyOf.IsZero() && (own || c.ID.Seq > x.highest[c.ID.Origin]) && sees && (s.exists || first || ch.Kind == changeset.Delete) {
		s.settled, s.head = true, c.ID
		return true, nil
	}
	result, err := x.merge(ch.Record, s, row.Seq)
	if err != nil {
		return false, err
	}
	if s.settled, s.head = !c.Bookkeeping() && result.SettledBy(c.ID), c.ID; s.seen == len(s.rows) {
		s.result = result
	}
	if u := undecidedIn(result); x.l.prefix == "" && x.open.note(ch.Record, u) {
		x.conflicts = appendConflictLine(x.conflicts, conflictLine{row: row.Seq, rec: ch.Record, undecided: u})
	}
	return s.settled, nil
}

// merge merges the changes to a record up to a row.
func (x *noter) merge(rec changeset.RecordID, s *notedRecord, to uint32) (*resolution.Result, error) {
	if !s.loaded {
		var err error
		if s.entries, err = x.l.entries(rec, s.rows, x.l.bestAt); err != nil {
			return nil, err
		}
		s.loaded = true
	}
	here := s.entries
	for len(here) > 0 && x.rowOf(here[len(here)-1].ID) > to {
		here = here[:len(here)-1]
	}
	if x.l.prefix == "" {
		return x.tx.main.mergeEntries(rec, here)
	}
	return x.tx.res.mergeEntries(rec, here)
}

// rowOf returns the row of a changeset.
func (x *noter) rowOf(id changeset.ID) uint32 {
	lookup := x.p.r.Lookup
	if x.l.prefix != "" {
		lookup = x.p.r.LookupVote
	}
	row, _, err := lookup(id)
	if err != nil {
		x.p.unread(err)
		return 0
	}
	return row
}
