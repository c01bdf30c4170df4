package replica

import "prophet/changeset"

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
