package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/resolution"
)

// Tx is a transaction on a replica and its resolutions: all of it becomes visible and durable together, or nothing.
// It is valid only within the function that was handed it. See [Replica.Update].
type Tx struct {
	r         *Replica
	d         *durable.Tx
	main, res *txLog
	opened    OpenedConflicts
	regained  *regained                 // what came back of what was lost; nil if it is not about that
	recount   bool                      // at the end all that is in conflict is settled anew: votes came
	rules     map[ruled]resolution.Rule // that were looked up
	newRules  map[ruled]bool            // that changed
	allRules  bool                      // with recount: any rule may have changed

	settledAnew bool // votes or rules came that may have changed what records come to

	settingsSeen, logsSeen bool // the settings, and the votes too, are what the log has of them
	newVote                bool // a vote that came with the transaction counted since this was reset

	copied changeset.ID // a lost changeset on which what was copied had built; zero if nothing was
	copies int          // how many changesets were made for that

	newIdentity identity // nil if that stays as it is

	partFiles []durable.Content // of the parts that the commit brings
}

// txLog is a log with the rows that the transaction adds.
type txLog struct {
	*Log
	tx          *Tx
	self        uuid.UUID // origin of what is made in this transaction
	left        uint32    // the last row that was made before, if self is a new one
	seq         uint32    // of the last row, pending ones included
	lastID      uint32
	pending     map[uint32]*changeset.Changeset // by row
	states      map[changeset.RecordID]*state
	ids         map[changeset.ID]uint32 // of pending rows
	known       *knownIDs
	notes       rowNotes
	marks       map[uuid.UUID]uint32 // v1 marks to write
	turned      bool                 // the log was turned back, so there may be marks that are too high
	digestShift sums                 // by how much the digests change
	restated    restatement
	met         map[uuid.UUID]Peer // the peers of which something was noted
	bundle      *bundle            // what it adds to a log of format 2; nil in one of format 1
	parts       string             // the list of parts after it
	hang        *hanging           // nil if nothing is lost
	hangKnown   bool               // it was looked for
	added       []changeset.Row    // the rows that the transaction adds, the last few
	rewritten   []byte             // the whole index, if it is written anew
	named       []durable.Point    // the commit, if it is the replica's new UUID
	formerLines []byte             // the new list of former UUIDs; nil if it stays as it is
}

// state is what a transaction knows of a record: what replaying the log gives, and who its heads are.
type state struct {
	exists  bool
	props   map[string]string
	rows    []changeset.Version // pending ones, in the record's index
	size    int64               // committed length of the record's index in bytes, with what parts have of it
	loose   int64               // that of the loose index, at which the next row is appended
	packed  *versionFile        // the committed index, if parts have all of it: no file of it is open, so it is used after it was closed
	lastRow uint32              // of the last version; 0: never was
	settled bool                // head is the record's only head and nothing is open
	head    changeset.ID
	entries []resolution.Entry // nil, or all ordinary changes to the record
	merged  *resolution.Result // of entries; who was given it may read it after the transaction: nobody changes it
	light   bool               // no changeset of entries has manyChanges
	bytes   int                // what the changesets of entries take, about
	counted *Digest            // what it adds to the digest; nil until it changes
}

// wasNever reports whether no change to the record is known.
func (s *state) wasNever() bool { return s.lastRow == 0 }

// newTx begins a transaction; without d it can only be read through.
func newTx(r *Replica, d *durable.Tx) *Tx {
	tx := &Tx{r: r, d: d, opened: OpenedConflicts{},
		rules: map[ruled]resolution.Rule{}, newRules: map[ruled]bool{}}
	tx.main = newTxLog(tx, r.log, &r.known)
	tx.res = newTxLog(tx, r.votes, &r.knownVotes)
	return tx
}

func newTxLog(tx *Tx, l *Log, known *knownIDs) *txLog {
	restated := restatement{best: map[changeset.ID]*changeset.Changeset{}, stale: map[changeset.RecordID]bool{}}
	if l.reps != nil && l.reps.rows != nil {
		restated.seq = l.reps.rows.latest
	}
	return &txLog{Log: l, tx: tx, bundle: tx.r.newBundle(l), restated: restated, self: l.uuid, seq: l.latest, known: known,
		pending: map[uint32]*changeset.Changeset{}, ids: map[changeset.ID]uint32{},
		states: map[changeset.RecordID]*state{}, marks: map[uuid.UUID]uint32{}, met: map[uuid.UUID]Peer{}}
}

// name returns the path of a file of the log within the replica.
func (t *txLog) name(file string) string { return t.prefix + file }

// state returns what is known of a record, which is loaded at first.
func (t *txLog) state(rec changeset.RecordID) (*state, error) {
	if s := t.states[rec]; s != nil {
		return s, nil
	}
	if t == t.tx.main && rec.Type == changeset.SettingsType {
		if err := t.tx.confirmSettings(); err != nil {
			return nil, err
		}
	}
	s := &state{}
	err := t.useConfirmed(rec, func(f *versionFile, v changeset.Version, at int64) error {
		loaded, err := t.loadState(rec, f, v, at)
		if err == nil {
			s = loaded
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t.states[rec] = s
	return s, nil
}

// loadState returns what is known of a record whose newest version that counts is last, in a row of its index.
func (t *txLog) loadState(rec changeset.RecordID, f *versionFile, last changeset.Version, at int64) (s *state, err error) {
	if last.Seq == 0 {
		return nil, t.damagedIndex(rec, fmt.Errorf("row %d: it bears the number 0, as rows of exported copies alone do", at+1))
	}
	// What lies beyond is not committed, or nothing that the log has, and goes with the next row.
	s = &state{size: (at + 1) * changeset.VersionSize, lastRow: last.Seq, exists: last.Key != (cas.Key{})}
	if s.loose, err = t.looseSize(f, rec, last, at); err != nil {
		return nil, err
	}
	if f.file == nil {
		s.packed = f
	}
	if s.exists {
		if s.props, err = t.props(rec, last); err != nil {
			return nil, err
		}
	}
	if s.head, err = t.idAt(last.Seq); err != nil {
		return nil, err
	}
	n, err := t.ours.noted(last.Seq)
	s.settled = n.flags&flagSettled != 0
	return s, err
}

// idAt returns the ID of the changeset of a row, pending ones included.
func (t *txLog) idAt(seq uint32) (changeset.ID, error) {
	if c := t.pending[seq]; c != nil {
		return c.ID, nil
	}
	row, err := t.Row(seq)
	return row.ID, err
}

// merge returns the merged state of a record that is not settled, from its own changes.
func (t *txLog) merge(rec changeset.RecordID, s *state) (*resolution.Result, error) {
	if s.merged != nil {
		return s.merged, nil
	}
	err := t.loadEntries(rec, s)
	if err == nil {
		s.merged, err = t.mergeEntries(rec, s.entries)
	}
	return s.merged, err
}

// loadEntries loads all ordinary changes to a record, pending ones included, unless they are.
func (t *txLog) loadEntries(rec changeset.RecordID, s *state) (err error) {
	if s.entries == nil {
		s.entries, err = t.load(rec, s)
	}
	return err
}

// load reads all ordinary changes to a record, pending ones included.
func (t *txLog) load(rec changeset.RecordID, s *state) ([]resolution.Entry, error) {
	var seqs []uint32
	if s.size > 0 {
		versions, err := t.committed(rec, s)
		if err != nil {
			return nil, err
		}
		for _, v := range versions[:min(int64(len(versions)), s.size/changeset.VersionSize)] {
			seqs = append(seqs, v.Seq)
		}
	}
	for _, v := range s.rows {
		seqs = append(seqs, v.Seq)
	}
	s.light, s.bytes = true, 0
	get := func(seq uint32) (*changeset.Changeset, error) {
		c, err := t.bestAt(seq)
		if err == nil {
			s.weigh(c)
		}
		return c, err
	}
	return t.entriesBeside(rec, slices.Compact(seqs), get, t.hanging)
}

// committed returns the rows of a record's index that are committed.
func (t *txLog) committed(rec changeset.RecordID, s *state) ([]changeset.Version, error) {
	if s.packed != nil {
		return t.committedIn(s.packed, rec)
	}
	return t.Versions(rec)
}

// changeset returns the changeset of a row, pending ones included.
func (t *txLog) changeset(seq uint32) (*changeset.Changeset, error) {
	if c := t.pending[seq]; c != nil {
		return c, nil
	}
	return t.at(seq)
}

// mergeEntries merges the changes to a record.
func (t *txLog) mergeEntries(rec changeset.RecordID, entries []resolution.Entry) (*resolution.Result, error) {
	return t.mergeHistory(rec, resolution.NewHistory(entries))
}

// mergeHistory merges the changes to a record. In the resolutions replica there are no votes on votes, and no rules.
func (t *txLog) mergeHistory(rec changeset.RecordID, history *resolution.History) (*resolution.Result, error) {
	if t != t.tx.main {
		return history.Merge(rec, nil, nil), nil
	}
	var failed error
	votes := func(fingerprint string) []map[string]string {
		votes, err := t.tx.res.votesOn(fingerprint)
		failed = errors.Join(failed, err)
		return votes
	}
	rules := func(prop string) resolution.Rule {
		rule, err := t.rule(ruled{rec.Type, prop})
		failed = errors.Join(failed, err)
		return rule
	}
	if t.tx.res.seq == 0 { // nobody ever voted: there is nothing to look for
		votes = nil
	}
	result := history.Merge(rec, votes, rules)
	return result, failed
}

// append adds a changeset to the log as it stands, applying it to the records.
func (t *txLog) append(c *changeset.Changeset, f flags) error {
	if t.seq == maxSeq {
		return fmt.Errorf("add a changeset to %s: the log is full: it has %d rows", t.where, uint32(maxSeq))
	}
	if t.seq == t.latest { // the first row of this transaction
		if err := t.beginRows(); err != nil {
			return err
		}
	}
	text := c.Encode()
	if len(text) > changeset.MaxFile || len(c.Changes) > changeset.MaxChanges {
		return fmt.Errorf("log changeset %s: nobody could read it: it has %d bytes and %d changes, at most %d and %d are allowed",
			c.ID, len(text), len(c.Changes), changeset.MaxFile, changeset.MaxChanges)
	}
	t.seq++
	key := t.putChangeset(text)
	for i := range c.Changes {
		if err := t.apply(&c.Changes[i]); err != nil {
			return err
		}
	}
	row := changeset.Row{Seq: t.seq, ID: c.ID, Key: key}
	t.added = append(t.added[max(0, len(t.added)-TailRows+1):], row)
	if t.rewritten != nil {
		t.rewritten = changeset.AppendRow(t.rewritten, row)
	} else {
		t.tx.d.Append(t.name(changeset.IndexFile), int64(t.seq-1)*changeset.RowSize, changeset.AppendRow(nil, row))
	}
	t.noteRow(noted{lastID: t.lastID, flags: f})
	t.pending[t.seq] = c
	t.ids[c.ID] = t.seq
	t.marks[c.ID.Origin] = max(t.marks[c.ID.Origin], c.ID.Seq)
	return nil
}

// apply writes a new version of a record: a create of a record that is not there replaces, any other create or update merges, a deletion removes.
func (t *txLog) apply(c *changeset.Change) error {
	s, err := t.state(c.Record)
	if err != nil {
		return err
	}
	if s.wasNever() {
		if err := t.giveID(c.Record.UUID); err != nil {
			return err
		}
	}
	s.begin(c.Record)
	t.noteRule(c.Record, s.props)
	existed := s.exists
	s.exists, s.props = Replay(s.exists, s.props, c)
	t.noteRule(c.Record, s.props)
	var text []byte
	if s.exists {
		text = changeset.EncodeRecord(s.props)
		if err := changeset.CheckRecordSize(len(s.props), len(text)); err != nil {
			return fmt.Errorf("%s: %w", c.Record, err)
		}
	}
	s.rows = append(s.rows, t.putVersion(c.Record, s, text, existed))
	s.lastRow = t.seq
	t.count(c.Record, s, text)
	return nil
}

// giveID gives a record that is new to the log its local id. The resolutions replica has none.
func (t *txLog) giveID(rec uuid.UUID) error {
	if t != t.tx.main {
		return nil
	}
	if err := t.holdIDs(); err != nil {
		return err
	}
	t.tx.d.Append(t.name(idsFile), int64(t.lastID)*localIDSize, appendLocalID(nil, localID{rec, t.seq}))
	t.lastID++
	return nil
}

// Replay applies a change to a record's state as any reader of the log does: a create of a record that is not there
// replaces, any other create or update merges, a deletion removes.
func Replay(exists bool, props map[string]string, c *changeset.Change) (bool, map[string]string) {
	if c.Kind == changeset.Delete {
		return false, nil
	}
	next := make(map[string]string, len(props)+len(c.Props))
	if exists {
		maps.Copy(next, props)
	}
	for name, pc := range c.Props {
		if pc.New.Text == "" {
			delete(next, name)
		} else {
			next[name] = pc.New.Text
		}
	}
	return true, next
}

// lookup returns the row of the changeset with the ID. A changeset of our own is looked for where it must be;
// for others the whole index is read once.
func (t *txLog) lookup(id changeset.ID) (row uint32, ok bool, err error) {
	if row, ok := t.ids[id]; ok {
		return row, true, nil
	}
	if id.Origin == t.uuid && id.Seq <= t.latest {
		r, err := t.Row(id.Seq)
		if err != nil || r.ID == id {
			return id.Seq, err == nil, err
		}
	}
	return t.known.lookup(t.Log, id)
}

// Touching returns the ordinary changesets in the log that touch the record, pending ones included, in the order of the log.
func (tx *Tx) Touching(rec changeset.RecordID) ([]changeset.ID, error) {
	s, err := tx.main.state(rec)
	if err != nil || s.wasNever() {
		return nil, err
	}
	if err := tx.main.loadEntries(rec, s); err != nil {
		return nil, err
	}
	var ids []changeset.ID
	for _, e := range s.entries {
		ids = append(ids, e.ID)
	}
	return ids, nil
}

// Lookup returns the row of the log that holds the changeset, pending ones included.
func (tx *Tx) Lookup(id changeset.ID) (row uint32, ok bool, err error) { return tx.main.lookup(id) }

// Opened returns the conflicts that the transaction opened so far.
func (tx *Tx) Opened() OpenedConflicts { return tx.opened }

// Size is how many bytes the transaction holds in memory, for whoever divides work into batches.
func (tx *Tx) Size() int { return tx.d.Size() + tx.main.bundle.bytes() + tx.res.bundle.bytes() }
