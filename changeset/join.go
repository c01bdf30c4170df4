package changeset

import (
	"bytes"
	"fmt"
	"slices"
)

// Join combines two representations of one edit, which [SameEdit] reports as such and which bear one ID, into the best of both.
// For each record a create stands before an update, and what either names is named. Known parents stand before none, with the old values beside them; two sets
// of parents become their union; and of two old values, both with parents or both without, the greater stands, null least. What it is a copy of goes with the parents; of two that
// both have some, or both none, it stands only if they agree: nobody can make an edit a copy who did not make the edit.
//
// Join is commutative, associative and idempotent, so it does not matter in which order representations are met. What it returns is
// in normal form: changes and parents are sorted, null and "" are both null, and a deletion names no property. It shares nothing with a
// and b that it would change. It is an error if a change would have more than [MaxParents] parents.
func Join(a, b *Changeset) (*Changeset, error) {
	if a.ID != b.ID || !SameEdit(a, b) {
		return nil, fmt.Errorf("combine changesets %s and %s: they are not one edit", a.ID, b.ID)
	}
	joined := *a
	joined.Creator = TextOrNull(a.Creator.Text)
	joined.Changes = make([]Change, len(a.Changes))
	others := sortedChanges(b.Changes)
	for i, ch := range sortedChanges(a.Changes) {
		joined.Changes[i] = joinChange(ch, others[i])
		if n := len(joined.Changes[i].Parents); n > MaxParents {
			return nil, fmt.Errorf("combine representations of changeset %s: together they name %d parents of %s, at most %d are allowed",
				a.ID, n, ch.Record, MaxParents)
		}
	}
	return &joined, nil
}

// SameRepresentation reports whether two representations of one edit are equal, but for how the same is written.
func SameRepresentation(a, b *Changeset) bool {
	normal := func(c *Changeset) []byte {
		n := *c
		n.Creator = TextOrNull(c.Creator.Text)
		n.Changes = make([]Change, len(c.Changes))
		for i, ch := range c.Changes {
			n.Changes[i] = joinChange(ch, ch)
		}
		return n.Encode()
	}
	return bytes.Equal(normal(a), normal(b))
}

func joinChange(a, b Change) Change {
	joined := Change{Record: a.Record, Kind: a.Kind, Props: map[string]PropChange{}}
	if b.Kind == Create {
		joined.Kind = Create
	}
	named := [2]map[string]PropChange{a.Props, b.Props}
	switch {
	case a.Parents == nil && b.Parents != nil:
		a = b
	case b.Parents == nil && a.Parents != nil:
		b = a
	}
	joined.Parents = joinParents(a.Parents, b.Parents)
	if a.CopyOf == b.CopyOf {
		joined.CopyOf = a.CopyOf
	}
	if joined.Kind == Delete {
		return joined
	}
	for _, props := range named {
		for name, p := range props {
			old := max(a.Props[name].Old.Text, b.Props[name].Old.Text)
			joined.Props[name] = PropChange{Old: TextOrNull(old), New: TextOrNull(p.New.Text)}
		}
	}
	return joined
}

// joinParents returns the union, sorted; nil if both are.
func joinParents(a, b []ID) []ID {
	if a == nil && b == nil {
		return nil
	}
	union := append(append(make([]ID, 0, len(a)+len(b)), a...), b...)
	slices.SortFunc(union, ID.Compare)
	return slices.Compact(union)
}
