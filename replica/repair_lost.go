package replica

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// lostRepair brings the list of lost changesets of a log up to date.
type lostRepair struct {
	p       *repair
	l       *Log
	listed  map[uint32]changeset.Row // before
	lost    map[uint32]changeset.Row // now
	ids     map[changeset.ID]uint32  // their rows
	files   []string                 // damaged objects
	touched map[uint32]map[changeset.RecordID]bool
	index   *indexRepair // what the records' indexes say; loaded when needed
}

// mendLost lists the changesets that cannot be read, with what is left of each, and takes those off the list that can.
func (p *repair) mendLost(l *Log) error {
	listed, err := l.readLost()
	if err != nil {
		return err
	}
	x := &lostRepair{p: p, l: l, listed: listed, lost: map[uint32]changeset.Row{}, ids: map[changeset.ID]uint32{}}
	if err := x.find(); err != nil {
		return err
	}
	l.gone.mu.Lock()
	l.gone.rows, l.gone.loaded = map[uint32]changeset.Row{}, true
	l.gone.mu.Unlock()
	for _, seq := range slices.Sorted(maps.Keys(x.lost)) {
		if err := x.leave(seq); err != nil {
			return err
		}
	}
	if err := x.write(); err != nil {
		return err
	}
	for _, file := range x.files {
		if err := p.takeAway(file); err != nil {
			return err
		}
	}
	return nil
}

// find finds out which changesets cannot be read, and which of those that are listed can.
func (x *lostRepair) find() error {
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err == nil {
			err = x.p.ctx.Err()
		}
		if err != nil {
			return err
		}
		_, c, err := x.l.RawChangeset(row)
		_, listed := x.listed[row.Seq]
		switch {
		case err == nil && listed:
			x.comesBack(row, c)
		case err == nil:
		case !isFault(err):
			return err
		default:
			x.lost[row.Seq], x.ids[row.ID] = row, row.Seq
		}
	}
	return nil
}

// comesBack takes a changeset off the list. The records that it touches, and those that what was left of it touched, are merged anew.
func (x *lostRepair) comesBack(row changeset.Row, c *changeset.Changeset) {
	x.p.tell(x.l.prefix+LostFile, IsFetched, "changeset %s, row %d, is there again", row.ID, row.Seq)
	x.p.mergeLater(x.l, c)
	x.p.mergeLater(x.l, x.l.left(x.listed[row.Seq]))
}

// mergeLater notes that the records that a changeset touches are to be merged anew.
func (p *repair) mergeLater(l *Log, c *changeset.Changeset) {
	if p.anew[l.prefix] == nil {
		p.anew[l.prefix] = map[changeset.RecordID]bool{}
	}
	for i := range c.Changes {
		p.anew[l.prefix][c.Changes[i].Record] = true
	}
}

// leave stores what is left of a lost changeset, unless that is known already.
func (x *lostRepair) leave(seq uint32) error {
	row := x.lost[seq]
	file := x.l.objects.Path(row.Key)
	if ok, err := exists(x.p.fs, file); err != nil {
		return err
	} else if ok {
		x.files = append(x.files, file)
	}
	if before, listed := x.listed[seq]; listed && before.ID == row.ID && x.l.left(before).Changes != nil {
		x.l.gone.rows[seq] = before
		return nil
	}
	c, err := x.whatIsLeft(row)
	if err != nil {
		return err
	}
	text := c.Encode()
	row.Key = cas.Sum(text)
	if _, err := x.p.object(x.l.leftObjects(), text); err != nil {
		return err
	}
	x.l.gone.rows[seq] = row
	x.p.mergeLater(x.l, c)
	x.p.tell(file, IsLost, "nobody who was asked has changeset %s, row %d of the log; %s", row.ID, seq, countsAs(c))
	return nil
}

// countsAs says what counts for a lost changeset.
func countsAs(c *changeset.Changeset) string {
	if len(c.Changes) == 0 {
		return "until it comes back it counts as if it had not been there"
	}
	return "until it comes back, what its records became counts"
}

// write writes the list.
func (x *lostRepair) write() error {
	name := x.l.prefix + LostFile
	if len(x.l.gone.rows) == 0 {
		if ok, err := exists(x.p.fs, name); !ok || err != nil {
			return err
		}
		if err := durable.Remove(x.p.fs, name); err != nil {
			return err
		}
		return x.removeLeft()
	}
	var text []byte
	for _, seq := range slices.Sorted(maps.Keys(x.l.gone.rows)) {
		text = changeset.AppendRow(text, x.l.gone.rows[seq])
	}
	was, err := x.p.read(name)
	if err != nil {
		return err
	}
	if string(was) != string(text) {
		if err := durable.WriteFile(x.p.fs, name, text); err != nil {
			return err
		}
	}
	return x.removeLeft()
}

// removeLeft removes what was left of changesets that are not listed any more.
func (x *lostRepair) removeLeft() error {
	needed := map[cas.Key]bool{}
	for _, row := range x.l.gone.rows {
		needed[row.Key] = true
	}
	var files []string
	err := x.l.leftObjects().Walk(func(key cas.Key, file string) error {
		if !key.IsZero() && !needed[key] {
			files = append(files, file)
		}
		return nil
	})
	for _, file := range files {
		if err == nil {
			err = durable.Remove(x.p.fs, file)
		}
	}
	return err
}

// whatIsLeft makes what counts for a lost changeset: the representation that somebody else has of it, else what the versions of its records tell.
func (x *lostRepair) whatIsLeft(row changeset.Row) (*changeset.Changeset, error) {
	if c := x.represented(row.ID); c != nil {
		return c, nil
	}
	if err := x.look(); err != nil {
		return nil, err
	}
	c := &changeset.Changeset{ID: row.ID, Created: x.createdNear(row.Seq)}
	n, err := x.l.ours.noted(row.Seq)
	if err != nil {
		n = noted{}
	}
	c.Nullification, c.Resolution = n.flags&flagNullification != 0, n.flags&flagResolution != 0
	for _, rec := range sorted(x.touched[row.Seq]) {
		ch := x.changeOf(rec, row.Seq)
		if !c.Bookkeeping() {
			ch.Parents = x.parentsOf(rec, row, n.flags&flagSettled != 0)
		}
		if len(c.Changes) == 0 || c.Changes[len(c.Changes)-1].Record.UUID != rec.UUID {
			c.Changes = append(c.Changes, ch)
		}
	}
	return c, nil
}

// represented returns another representation of a changeset, which is the same edit, from the list or from somebody else; nil if there is none.
func (x *lostRepair) represented(id changeset.ID) *changeset.Changeset {
	if x.l.reps != nil {
		if row, ok, err := x.l.reps.lookup(id); ok && err == nil {
			if c := x.p.wholeChangeset(x.l, row.Key); c != nil && c.ID == id {
				return c
			}
		}
	}
	for _, r := range x.p.others() {
		seq, known, err := r.Lookup(id)
		if x.l.prefix != "" {
			seq, known, err = r.LookupVote(id)
		}
		if !known || err != nil {
			continue
		}
		if c, err := sameLog(r, x.l).at(seq); err == nil && !c.Lost && !c.Bookkeeping() {
			return c
		}
	}
	return nil
}

// look finds out which records the lost changesets touched: by the records' indexes, by what names them as parents, and by the local ids that they brought.
func (x *lostRepair) look() error {
	if x.index != nil {
		return nil
	}
	x.index = &indexRepair{p: x.p, l: x.l}
	if err := x.index.loadVersions(); err != nil {
		return err
	}
	x.index.loadBrought()
	x.touched = map[uint32]map[changeset.RecordID]bool{}
	for rec, versions := range x.index.versions {
		for _, v := range versions {
			x.touch(v.Seq, rec)
		}
	}
	brought := map[uuid.UUID]uint32{}
	for seq := range x.lost {
		for _, u := range x.index.brought[seq] {
			brought[u] = seq
		}
	}
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err != nil {
			return err
		}
		if _, c, err := x.l.RawChangeset(row); err == nil {
			x.lookAt(c, brought)
		}
	}
	return x.fetchVersions()
}

func (x *lostRepair) lookAt(c *changeset.Changeset, brought map[uuid.UUID]uint32) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		for _, p := range ch.Parents {
			x.touch(x.ids[p], ch.Record)
		}
		x.touch(brought[ch.Record.UUID], ch.Record)
	}
}

// touch notes that a row touches a record, if its changeset is lost.
func (x *lostRepair) touch(seq uint32, rec changeset.RecordID) {
	if _, lost := x.lost[seq]; !lost {
		return
	}
	if x.touched[seq] == nil {
		x.touched[seq] = map[changeset.RecordID]bool{}
	}
	x.touched[seq][rec] = true
}

// fetchVersions asks for those versions before and after lost changesets that cannot be read.
func (x *lostRepair) fetchVersions() error {
	seen := map[cas.Key]bool{}
	var lacking []*wanted
	for seq, recs := range x.touched {
		for rec := range recs {
			at := x.index.versionAt(rec, seq)
			for _, v := range x.index.versions[rec][max(0, at-1) : at+1] {
				if v.Deleted() || seen[v.Key] {
					continue
				}
				seen[v.Key] = true
				if _, err := x.l.versions.Get(v.Key); isMissingObject(err) {
					lacking = append(lacking, versionOf(x.l, v.Key))
				}
			}
		}
	}
	return x.p.fetch(lacking)
}

// changeOf is what a lost changeset did to a record: what differs between the versions before and after it. Where these cannot be read, it changed nothing.
func (x *lostRepair) changeOf(rec changeset.RecordID, seq uint32) changeset.Change {
	versions, at := x.index.versions[rec], x.index.versionAt(rec, seq)
	first := at
	for first > 0 && versions[first-1].Seq == seq {
		first--
	}
	if at >= 0 {
		was, before := x.stateBefore(rec, first)
		is, after := x.stateOf(versions[at])
		if was != nil && is != nil {
			ch := difference(rec, *was, before, *is, after)
			if ch == nil {
				ch = sameState(rec, *is)
			}
			return *ch
		}
	}
	ch := *sameState(rec, true)
	if slices.Contains(x.index.brought[seq], rec.UUID) {
		ch.Kind = changeset.Create
	}
	return ch
}

// stateBefore returns the state of a record before one of its versions; exists is nil if it cannot be read.
func (x *lostRepair) stateBefore(rec changeset.RecordID, at int) (exists *bool, props map[string]string) {
	if at == 0 {
		return new(bool), nil
	}
	return x.stateOf(x.index.versions[rec][at-1])
}

func (x *lostRepair) stateOf(v changeset.Version) (exists *bool, props map[string]string) {
	is := !v.Deleted()
	if !is {
		return &is, nil
	}
	props, err := x.l.props(v.Key)
	if err != nil {
		return nil, nil
	}
	return &is, props
}

// parentsOf is what the maker of a lost changeset had seen of a record: all that was there, if the row is noted so, or was made here; else nobody knows.
func (x *lostRepair) parentsOf(rec changeset.RecordID, row changeset.Row, settled bool) []changeset.ID {
	tells, err := x.l.tells(row.Seq, row.ID)
	if err != nil || !settled && !tells {
		return nil
	}
	var rows []uint32
	for _, v := range x.index.versions[rec] {
		if v.Seq < row.Seq {
			rows = append(rows, v.Seq)
		}
	}
	result, err := x.p.r.mergeRows(x.l, rec, rows)
	if err != nil {
		return nil
	}
	return result.Heads
}

// createdNear is when the changeset was made that stands nearest above a row and can be read, else below it: when the lost one was made nobody knows.
func (x *lostRepair) createdNear(seq uint32) string {
	for at := seq - 1; at > 0; at-- {
		if c, err := x.l.at(at); err == nil && !c.Lost {
			return c.Created
		}
	}
	for at := seq + 1; at <= x.l.latest && at > 0; at++ {
		if c, err := x.l.at(at); err == nil && !c.Lost {
			return c.Created
		}
	}
	return ""
}
