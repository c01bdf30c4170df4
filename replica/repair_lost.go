package replica

import (
	"cmp"
	"fmt"
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
	said    *says                           // what the records' indexes say; loaded when needed
	pieced  map[uint32]*changeset.Changeset // what was made now of the versions of records, by row
	back    []changeset.Row                 // those that can be read again
	near    map[uint32]string               // by lost row, when the changeset was made that stands nearest above and can be read; "" if there is none
	first   string                          // when the first was made that can be read
}

// mendLost lists the changesets that cannot be read, with what is left of each, and takes those off the list that can.
func (p *repair) mendLost(l *Log) error {
	listed, err := l.readLost()
	if err != nil {
		return err
	}
	x := &lostRepair{p: p, l: l, listed: listed, lost: map[uint32]changeset.Row{}, ids: map[changeset.ID]uint32{},
		pieced: map[uint32]*changeset.Changeset{}, near: map[uint32]string{}}
	if err := x.find(); err != nil {
		return err
	}
	if err := x.hungBefore(); err != nil {
		return err
	}
	l.gone.mu.Lock()
	l.gone.rows, l.gone.loaded, l.gone.hang = map[uint32]changeset.Row{}, true, nil
	l.gone.mu.Unlock()
	for _, seq := range slices.Sorted(maps.Keys(x.lost)) {
		if err := p.disturbed(); err != nil {
			return err
		}
		if err := x.leave(seq); err != nil {
			return err
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(x.pieced)) {
		if err := x.explain(seq, x.pieced[seq]); err != nil {
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
	near := ""
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err == nil {
			err = x.p.ctx.Err()
		}
		if err != nil {
			return err
		}
		_, c, err := x.l.RawChangeset(row)
		_, listed := x.listed[row.Seq]
		if err == nil && c.Created != "" {
			near = c.Created
			x.first = cmp.Or(x.first, near)
		}
		switch {
		case err == nil && listed:
			x.back = append(x.back, row)
			x.comesBack(row, c)
		case err == nil:
		case !isFault(err):
			return err
		default:
			x.lost[row.Seq], x.ids[row.ID], x.near[row.Seq] = row, row.Seq, near
		}
	}
	return nil
}

// comesBack takes a changeset off the list. The records that it touches, and those that what was left of it touched, are merged anew.
func (x *lostRepair) comesBack(row changeset.Row, c *changeset.Changeset) {
	x.p.report(Mended{Path: x.l.prefix + LostFile, Outcome: IsFetched, Text: fmt.Sprintf("changeset %s, row %d, is there again", row.ID, row.Seq), Alike: "%d changesets are there again; --json lists them"})
	left := x.l.left(x.listed[row.Seq])
	x.p.mergeLater(x.l, c)
	x.p.mergeLater(x.l, left)
	if x.l.prefix == "" {
		x.p.regained.note(c, left)
	}
}

// mergeLater notes that the records that a changeset touches are to be merged anew.
func (p *repair) mergeLater(l *Log, c *changeset.Changeset) {
	for i := range c.Changes {
		p.mergeOne(l, c.Changes[i].Record)
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
	if before, listed := x.listed[seq]; listed && before.ID == row.ID {
		if left := x.l.left(before); left.Changes != nil {
			x.l.gone.list(before, left)
			return nil
		}
	}
	c, others, err := x.whatIsLeft(row)
	if err != nil {
		return err
	}
	if err := x.keep(seq, c); err != nil {
		return err
	}
	x.p.mergeLater(x.l, c)
	for _, where := range others {
		x.p.tell(file, IsLost, "%s has another edit as changeset %s, which is not what the records became in row %d: it is not taken", where, row.ID, seq)
	}
	x.p.report(Mended{Path: file, Outcome: IsLost, Text: fmt.Sprintf("%s changeset %s, row %d of the log; %s", x.p.nobodyHas(), row.ID, seq, countsAs(c)),
		Alike: x.p.nobodyHas() + " %d changesets; --json lists them"})
	return nil
}

// keep stores what is left of the changeset of a row, and lists it.
func (x *lostRepair) keep(seq uint32, c *changeset.Changeset) error {
	text := c.Encode()
	row := x.lost[seq]
	row.Key = cas.Sum(text)
	if _, err := x.p.object(x.l.leftObjects(), text); err != nil {
		return err
	}
	x.l.gone.list(row, c)
	return nil
}

// hungBefore notes that the records are to be merged anew of which something hung on what came back: it counts again, in the place of its copies.
func (x *lostRepair) hungBefore() error {
	if x.l.prefix != "" || len(x.back) == 0 {
		return nil
	}
	lost, err := x.l.lostBefore(x.back)
	if err != nil {
		return err
	}
	recs, err := x.l.touchedBy(x.l.hangingOn(lost))
	for rec := range recs {
		x.p.mergeOne(x.l, rec)
	}
	return err
}

// countsAs says what counts for a changeset that a repair lists as lost.
func countsAs(c *changeset.Changeset) string {
	if c.Bookkeeping() {
		return lostBookkeeping
	}
	return countsInstead(SomeLeft(c)) + whatBuildsWaits
}

// write writes the list.
func (x *lostRepair) write() error {
	if err := x.p.disturbed(); err != nil {
		return err
	}
	name := x.l.prefix + LostFile
	if all, err := x.l.AllLost(); all || err != nil {
		return err
	}
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

// look finds out which records the lost changesets touched: by the records' indexes, by what names them as parents, and by the local ids that they brought.
func (x *lostRepair) look() error {
	if x.said != nil {
		return nil
	}
	said, err := newSays(x.p, x.l)
	if err != nil {
		return err
	}
	x.said = &said
	x.touched = map[uint32]map[changeset.RecordID]bool{}
	for rec, versions := range x.said.versions {
		for _, v := range versions {
			x.touch(v.Seq, rec)
		}
	}
	brought := map[uuid.UUID]uint32{}
	for _, seq := range slices.Sorted(maps.Keys(x.lost)) {
		for _, u := range x.said.brought[seq] {
			if brought[u] == 0 { // a damaged table may name it twice: the first row brought it
				brought[u] = seq
			}
		}
	}
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err != nil {
			return err
		}
		_, c, err := x.l.RawChangeset(row)
		if err == nil {
			x.lookAt(c, brought)
		}
		x.p.unread(err)
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
	for _, seq := range slices.Sorted(maps.Keys(x.touched)) {
		for _, rec := range sorted(x.touched[seq]) {
			at := x.said.versionAt(rec, seq)
			for _, v := range x.said.versions[rec][max(0, at-1) : at+1] {
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
