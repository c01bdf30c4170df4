package changeset

import "slices"

// SameEdit reports whether a and b, found under one ID, are one edit in two representations, as peers that
// forward changesets make them, and not a fork. One edit has the same creator, time and records,
// and for each record the same kind of change, where create and update count as equal, and the same properties
// with the same new values. Null, "" and a property that is not named count as equal: a replica of the original
// that passes a create on loses the properties that it leaves empty. Old values and parents may differ; so may
// the properties of a deletion, which mean nothing. Bookkeeping is never the same edit as what is none. What is left of a lost
// changeset cannot be told from any other one under its ID, and counts as the same edit.
func SameEdit(a, b *Changeset) bool {
	if a.Lost || b.Lost {
		return a.Bookkeeping() == b.Bookkeeping()
	}
	return a.Created == b.Created && a.Creator.Text == b.Creator.Text &&
		a.Nullification == b.Nullification && a.Resolution == b.Resolution &&
		slices.EqualFunc(sortedChanges(a.Changes), sortedChanges(b.Changes), sameChange)
}

func sameChange(a, b Change) bool {
	if a.Record != b.Record || (a.Kind == Delete) != (b.Kind == Delete) {
		return false
	}
	return a.Kind == Delete || sameNewValues(a.Props, b.Props)
}

func sameNewValues(a, b map[string]PropChange) bool {
	for name, p := range a {
		if p.New.Text != b[name].New.Text {
			return false
		}
	}
	for name, p := range b {
		if p.New.Text != a[name].New.Text {
			return false
		}
	}
	return true
}
