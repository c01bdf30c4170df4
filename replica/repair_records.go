package replica

import (
	"bytes"
	"errors"
	"maps"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// recordsRepair makes the versions and the indexes of a log's records what replaying the log gives. It holds one batch of files in memory.
type recordsRepair struct {
	p      *repair
	l      *Log
	batch  *repairBatch
	put    map[string]bool // objects in the batch
	shifts []sums
	differ map[parts.Ref]bool // parts that have other versions than replaying the log gives, see [recordsRepair.loosen]
}

func newRecordsRepair(p *repair, l *Log) *recordsRepair {
	return &recordsRepair{p: p, l: l, batch: newRepairBatch(p), put: map[string]bool{}, shifts: make([]sums, l.latest+1), differ: map[parts.Ref]bool{}}
}

// mendRecords mends the versions and indexes of the records of both logs.
func (p *repair) mendRecords() error {
	for _, l := range p.logs() {
		if p.copied && l.prefix != "" {
			continue // an exported copy has no records of decisions
		}
		x := newRecordsRepair(p, l)
		if err := x.run(); err != nil {
			return err
		}
		p.of[l.prefix].shifts = x.shifts
	}
	return p.r.reopen()
}

func (x *recordsRepair) run() error {
	touching, err := x.touching()
	if err != nil {
		return err
	}
	for _, rec := range sorted(touching) {
		if err := x.p.ctx.Err(); err != nil {
			return err
		}
		if err := x.mend(rec, touching[rec]); err != nil {
			return err
		}
	}
	if err := x.flush(); err != nil {
		return err
	}
	if err := x.mendPacked(touching); err != nil {
		return err
	}
	return x.takeOthers(touching)
}

// mendPacked mends the records of the parts that have other versions than they must, once these parts are dissolved.
func (x *recordsRepair) mendPacked(touching map[changeset.RecordID][]uint32) error {
	if len(x.differ) == 0 {
		return nil
	}
	loosened, err := x.loosen()
	if err != nil {
		return err
	}
	x.l = sameLog(x.p.r, x.l)
	loose := newRecordsRepair(x.p, x.l) // what they add to the digests is noted already
	for _, rec := range loosened {
		if err := errors.Join(x.p.ctx.Err(), loose.mend(rec, touching[rec])); err != nil {
			return err
		}
	}
	return loose.flush()
}

// touching returns which rows of the log touch which records.
func (x *recordsRepair) touching() (map[changeset.RecordID][]uint32, error) {
	touching := map[changeset.RecordID][]uint32{}
	for row, err := range x.l.Rows(1, x.l.latest) {
		if err == nil {
			err = x.p.ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		x.p.step()
		c, err := x.l.Changeset(row)
		if err != nil {
			return nil, err
		}
		for i := range c.Changes {
			touching[c.Changes[i].Record] = append(touching[c.Changes[i].Record], row.Seq)
		}
	}
	return touching, nil
}

// replayed is the state of a record after a row of the log.
type replayed struct {
	seq    uint32
	key    cas.Key // zero: deleted
	props  map[string]string
	text   []byte
	exists bool
}

// replay returns the states of a record after each of the rows that touch it, and notes what they add to the digests.
func (x *recordsRepair) replay(rec changeset.RecordID, rows []uint32) (states []replayed, err error) {
	s, before := replayed{}, Digest{}
	for _, seq := range rows {
		c, err := x.l.at(seq)
		if err != nil {
			return nil, err
		}
		s.seq = seq
		s.exists, s.props = Replay(s.exists, s.props, c.Change(rec))
		s.key, s.text = cas.Key{}, nil
		after := Digest{}
		if s.exists {
			s.text = changeset.EncodeRecord(s.props)
			s.key = cas.Sum(s.text)
			after = recordDigest(rec, s.text)
		}
		d := x.shifts[seq].of(x.l, rec.Type)
		*d = d.minus(before).plus(after)
		before = after
		states = append(states, s)
	}
	return states, nil
}

// mend mends one record.
func (x *recordsRepair) mend(rec changeset.RecordID, rows []uint32) error {
	states, err := x.replay(rec, rows)
	if err != nil {
		return err
	}
	file := x.l.prefix + changeset.RecordPath(rec)
	was, err := x.p.readIndex(x.l, rec)
	if err != nil {
		return err
	}
	if x.p.copied {
		states = states[len(states)-1:]
		states[0].seq = 0
		if !states[0].exists {
			return x.p.takeDeleted(file, was)
		}
	}
	want, err := x.index(rec, states, was)
	if err != nil || was != nil && bytes.Equal(was, want) {
		return err
	}
	if differ, err := x.differing(rec, was, want); differ || err != nil {
		return err
	}
	there, err := exists(x.p.fs, file)
	if err != nil {
		return err
	}
	if want, err = x.l.looseVersions(want); err != nil {
		return err
	}
	if len(want) == 0 && there {
		x.p.tell(file, IsSetAside, "parts have all versions of the record")
		return x.p.takeAway(file)
	}
	if there {
		if err := x.p.setAside(file); err != nil {
			return err
		}
	}
	x.p.tell(file, IsRebuilt, "made again from the log")
	x.batch.replace(file, want)
	return x.flushFull()
}

// takeDeleted removes the index of a deleted record from an exported copy.
func (p *repair) takeDeleted(file string, was []byte) error {
	if was == nil {
		return nil
	}
	p.tell(file, IsSetAside, "the record is deleted")
	return p.takeAway(file)
}

// index returns the index that a record must have, and sees to its versions. Rows of the present one that lead to the same states are kept: the original may have made
// several versions with one changeset, and written them in its own way.
func (x *recordsRepair) index(rec changeset.RecordID, states []replayed, was []byte) (want []byte, err error) {
	have := map[uint32][]changeset.Version{}
	for _, v := range soundVersions(was) {
		have[v.Seq] = append(have[v.Seq], v)
	}
	for _, s := range states {
		versions := have[s.seq]
		same, err := x.leadTo(rec, versions, s)
		if err != nil {
			return nil, err
		}
		if !same {
			versions = []changeset.Version{{Seq: s.seq, Key: s.key}}
			if err := x.version(s); err != nil {
				return nil, err
			}
		}
		for _, v := range versions {
			want = changeset.AppendVersion(want, v)
		}
	}
	if rest := beyondLog(was, x.l.latest); !x.p.ours && bytes.HasPrefix(was, want) && len(was) == len(want)+len(rest) {
		want = append(want, rest...) // the original may be about to count them
	}
	return want, nil
}

// beyondLog returns the rows at the end of an index that are of changesets after the last one.
func beyondLog(index []byte, latest uint32) []byte {
	if len(index)%changeset.VersionSize != 0 {
		return nil
	}
	at := len(index)
	for at > 0 {
		v, err := changeset.ParseVersion(index[at-changeset.VersionSize : at])
		if err != nil || v.Seq <= latest {
			break
		}
		at -= changeset.VersionSize
	}
	return index[at:]
}

// leadTo reports whether versions of one changeset are there, and lead to a state.
func (x *recordsRepair) leadTo(rec changeset.RecordID, versions []changeset.Version, s replayed) (bool, error) {
	for i, v := range versions {
		if v.Deleted() {
			if i == len(versions)-1 && s.exists {
				return false, nil
			}
			continue
		}
		if v.Key == s.key && x.put[x.l.versions.Path(v.Key)] {
			continue
		}
		props, err := x.l.props(rec, v)
		switch {
		case isFault(err):
			return false, nil
		case err != nil:
			return false, err
		case i == len(versions)-1 && (!s.exists || !maps.Equal(props, s.props)):
			return false, nil
		}
	}
	return len(versions) > 0, nil
}

// version sees to it that the version of a state is there.
func (x *recordsRepair) version(s replayed) error {
	if !s.exists {
		return nil
	}
	file := x.l.versions.Path(s.key)
	if x.put[file] {
		return nil
	}
	if same, err := x.p.outOfTheWay(file, s.text); same || err != nil {
		return err
	}
	x.p.tell(file, IsRebuilt, "made again from the log")
	x.batch.put(file, s.text)
	x.put[file] = true
	return nil
}

func (x *recordsRepair) flushFull() error {
	if x.batch.full() {
		return x.flush()
	}
	return nil
}

// flush writes the batch: versions, then indexes.
func (x *recordsRepair) flush() error {
	if err := x.batch.flush(); err != nil {
		return err
	}
	clear(x.put)
	return nil
}

// takeOthers takes away the indexes of records that no changeset touches.
func (x *recordsRepair) takeOthers(touching map[changeset.RecordID][]uint32) error {
	var stray []string
	for rec, err := range x.l.allRecords() {
		if err != nil {
			return err
		}
		if touching[rec.ID] == nil {
			stray = append(stray, x.l.prefix+changeset.RecordPath(rec.ID))
		}
	}
	for _, file := range stray {
		b, err := x.p.read(file)
		if err != nil {
			return err
		}
		if len(b) == 0 || !x.p.ours && len(beyondLog(b, x.l.latest)) == len(b) {
			continue
		}
		x.p.tell(file, IsSetAside, "no changeset of the log touches the record")
		if err := x.p.takeAway(file); err != nil {
			return err
		}
	}
	return nil
}
