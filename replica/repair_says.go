package replica

import (
	"cmp"
	"errors"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
)

// says is what the indexes of the records of a log say of its rows, and the table of local ids. An index that is missing says nothing, and one of which parts that were lost may have had the versions,
// or that is an older one, says nothing of rows that it does not name.
type says struct {
	p *repair
	l *Log
	means
	versions    map[changeset.RecordID][]changeset.Version
	at          map[uint32][]changeset.RecordID // which of them name a row; loaded when needed
	numbered    bool                            // they bear numbers of rows, as those of exported copies do not
	packedTo    uint32                          // the last row that parts have
	mayHaveLost bool                            // parts behind those were lost, so that these indexes may lack what was before
	brought     map[uint32][]uuid.UUID          // the records that each row brought, as the table of local ids has it
	broughtIn   map[uuid.UUID]uint32            // the same by the record: the first row that is noted to have brought it
}

// newSays reads the indexes of all records, and the table of local ids. Nothing of that follows from the means, which who asks sets.
func newSays(p *repair, l *Log) (says, error) {
	x := says{p: p, l: l}
	for _, load := range []func() error{x.loadPacked, x.loadVersions, x.loadBrought} {
		if err := load(); err != nil {
			return x, err
		}
	}
	return x, nil
}

// loadPacked finds out which rows parts have, and whether some were lost that had more.
func (x *says) loadPacked() error {
	packs, err := x.l.packs()
	if err != nil {
		return err
	}
	if n := len(packs.list); n > 0 {
		x.packedTo = packs.list[n-1].Last
	}
	x.mayHaveLost = x.p.of[x.l.prefix].lostParts || x.p.of[x.l.prefix].listedTo > x.packedTo
	return nil
}

// lacksLoose reports whether there are parts, and fewer loose changesets than rows behind them that are not known to be lost: a part may have been lost with the list that named it.
func (x *says) lacksLoose() (bool, error) {
	if x.packedTo == 0 {
		return false, nil
	}
	loose, err := x.p.countLoose(x.l)
	if err != nil {
		return false, err
	}
	lost, err := x.p.read(x.l.prefix + LostFile)
	for ; len(lost) >= changeset.RowSize; lost = lost[changeset.RowSize:] {
		if row, err := changeset.ParseRow(lost[:changeset.RowSize]); err == nil && row.Seq > x.packedTo && row.Seq <= x.l.latest {
			loose++
		}
	}
	return loose < x.l.latest-x.packedTo, err
}

// loadVersions reads the indexes of all records, as far as they have rows.
func (x *says) loadVersions() error {
	x.versions = map[changeset.RecordID][]changeset.Version{}
	for rec, err := range x.l.allRecords() {
		if err != nil {
			return err
		}
		b, err := x.p.readIndex(x.l, rec.ID)
		if err != nil {
			return err
		}
		versions := soundVersions(b)
		x.versions[rec.ID] = versions
		x.numbered = x.numbered || len(versions) > 0 && versions[0].Seq > 0
	}
	return nil
}

// soundVersions returns those rows of a record's index that are some, and in order.
func soundVersions(b []byte) (versions []changeset.Version) {
	last := uint32(0)
	for ; len(b) >= changeset.VersionSize; b = b[changeset.VersionSize:] {
		if v, err := changeset.ParseVersion(b[:changeset.VersionSize]); err == nil && v.Seq >= last {
			versions, last = append(versions, v), v.Seq
		}
	}
	return versions
}

// loadBrought reads which records each row brought, as the table of local ids has it.
func (x *says) loadBrought() error {
	x.brought, x.broughtIn = map[uint32][]uuid.UUID{}, map[uuid.UUID]uint32{}
	b, err := x.p.read(x.l.prefix + idsFile)
	if err != nil {
		return err
	}
	for ; len(b) >= localIDSize; b = b[localIDSize:] {
		id := parseLocalID(b)
		x.brought[id.row] = append(x.brought[id.row], id.rec)
		if x.broughtIn[id.rec] == 0 {
			x.broughtIn[id.rec] = id.row
		}
	}
	return nil
}

// bringsAll reports whether a changeset touches all records that its row is noted to have brought.
func (x *says) bringsAll(seq uint32, c *changeset.Changeset) bool {
	for _, u := range x.brought[seq] {
		if !slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Record.UUID == u }) {
			return false
		}
	}
	return true
}

// sameKind reports whether a row is noted as of the kind that a changeset is.
func (x *says) sameKind(row uint32, c *changeset.Changeset) bool {
	n, err := x.l.ours.noted(row)
	x.p.unread(err)
	return err != nil || n.flags&flagBookkeeping == flagsOf(c)
}

// recordsAt returns the records whose indexes name a row, in order.
func (x *says) recordsAt(seq uint32) []changeset.RecordID {
	if x.at == nil {
		x.at = map[uint32][]changeset.RecordID{}
		for _, rec := range sorted(x.versions) {
			for _, v := range x.versions[rec] {
				if v.Seq > 0 && !slices.Contains(x.at[v.Seq], rec) {
					x.at[v.Seq] = append(x.at[v.Seq], rec)
				}
			}
		}
	}
	return x.at[seq]
}

// namesRow reports whether the indexes of all records that a changeset touches name its row, or say nothing of it.
func (x *says) namesRow(seq uint32, c *changeset.Changeset) bool {
	return !x.numbered || !slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool {
		versions := x.versions[ch.Record]
		return len(versions) > 0 && x.versionAt(ch.Record, seq) < 0 && !x.saysNothing(ch.Record, seq)
	})
}

// versionAt returns which version of a record the last one of a row of the log is; -1 if there is none.
func (x *says) versionAt(rec changeset.RecordID, seq uint32) int {
	versions := x.versions[rec]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Seq == seq {
			return i
		}
	}
	return -1
}

// leadsThere reports whether a changeset in a row makes of each record the version that its index has of that row, as far as that can be told; it is false where an index does not name the row.
func (x *says) leadsThere(seq uint32, c *changeset.Changeset) bool {
	_, speaksAgainst := x.leads(seq, c)
	return !speaksAgainst
}

// madeIt reports whether the index of a record that a changeset touches has the very version of a row that the changeset makes, and none speaks against it.
func (x *says) madeIt(seq uint32, c *changeset.Changeset) bool {
	speaksFor, speaksAgainst := x.leads(seq, c)
	return speaksFor && !speaksAgainst
}

// leads reports whether the index of some record that a changeset touches has the version of a row that the changeset makes, and whether one of them has another one, or none.
func (x *says) leads(seq uint32, c *changeset.Changeset) (speaksFor, speaksAgainst bool) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		versions, at := x.versions[ch.Record], x.versionAt(ch.Record, seq)
		if len(versions) == 0 {
			continue
		}
		if at < 0 && x.saysNothing(ch.Record, seq) {
			continue
		}
		if at < 0 {
			return speaksFor, x.numbered
		}
		exists, props, err := x.before(ch.Record, at)
		if err != nil {
			continue
		}
		if versionKey(Replay(exists, props, ch)) != cas.Key(versions[at].Key) {
			return speaksFor, true
		}
		speaksFor = true
	}
	return speaksFor, false
}

// saysNothing reports whether it says nothing that the index of a record does not name a row: parts that were lost may have had it, or the index is an older one.
func (x *says) saysNothing(rec changeset.RecordID, seq uint32) bool {
	versions := x.versions[rec]
	return x.mayLack(rec, seq) || x.older && versions[len(versions)-1].Seq < seq
}

// mayLack reports whether parts that were lost may have had a version of a record, of which some are left: its row is behind the parts that are left, and before all that its loose index has.
func (x *says) mayLack(rec changeset.RecordID, seq uint32) bool {
	versions := x.versions[rec]
	behind, _ := slices.BinarySearchFunc(versions, x.packedTo+1, func(v changeset.Version, seq uint32) int { return cmp.Compare(v.Seq, seq) })
	return seq > x.packedTo && (behind == len(versions) || seq < versions[behind].Seq) && x.beginsLate(rec)
}

// beginsLate reports whether parts that were lost may have had what a record was before all versions that are left of it behind the other parts: it is known that some were, or the list names none, and the
// table of local ids has the record in an earlier row.
func (x *says) beginsLate(rec changeset.RecordID) bool {
	if x.mayHaveLost {
		return true
	}
	at := x.broughtIn[rec.UUID]
	return x.p.of[x.l.prefix].partless && !x.unnoted && at > 0 && at < x.versions[rec][0].Seq
}

// errPartsLost says that what a record was before cannot be told, because parts were lost that may have had it.
var errPartsLost = errors.New("parts are lost")

// before returns the state of a record before the row of one of its versions.
func (x *says) before(rec changeset.RecordID, at int) (exists bool, props map[string]string, err error) {
	versions := x.versions[rec]
	seq := versions[at].Seq
	for at > 0 && versions[at-1].Seq == seq {
		at--
	}
	first := at == 0 || versions[at-1].Seq <= x.packedTo // behind the parts
	next := at > 0 && seq == x.packedTo+1                // there was nothing between
	if seq > x.packedTo && first && !next && x.beginsLate(rec) {
		return false, nil, errPartsLost
	}
	if at == 0 || versions[at-1].Deleted() {
		return false, nil, nil
	}
	props, err = x.l.props(rec, versions[at-1])
	x.p.unread(err)
	return err == nil, props, err
}

// versionKey names the version of a record with the properties; zero if it is deleted.
func versionKey(exists bool, props map[string]string) cas.Key {
	if !exists {
		return cas.Key{}
	}
	return cas.Sum(changeset.EncodeRecord(props))
}
