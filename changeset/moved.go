package changeset

import (
	"slices"

	"github.com/google/uuid"
)

// Move gives changesets another origin: those of From from the number Seq on bear To and keep their numbers. It takes apart two replicas that
// had one UUID and were both edited.
type Move struct {
	From uuid.UUID `json:"from"`
	Seq  uint32    `json:"seq"`
	To   uuid.UUID `json:"to"`
}

// MovedOrigin returns the origin that c and what follows it gets in a [Move] from c on: the UUID of version 5 in the namespace of c's origin whose
// name is the canonical JSON of c without old values, parents, what it is a copy of, and properties left empty, every create written as an update and every deletion
// without properties. All representations of one edit ([SameEdit]) share that, and two edits do not: whoever moves
// the edit names it the same, and the name proves what it was made from.
func MovedOrigin(c *Changeset) uuid.UUID {
	bare := *c
	bare.Changes = make([]Change, 0, len(c.Changes))
	for _, ch := range c.Changes {
		bare.Changes = append(bare.Changes, bareChange(ch))
	}
	return uuid.NewSHA1(c.ID.Origin, bare.Encode())
}

// maxNames is how many names a move can choose from.
const maxNames = 4

// MovedOrigins returns the origins that c and what follows it may get in a [Move] from c on: that of [MovedOrigin], then what it would be for c under
// that name, and so on, four in all. The first is the one to take; a later one serves where somebody has made up changesets under those before it.
func MovedOrigins(c *Changeset) (origins []uuid.UUID) {
	named := *c
	for range maxNames {
		named.ID.Origin = MovedOrigin(&named)
		origins = append(origins, named.ID.Origin)
	}
	return origins
}

// bareChange is what all representations of a change share.
func bareChange(ch Change) Change {
	bare := Change{Record: ch.Record, Kind: Update, Props: map[string]PropChange{}}
	if ch.Kind == Delete {
		bare.Kind = Delete
		return bare
	}
	for name, pc := range ch.Props {
		if pc.New.Text != "" {
			bare.Props[name] = PropChange{New: pc.New}
		}
	}
	return bare
}

// Moves are applied one after another: a later one may move what an earlier one moved.
type Moves []Move

// ID returns the name of a changeset after the moves.
func (m Moves) ID(id ID) ID {
	for _, move := range m {
		if id.Origin == move.From && id.Seq >= move.Seq {
			id.Origin = move.To
		}
	}
	return id
}

// Apply names c, the parents of its changes and what they are copies of anew, and reports whether that changed anything. Changes and parents that do are copied; those
// that c had stay as they are. Bookkeeping keeps its name: it never leaves its log.
func (m Moves) Apply(c *Changeset) (changed bool) { return rename(c, m.ID) }

// Stretches name the changesets of a log that has edits of several copies of one replica under one origin, because the original took them by their
// numbers: those of From from the number Seq on, up to the next stretch of From, bear To. Unlike [Moves], they look at the names that the log has alone.
// They are sorted by From and Seq.
type Stretches []Move

// find returns where a stretch that begins with an ID is or belongs.
func (s Stretches) find(id ID) (at int, found bool) {
	return slices.BinarySearchFunc(s, id, func(m Move, id ID) int { return ID{m.From, m.Seq}.Compare(id) })
}

// ID returns the name of a changeset of the log.
func (s Stretches) ID(id ID) ID {
	at, found := s.find(id)
	if !found {
		at--
	}
	if at >= 0 && s[at].From == id.Origin {
		id.Origin = s[at].To
	}
	return id
}

// Apply is [Moves.Apply].
func (s Stretches) Apply(c *Changeset) (changed bool) { return rename(c, s.ID) }

// Begin returns the stretches with one more, which begins with a changeset of the log. It takes the place of one that begins there.
func (s Stretches) Begin(id ID, to uuid.UUID) Stretches {
	at, found := s.find(id)
	m := Move{From: id.Origin, Seq: id.Seq, To: to}
	if found {
		s = slices.Clone(s)
		s[at] = m
		return s
	}
	return slices.Insert(slices.Clip(s), at, m)
}

// rename gives c, the parents of its changes and what these are copies of the names that a function has for them.
func rename(c *Changeset, name func(ID) ID) (changed bool) {
	if id := name(c.ID); id != c.ID && !c.Bookkeeping() {
		c.ID, changed = id, true
	}
	changes := c.Changes
	for i := range changes {
		parents, other := renamed(changes[i].Parents, name)
		copyOf := changes[i].CopyOf
		if !copyOf.IsZero() {
			copyOf = name(copyOf)
		}
		if !other && copyOf == changes[i].CopyOf {
			continue
		}
		if &changes[0] == &c.Changes[0] {
			c.Changes = append([]Change(nil), changes...)
		}
		if copyOf == c.ID { // no changeset may say so
			copyOf = ID{}
		}
		c.Changes[i].CopyOf, changed = copyOf, true
		if other {
			c.Changes[i].Parents = parents
		}
	}
	return changed
}

// renamed names parents anew; other is false if they stay the same.
func renamed(ids []ID, name func(ID) ID) (named []ID, other bool) {
	for i, id := range ids {
		to := name(id)
		if to == id {
			continue
		}
		if !other {
			named, other = append([]ID(nil), ids...), true
		}
		named[i] = to
	}
	return sortedIDs(named), other
}
