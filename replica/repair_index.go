package replica

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
)

// indexRepair mends the index of one log: it keeps the rows that hold together with their changesets and with what the records' indexes say, and finds the others.
type indexRepair struct {
	p         *repair
	l         *Log // with the number of rows that it has to have
	file      []byte
	slots     []slot // of row n at n-1
	versions  map[changeset.RecordID][]changeset.Version
	packedTo  uint32 // the last row that parts have
	partial   bool   // parts behind those were lost, so that these indexes may lack what was before
	numbered  bool   // these bear numbers of rows, as those of exported copies do not
	brought   map[uint32][]uuid.UUID
	broughtIn map[uuid.UUID]uint32 // the same by the record: the first row that is noted to have brought it
	disputed  bool                 // more of the records' indexes speak against the rows than for them
	foreign   bool                 // it is another replica's: whole rows stand in wrong places
	doubted   bool                 // perhaps it is
	mirror    string               // where rows were had from
	means

	at        map[uint32][]changeset.RecordID // which records' indexes name a row; loaded when needed
	undecided []string                        // rows of which several things are said, with these

	packed []uint32                          // rows of which a part has another changeset than the index says
	moved  map[uint32][]*changeset.Changeset // loose ones by their numbers, if changesets were named anew: they may stand in rows of which parts have what was there before
}

// slot is a row of the index as far as it is known.
type slot struct {
	row   changeset.Row
	known bool
	guess bool // nothing tells that the changeset stood there but that no other one does that is here: mirrors know better
	weak  bool // its changeset cannot be read, so that it is known only if nothing speaks against it
}

// mendIndex mends the index of a log and the number of its rows, and reports whether the log can be read with it.
func (p *repair) mendIndex(prefix string) (sound bool, err error) {
	if prefix == "" {
		if err := p.mendListNumber(); err != nil {
			return false, err
		}
	}
	l := newLog(p.fs, prefix, p.opts.Where, &limits{})
	if l.uuid, err = l.readUUID(changeset.ReplicaUUIDFile); err != nil {
		return false, err
	}
	n, err := p.mendNumber(l)
	if err != nil || !n.sure && n.rows == 0 {
		return false, err
	}
	if n.rows == 0 {
		if err := p.tellVotesGone(l); err != nil {
			return false, err
		}
	}
	file, err := p.read(prefix + changeset.IndexFile)
	if err != nil {
		return false, err
	}
	for rows := n.rows; ; {
		l.latest, l.ours = rows, companion{l.fs, rows, prefix, l.where, l.limits}
		x, lacking, err := p.solveIndex(l, file)
		if err != nil {
			return false, err
		}
		unknown := x.unknown()
		if rows == n.least || len(unknown) == 0 || len(x.undecided) > 0 {
			return x.mend(lacking, n)
		}
		rows = max(unknown[0]-1, n.least) // what only notes tell of, and nobody has, must not keep the rest from being read
	}
}

// means is what a pass over an index takes for possible beside what is here and sound.
type means struct {
	deep    bool // what others have in their logs may stand in this one
	trusts  bool // that records' indexes say otherwise is no reason to doubt the index
	unnoted bool // the notes on rows may be another replica's: that a changeset made the versions of a row goes before what they say of it
	older   bool // records' indexes may be older ones, which say nothing of rows behind their last; what was made here stands in the row of its number
}

// allMeans are the passes, in order: each is made only where the ones before leave rows unknown.
var allMeans = []means{{}, {deep: true}, {trusts: true}, {trusts: true, deep: true}, {unnoted: true}, {unnoted: true, deep: true}, {older: true}, {older: true, deep: true}}

// solveIndex finds out, with more and more means, what stands in the rows of an index, and returns which were not known at first.
func (p *repair) solveIndex(l *Log, file []byte) (x *indexRepair, lacking []uint32, err error) {
	for _, m := range allMeans {
		if m.trusts && (!x.disputed || x.foreign) { // else it is the records' indexes that are damaged
			continue
		}
		for again := true; again; {
			x = &indexRepair{p: p, l: l, file: file, slots: make([]slot, l.latest), means: m}
			if err := x.look(); err != nil {
				return nil, nil, err
			}
			if lacking, err = x.settle(); err != nil {
				return nil, nil, err
			}
			if again, err = x.fetchWeak(); err != nil {
				return nil, nil, err
			}
		}
		if err := x.knownToMirrors(); err != nil {
			return nil, nil, err
		}
		if len(x.unknown()) == 0 || len(x.undecided) > 0 {
			break
		}
	}
	return x, lacking, nil
}

// look finds out which rows are known.
func (x *indexRepair) look() error {
	if err := errors.Join(x.loadVersions(), x.loadBrought()); err != nil {
		return err
	}
	lacks, err := x.lacksLoose()
	if err != nil {
		return err
	}
	x.partial = x.partial || lacks
	packs, err := x.l.packs()
	if err != nil {
		return err
	}
	agree, differ, foreign, otherIDs := 0, 0, 0, false
	for i := range x.slots {
		if err := x.p.disturbed(); err != nil {
			return err
		}
		is, others, err := x.readPacked(packs, uint32(i+1))
		switch {
		case err != nil:
			return err
		case others:
			foreign++
		}
		if is {
			continue
		}
		c := x.readSlot(i)
		if c == nil {
			continue
		}
		seq := uint32(i + 1)
		switch named := x.named(seq, c); {
		case c.ID.Origin == x.l.uuid && c.ID.Seq != seq: // and yet the row is whole: it is not damaged, but another log's
			x.slots[i].known = false
			foreign++
		case named:
			agree++
			otherIDs = otherIDs || !x.bringsAll(seq, c)
		default:
			differ++
		}
	}
	if otherIDs {
		x.brought = nil // that table is damaged
	}
	x.foreign = foreign > 0
	x.disputed = differ > agree
	x.doubted = x.foreign || x.disputed && !x.trusts
	return nil
}

// readSlot reads a row of the index and its changeset, and notes whether they hold together; the changeset is nil if it cannot be read.
func (x *indexRepair) readSlot(i int) *changeset.Changeset {
	at := i * changeset.RowSize
	if len(x.file) < at+changeset.RowSize {
		return nil
	}
	row, err := changeset.ParseRow(x.file[at:][:changeset.RowSize])
	x.slots[i].row = row
	if err != nil || row.Seq != uint32(i+1) {
		return nil
	}
	c := x.p.wholeChangeset(x.l, row.Key)
	x.slots[i].weak = c == nil
	x.slots[i].known = c == nil && !(row.ID.Origin == x.l.uuid && row.ID.Seq != row.Seq) || c != nil && c.ID == row.ID
	if !x.slots[i].known {
		return nil
	}
	return c
}

// wholeChangeset reads a changeset by its name; nil if it is missing or damaged, or the disk fails, see [repair.disturbed].
func (p *repair) wholeChangeset(l *Log, key cas.Key) *changeset.Changeset {
	b, err := l.objects.Get(key)
	if err != nil {
		p.unread(err)
		return nil
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil
	}
	return c
}

// loadVersions reads the indexes of all records, as far as they have rows.
func (x *indexRepair) loadVersions() error {
	if err := x.loadPacked(); err != nil {
		return err
	}
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
func (x *indexRepair) loadBrought() error {
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
func (x *indexRepair) bringsAll(seq uint32, c *changeset.Changeset) bool {
	for _, u := range x.brought[seq] {
		if !slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Record.UUID == u }) {
			return false
		}
	}
	return true
}

// named reports whether the indexes of all records that a changeset touches name its row. One that is missing says nothing.
func (x *indexRepair) named(seq uint32, c *changeset.Changeset) bool {
	return !x.numbered || !slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool {
		versions := x.versions[ch.Record]
		return len(versions) > 0 && x.versionAt(ch.Record, seq) < 0 && !x.saysNothing(ch.Record, seq)
	})
}

// versionAt returns which version of a record the last one of a row of the log is; -1 if there is none.
func (x *indexRepair) versionAt(rec changeset.RecordID, seq uint32) int {
	versions := x.versions[rec]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Seq == seq {
			return i
		}
	}
	return -1
}

// leadsThere reports whether a changeset in a row makes of each record the version that its index has of that row, as far as that can be told; it is false where an index does not name the row.
func (x *indexRepair) leadsThere(seq uint32, c *changeset.Changeset) bool {
	_, speaksAgainst := x.leads(seq, c)
	return !speaksAgainst
}

// madeIt reports whether the index of a record that a changeset touches has the very version of a row that the changeset makes, and none speaks against it.
func (x *indexRepair) madeIt(seq uint32, c *changeset.Changeset) bool {
	speaksFor, speaksAgainst := x.leads(seq, c)
	return speaksFor && !speaksAgainst
}

// leads reports whether the index of some record that a changeset touches has the version of a row that the changeset makes, and whether one of them has another one, or none.
func (x *indexRepair) leads(seq uint32, c *changeset.Changeset) (speaksFor, speaksAgainst bool) {
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

// errPartsLost says that what a record was before cannot be told, because parts were lost that may have had it.
var errPartsLost = errors.New("parts are lost")

// loadPacked finds out which rows parts have, and whether some were lost that had more.
func (x *indexRepair) loadPacked() error {
	packs, err := x.l.packs()
	if err != nil {
		return err
	}
	if n := len(packs.list); n > 0 {
		x.packedTo = packs.list[n-1].Last
	}
	x.partial = x.p.partial[x.l.prefix] || x.p.listedTo[x.l.prefix] > x.packedTo
	return nil
}

// lacksLoose reports whether there are parts, and fewer loose changesets than rows behind them that are not known to be lost: a part may have been lost with the list that named it.
func (x *indexRepair) lacksLoose() (bool, error) {
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

// saysNothing reports whether it says nothing that the index of a record does not name a row: parts that were lost may have had it, or the index is an older one.
func (x *indexRepair) saysNothing(rec changeset.RecordID, seq uint32) bool {
	versions := x.versions[rec]
	return x.mayLack(rec, seq) || x.older && versions[len(versions)-1].Seq < seq
}

// mayLack reports whether parts that were lost may have had a version of a record, of which some are left: its row is behind the parts that are left, and before all that its loose index has.
func (x *indexRepair) mayLack(rec changeset.RecordID, seq uint32) bool {
	versions := x.versions[rec]
	behind, _ := slices.BinarySearchFunc(versions, x.packedTo+1, func(v changeset.Version, seq uint32) int { return cmp.Compare(v.Seq, seq) })
	return seq > x.packedTo && (behind == len(versions) || seq < versions[behind].Seq) && x.beginsLate(rec)
}

// beginsLate reports whether parts that were lost may have had what a record was before all versions that are left of it behind the other parts: it is known that some were, or the list names none, and the
// table of local ids has the record in an earlier row.
func (x *indexRepair) beginsLate(rec changeset.RecordID) bool {
	if x.partial {
		return true
	}
	at := x.broughtIn[rec.UUID]
	return x.p.partless[x.l.prefix] && !x.unnoted && at > 0 && at < x.versions[rec][0].Seq
}

// before returns the state of a record before the row of one of its versions.
func (x *indexRepair) before(rec changeset.RecordID, at int) (exists bool, props map[string]string, err error) {
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

// settle finds the rows that are not known from the changesets that are there, and returns which were not.
func (x *indexRepair) settle() (lacking []uint32, err error) {
	if x.doubted {
		packs, err := x.l.packs()
		if err != nil {
			return nil, err
		}
		for i := range x.slots {
			seq, s := uint32(i+1), &x.slots[i]
			c := x.p.wholeChangeset(x.l, s.row.Key)
			s.known = s.known && c != nil && x.leadsThere(seq, c)
			s.guess = x.foreign && s.known && packs.covering(seq) == nil && c.ID.Origin != x.l.uuid && !x.madeIt(seq, c)
		}
	}
	lacking = x.unknown()
	if len(lacking) > 0 || slices.ContainsFunc(x.slots, func(s slot) bool { return s.weak }) {
		lacking, err = x.solve()
	}
	lacking = append(lacking, x.packed...)
	slices.Sort(lacking)
	return lacking, err
}

// knownToMirrors asks mirrors for the rows that are not known, or guessed, if there are some.
func (x *indexRepair) knownToMirrors() (err error) {
	if slices.ContainsFunc(x.slots, func(s slot) bool { return !s.isSure() }) {
		x.mirror, err = x.askMirrors()
	}
	return err
}

// mend writes the index if all its rows are known, then the number, where that waited for it.
func (x *indexRepair) mend(lacking []uint32, n rowCount) (sound bool, err error) {
	how := "made again from the changesets"
	if x.mirror != "" {
		how = "had from " + x.mirror
	}
	if err := x.p.disturbed(); err != nil {
		return false, err
	}
	if left := x.unknown(); len(left) > 0 {
		x.tellUndecided()
		x.p.tell(x.l.prefix+changeset.IndexFile, IsLeft, "%s of it cannot be told for sure; it is left as it is", few(left))
		return false, nil
	}
	if err := x.write(how, lacking, n.sure); err != nil || n.rows == n.least {
		return true, err
	}
	rows := uint32(len(x.slots))
	x.p.noteTo[x.l.prefix] = rows // files of ours told of them
	if err := x.p.writeNumber(x.l, rows); err != nil || rows == n.rows {
		return true, err
	}
	if rows == 0 {
		if err := x.p.tellVotesGone(x.l); err != nil {
			return true, err
		}
	}
	x.p.tell(x.l.prefix+changeset.LatestFile, IsLost, "%s noted and gone: nobody who was asked has what stood there; a pull from a replica that has it brings it back", span(rows+1, n.rows))
	return true, nil
}

// unknown returns the rows that are not known.
func (x *indexRepair) unknown() (rows []uint32) {
	for i, s := range x.slots {
		if !s.known {
			rows = append(rows, uint32(i+1))
		}
	}
	return rows
}

// write writes the index. What follows the rows that count goes, unless they may count.
func (x *indexRepair) write(how string, lacking []uint32, sure bool) error {
	var want []byte
	for _, s := range x.slots {
		want = changeset.AppendRow(want, s.row)
	}
	if !sure && bytes.HasPrefix(x.file, want) || x.file == nil && len(want) == 0 {
		return nil
	}
	mended, err := x.p.replace(x.l.prefix+changeset.IndexFile, want)
	switch {
	case !mended || err != nil:
	case len(lacking) == 0:
		x.p.tell(x.l.prefix+changeset.IndexFile, IsRebuilt, "what followed its %d rows was no row", len(x.slots))
	default:
		x.p.tell(x.l.prefix+changeset.IndexFile, IsRebuilt, "%s %s", few(lacking), how)
	}
	return err
}
