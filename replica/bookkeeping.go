package replica

import (
	"maps"

	"prophet/changeset"
)

// Bookkeeping: the nullifications and resolutions that stand around a changeset, so that replaying the log gives the merged state.

// nullification returns the changes that must precede a changeset whose old values are not the present ones: they set those
// back, and make anew what is to be updated but is not there.
func (t *txLog) nullification(c *changeset.Changeset) (changes []changeset.Change, err error) {
	for _, ch := range c.Changes {
		s, err := t.state(ch.Record)
		if err != nil {
			return nil, err
		}
		if back := setBack(s, &ch); back != nil {
			changes = append(changes, *back)
		}
	}
	return changes, nil
}

// keepBooks logs changes as nullifications or resolutions of our own.
func (t *txLog) keepBooks(changes []changeset.Change, f flags) error {
	for _, portion := range portions(changes) {
		c := t.ownChangeset()
		c.ID = t.nextID()
		c.Nullification, c.Resolution = f == flagNullification, f == flagResolution
		if c.Nullification {
			c.Creator = changeset.Value{}
		}
		c.Changes = portion
		if err := t.append(c, f); err != nil {
			return err
		}
	}
	return nil
}

// setBack is the change that gives the record the state that ch expects, or nil if it has it.
func setBack(s *state, ch *changeset.Change) *changeset.Change {
	back := &changeset.Change{Record: ch.Record, Kind: changeset.Update, Props: map[string]changeset.PropChange{}}
	switch {
	case ch.Kind == changeset.Delete:
		return nil
	case !s.exists && ch.Kind == changeset.Create:
		return nil
	case !s.exists:
		back.Kind = changeset.Create
	}
	for name, pc := range ch.Props {
		if present := s.props[name]; present != pc.Old.Text {
			back.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(present), New: changeset.TextOrNull(pc.Old.Text)}
		}
	}
	if s.exists && len(back.Props) == 0 {
		return nil
	}
	return back
}

// logResolution logs a resolution where replaying the log does not give the merged state.
func (t *txLog) logResolution(merged []outcome) error {
	var changes []changeset.Change
	for _, m := range merged {
		s, err := t.state(m.rec)
		if err != nil {
			return err
		}
		if ch := difference(m.rec, s.exists, s.props, m.exists, m.props); ch != nil {
			changes = append(changes, *ch)
		}
	}
	return t.keepBooks(changes, flagResolution)
}

// difference is the change that leads from one state of a record to another, nil if they are equal.
func difference(rec changeset.RecordID, exists bool, props map[string]string, wantExists bool, want map[string]string) *changeset.Change {
	ch := &changeset.Change{Record: rec, Kind: changeset.Update, Props: map[string]changeset.PropChange{}}
	switch {
	case !exists && !wantExists:
		return nil
	case !wantExists:
		ch.Kind = changeset.Delete
		return ch
	case !exists:
		ch.Kind = changeset.Create
		props = nil
	}
	for name, value := range want {
		if props[name] != value {
			ch.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(props[name]), New: changeset.Text(value)}
		}
	}
	for name, value := range props {
		if _, keeps := want[name]; !keeps {
			ch.Props[name] = changeset.PropChange{Old: changeset.Text(value)}
		}
	}
	if exists && maps.Equal(props, want) {
		return nil
	}
	return ch
}

// sameState is a change that leaves a record as it is.
func sameState(rec changeset.RecordID, exists bool) *changeset.Change {
	ch := &changeset.Change{Record: rec, Kind: changeset.Update, Props: map[string]changeset.PropChange{}}
	if !exists {
		ch.Kind = changeset.Delete
	}
	return ch
}
