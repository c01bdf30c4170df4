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
	WhyDeleted  = "deleted"  // the record was deleted since
	WhyConflict = "conflict" // the property is in conflict, and the other rivals have several values
	WhyRule     = "rule"     // it would be a rule that nobody can read
	WhySame     = "same"     // the changeset wrote the value that the property had before, as a decision may
)

// NotUndone is something that a revert left as it is: a property with its value, or, with Prop "", a record.
type NotUndone struct {
	Record      changeset.RecordID
	Prop, Value string
	Why         string
}

// Reverted says what a revert came to. What had been undone already, by whomever, is neither in Undone nor in NotUndone.
type Reverted struct {
	Undone    []Decision // the value that a property has again, "" for none; or whether a record lives again
	NotUndone []NotUndone
}

// Revert undoes what an ordinary changeset did, as far as it still holds: a property that has the value that the changeset wrote gets the old one
// back, a record that it made and that nobody changed since is deleted, one that it deleted is restored. What was changed since is left. If it is
// a rival in an open conflict, that is decided for the value of the other rivals, if they have one. ErrNoChangeset is wrapped if it is not in the log,
// ErrBookkeeping if it is no ordinary changeset.
func (e *Edit) Revert(id changeset.ID) (Reverted, error) {
	r := revert{Edit: e, id: id}
	if err := r.revert(); err != nil {
		return Reverted{}, fmt.Errorf("revert changeset %s: %w", id, err)
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
		ch := &c.Changes[i]
		w, err := r.want(ch.Record)
		if err != nil {
			return err
		}
		if err := r.change(ch, w); err != nil {
			return err
		}
	}
	return nil
}

func (r *revert) change(ch *changeset.Change, w *want) error {
	switch ch.Kind {
	case changeset.Create:
		return r.create(ch, w)
	case changeset.Delete:
		return r.delete(ch, w)
	}
	return r.update(ch, w)
}

func (r *revert) undone(rec changeset.RecordID, prop, value string) {
	r.Undone = append(r.Undone, Decision{rec, prop, value})
}

func (r *revert) left(rec changeset.RecordID, prop, value, why string) {
	r.NotUndone = append(r.NotUndone, NotUndone{rec, prop, value, why})
}

// create deletes a record that is as it was made.
func (r *revert) create(ch *changeset.Change, w *want) error {
	if !w.exists {
		return nil
	}
	made := map[string]string{}
	for name, pc := range ch.Props {
		made[name] = pc.New.Text
	}
	if !maps.Equal(w.props, nonEmpty(made)) {
		r.left(ch.Record, "", "", WhyChanged)
		return nil
	}
	r.undone(ch.Record, "", TakeDelete)
	return r.Delete(ch.Record)
}

// update gives properties their old values back.
func (r *revert) update(ch *changeset.Change, w *want) error {
	if !w.exists {
		r.left(ch.Record, "", "", WhyDeleted)
		return nil
	}
	result, err := r.Merged(ch.Record)
	if err != nil {
		return err
	}
	back := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		value, why := r.before(ch.Props[name], w.props[name], result.Conflict(name))
		switch {
		case why != "":
			r.left(ch.Record, name, w.props[name], why)
		case value != w.props[name] || result.Conflict(name) != nil:
			back[name] = value
		}
	}
	return r.write(ch.Record, w, back)
}

// write gives properties of a record that lives the values that they had, unless that makes a rule of it that nobody can read.
func (r *revert) write(rec changeset.RecordID, w *want, back map[string]string) error {
	props := maps.Clone(w.props)
	maps.Copy(props, back)
	unreadable := CheckRule(r.tx.main.database, rec, props) != nil
	for _, name := range slices.Sorted(maps.Keys(back)) {
		if unreadable {
			r.left(rec, name, w.props[name], WhyRule)
		} else {
			r.undone(rec, name, back[name])
		}
	}
	if unreadable {
		return nil
	}
	return r.Update(rec, back)
}

// before returns the value that a property gets if what the changeset wrote to it is undone, or why it stays as it is now. What has the old value already keeps it.
func (r *revert) before(wrote changeset.PropChange, now string, c *resolution.Conflict) (value, why string) {
	switch {
	case c != nil && c.Has(r.id):
		return r.others(c)
	case c != nil:
		return "", WhyChanged
	case wrote.Old.Text == wrote.New.Text && now == wrote.New.Text:
		return "", WhySame
	case wrote.Old.Text != wrote.New.Text && (now == wrote.New.Text || now == wrote.Old.Text):
		return wrote.Old.Text, ""
	}
	return "", WhyChanged
}

// others returns the one value that the other rivals have. Several of which each counts come to something else.
func (r *revert) others(c *resolution.Conflict) (value, why string) {
	others := slices.DeleteFunc(slices.Clone(c.Rivals), func(rival resolution.Rival) bool { return rival.ID == r.id })
	differs := func(rival resolution.Rival) bool { return rival.Value != others[0].Value }
	if slices.ContainsFunc(others, differs) || len(others) > 1 && c.Rule == resolution.RuleSum && c.Asks == "" {
		return "", WhyConflict
	}
	return others[0].Value, ""
}

// delete brings a record back that is still deleted by the changeset.
func (r *revert) delete(ch *changeset.Change, w *want) error {
	if w.exists {
		return r.keep(ch.Record)
	}
	entries, err := r.entries(ch.Record)
	if err != nil {
		return err
	}
	_, deletions := resolution.SplitDeletions(entries)
	if !slices.ContainsFunc(deletions, func(e resolution.Entry) bool { return e.ID == r.id }) {
		r.left(ch.Record, "", "", WhyDeleted)
		return nil
	}
	past, err := r.Past(ch.Record, changeset.ID{})
	if err != nil {
		return err
	}
	if CheckRule(r.tx.main.database, ch.Record, past.Props) != nil {
		r.left(ch.Record, "", "", WhyRule)
		return nil
	}
	r.undone(ch.Record, "", TakeKeep)
	return r.RestoreAt(ch.Record, changeset.ID{}, nil)
}

// keep decides that a record lives, if the changeset says that it does not and that is in conflict.
func (r *revert) keep(rec changeset.RecordID) error {
	result, err := r.Merged(rec)
	if err != nil || result.Existence == nil {
		return err
	}
	if !slices.ContainsFunc(result.Existence.Delete, func(e *resolution.Entry) bool { return e.ID == r.id }) {
		return nil
	}
	r.undone(rec, "", TakeKeep)
	return r.Keep(rec)
}
