package replica

import (
	"prophet/cas"
	"prophet/changeset"
)

// line is what is known here of a log, to be held against those of others: who has another edit in one of its rows, or under the number of what was made here, went on in another line.
type line struct {
	p    *repair
	l    *Log                                   // of the rows that are told of
	held uint32                                 // the last of these
	made map[changeset.ID]cas.Key               // what was made here, under the numbers of rows: of those that the index names there, and after the last
	read func(key cas.Key) *changeset.Changeset // reads one that is not loose; nil where it cannot be read
}

// newLine is what an index tells of a line. Who makes it adds what was made here after the last row.
func newLine(p *repair, l *Log, held uint32, index []byte, read func(key cas.Key) *changeset.Changeset) *line {
	x := &line{p: p, l: l.withRows(held), held: held, made: map[changeset.ID]cas.Key{}, read: read}
	for seq := uint32(1); seq <= held; seq++ {
		if row, whole := rowIn(index, seq); whole && row.ID == (changeset.ID{Origin: l.uuid, Seq: seq}) {
			x.made[row.ID] = row.Key
		}
	}
	return x
}

// isOwn reports whether a changeset was made here under the number of a row after the last.
func (x *line) isOwn(id changeset.ID) bool { return id.Origin == x.l.uuid && id.Seq > x.held }

// elsewhere returns how many rows there are by those who are asked: as many as a mirror or a copy of this replica has, or up to the last changeset that was made here. Who has another edit under the number of one that is
// here, or, in a mirror or a copy, in its row, went on in another line, and tells of none: one of the two was made on a copy, or after a backup was put back, so a pull gives the replica another UUID. another says that it
// is a row of this log that is another there: then what lies here of rows after the last may be of that line.
func (x *line) elsewhere() (rows uint32, another bool, err error) {
	for _, r := range x.p.others() {
		l := sameLog(r, x.l)
		has, fork, err := x.toldBy(r, l)
		switch {
		case err != nil:
			return 0, false, err
		case fork > 0 && fork <= x.held:
			return 0, true, nil
		case fork == 0:
			rows = max(rows, has)
		}
	}
	return rows, false, x.p.disturbed()
}

// toldBy returns how many rows there are by somebody's log, or the first number under which that has another edit than is here.
func (x *line) toldBy(r *Replica, l *Log) (rows, fork uint32, err error) {
	if l.uuid == x.l.uuid {
		rows = l.latest
	}
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			x.p.passOver(r, err)
			break
		}
		if at := (changeset.ID{Origin: x.l.uuid, Seq: row.Seq}); l.uuid == x.l.uuid && row.ID != at && row.Seq <= x.held {
			if key, is := x.made[at]; is && x.p.wholeChangeset(x.l, key) != nil {
				return 0, row.Seq, x.p.disturbed()
			}
		}
		if key, is := x.made[row.ID]; is && key != row.Key {
			another, err := x.isAnother(l, row, key)
			if x.p.passOver(r, err); another {
				return 0, row.ID.Seq, x.p.disturbed()
			}
		}
		if x.isOwn(row.ID) {
			rows = max(rows, row.ID.Seq)
		}
	}
	return rows, 0, x.p.disturbed()
}

// isAnother reports whether the changeset of a row of somebody's log is another edit than one that is here. Of one that cannot be read, or is lost there, that is not known, and it is not.
func (x *line) isAnother(l *Log, row changeset.Row, key cas.Key) (bool, error) {
	there, err := l.Changeset(row)
	if err != nil || there.Lost {
		return false, err
	}
	here := x.p.wholeChangeset(x.l, key)
	if here == nil {
		here = x.read(key)
	}
	return here != nil && !changeset.SameEdit(here, there), nil
}

// packedChangeset returns what reads a changeset of parts, after the last row of the log too; nil where it cannot be read.
func (l *Log) packedChangeset(p *repair) func(key cas.Key) *changeset.Changeset {
	all := l.withRows(maxSeq)
	return func(key cas.Key) *changeset.Changeset {
		b, _, err := all.packedObject(key)
		p.unread(err)
		c, bad := changeset.Decode(b)
		if err != nil || bad != nil {
			return nil
		}
		return c
	}
}
