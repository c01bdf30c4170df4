package hostile

import (
	"maps"
	"net/http"

	"prophet/changeset"
	"prophet/replica"
)

// Attack is one way in which a mirror lies.
type Attack struct {
	Name string
	// Lie makes an honest mirror lie.
	Lie func(m *Mirror)
	// Clone and Pull are what the error of the command says, beside the mirror's address; "" if the command succeeds.
	Clone, Pull string
	// Harmless says why it may succeed.
	Harmless string
	// Holds, if not nil, checks what holds in a replica that has pulled all the same, beside that the victim's own edits are there, and that alice's come.
	Holds func(w *World, r *replica.Replica) error
	// Alone says that a clone made of it is of another database, or has forks: alice's edits do not come to it.
	Alone bool
	// Kept says that what came before the lie stays: it was checked, and committed.
	Kept bool
	// Old says that the mirror was read in its newer state before the victim was made, so that Yesterday is a lie.
	Old bool
	// Long says that it takes seconds, Heavy that both commands take more than others, and one of them does as well.
	Long, Heavy bool
	// Moves says that the pull gives the victim another UUID, which is what a copy or a restore would look like.
	Moves bool
}

// both is an attack of which both commands say the same.
func both(name, fault string, l func(m *Mirror)) Attack {
	return Attack{Name: name, Lie: l, Clone: fault, Pull: fault}
}

// ofAll has a pull ask for all small files: the mark names no rows then, which it believes instead of them.
func (a Attack) ofAll() Attack {
	lie := a.Lie
	a.Lie = func(m *Mirror) {
		m.text(replica.MirrorMark, "")
		lie(m)
	}
	return a
}

// long says that an attack is.
func (a Attack) long() Attack {
	a.Long = true
	return a
}

// heavy says that an attack is.
func (a Attack) heavy() Attack {
	a.Heavy = true
	return a
}

// harmless is an attack that comes to nothing.
func harmless(name, why string, l func(m *Mirror)) Attack {
	return Attack{Name: name, Lie: l, Harmless: why}
}

// Attacks returns all of them.
func Attacks() []Attack {
	var all []Attack
	for _, some := range [][]Attack{attacksByContent(), attacksByName(), attacksByRow(), attacksByParents(), attacksByIdentity(), attacksByNotes(), attacksByHTTP(), attacksByPacks(), attacksByTime()} {
		all = append(all, some...)
	}
	return all
}

// raw is an attack in which the next changeset of the log holds these bytes, and its name is their hash.
func raw(name, fault string, b func() []byte) Attack {
	return both(name, fault, func(m *Mirror) { m.addBytes(main, lie(1).ID, b()) })
}

// lies is an attack in which mallory's changesets are added to the log.
func lies(name, fault string, make func(w *World) []*changeset.Changeset) Attack {
	return both(name, fault, func(m *Mirror) { m.add(main, make(m.World)...) })
}

// replaced lets the mirror be one of the states of the world.
func (m *Mirror) replaced(files map[string][]byte) { m.files = maps.Clone(files) }

// repeat sends the same bytes until the client goes away.
func repeat(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	}
}
