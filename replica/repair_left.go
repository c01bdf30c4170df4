package replica

import (
	"cmp"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// whatIsLeft makes what counts for a lost changeset: another representation of it that explains what its records became, else what their versions tell. Others are those who have another
// edit under its ID.
func (x *lostRepair) whatIsLeft(row changeset.Row) (c *changeset.Changeset, others []string, err error) {
	if err := x.look(); err != nil {
		return nil, nil, err
	}
	c, others, err = x.represented(row)
	if c != nil || err != nil {
		return c, others, err
	}
	// When it was made nobody knows: what stands nearest above it says about when, else what stands nearest below.
	c = &changeset.Changeset{ID: row.ID, Created: cmp.Or(x.near[row.Seq], x.first)}
	n, err := x.l.ours.noted(row.Seq)
	if err != nil {
		x.p.unread(err)
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
	x.pieced[row.Seq] = c
	return c, others, nil
}

// represented returns another representation of a changeset, from the list or from somebody else; nil if there is none, or what is offered is not one edit. What does not
// explain what the records became is another edit; others are those who have such a one.
func (x *lostRepair) represented(row changeset.Row) (found *changeset.Changeset, others []string, err error) {
	several := false
	offers := x.offers(row)
	if err := x.p.disturbed(); err != nil {
		return nil, nil, err
	}
	for _, o := range offers {
		same, err := x.explains(row.Seq, o.c)
		switch {
		case err != nil:
			return nil, nil, err
		case !same || o.twin:
			others = append(others, o.where)
		case found == nil:
			found = o.c
		default:
			several = several || !changeset.SameEdit(found, o.c)
		}
	}
	if several {
		found = nil
	}
	return found, others, nil
}

// offer is what somebody has under the ID of a lost changeset.
type offer struct {
	c     *changeset.Changeset
	where string
	twin  bool // it is from a copy of this replica that has another object in that row
}

// offers returns what the list and others have under the ID of a lost changeset, the list's first.
func (x *lostRepair) offers(row changeset.Row) (offers []offer) {
	if x.l.reps != nil {
		listed, ok, err := x.l.reps.lookup(row.ID)
		x.p.unread(err)
		if ok && err == nil {
			if c := x.p.wholeChangeset(x.l, listed.Key); c != nil && c.ID == row.ID {
				offers = append(offers, offer{c: c, where: RepresentationsFile})
			}
		}
	}
	for _, r := range x.p.others() {
		seq, known, err := r.lookupIn(x.l.prefix, row.ID)
		if !known || err != nil {
			x.p.passOver(r, err)
			continue
		}
		l := sameLog(r, x.l)
		c, err := l.at(seq)
		if err == nil && !c.Lost && !c.Bookkeeping() {
			offers = append(offers, offer{c, r.where(), l.uuid == x.l.uuid && seq == row.Seq})
		}
		x.p.passOver(r, err)
	}
	return offers
}

// explains reports whether an edit may be what a row of the log held: it is of the kind that is noted, touches what the row touched, and nothing that is here says that it made something
// else of a record than that became.
func (x *lostRepair) explains(seq uint32, c *changeset.Changeset) (bool, error) {
	if !x.said.sameKind(seq, c) {
		return false, nil
	}
	for rec := range x.touched[seq] {
		onlyBrought := x.said.versionAt(rec, seq) < 0 && slices.Contains(x.said.brought[seq], rec.UUID) // a table that may be damaged says so
		if c.Change(rec) == nil && !onlyBrought {
			return false, nil
		}
	}
	for i := range c.Changes {
		if ok, err := x.explainsChange(seq, &c.Changes[i]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// explainsChange reports whether a change may have made what a record became in a row: the version that its index has of the row, or, where that does not say it, one that is here.
func (x *lostRepair) explainsChange(seq uint32, ch *changeset.Change) (bool, error) {
	versions, at := x.said.versions[ch.Record], x.said.versionAt(ch.Record, seq)
	existed, props, err := x.stateAbove(ch.Record, seq, at)
	if err != nil {
		return false, err
	}
	made := versionKey(Replay(existed, props, ch))
	if at >= 0 && (made == versions[at].Key || versions[at].Deleted() || x.hasVersion(versions[at].Key)) {
		return made == versions[at].Key, nil
	}
	if !made.IsZero() && x.hasVersion(made) {
		return true, nil
	}
	return len(versions) == 0 && !x.hasVersion(versionKey(existed, props)), nil // no version of it is left that would tell
}

// stateAbove returns the state of a record before a row, of which its index has the version at, or none.
func (x *lostRepair) stateAbove(rec changeset.RecordID, seq uint32, at int) (exists bool, props map[string]string, err error) {
	if at >= 0 {
		if exists, props, err = x.said.before(rec, at); err == nil {
			return exists, props, nil
		}
	}
	exists, props = false, nil
	for row, err := range x.l.Rows(1, seq-1) {
		if err != nil {
			return false, nil, err
		}
		c, err := x.l.Changeset(row)
		if err != nil {
			return false, nil, err
		}
		if ch := c.Change(rec); ch != nil {
			exists, props = Replay(exists, props, ch)
		}
	}
	return exists, props, nil
}

// hasVersion reports whether a version of a record can be read.
func (x *lostRepair) hasVersion(key cas.Key) bool {
	_, err := x.l.versions.Get(key)
	x.p.unread(err)
	return err == nil
}

// changeOf is what a lost changeset did to a record: what differs between the versions before and after it, or, where that before cannot be read, between what the rows above come to and that after.
// Where that cannot be read either, it changed nothing.
func (x *lostRepair) changeOf(rec changeset.RecordID, seq uint32) changeset.Change {
	versions, at := x.said.versions[rec], x.said.versionAt(rec, seq)
	first := at
	for first > 0 && versions[first-1].Seq == seq {
		first--
	}
	if at >= 0 {
		was, before := x.stateBefore(rec, first)
		is, after := x.stateOf(rec, versions[at])
		if was == nil && is != nil { // then it made of what is left of the rows above what the version is
			existed, props, err := x.stateAbove(rec, seq, -1)
			x.p.unread(err)
			if err == nil {
				was, before = &existed, props
			}
		}
		if was != nil && is != nil {
			ch := difference(rec, *was, before, *is, after)
			if ch == nil {
				ch = sameState(rec, *is)
			}
			return *ch
		}
	}
	ch := *sameState(rec, true)
	if slices.Contains(x.said.brought[seq], rec.UUID) {
		ch.Kind = changeset.Create
	}
	return ch
}

// stateBefore returns the state of a record before one of its versions; exists is nil if it cannot be read.
func (x *lostRepair) stateBefore(rec changeset.RecordID, at int) (exists *bool, props map[string]string) {
	if at == 0 {
		return new(bool), nil
	}
	return x.stateOf(rec, x.said.versions[rec][at-1])
}

func (x *lostRepair) stateOf(rec changeset.RecordID, v changeset.Version) (exists *bool, props map[string]string) {
	is := !v.Deleted()
	if !is {
		return &is, nil
	}
	props, err := x.l.props(rec, v)
	if err != nil {
		x.p.unread(err)
		return nil, nil
	}
	return &is, props
}

// parentsOf is what the maker of a lost changeset had seen of a record: all that was there, if the row is noted so, or was made here; else nobody knows.
func (x *lostRepair) parentsOf(rec changeset.RecordID, row changeset.Row, settled bool) []changeset.ID {
	tells, err := x.l.tells(row.Seq, row.ID)
	x.p.unread(err)
	if err != nil || !settled && !tells {
		return nil
	}
	var rows []uint32
	for _, v := range x.said.versions[rec] {
		if v.Seq < row.Seq {
			rows = append(rows, v.Seq)
		}
	}
	result, err := x.p.r.mergeRows(x.l, rec, rows)
	if err != nil {
		x.p.unread(err)
		return nil
	}
	return result.Heads
}
