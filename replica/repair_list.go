package replica

import (
	"bytes"
	"cmp"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// mendList mends the list of representations. A row whose object nobody has names the log's own instead, which tells no more than that; peers' lists are read again then. Of rows that the number counts, and of
// which nothing at all is left, there are none.
func (p *repair) mendList() error {
	counted := p.r.log.reps.rows.latest
	file, err := p.read(RepresentationsFile)
	if err != nil || counted == 0 && len(file) == 0 {
		return err
	}
	x := &listRepair{p: p, l: p.r.log, file: file, counted: int(counted), byRow: map[changeset.ID]changeset.Row{}}
	if err := x.load(); err != nil {
		return err
	}
	if err := x.askMirrors(); err != nil {
		return err
	}
	if err := x.fill(); err != nil {
		return err
	}
	return x.write()
}

// listRepair mends the list of representations.
type listRepair struct {
	p       *repair
	l       *Log
	file    []byte
	counted int                            // how many rows its number says that there are
	rows    []changeset.Row                // zero where not known; no more than are known to have been
	byRow   map[changeset.ID]changeset.Row // of the log
	free    []spare                        // what no row of the list names, those that know less first
	gone    []changeset.ID                 // of which nothing more is known than the log tells
}

// load reads the rows that hold together with their changesets, and the representations that no row names.
func (x *listRepair) load() error {
	logged, named := map[cas.Key]bool{}, map[cas.Key]bool{}
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err != nil {
			return err
		}
		x.byRow[row.ID], logged[row.Key] = row, true
	}
	for i := range min(x.counted, len(x.file)/changeset.RowSize) {
		b := x.file[i*changeset.RowSize:][:changeset.RowSize]
		if slices.Max(b) == 0 {
			continue
		}
		row, err := changeset.ParseRow(b)
		row.Seq = uint32(i + 1)
		c := x.p.wholeChangeset(x.l, row.Key)
		switch {
		case c != nil: // whatever the rest of the row says
			row.ID = c.ID
		case err != nil || x.byRow[row.ID].Seq == 0:
			continue
		default:
			found, err := x.sought(row.Key)
			if err != nil {
				return err
			}
			if !found {
				x.reach(i)
				continue
			}
		}
		x.reach(i)
		x.rows[i] = row
		named[row.Key] = true
	}
	left, err := x.leftKeys()
	if err != nil {
		return err
	}
	err = x.l.objects.Walk(func(key cas.Key, _ string) error {
		if key.IsZero() || logged[key] || named[key] || left[key] {
			return x.p.disturbed()
		}
		c := x.p.wholeChangeset(x.l, key)
		if c == nil || x.byRow[c.ID].Seq == 0 {
			return nil
		}
		mine, err := x.l.Changeset(x.byRow[c.ID])
		if err == nil && changeset.SameEdit(mine, c) {
			x.spare(key, c)
		}
		x.p.unread(err)
		return nil
	})
	slices.SortStableFunc(x.free, func(a, b spare) int { return cmp.Compare(a.parents, b.parents) })
	return err
}

// spare is a representation that no row of the list names, and how many parents it tells: of two of one changeset, the one that knows more came later.
type spare struct {
	row     changeset.Row
	parents int
}

// spare keeps a representation that no row of the list names, unless it names parents that the log does not have, as one that was never committed may.
func (x *listRepair) spare(key cas.Key, c *changeset.Changeset) {
	n := 0
	for i := range c.Changes {
		for _, id := range c.Changes[i].Parents {
			if x.byRow[id].Seq == 0 {
				return
			}
			n++
		}
	}
	x.free = append(x.free, spare{changeset.Row{ID: c.ID, Key: key}, n})
}

// reach lets the list have the row at i.
func (x *listRepair) reach(i int) {
	for len(x.rows) <= i {
		x.rows = append(x.rows, changeset.Row{})
	}
}

// leftKeys names the objects that are what is left of lost changesets.
func (x *listRepair) leftKeys() (map[cas.Key]bool, error) {
	rows, err := x.l.lostRows()
	left := map[cas.Key]bool{}
	for _, row := range rows {
		left[row.Key] = true
	}
	return left, err
}

// sought asks for the object of a row, and reports whether somebody had it.
func (x *listRepair) sought(key cas.Key) (bool, error) {
	w := changesetOf(x.l, key)
	err := x.p.fetch([]*wanted{w})
	return w.from != "", err
}

// askMirrors takes the rows that are not known from a mirror or a copy of this very replica, if those that are known are the same there.
func (x *listRepair) askMirrors() error {
	if len(x.rows) == x.counted && !slices.ContainsFunc(x.rows, func(row changeset.Row) bool { return row.Seq == 0 }) {
		return nil
	}
	for _, r := range x.p.others() {
		if r.UUID() != x.l.uuid {
			continue
		}
		list, err := r.Representations()
		var rows []changeset.Row
		if err == nil {
			rows, err = list.Collect(1, uint32(x.counted))
		}
		if err != nil || !x.agree(rows) {
			x.p.passOver(r, err)
			continue
		}
		if err := x.takeRows(rows); err != nil {
			return err
		}
	}
	return x.p.disturbed()
}

// takeRows takes the rows that are not known from those of a mirror.
func (x *listRepair) takeRows(rows []changeset.Row) error {
	for i, row := range rows {
		if i > len(x.rows) {
			return nil // nobody has the row before it
		}
		if i < len(x.rows) && x.rows[i].Seq > 0 {
			continue
		}
		if x.p.wholeChangeset(x.l, row.Key) == nil {
			if found, err := x.sought(row.Key); !found || err != nil {
				if err != nil {
					return err
				}
				continue
			}
		}
		if x.isOne(row) {
			x.reach(i)
			x.rows[i] = row
		}
	}
	return nil
}

// isOne reports whether a row of a mirror's list names a representation of a changeset in the log.
func (x *listRepair) isOne(row changeset.Row) bool {
	c, mine := x.p.wholeChangeset(x.l, row.Key), x.byRow[row.ID]
	if c == nil || c.ID != row.ID || mine.Seq == 0 {
		return false
	}
	logged, err := x.l.Changeset(mine)
	x.p.unread(err)
	return err != nil || changeset.SameEdit(logged, c)
}

func (x *listRepair) agree(rows []changeset.Row) bool {
	for i, row := range rows {
		if i < len(x.rows) && x.rows[i].Seq > 0 && x.rows[i] != row {
			return false
		}
	}
	return true
}

// fill gives the rows that are still not known a representation that none names: one of the changeset that the damaged row names, else any. If there is none, they name
// the log's own object of their changeset, or of the first.
func (x *listRepair) fill() error {
	for i := range x.rows {
		if x.rows[i].Seq > 0 {
			continue
		}
		hint, _ := rowIn(x.file, uint32(i+1)) // damaged, perhaps
		j := slices.IndexFunc(x.free, func(s spare) bool { return s.row.ID == hint.ID })
		if j < 0 && x.byRow[hint.ID].Seq == 0 && len(x.free) > 0 {
			j = 0
		}
		if j >= 0 {
			x.rows[i] = x.free[j].row
			x.free = slices.Delete(x.free, j, j+1)
		} else if err := x.repeat(i, hint.ID); err != nil {
			return err
		}
		x.rows[i].Seq = uint32(i + 1)
	}
	for len(x.free) > 0 && len(x.rows) < x.counted {
		row := x.free[0].row
		row.Seq = uint32(len(x.rows) + 1)
		x.rows, x.free = append(x.rows, row), x.free[1:]
	}
	return nil
}

// repeat lets a row of the list name what the log itself has of a changeset.
func (x *listRepair) repeat(i int, id changeset.ID) error {
	row, known := x.byRow[id]
	if !known {
		var err error
		if row, err = x.l.Row(1); err != nil {
			return err
		}
	} else {
		x.gone = append(x.gone, id)
		c, err := x.l.Changeset(row)
		if err == nil {
			x.p.mergeLater(x.l, c)
		}
		x.p.unread(err)
	}
	x.rows[i] = row
	return nil
}

// write writes the list.
func (x *listRepair) write() error {
	var want []byte
	for _, row := range x.rows {
		want = changeset.AppendRow(want, row)
	}
	differs, fewer := !bytes.Equal(x.file, want), len(x.rows) < x.counted
	if fewer || differs && len(x.gone) > 0 {
		if err := x.p.readListsAgain(); err != nil {
			return err
		}
	}
	if differs {
		if _, err := x.p.replace(RepresentationsFile, want); err != nil {
			return err
		}
		x.p.tell(RepresentationsFile, IsRebuilt, "its rows name what is known of changesets")
		for _, id := range x.gone {
			x.p.tell(RepresentationsFile, IsLost, "what others knew of changeset %s; pulls from them bring it again", id)
		}
	}
	if !fewer {
		return nil
	}
	return x.p.replaceListNumber(uint32(len(x.rows)))
}

// readListsAgain lets the lists of all peers be read from their beginning by the next pulls.
func (p *repair) readListsAgain() error {
	peers, err := p.r.log.peers()
	if err != nil {
		return err
	}
	for _, peer := range peers {
		if peer.damaged != nil || peer.Representations == 0 {
			continue
		}
		peer.Representations, peer.Representation = 0, ""
		if _, err := p.replace(peerFile(peer.UUID), peer.encode()); err != nil {
			return err
		}
	}
	return nil
}
