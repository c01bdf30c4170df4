package replica

import (
	"fmt"
	"slices"

	"prophet/cas"
	"prophet/changeset"
)

// evidence is what the files here tell of the rows of an index that are not known: what others say of them is held against it.
type evidence struct {
	x       *indexRepair
	unsound map[changeset.RecordID]bool                  // records whose index known rows speak against
	parents map[changeset.ID]map[changeset.RecordID]bool // what changesets touch that known ones name as parents
	listed  map[changeset.ID][]*changeset.Changeset      // other representations
	lost    map[uint32]changeset.Row                     // rows that are listed as lost

	blamed    string          // the file that alone speaks against what was weighed last, if it is made from the log
	digested  bool            // the last digest is what the rows come to that were replayed last
	overruled map[string]bool // files that say nothing, because a mirror is believed against them
}

// newEvidence reads what is here: the records' indexes, the changesets of known rows, the lists of representations and of what is lost.
func (x *indexRepair) newEvidence() (*evidence, error) {
	e := &evidence{x: x, unsound: map[changeset.RecordID]bool{}, parents: map[changeset.ID]map[changeset.RecordID]bool{},
		listed: map[changeset.ID][]*changeset.Changeset{}}
	for i, s := range x.slots {
		if err := x.p.disturbed(); err != nil {
			return nil, err
		}
		if c := x.p.wholeChangeset(x.l, s.row.Key); s.isSure() && c != nil {
			e.addKnown(uint32(i+1), c)
		}
	}
	var err error
	if e.lost, err = x.l.readLost(); err != nil {
		return nil, err
	}
	return e, e.addListed()
}

// addKnown notes what the changeset of a known row names as parents, and the records whose indexes it speaks against.
func (e *evidence) addKnown(seq uint32, c *changeset.Changeset) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		for _, p := range ch.Parents {
			if e.parents[p] == nil {
				e.parents[p] = map[changeset.RecordID]bool{}
			}
			e.parents[p][ch.Record] = true
		}
		if !e.x.leadsThere(seq, &changeset.Changeset{Changes: c.Changes[i : i+1]}) {
			e.unsound[ch.Record] = true
		}
	}
	for _, rec := range e.x.recordsAt(seq) {
		if c.Change(rec) == nil {
			e.unsound[rec] = true
		}
	}
}

// addListed reads the representations that the list names.
func (e *evidence) addListed() error {
	if e.x.l.prefix != "" {
		return nil
	}
	b, err := e.x.p.read(RepresentationsFile)
	for ; err == nil && len(b) >= changeset.RowSize; b = b[changeset.RowSize:] {
		row, bad := changeset.ParseRow(b[:changeset.RowSize])
		if c := e.x.p.wholeChangeset(e.x.l, row.Key); bad == nil && c != nil {
			e.listed[c.ID] = append(e.listed[c.ID], c)
		}
	}
	return err
}

// weigh holds a row that somebody names against what is here; c is its changeset, nil if it cannot be read. proven: it made of each of its records the version that the record's index has of that row.
// against says what speaks against it, "" if nothing does.
func (e *evidence) weigh(row changeset.Row, c *changeset.Changeset) (proven bool, against string) {
	lost, isLost := e.lost[row.Seq]
	switch {
	case row.ID.Origin == e.x.l.uuid && row.ID.Seq != row.Seq:
		return false, "what was made here stands in the row of its number"
	case isLost && lost.ID != row.ID:
		return false, fmt.Sprintf("%s has that row as changeset %s", e.x.l.prefix+LostFile, lost.ID)
	case c == nil:
		return false, ""
	case !e.overruled[e.x.l.prefix+rowsFile] && !e.x.sameKind(row.Seq, c):
		return false, e.blame(rowsFile, "has another kind of changeset there")
	case !e.overruled[e.x.l.prefix+idsFile] && !e.x.bringsAll(row.Seq, c):
		return false, e.blame(idsFile, "has records that came with that row, and it does not touch them")
	}
	for _, rec := range sorted(e.parents[row.ID]) {
		if c.Change(rec) == nil {
			return false, fmt.Sprintf("what builds on it says that it touches %s", rec)
		}
	}
	for _, other := range e.listed[row.ID] {
		if !changeset.SameEdit(c, other) {
			return false, "another representation that is here is another edit"
		}
	}
	return e.weighRecords(row.Seq, c)
}

// weighRecords is weigh by the records' indexes. One that ends before the row may have lost its end.
func (e *evidence) weighRecords(seq uint32, c *changeset.Changeset) (proven bool, against string) {
	if !e.x.numbered || e.x.trusts {
		return false, ""
	}
	for _, rec := range e.x.recordsAt(seq) {
		if c.Change(rec) == nil && !e.isUnsound(rec) {
			return false, e.blame(changeset.RecordPath(rec), "names that row, and it does not touch that record")
		}
	}
	proven = len(c.Changes) > 0
	for i := range c.Changes {
		rec := c.Changes[i].Record
		versions, one := e.x.versions[rec], &changeset.Changeset{Changes: c.Changes[i : i+1]}
		switch {
		case e.isUnsound(rec) || len(versions) == 0 || versions[len(versions)-1].Seq < seq:
			proven = false
		case !e.x.leadsThere(seq, one):
			return false, e.blame(changeset.RecordPath(rec), "has another version of that row")
		case !e.x.canTell(rec, seq):
			proven = false
		}
	}
	return proven, ""
}

// touchesAll reports whether a changeset touches all records whose indexes name its row.
func (x *indexRepair) touchesAll(seq uint32, c *changeset.Changeset) bool {
	return x.trusts || !slices.ContainsFunc(x.recordsAt(seq), func(rec changeset.RecordID) bool { return c.Change(rec) == nil })
}

// canTell reports whether the index of a record has a version of a row, and what the record was before that can be read.
func (x *indexRepair) canTell(rec changeset.RecordID, seq uint32) bool {
	at := x.versionAt(rec, seq)
	if at < 0 {
		return false
	}
	_, _, err := x.before(rec, at)
	return err == nil
}

// missesIDs returns a changeset that must be in the log, as the list of representations and parents tell, and that is not among rows which are all of it; zero if there is none.
func (e *evidence) missesIDs(rows []changeset.Row) changeset.ID {
	has := map[changeset.ID]bool{}
	for _, row := range rows {
		has[row.ID] = true
	}
	var missing []changeset.ID
	for id := range e.parents {
		missing = append(missing, id)
	}
	for id := range e.listed {
		missing = append(missing, id)
	}
	missing = slices.DeleteFunc(missing, func(id changeset.ID) bool { return has[id] })
	if len(missing) == 0 {
		return changeset.ID{}
	}
	return slices.MinFunc(missing, changeset.ID.Compare)
}

// made is what the rows of a log make of a record.
type made struct {
	exists bool
	props  map[string]string
}

// replay follows a log as rows name it, and holds each version of a record, and the last digest, against what is noted of them here. It returns the first row that is contradicted, with what speaks against it. It marks the
// rows as proven whose versions are all noted, or all up to a digest that is the same. Where a changeset cannot be read, it ends.
func (e *evidence) replay(rows []changeset.Row, read func(changeset.Row) *changeset.Changeset, proven []bool) (seq uint32, against string) {
	noted, _, err := e.x.l.lastDigest()
	e.x.p.unread(err)
	if err != nil || len(e.lost) > 0 {
		noted = digestEntry{}
	}
	records := map[changeset.RecordID]made{}
	for i, row := range rows {
		c := read(row)
		if c == nil || e.x.p.ctx.Err() != nil {
			return 0, ""
		}
		all := len(c.Changes) > 0
		for j := range c.Changes {
			rec := c.Changes[j].Record
			was := records[rec]
			exists, props := Replay(was.exists, was.props, &c.Changes[j])
			records[rec] = made{exists, props}
			switch same, told := e.sameVersion(rec, row.Seq, versionKey(exists, props)); {
			case told && !same:
				return row.Seq, e.blame(changeset.RecordPath(rec), "has another version of that row")
			case !told:
				all = false
			}
		}
		proven[i] = proven[i] || all
		if row.Seq != noted.row {
			continue
		}
		if e.sum(records) != noted.sums {
			return row.Seq, "what its rows come to is not what " + e.x.l.prefix + DigestsFile + " has noted"
		}
		e.digested = true
		for before := range i + 1 {
			proven[before] = true
		}
	}
	return 0, ""
}

// sameVersion reports whether the index of a record has that version of a row; told is false if it says nothing of the row that can be believed.
func (e *evidence) sameVersion(rec changeset.RecordID, seq uint32, key cas.Key) (same, told bool) {
	if !e.x.numbered || e.x.trusts || e.isUnsound(rec) {
		return false, false
	}
	at := e.x.versionAt(rec, seq)
	return at >= 0 && e.x.versions[rec][at].Key == key, at >= 0
}

// sum returns the digests of records.
func (e *evidence) sum(records map[changeset.RecordID]made) (is sums) {
	for rec, s := range records {
		if s.exists {
			d := is.of(e.x.l, rec.Type)
			*d = d.plus(RecordDigest(rec, s.props))
		}
	}
	return is
}
