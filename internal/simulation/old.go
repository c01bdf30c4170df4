package simulation

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
)

// enterOld makes a replica of the original for a member, as a clone of the first member.
func (w *world) enterOld(i int, from *member) (err error) {
	m := w.newMember(i)
	plain, err := replicatest.Unpacked(from.fs)
	if err == nil {
		m.old, err = v1peer.Clone(m.fs, plain, m.optionsOld())
	}
	if err != nil {
		return fmt.Errorf("%s, who uses the original, clones %s: %w", m.Name, from.Name, err)
	}
	return m.scan()
}

// optionsOld leaves to chance what the original leaves to chance, in each step anew.
func (m *member) optionsOld() v1peer.Options {
	chance := rand.New(rand.NewPCG(m.w.h.Seed, uint64(m.w.step.N)))
	return v1peer.Options{Creator: m.Name, Now: m.options().Now, NewUUID: m.newUUID, Rand: chance}
}

// doOld does a step in a replica of the original, as far as the original knows such a step.
func (m *member) doOld(s Step, other *member) (err error) {
	if m.old, err = v1peer.Open(m.fs, m.optionsOld()); err != nil {
		return err
	}
	if s.meets() && (other == nil || other == m) {
		return nil
	}
	switch s.Do {
	case Pull, PullPart, PullVotes:
		return m.pullOld(other.fs, s)
	case PullMirror:
		if other.mirror != nil {
			return m.pullOld(other.mirror, s)
		}
	case Create, Restore, Update, UpdateTwo, Delete, Set:
		return m.writeOld(s)
	}
	return nil
}

// pullOld pulls from a replica or a mirror, as the original does.
func (m *member) pullOld(from *crashfs.FS, s Step) error {
	answer := v1peer.To
	if s.Pick%3 == 0 {
		answer = v1peer.From
	}
	plain, err := replicatest.Unpacked(from)
	if err != nil {
		return err
	}
	pulled, err := m.old.Pull(plain, answer)
	if pulled.Integrated > 0 {
		m.w.took()
	}
	if errors.Is(err, v1peer.ErrNotResolved) { // it dies; what came before stays
		return nil
	}
	return err
}

// meetOld lets those who use the original pull from everybody.
func (w *world) meetOld() error {
	for _, m := range w.members {
		for _, other := range w.members {
			if m == nil || m.old == nil || other == nil {
				continue
			}
			if err := m.doOld(Step{Do: Pull, Pick: 1}, other); err != nil {
				return err
			}
			if err := m.scan(); err != nil {
				return err
			}
		}
	}
	return nil
}

// closed reports whether one of ours does not read the log of one who uses the original: at the end of every other history, and in each step of every
// fourth one, only the first does, and the others learn from it what it read there.
func (m *member) closed(other *member) bool {
	every := uint64(4)
	if m.w.step.N == meeting {
		every = 2
	}
	return other.old != nil && m != m.w.members[0] && m.w.h.Seed%every == 0
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
	if s.Do != UpdateTwo || len(changes) > 1 {
		m.w.took()
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
