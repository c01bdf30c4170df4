package replica

import (
	"slices"

	"prophet/changeset"
)

// OpenedConflicts are the conflicts that transactions opened, or put a new rival to, by record and property ("" is existence): true if one was open
// already, and got a new rival.
type OpenedConflicts map[changeset.RecordID]map[string]bool

// Note adds a conflict, unless it is there: what came up first in an earlier transaction was not open before that.
func (o OpenedConflicts) Note(rec changeset.RecordID, prop string, before bool) {
	props := o[rec]
	if props == nil {
		props = map[string]bool{}
		o[rec] = props
	}
	if _, noted := props[prop]; !noted {
		props[prop] = before
	}
}

// Add adds what another transaction opened, as Note does.
func (o OpenedConflicts) Add(later OpenedConflicts) {
	for rec, props := range later {
		for prop, before := range props {
			o.Note(rec, prop, before)
		}
	}
}

// regained is what came back after it was lost.
type regained struct {
	before openSet                                          // what was undecided
	by     map[changeset.RecordID]map[string][]changeset.ID // who does to a property, "" for existence, what was not left of it
}

// note adds what a changeset does and what was left of it did not.
func (r *regained) note(c, left *changeset.Changeset) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		props := r.by[ch.Record]
		if props == nil {
			props = map[string][]changeset.ID{}
			r.by[ch.Record] = props
		}
		was := left.Change(ch.Record)
		if was == nil || (was.Kind == changeset.Delete) != (ch.Kind == changeset.Delete) {
			props[""] = append(props[""], c.ID)
		}
		for prop, pc := range ch.Props {
			if was == nil || was.Props[prop].New.Text != pc.New.Text {
				props[prop] = append(props[prop], c.ID)
			}
		}
	}
}

// isAmong reports whether something that came back is among the rivals.
func (r *regained) isAmong(rec changeset.RecordID, prop string, rivals interface{ Has(changeset.ID) bool }) bool {
	return r != nil && slices.ContainsFunc(r.by[rec][prop], rivals.Has)
}
