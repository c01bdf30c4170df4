package replica

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// maxSeq is the greatest sequence number.
const maxSeq = 1<<32 - 1

// Integrate adds an ordinary changeset made elsewhere to the log, with the bookkeeping that it needs, and reports whether it did.
// Of a known changeset it takes up what this representation tells beyond ours; another edit under its ID is a [*ForkError], of which only ID is set.
// It is an error if a parent is not in the log, or if c is bookkeeping that the log does not have.
func (tx *Tx) Integrate(c *changeset.Changeset) (added bool, err error) {
	return tx.main.integrate(c)
}

// Renew gives the replica a new UUID with the next changeset that it makes. It is called before anything else is integrated
// when a peer knows a changeset of ours that we do not: this replica was restored from a backup, or copied.
func (tx *Tx) Renew() { tx.main.renew() }

// RenewVoter is Renew for the resolutions replica.
func (tx *Tx) RenewVoter() { tx.res.renew() }

// IntegrateVote is Integrate for a changeset of the resolutions replica.
func (tx *Tx) IntegrateVote(c *changeset.Changeset) (added bool, err error) {
	added, err = tx.res.integrate(c)
	tx.recount = tx.recount || added
	return added, err
}

func (t *txLog) integrate(c *changeset.Changeset) (added bool, err error) {
	row, known, err := t.lookup(c.ID)
	if err != nil {
		return false, err
	}
	if known {
		return false, t.takeUp(row, c)
	}
	if c.Bookkeeping() {
		return false, fmt.Errorf("integrate changeset %s: it is bookkeeping of another replica", c.ID)
	}
	if c.ID.Origin == t.self { // somebody knows more of us than we do: this replica was copied or restored
		t.renew()
	}
	if err := t.add(c); err != nil {
		return false, fmt.Errorf("integrate changeset %s: %w", c.ID, err)
	}
	t.warnOfClock(c)
	return true, nil
}

// ForkError says that one ID names two edits: two replicas had one UUID, and nobody has taken them apart yet.
type ForkError struct {
	ID          changeset.ID
	Here, There string // where the replicas are that have one and the other; "" where that is not known
	Maker       bool   // the replica there made its own edit: a pull by it from here takes the two apart
	// KnownHere and KnownThere are where the replica of that UUID was found from here and from there, as each of them noted it; "" where it never was.
	KnownHere, KnownThere string
	Ours, Theirs          *changeset.Changeset // the edits; nil where There is ""
}

func (e *ForkError) Error() string {
	if e.There == "" {
		return fmt.Sprintf("changeset %s is one edit here and another one there: a replica was copied, and both copies were edited", e.ID)
	}
	return fmt.Sprintf("replica %s was copied or restored from a backup, and both copies were edited: changeset %s is one edit in %s and another one in %s",
		e.ID.Origin.String()[:8], e.ID, e.Here, e.There)
}

// takeUp adds what the content of a known changeset tells beyond the representation in the row of the log. It is a ForkError if it is another edit.
func (t *txLog) takeUp(row uint32, c *changeset.Changeset) error {
	mine, err := t.changeset(row)
	if err != nil || mine.Lost { // a repair puts it back
		return err
	}
	if mine.Bookkeeping() != c.Bookkeeping() || !mine.Bookkeeping() && !changeset.SameEdit(mine, c) {
		return &ForkError{ID: c.ID}
	}
	_, err = t.represent(row, mine, c)
	return err
}

// warnOfClock tells of a changeset that claims to be made more than a day from now: it wins conflicts that it should not.
func (t *txLog) warnOfClock(c *changeset.Changeset) {
	limit := t.tx.r.now().Add(24 * time.Hour).UTC().Format(changeset.TimeFormat)
	if c.Created > limit {
		t.tx.r.warn(fmt.Sprintf("changeset %s says that it was made at %s UTC, more than a day ahead: a clock was wrong, and it may win conflicts unduly", c.ID, c.Created))
	}
}

// outcome is what the state of a record must be once a changeset is in the log.
type outcome struct {
	rec     changeset.RecordID
	exists  bool
	props   map[string]string
	settled bool
	entries []resolution.Entry // if computed from all changes to the record, these and
	result  *resolution.Result // this
}

// add logs a changeset and what has to stand around it so that replaying the log gives the merged state.
// A changeset of our own that has no ID yet gets that of its row.
func (t *txLog) add(c *changeset.Changeset) error {
	if err := t.settleBefore(c); err != nil {
		return err
	}
	null, err := t.nullification(c)
	if err != nil {
		return err
	}
	before := uint32(len(portions(null))) // rows
	if c.ID.IsZero() {
		c.ID = t.nextID()
		c.ID.Seq += before
	}
	if err := t.nameOwn(c, t.seq+1+before); err != nil {
		return err
	}
	merged := make([]outcome, 0, len(c.Changes))
	f := flagSettled
	for i := range c.Changes {
		m, err := t.extend(c, &c.Changes[i])
		if err != nil {
			return err
		}
		merged = append(merged, m)
		if !m.settled {
			f = 0
		}
	}
	if err := t.keepBooks(null, flagNullification); err != nil {
		return err
	}
	if err := t.append(c, f); err != nil {
		return err
	}
	for _, m := range merged {
		if err := t.settle(c.ID, m); err != nil {
			return err
		}
	}
	return t.logResolution(merged)
}

// extend merges one more change with what is known of its record. Where the change has seen all the
// others, which is the rule, that needs no look at them.
func (t *txLog) extend(c *changeset.Changeset, ch *changeset.Change) (outcome, error) {
	s, err := t.state(ch.Record)
	if err != nil {
		return outcome{}, err
	}
	m := outcome{rec: ch.Record}
	if s.wasNever() {
		for _, p := range ch.Parents {
			if err := t.knowParent(ch, p); err != nil {
				return m, err
			}
		}
	}
	highest, err := t.isHighest(c.ID)
	if err != nil {
		return m, err
	}
	if highest && ch.CopyOf.IsZero() && t.sawAll(s, c.ID, ch) && (s.exists || s.wasNever() || ch.Kind == changeset.Delete) {
		m.settled = true
		m.exists, m.props = Replay(s.exists, s.props, ch)
		return m, nil
	}
	result, err := t.merge(ch.Record, s)
	if err == nil {
		err = t.asShown(ch.Record, s, result)
	}
	if err != nil {
		return m, err
	}
	for _, p := range ch.Parents {
		if slices.ContainsFunc(s.entries, func(e resolution.Entry) bool { return e.ID == p }) {
			continue
		}
		if err := t.knowParent(ch, p); err != nil {
			return m, err
		}
	}
	e := resolution.Entry{ID: c.ID, Created: c.Created, Creator: c.Creator.Text, Change: ch}
	if e.Waits, err = t.hangs(c); err != nil {
		return m, err
	}
	m.entries = append(slices.Clip(s.entries), e)
	s.weigh(c)
	if m.result, err = t.mergeEntries(ch.Record, m.entries); err != nil {
		return m, err
	}
	m.exists, m.props = m.result.Exists, m.result.Props
	m.settled = m.result.SettledBy(c.ID)
	return m, nil
}

// isHighest reports whether the changeset has a greater number than all that are known of its origin. If not, all changes to the record must be looked at:
// one without parents counts as having seen what its origin did under lower numbers, so one that is here already may have seen this one. That happens where
// a replica of the original was restored, and gives edits the numbers that its bookkeeping had.
func (t *txLog) isHighest(id changeset.ID) (bool, error) {
	if id.Origin == t.self { // the number of its row
		return true, nil
	}
	if id.Seq <= t.marks[id.Origin] {
		return false, nil
	}
	return t.known.isHighest(t.Log, id)
}

func unknownParent(ch *changeset.Change, parent changeset.ID) error {
	return fmt.Errorf("its parent %s of %s is not in the log, or does not touch that record", parent, ch.Record)
}

// sawAll reports whether the maker of the change had seen every change to the record.
func (t *txLog) sawAll(s *state, id changeset.ID, ch *changeset.Change) bool {
	switch {
	case s.wasNever():
		return true
	case !s.settled:
		return false
	}
	return follows(id, ch, s.head)
}

// follows reports whether the maker of a change had seen the one that was the record's only head: it names that as its only parent, or names none and
// the head is its origin's own.
func follows(id changeset.ID, ch *changeset.Change, head changeset.ID) bool {
	if ch.Parents == nil {
		return head.Origin == id.Origin && head.Seq < id.Seq
	}
	return len(ch.Parents) == 1 && ch.Parents[0] == head
}

// settle notes what is now known of a record, and whether it began or ceased to be in conflict.
func (t *txLog) settle(id changeset.ID, m outcome) error {
	s := t.states[m.rec]
	s.settled, s.head, s.entries, s.merged = m.settled, id, m.entries, m.result
	if t != t.tx.main || m.result == nil { // it had seen all, and nothing was in conflict
		return nil
	}
	if m.settled {
		s.entries, s.merged = nil, nil
	}
	if err := t.loadOpen(); err != nil {
		return err
	}
	t.tx.noteOpened(id, m, t.notes.openSet[m.rec].conflicts(m.result)) // not as the merge before has it, which may be by a rule that has just come
	return t.setOpen(m.rec, undecidedIn(m.result))
}

// noteOpened keeps account of what the transaction opened, or put a new rival to. What was open before is named as [resolution.Result.OpenProps] does.
func (tx *Tx) noteOpened(id changeset.ID, m outcome, before []string) {
	note := func(prop string, again bool) { tx.opened.Note(m.rec, prop, again) }
	was := func(prop string) bool { return slices.Contains(before, prop) }
	if m.result.Existence != nil && (!was("") || m.result.Existence.Has(id) || tx.regained.isAmong(m.rec, "", m.result.Existence)) {
		note("", was(""))
	}
	for i := range m.result.Conflicts {
		c := &m.result.Conflicts[i]
		if !was(c.Prop) || c.Has(id) || tx.regained.isAmong(m.rec, c.Prop, c) {
			note(c.Prop, was(c.Prop))
		}
	}
}

// ownChangeset returns a changeset of our own without changes. It has no ID yet.
func (t *txLog) ownChangeset() *changeset.Changeset {
	return &changeset.Changeset{Created: t.tx.r.now().UTC().Format(changeset.TimeFormat), Creator: changeset.TextOrNull(t.tx.r.opts.Creator)}
}

// nextID is the ID of a changeset of our own in the next row: its sequence number is that of the row, as with the original.
func (t *txLog) nextID() changeset.ID { return changeset.ID{Origin: t.self, Seq: t.seq + 1} }

// Renewed reports under which UUIDs the logs will be once the transaction is made.
func (tx *Tx) Renewed() (main, votes uuid.UUID) { return tx.main.self, tx.res.self }

// renew gives the log's replica a new UUID, for what is made from now on: the old one is another's too.
func (t *txLog) renew() {
	if t.self == t.uuid {
		t.self, t.left = t.tx.r.opts.NewUUID(), t.seq
	}
}
