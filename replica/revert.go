package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// ErrBookkeeping is wrapped by the error of [Edit.Revert] about a nullification or a resolution.
var ErrBookkeeping = errors.New("it is bookkeeping of a replica")

// Why a revert left something as it is.
const (
	LeftChanged  = "changed"  // it was changed since: a property, or a record that is to be deleted
	LeftConflict = "conflict" // it is in conflict, and the other rivals say several things
	LeftDeleted  = "deleted"  // the record was deleted since
	LeftEqual    = "equal"    // another changeset did the same, later or without having seen this one
	LeftRule     = "rule"     // it would be a rule that nobody can read
	LeftSame     = "same"     // the changeset wrote what was there before, as a decision may
)

// NotUndone is something that a revert left as it is: a property with its value, or, with Prop "", a record.
type NotUndone struct {
	Record      changeset.RecordID
	Prop, Value string
	Why         string
	By          changeset.ID // the changeset because of which it is left; zero if there is none, there are several, or it is not known
}

// Reverted says what a revert came to.
type Reverted struct {
	Undone    []Decision // the value that a property has again, "" for none; or whether a record lives again
	NotUndone []NotUndone
	Already   []changeset.ID // by which changesets the rest had been undone already, each once, sorted
}

// Revert undoes what an ordinary changeset did, as far as it still holds:
//   - a property that nobody wrote since gets its old value back;
//   - a record that it made, and that is as it was made, is deleted; one that it deleted is restored;
//   - where the changeset is a rival in an open conflict, the value of the other rivals is taken, if they have one;
//   - a record that others deleted, and that only the changeset keeps, is deleted.
//
// What was changed since stays, and so does what another changeset did too without having seen this one: see [Reverted].
// The error wraps ErrNoChangeset if the changeset is not in the log, ErrBookkeeping if it is no ordinary one.
func (e *Edit) Revert(id changeset.ID) (Reverted, error) {
	r := revert{edit: e, id: id}
	if err := r.run(); err != nil {
		return Reverted{}, fmt.Errorf("revert changeset %s: %w", id.Short(), err)
	}
	return r.result, nil
}

// revert is one at work.
type revert struct {
	edit   *Edit
	id     changeset.ID
	result Reverted
}

func (r *revert) run() error {
	c, err := r.changeset()
	if err != nil {
		return err
	}
	for i := range c.Changes {
		if err := r.undo(&c.Changes[i]); err != nil {
			return err
		}
	}
	slices.SortFunc(r.result.Already, changeset.ID.Compare)
	r.result.Already = slices.Compact(r.result.Already)
	return nil
}

// changeset returns the one that is reverted.
func (r *revert) changeset() (*changeset.Changeset, error) {
	row, ok, err := r.edit.tx.main.lookup(r.id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNoChangeset
	}
	c, err := r.edit.tx.main.bestAt(row)
	if err != nil {
		return nil, err
	}
	if c.Bookkeeping() {
		return nil, ErrBookkeeping
	}
	if c.Lost {
		return nil, errors.New("it is lost, and nobody knows all that it did")
	}
	return c, nil
}

func (r *revert) undo(ch *changeset.Change) (err error) {
	t := reverting{revert: r, change: ch}
	if t.now, err = r.edit.want(ch.Record); err != nil {
		return err
	}
	if t.entries, err = r.edit.entries(ch.Record); err != nil {
		return err
	}
	t.history = resolution.NewHistory(t.entries)
	t.ids = t.history.OneEdit(r.id)
	if t.merged, err = t.merge(t.history); err != nil {
		return err
	}
	switch {
	case t.keeps():
		return t.undoKeeping()
	case ch.Kind == changeset.Create:
		return t.undoCreate()
	case ch.Kind == changeset.Delete:
		return t.undoDelete()
	}
	return t.undoUpdate()
}

// already notes by what something had been undone.
func (r *revert) already(by ...changeset.ID) { r.result.Already = append(r.result.Already, by...) }

// reverting is a change at work.
type reverting struct {
	revert  *revert
	change  *changeset.Change
	ids     []changeset.ID      // of the changesets that make it, or copies of it
	now     *want               // what the record is, as the edit has it so far
	entries []resolution.Entry  // all changes to it
	history *resolution.History // those linked
	merged  *resolution.Result  // what they come to
}

// merge returns what changes to the record come to.
func (t *reverting) merge(history *resolution.History) (*resolution.Result, error) {
	return t.revert.edit.tx.main.mergeHistory(t.change.Record, history)
}

// undone notes what a property is again, or, with prop "", the record.
func (t *reverting) undone(prop, value string) {
	t.revert.result.Undone = append(t.revert.result.Undone, Decision{t.change.Record, prop, value})
}

// left notes that a property, or, with prop "", the record stays as it is, and because of what.
func (t *reverting) left(prop, why string, by ...changeset.ID) {
	n := NotUndone{Record: t.change.Record, Prop: prop, Value: t.now.props[prop], Why: why}
	if len(by) == 1 {
		n.By = by[0]
	}
	t.revert.result.NotUndone = append(t.revert.result.NotUndone, n)
}

// is reports whether this is the change, or one edit with it.
func (t *reverting) is(e resolution.Entry) bool { return slices.Contains(t.ids, e.ID) }

// keeps reports whether the change is one of those that keep a record that others deleted, where that is open.
func (t *reverting) keeps() bool {
	c := t.merged.Existence
	return c != nil && slices.ContainsFunc(c.Keep, func(e *resolution.Entry) bool { return t.is(*e) })
}

// undoKeeping deletes a record that nothing but the change keeps. If something else does too, all stays as it is: to write a property would decide that it lives.
func (t *reverting) undoKeeping() error {
	without := slices.DeleteFunc(slices.Clone(t.entries), t.is)
	rest, err := t.merge(resolution.NewHistory(without))
	if err != nil {
		return err
	}
	if rest.Exists {
		t.left("", LeftConflict)
		return nil
	}
	t.undone("", TakeDelete)
	return t.revert.edit.Delete(t.change.Record)
}

// undoCreate deletes a record that is as it was made.
func (t *reverting) undoCreate() error {
	if !t.now.exists {
		t.revert.already(t.merged.Heads...)
		return nil
	}
	made := map[string]string{}
	for name, pc := range t.change.Props {
		made[name] = pc.New.Text
	}
	unseen := t.unseenBy()
	switch {
	case !maps.Equal(t.now.props, nonEmpty(made)):
		t.left("", LeftChanged)
		return nil
	case len(unseen) > 0:
		t.left("", LeftEqual, unseen...)
		return nil
	}
	t.undone("", TakeDelete)
	return t.revert.edit.Delete(t.change.Record)
}

// unseenBy returns the record's heads that have not seen the change.
func (t *reverting) unseenBy() []changeset.ID {
	return slices.DeleteFunc(slices.Clone(t.merged.Heads), func(head changeset.ID) bool {
		return slices.ContainsFunc(t.history.Past(head), t.is)
	})
}

// undoDelete brings a record back that is still deleted by the changeset, and by no other.
func (t *reverting) undoDelete() error {
	if t.now.exists {
		return t.keep()
	}
	before, deletions := t.history.SplitDeletions()
	if !slices.ContainsFunc(deletions, t.is) {
		t.left("", LeftDeleted)
		return nil
	}
	others, err := t.notReplaced(t.except(deletions))
	if err != nil {
		return err
	}
	if len(others) > 0 {
		t.left("", LeftEqual, others...)
		return nil
	}
	past, err := t.merge(resolution.NewHistory(before))
	if err != nil {
		return err
	}
	if t.unreadable(past.Props) {
		t.left("", LeftRule)
		return nil
	}
	t.undone("", TakeKeep)
	return t.revert.edit.Restore(t.change.Record, past.Props)
}

// notReplaced returns those of some deletions that say that the record is deleted whatever the change says. That of one which the change had seen was open where
// the record lived all the same: then the change decided it.
func (t *reverting) notReplaced(deletions []changeset.ID) ([]changeset.ID, error) {
	if len(deletions) == 0 {
		return nil, nil
	}
	seen := slices.DeleteFunc(t.history.Past(t.revert.id), t.is)
	was, err := t.merge(resolution.NewHistory(seen))
	if err != nil || !was.Exists {
		return deletions, err
	}
	return slices.DeleteFunc(deletions, func(id changeset.ID) bool {
		return slices.ContainsFunc(seen, func(e resolution.Entry) bool { return e.ID == id })
	}), nil
}

// unreadable reports whether the record, with these properties, would be a rule that nobody can read.
func (t *reverting) unreadable(props map[string]string) bool {
	return CheckRule(t.revert.edit.tx.main.database, t.change.Record, props) != nil
}

// except returns the IDs of all changes but the one.
func (t *reverting) except(entries []resolution.Entry) (ids []changeset.ID) {
	for _, e := range entries {
		if !t.is(e) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// keep decides that a record lives, if the changeset says that it does not and that is in conflict. If others say so too, that stays open.
func (t *reverting) keep() error {
	is := func(e *resolution.Entry) bool { return t.is(*e) }
	switch c := t.merged.Existence; {
	case c == nil || !slices.ContainsFunc(c.Delete, is):
		for _, e := range t.entries {
			if e.Change.Kind != changeset.Delete && slices.ContainsFunc(e.Change.Parents, func(p changeset.ID) bool { return slices.Contains(t.ids, p) }) {
				t.revert.already(e.ID)
			}
		}
		return nil
	case len(c.Delete) > 1:
		t.left("", LeftConflict)
		return nil
	}
	t.undone("", TakeKeep)
	return t.revert.edit.Keep(t.change.Record)
}

// undoUpdate gives properties their old values back.
func (t *reverting) undoUpdate() error {
	if !t.now.exists {
		t.left("", LeftDeleted)
		return nil
	}
	if len(t.change.Props) == 0 { // it only said that the record lives
		t.left("", LeftSame)
	}
	rivals, back := t.history.Rivals(), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.change.Props)) {
		f, err := t.fateOf(name, rivals[name])
		switch {
		case err != nil:
			return err
		case f.why != "":
			t.left(name, f.why, f.because...)
		case len(f.undoneBy) > 0:
			t.revert.already(f.undoneBy...)
		default:
			back[name] = f.value
		}
	}
	return t.write(back)
}

// write gives properties of a record that lives the values that they had, unless that makes a rule of it that nobody can read.
func (t *reverting) write(back map[string]string) error {
	props := maps.Clone(t.now.props)
	maps.Copy(props, back)
	unreadable := t.unreadable(props)
	for _, name := range slices.Sorted(maps.Keys(back)) {
		if unreadable {
			t.left(name, LeftRule)
		} else {
			t.undone(name, back[name])
		}
	}
	if unreadable {
		return nil
	}
	return t.revert.edit.Update(t.change.Record, back)
}

// fate is what becomes of a property: it gets a value, unless it is left or had been undone already.
type fate struct {
	value    string
	why      string         // it is left; "" if it is not
	because  []changeset.ID // it is left because of these
	undoneBy []changeset.ID // it had been undone by these
}

// fateOf says what becomes of a property if what the changeset wrote to it does not count.
func (t *reverting) fateOf(name string, rivals []resolution.Rival) (f fate, err error) {
	pc, others := t.change.Props[name], t.others(rivals)
	if len(others) < len(rivals) { // nobody has replaced it
		if f.value, f.why = withoutIt(pc, others, t.merged.Conflict(name)); f.why == LeftEqual {
			f.because = idsOf(others)
		}
		return f, nil
	}
	if t.merged.Conflict(name) != nil {
		return fate{why: LeftChanged}, nil
	}
	for _, rival := range rivals {
		if undid, err := t.undid(name, rival); err != nil || undid {
			return fate{undoneBy: []changeset.ID{rival.ID}}, err
		}
	}
	switch t.now.props[name] {
	case pc.New.Text:
		return fate{why: LeftEqual, because: idsOf(rivals)}, nil
	case pc.Old.Text:
		return fate{undoneBy: idsOf(rivals)}, nil
	}
	return fate{why: LeftChanged, because: idsOf(rivals)}, nil
}

// others returns the rivals but for the change.
func (t *reverting) others(rivals []resolution.Rival) []resolution.Rival {
	return slices.DeleteFunc(slices.Clone(rivals), func(rival resolution.Rival) bool { return t.is(*rival.Entry) })
}

// withoutIt returns the value that a property has without a write that is one of the rivals for it, or why that cannot be said or would be no other.
// The conflict is nil if there is none.
func withoutIt(wrote changeset.PropChange, others []resolution.Rival, c *resolution.Conflict) (value, why string) {
	switch {
	case c != nil && severalAnswers(c, others):
		return "", LeftConflict
	case c != nil:
		return others[0].Value, ""
	case len(others) > 0:
		return "", LeftEqual
	case wrote.Old.Text == wrote.New.Text:
		return "", LeftSame
	}
	return wrote.Old.Text, ""
}

// severalAnswers reports whether some rivals of a conflict do not say one value: they differ, or they are several of which a sum counts each.
func severalAnswers(c *resolution.Conflict, rivals []resolution.Rival) bool {
	sums := c.Rule == resolution.RuleSum && c.Asks == ""
	differs := func(rival resolution.Rival) bool { return rival.Value != rivals[0].Value }
	return sums && len(rivals) > 1 || slices.ContainsFunc(rivals, differs)
}

// undid reports whether a write did what reverting the change would have done then.
func (t *reverting) undid(name string, write resolution.Rival) (bool, error) {
	itself := func(e resolution.Entry) bool { return e.ID == write.ID }
	before := resolution.NewHistory(slices.DeleteFunc(t.history.Past(write.ID), itself))
	rivals := before.Rivals()[name]
	others := t.others(rivals)
	if len(others) == len(rivals) {
		return false, nil
	}
	result, err := t.merge(before)
	if err != nil {
		return false, err
	}
	value, why := withoutIt(t.change.Props[name], others, result.Conflict(name))
	return why == "" && value == write.Value, nil
}

func idsOf(rivals []resolution.Rival) (ids []changeset.ID) {
	for _, rival := range rivals {
		ids = append(ids, rival.ID)
	}
	return ids
}
