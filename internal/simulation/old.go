package simulation

import (
	"errors"
	"fmt"

	"prophet/changeset"
	"prophet/internal/v1peer"
)

// enterOld makes a replica of the original for a member, as a clone of the first member.
func (w *world) enterOld(i int, from *member) (err error) {
	m := w.newMember(i)
	m.old, err = v1peer.Clone(m.fs, from.fs, v1peer.Options{Creator: m.Name, Now: m.options().Now, NewUUID: m.newUUID})
	if err != nil {
		return fmt.Errorf("%s, who uses the original, clones %s: %w", m.Name, from.Name, err)
	}
	return m.scan()
}

// doOld does a step in a replica of the original, as far as the original knows such a step.
func (m *member) doOld(s Step, other *member) error {
	switch s.Do {
	case Pull, PullPart, PullVotes:
		if other == nil || other == m {
			return nil
		}
		answer := v1peer.To
		if s.Pick%3 == 0 {
			answer = v1peer.From
		}
		_, err := m.old.Pull(other.fs, answer)
		if errors.Is(err, v1peer.ErrNotResolved) { // it dies; what came before stays
			return nil
		}
		return err
	case Create, Restore, Update, UpdateTwo, Delete, Set:
		return m.writeOld(s)
	}
	return nil
}

// writeOld makes an edit.
func (m *member) writeOld(s Step) error {
	var changes []changeset.Change
	for _, rec := range s.records() {
		_, lives, err := m.old.Props(rec)
		if err != nil {
			return err
		}
		if s.can(lives) {
			changes = append(changes, s.changeOld(rec, lives))
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return m.old.Edit(changes...)
}

// changeOld is what the step does to a record in a replica of the original.
func (s Step) changeOld(rec changeset.RecordID, lives bool) changeset.Change {
	ch := changeset.Change{Record: rec, Kind: changeset.Update, Props: map[string]changeset.PropChange{}}
	if s.Do == Delete {
		ch.Kind = changeset.Delete
		return ch
	}
	for prop, value := range s.props() {
		ch.Props[prop] = changeset.PropChange{New: changeset.Text(value)}
	}
	if !lives {
		ch.Kind = changeset.Create
	}
	if !lives && s.Do == Set {
		ch.Props["label"] = changeset.PropChange{New: changeset.Text(labels[s.Record-1])}
	}
	return ch
}
