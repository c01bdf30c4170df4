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
	WhyChanged  = "changed"  // it was changed since: a property, or a record that is to be deleted
	WhyConflict = "conflict" // it is in conflict, and the other rivals say several things
	WhyDeleted  = "deleted"  // the record was deleted since
	WhyEqual    = "equal"    // another changeset did the same, later or without having seen this one
	WhyRule     = "rule"     // it would be a rule that nobody can read
	WhySame     = "same"     // the changeset wrote what was there before, as a decision may
)

// NotUndone is something that a revert left as it is: a property with its value, or, with Prop "", a record.
type NotUndone struct {
	Record      changeset.RecordID
	Prop, Value string
	Why         string
	By          changeset.ID // if it was changed since or done by another one too: by which changeset; zero if by several or that is not known
}

// Reverted says what a revert came to.
type Reverted struct {
	Undone    []Decision // the value that a property has again, "" for none; or whether a record lives again
	NotUndone []NotUndone
	Already   []changeset.ID // by which changesets the rest had been undone already, each once, sorted
}

// Revert undoes what an ordinary changeset did, as far as it still holds: a property for which nobody has written anything since gets the old value
// back, a record that it made and that is as it was made is deleted, one that it deleted is restored. What was changed since is left, and so is what another
// changeset did too, without having seen this one. If it is a rival in an open conflict, that is decided for the value of the other rivals, if they have one. ErrNoChangeset is wrapped if it is not in the log,
// ErrBookkeeping if it is no ordinary changeset.
func (e *Edit) Revert(id changeset.ID) (Reverted, error) {
	r := revert{Edit: e, id: id}
	if err := r.revert(); err != nil {
		return Reverted{}, fmt.Errorf("revert changeset %s: %w", id.Short(), err)
	}
	return r.Reverted, nil
}

// revert is one at work.
type revert struct {
	*Edit
	Reverted
	id changeset.ID
}

func (r *revert) revert() error {
	row, ok, err := r.tx.main.lookup(r.id)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoChangeset
	}
	c, err := r.tx.main.bestAt(row)
	if err != nil {
		return err
	}
	if c.Bookkeeping() {
		return ErrBookkeeping
	}
	for i := range c.Changes {
		if err := r.change(&c.Changes[i]); err != nil {
			return err
		}
	}
	slices.SortFunc(r.Already, changeset.ID.Compare)
	r.Already = slices.Compact(r.Already)
	return nil
}

func (r *revert) change(ch *changeset.Change) (err error) {
	t := reverting{revert: r, Change: ch}
	if t.w, err = r.want(ch.Record); err != nil {
		return err
	}
	if t.entries, err = r.entries(ch.Record); err != nil {
		return err
	}
	if t.result, err = r.tx.main.mergeEntries(ch.Record, t.entries); err != nil {
		return err
	}
	switch ch.Kind {
	case changeset.Create:
		return t.create()
	case changeset.Delete:
		return t.delete()
	}
	return t.update()
}

// already notes by what something had been undone.
func (r *revert) already(by ...changeset.ID) { r.Already = append(r.Already, by...) }

// reverting is a change at work.
type reverting struct {
	*revert
	*changeset.Change
	w       *want
	entries []resolution.Entry // all changes to the record
	result  *resolution.Result // what they come to
}

func (t *reverting) undone(prop, value string) {
	t.Undone = append(t.Undone, Decision{t.Record, prop, value})
}

func (t *reverting) left(prop, why string, by ...changeset.ID) {
	n := NotUndone{Record: t.Record, Prop: prop, Value: t.w.props[prop], Why: why}
	if len(by) == 1 {
		n.By = by[0]
	}
	t.NotUndone = append(t.NotUndone, n)
}

// create deletes a record that is as it was made.
func (t *reverting) create() error {
	if !t.w.exists {
		t.already(t.result.Heads...)
		return nil
	}
	made := map[string]string{}
	for name, pc := range t.Props {
		made[name] = pc.New.Text
	}
	unseen := t.unseenBy()
	switch {
	case !maps.Equal(t.w.props, nonEmpty(made)):
		t.left("", WhyChanged)
		return nil
	case len(unseen) > 0:
		t.left("", WhyEqual, unseen...)
		return nil
	}
	t.undone("", TakeDelete)
	return t.Delete(t.Record)
}

// unseenBy returns the record's heads that have not seen the change.
func (t *reverting) unseenBy() []changeset.ID {
	return slices.DeleteFunc(slices.Clone(t.result.Heads), func(head changeset.ID) bool {
		return slices.ContainsFunc(resolution.Past(t.entries, head), t.is)
	})
}

// is reports whether this is the change.
func (t *reverting) is(e resolution.Entry) bool { return e.ID == t.id }

// delete brings a record back that is still deleted by the changeset, and by no other.
func (t *reverting) delete() error {
	if t.w.exists {
		return t.keep()
	}
	before, deletions := resolution.SplitDeletions(t.entries)
	switch {
	case !slices.ContainsFunc(deletions, t.is):
		t.left("", WhyDeleted)
		return nil
	case len(deletions) > 1:
		t.left("", WhyEqual, except(t.id, deletions)...)
		return nil
	}
	past, err := t.tx.main.mergeEntries(t.Record, before)
	if err != nil {
		return err
	}
	if CheckRule(t.tx.main.database, t.Record, past.Props) != nil {
		t.left("", WhyRule)
		return nil
	}
	t.undone("", TakeKeep)
	return t.Restore(t.Record, past.Props)
}

// except returns the IDs of all changes but one.
func except(id changeset.ID, entries []resolution.Entry) (ids []changeset.ID) {
	for _, e := range entries {
		if e.ID != id {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// keep decides that a record lives, if the changeset says that it does not and that is in conflict. If others say so too, that stays open.
func (t *reverting) keep() error {
	is := func(e *resolution.Entry) bool { return e.ID == t.id }
	switch c := t.result.Existence; {
	case c == nil || !slices.ContainsFunc(c.Delete, is):
		for _, e := range t.entries {
			if e.Change.Kind != changeset.Delete && slices.Contains(e.Change.Parents, t.id) {
				t.already(e.ID)
			}
		}
		return nil
	case len(c.Delete) > 1:
		t.left("", WhyConflict)
		return nil
	}
	t.undone("", TakeKeep)
	return t.Keep(t.Record)
}

// update gives properties their old values back.
func (t *reverting) update() error {
	if !t.w.exists {
		t.left("", WhyDeleted)
		return nil
	}
	if len(t.Props) == 0 { // it only said that the record lives
		t.left("", WhySame)
	}
	rivals, back := resolution.Rivals(t.entries), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.Props)) {
		f, err := t.fate(name, rivals[name])
		switch {
		case err != nil:
			return err
		case f.why != "":
			t.left(name, f.why, f.by...)
		case len(f.by) > 0:
			t.already(f.by...)
		default:
			back[name] = f.value
		}
	}
	return t.write(back)
}

// write gives properties of a record that lives the values that they had, unless that makes a rule of it that nobody can read.
func (t *reverting) write(back map[string]string) error {
	props := maps.Clone(t.w.props)
	maps.Copy(props, back)
	unreadable := CheckRule(t.tx.main.database, t.Record, props) != nil
	for _, name := range slices.Sorted(maps.Keys(back)) {
		if unreadable {
			t.left(name, WhyRule)
		} else {
			t.undone(name, back[name])
		}
	}
	if unreadable {
		return nil
	}
	return t.Update(t.Record, back)
}

// fate is what becomes of a property.
type fate struct {
	value string         // the one that it gets
	why   string         // or why it stays
	by    []changeset.ID // because of what; without why, by what it was undone already
}

// fate says what becomes of a property if what the changeset wrote to it does not count.
func (t *reverting) fate(name string, rivals []resolution.Rival) (f fate, err error) {
	pc, others := t.Props[name], t.others(rivals)
	if len(others) < len(rivals) { // nobody has replaced it
		if f.value, f.why = withoutIt(pc, others, t.result.Conflict(name)); f.why == WhyEqual {
			f.by = idsOf(others)
		}
		return f, nil
	}
	if t.result.Conflict(name) != nil {
		return fate{why: WhyChanged}, nil
	}
	for _, rival := range rivals {
		if undid, err := t.undid(name, rival); err != nil || undid {
			return fate{by: []changeset.ID{rival.ID}}, err
		}
	}
	f.by = idsOf(rivals)
	switch t.w.props[name] {
	case pc.New.Text:
		f.why = WhyEqual
	case pc.Old.Text:
	default:
		f.why = WhyChanged
	}
	return f, nil
}

// others returns the rivals but for the change.
func (t *reverting) others(rivals []resolution.Rival) []resolution.Rival {
	return slices.DeleteFunc(slices.Clone(rivals), func(rival resolution.Rival) bool { return rival.ID == t.id })
}

// withoutIt returns the value that a property has without a write that is one of the rivals for it, or why that cannot be said or would be no other.
func withoutIt(wrote changeset.PropChange, others []resolution.Rival, c *resolution.Conflict) (value, why string) {
	differs := func(rival resolution.Rival) bool { return rival.Value != others[0].Value }
	switch {
	case c != nil && (slices.ContainsFunc(others, differs) || len(others) > 1 && c.Rule == resolution.RuleSum && c.Asks == ""): // several of which each counts come to something else
		return "", WhyConflict
	case c != nil:
		return others[0].Value, ""
	case len(others) > 0:
		return "", WhyEqual
	case wrote.Old.Text == wrote.New.Text:
		return "", WhySame
	}
	return wrote.Old.Text, ""
}

// undid reports whether a write did what reverting the change would have done then.
func (t *reverting) undid(name string, write resolution.Rival) (bool, error) {
	before := slices.DeleteFunc(resolution.Past(t.entries, write.ID), func(e resolution.Entry) bool { return e.ID == write.ID })
	rivals := resolution.Rivals(before)[name]
	others := t.others(rivals)
	if len(others) == len(rivals) {
		return false, nil
	}
	result, err := t.tx.main.mergeEntries(t.Record, before)
	if err != nil {
		return false, err
	}
	value, why := withoutIt(t.Props[name], others, result.Conflict(name))
	return why == "" && value == write.Value, nil
}

func idsOf(rivals []resolution.Rival) (ids []changeset.ID) {
	for _, rival := range rivals {
		ids = append(ids, rival.ID)
	}
	return ids
}
