package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// ErrNoRecord is wrapped by errors that say that a record does not exist, or no longer.
var ErrNoRecord = errors.New("no such record")

// Edit collects the changes of one changeset of our own. They are applied together when the function that
// was handed it returns nil. A record can be changed more than once: the changes become one.
type Edit struct {
	tx      *Tx
	wants   map[changeset.RecordID]*want
	decided []Decision
	copied  changeset.ID // the last copy that was made for it; zero if none was
}

// want is what the edit makes of a record.
type want struct {
	exists bool
	props  map[string]string
	writes map[string]bool // properties to write even if their value stays
	touch  bool            // the record is edited, if only to say that it lives
	named  bool            // an edit was asked for, and be it one that changes nothing: what waits of the record goes to others
}

// Decision is a conflict that an edit settled. Prop is "" for the record's existence, about which Value then is [TakeKeep] or [TakeDelete].
type Decision struct {
	Record      changeset.RecordID
	Prop, Value string
}

// Edited says what an edit came to.
type Edited struct {
	ID      changeset.ID // of the changeset, or of the last copy of what waited, see [Log.Waits]; zero if the edit changed nothing and none was made
	Decided []Decision
}

// Edit makes one changeset of what f does, durable when Edit returns nil. If f returns an error, or panics, nothing is changed.
func (r *Replica) Edit(ctx context.Context, f func(e *Edit) error) (edited Edited, err error) {
	return editWith(ctx, r.Update, f)
}

// editWith makes the changeset in the transaction that update runs.
func editWith(ctx context.Context, update func(context.Context, func(tx *Tx) error) error, f func(e *Edit) error) (edited Edited, err error) {
	err = update(ctx, func(tx *Tx) error {
		edited, err = tx.Edit(f)
		return err
	})
	if err != nil {
		return Edited{}, err
	}
	return edited, nil
}

// Edit is [Replica.Edit] within a transaction.
func (tx *Tx) Edit(f func(e *Edit) error) (Edited, error) {
	e, changes, err := tx.changes(f)
	if err != nil || len(changes) == 0 {
		return Edited{ID: e.copied}, err
	}
	for i, ch := range changes[1:] { // by UUID
		if before := changes[i].Record; ch.Record.UUID == before.UUID {
			return Edited{}, fmt.Errorf("edit %s and %s: a changeset cannot name one UUID twice: make two edits", before, ch.Record)
		}
	}
	c := tx.main.ownChangeset()
	c.Changes = changes
	if err := changeset.CheckSize(len(changes), len(c.Encode())); err != nil {
		return Edited{}, fmt.Errorf("%w: make several smaller edits", err)
	}
	if err := tx.decide(c); err != nil {
		return Edited{}, err
	}
	return Edited{c.ID, e.decided}, nil
}

// EditAll is Edit for work of any size: it makes as many changesets as it takes, and returns what they decided.
func (tx *Tx) EditAll(f func(e *Edit) error) ([]Decision, error) {
	e, changes, err := tx.changes(f)
	if err != nil {
		return nil, err
	}
	return e.decided, tx.decideAll(changes)
}

// changes collects what f does.
func (tx *Tx) changes(f func(e *Edit) error) (*Edit, []changeset.Change, error) {
	e := &Edit{tx: tx, wants: map[changeset.RecordID]*want{}}
	if err := tx.Settle(); err != nil {
		return e, nil, err
	}
	if err := f(e); err != nil {
		return e, nil, err
	}
	changes, err := e.changes()
	return e, changes, err
}

// decide votes for what a changeset of our own decides and logs it.
func (tx *Tx) decide(c *changeset.Changeset) error {
	if err := tx.vote(c); err != nil {
		return err
	}
	return tx.main.add(c)
}

// decideAll does so for as many changesets as the changes need.
func (tx *Tx) decideAll(changes []changeset.Change) error {
	for _, portion := range portions(changes) {
		c := tx.main.ownChangeset()
		c.Changes = portion
		if err := tx.decide(c); err != nil {
			return err
		}
	}
	return nil
}

// want returns what the edit makes of the record so far.
func (e *Edit) want(rec changeset.RecordID) (*want, error) {
	if w := e.wants[rec]; w != nil {
		return w, nil
	}
	s, err := e.tx.main.state(rec)
	if err != nil {
		return nil, err
	}
	w := &want{exists: s.exists, props: maps.Clone(s.props), writes: map[string]bool{}}
	if w.props == nil {
		w.props = map[string]string{}
	}
	e.wants[rec] = w
	return w, nil
}

// Create makes a new record with the properties and returns its ID. It adds who made it ("creator"), where that is known, and where ("original_replica").
func (e *Edit) Create(typ string, props map[string]string) (changeset.RecordID, error) {
	rec := changeset.RecordID{Type: typ, UUID: e.tx.r.opts.NewUUID()}
	all := map[string]string{"original_replica": e.tx.main.self.String()}
	if creator := e.tx.r.opts.Creator; creator != "" {
		all["creator"] = creator
	}
	maps.Copy(all, props)
	if err := changeset.CheckType(typ); err != nil {
		return rec, err
	}
	if err := checkProps(all); err != nil {
		return rec, err
	}
	w, err := e.want(rec)
	if err != nil {
		return rec, err
	}
	w.exists, w.props, w.touch = true, nonEmpty(all), true
	return rec, nil
}

// Props returns the record's properties as the edit leaves them so far; ok is false if it does not exist.
func (e *Edit) Props(rec changeset.RecordID) (props map[string]string, ok bool, err error) {
	w, err := e.want(rec)
	if err != nil {
		return nil, false, err
	}
	return maps.Clone(w.props), w.exists, nil
}

// Update writes properties of a record that exists; an empty value removes one. Naming the value that a property has writes nothing,
// unless the property is in open conflict: that decides for it.
func (e *Edit) Update(rec changeset.RecordID, props map[string]string) error {
	w, err := e.living(rec)
	if err != nil {
		return err
	}
	if err := checkProps(props); err != nil {
		return err
	}
	result, err := e.tx.Merged(rec)
	if err != nil {
		return err
	}
	w.named = true
	for name, value := range props {
		if result.Conflict(name) != nil {
			w.writes[name] = true
		} else if w.props[name] == value {
			continue
		}
		w.touch = true
		if value == "" {
			delete(w.props, name)
		} else {
			w.props[name] = value
		}
	}
	return nil
}

// Keep edits the record without changing a property: it says that the record lives, against a deletion made at the same time.
func (e *Edit) Keep(rec changeset.RecordID) error {
	w, err := e.living(rec)
	if err == nil {
		w.touch = true
	}
	return err
}

// Delete deletes a record that exists, or one of whose deletion others do not know because of what is lost, see [Log.Waits].
func (e *Edit) Delete(rec changeset.RecordID) error {
	w, err := e.want(rec)
	if err != nil {
		return err
	}
	if !w.exists {
		waits, err := e.waits(rec)
		if w.named = waits; err != nil || waits {
			return err
		}
		return e.tx.r.noRecord(rec)
	}
	w.exists, w.props, w.touch = false, map[string]string{}, true
	return nil
}

// waits reports whether something waits of a record.
func (e *Edit) waits(rec changeset.RecordID) (bool, error) {
	entries, err := e.tx.main.mayHang(rec)
	return len(missed(entries)) > 0, err
}

// living is want for a record that must exist.
func (e *Edit) living(rec changeset.RecordID) (*want, error) {
	w, err := e.want(rec)
	if err != nil {
		return nil, err
	}
	if !w.exists {
		return nil, e.tx.r.noRecord(rec)
	}
	return w, nil
}

// Merged returns the merged state of a record, pending changes included, and what is open about it. Nobody may change it.
func (tx *Tx) Merged(rec changeset.RecordID) (*resolution.Result, error) {
	s, err := tx.main.state(rec)
	if err != nil {
		return nil, err
	}
	if s.settled || s.wasNever() {
		return &resolution.Result{Exists: s.exists, Props: s.props, Heads: s.settledHeads()}, nil
	}
	return tx.main.merge(rec, s)
}

// settledHeads returns the heads of a record of which they are known without merging it.
func (s *state) settledHeads() []changeset.ID {
	if s.wasNever() {
		return []changeset.ID{}
	}
	return []changeset.ID{s.head}
}

// Merged is [Tx.Merged]: the state that the edit changes, without what it changes. Nobody may change it.
func (e *Edit) Merged(rec changeset.RecordID) (*resolution.Result, error) { return e.tx.Merged(rec) }

func checkProps(props map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if err := changeset.CheckProperty(name); err != nil {
			return err
		}
		if err := changeset.CheckValue(name, props[name]); err != nil {
			return err
		}
	}
	return nil
}

func nonEmpty(props map[string]string) map[string]string {
	kept := maps.Clone(props)
	maps.DeleteFunc(kept, func(_, v string) bool { return v == "" })
	return kept
}

// changes returns what the edit changes, by record, when what waits of these records was copied.
func (e *Edit) changes() ([]changeset.Change, error) {
	changes, err := e.differences()
	if err != nil {
		return nil, err
	}
	recs, err := e.toCopy(changes)
	if err != nil || len(recs) == 0 {
		return changes, err
	}
	if e.copied, err = e.tx.copyWaiting(recs); err != nil || e.copied.IsZero() {
		return changes, err
	}
	e.decided = nil
	return e.differences()
}

// toCopy returns the records of which what waits is to be copied: those that the edit changes, or names. A deletion of what nobody else knows is none: nobody misses it.
func (e *Edit) toCopy(changes []changeset.Change) (recs []changeset.RecordID, err error) {
	h, err := e.tx.main.hanging()
	if err != nil || h == nil {
		return nil, err
	}
	is := map[changeset.RecordID]bool{}
	for rec, w := range e.wants {
		is[rec] = w.named
	}
	for _, ch := range changes {
		is[ch.Record] = true
		if ch.Kind == changeset.Delete {
			entries, err := e.tx.main.mayHang(ch.Record)
			if err != nil {
				return nil, err
			}
			is[ch.Record] = knownToOthers(entries)
		}
	}
	maps.DeleteFunc(is, func(_ changeset.RecordID, named bool) bool { return !named })
	return sorted(is), nil
}

// differences returns what the edit changes, by record, as things are.
func (e *Edit) differences() (changes []changeset.Change, err error) {
	for _, rec := range slices.SortedFunc(maps.Keys(e.wants), changeset.RecordID.Compare) {
		w := e.wants[rec]
		if !w.touch {
			continue
		}
		ch, err := e.change(rec, w)
		if err != nil {
			return nil, err
		}
		if ch != nil {
			changes = append(changes, *ch)
		}
	}
	return changes, nil
}

// change is what the edit does to one record, nil if nothing.
func (e *Edit) change(rec changeset.RecordID, w *want) (*changeset.Change, error) {
	s, err := e.tx.main.state(rec)
	if err != nil {
		return nil, err
	}
	result, err := e.tx.Merged(rec)
	if err != nil {
		return nil, err
	}
	ch := difference(rec, s.exists, s.props, w.exists, w.props)
	if ch == nil {
		if len(w.writes) == 0 && result.Existence == nil {
			return nil, nil
		}
		ch = sameState(rec, true)
	}
	for name := range w.writes {
		if w.exists {
			ch.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(s.props[name]), New: changeset.TextOrNull(w.props[name])}
		}
	}
	if ch.Parents = result.Heads; len(ch.Parents) > changeset.MaxParents {
		return nil, fmt.Errorf("edit %s: it has %d heads, at most %d can be settled at once", rec, len(ch.Parents), changeset.MaxParents)
	}
	if ch.Kind == changeset.Create {
		if err := e.startAfresh(ch, s); err != nil {
			return nil, err
		}
	}
	e.noteDecisions(ch, result)
	return ch, nil
}

// startAfresh lets the create of a record that was deleted write null to all that it does not name. The merge takes it to do so where its parents are all
// deletions; but what a deletion without parents had seen follows from the order T alone, and is a head as well.
func (e *Edit) startAfresh(ch *changeset.Change, s *state) error {
	if s.wasNever() || s.settled {
		return nil
	}
	if err := e.tx.main.loadEntries(ch.Record, s); err != nil {
		return err
	}
	alive := func(x resolution.Entry) bool {
		return x.Change.Kind != changeset.Delete && slices.Contains(ch.Parents, x.ID)
	}
	if !slices.ContainsFunc(s.entries, alive) {
		return nil
	}
	for _, x := range s.entries {
		for name := range x.Change.Props {
			if _, named := ch.Props[name]; !named {
				ch.Props[name] = changeset.PropChange{}
			}
		}
	}
	return nil
}

// noteDecisions records which open conflicts the change decides.
func (e *Edit) noteDecisions(ch *changeset.Change, result *resolution.Result) {
	if result.Existence != nil {
		e.decided = append(e.decided, Decision{Record: ch.Record, Value: existence(ch)})
	}
	for _, c := range result.Conflicts {
		if pc, writes := ch.Props[c.Prop]; writes {
			e.decided = append(e.decided, Decision{ch.Record, c.Prop, pc.New.Text})
		}
	}
}
