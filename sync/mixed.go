package sync

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// The original takes edits by their numbers: where two copies of one replica were edited, its log may have edits of both under one origin, and nobody
// can move them there. So such a log is read edit by edit: docs/adr/0011-identity.md, "A log of the original".

// mixture is such a log of the source, as it is read into the target.
type mixture struct {
	*side
	here  numbered                       // rows of the target that may be moved
	rows  map[changeset.ID]changeset.Row // of the source; nil until they are asked for
	late  map[changeset.ID]bool          // those with a greater number of their origin above
	given map[changeset.ID]changeset.Row // other names that rows of the source have here
	made  map[[2]uuid.UUID]bool          // whether a move made one origin of another
}

// readMixed finds out which names the new changesets of the source have here, or get.
func (p *pull) readMixed(ctx context.Context, s *side) error {
	here, err := s.movedHere()
	if err != nil {
		return err
	}
	m := &mixture{side: s, here: here, given: map[changeset.ID]changeset.Row{}, made: map[[2]uuid.UUID]bool{}}
	asThere := func(yield func(item) bool) {
		for _, it := range s.items.all() {
			if it.mine.Seq == 0 && it.id == it.row.ID && len(here[it.id.Seq]) == 0 { // new under any name
				it.from = nil
			}
			if it.read = nil; !yield(it) {
				return
			}
		}
	}
	room := mostKept
	err = eachFetched(ctx, asThere, func(f fetched) error {
		room = m.keep(f, room)
		return m.note(f)
	})
	if err != nil {
		return err
	}
	return p.locate(s)
}

// mostKept is how many bytes of changesets, in memory, are kept of those that were fetched for their names, so that a pull of a few fetches none twice. What follows is fetched again when it is taken up.
const mostKept = 4 << 20

// keep keeps a changeset of the source as it was fetched, if there is room for so many bytes, and returns how much room is left.
func (m *mixture) keep(f fetched, room int) int {
	if f.c == nil {
		return room
	}
	if room -= sizeOf(f.c); room >= 0 {
		m.items.keep(int(f.row.Seq-m.items.first), f.c)
	}
	return room
}

// note notes the name of a changeset of the source, if it is not the one that follows from what is above.
func (m *mixture) note(f fetched) error {
	if f.c != nil && f.c.Lost {
		return nil
	}
	follows := m.stretches.ID(f.row.ID)
	id, err := m.nameOf(f, follows)
	if err != nil {
		return err
	}
	if id != f.row.ID {
		m.given[id] = f.row
	}
	if id == follows {
		return nil
	}
	return m.begin(f.row.ID, id.Origin)
}

// begin notes that a stretch begins. Where the source has a later number of that origin above, which no log of the original has, it ends there.
func (m *mixture) begin(id changeset.ID, to uuid.UUID) error {
	if err := m.readRows(); err != nil {
		return err
	}
	next := changeset.ID{Origin: id.Origin, Seq: id.Seq + 1}
	was := m.stretches.ID(next)
	m.stretches = m.stretches.Begin(id, to)
	if m.late[id] {
		m.stretches = m.stretches.Begin(next, was.Origin)
	}
	return nil
}

// readRows reads the index of the source.
func (m *mixture) readRows() error {
	if m.rows != nil {
		return nil
	}
	rows, late, highest := map[changeset.ID]changeset.Row{}, map[changeset.ID]bool{}, map[uuid.UUID]uint32{}
	for row, err := range m.from.Rows(1, m.from.Latest()) {
		if err != nil {
			return err
		}
		rows[row.ID] = row
		if row.ID.Seq < highest[row.ID.Origin] {
			late[row.ID] = true
		}
		highest[row.ID.Origin] = max(row.ID.Seq, highest[row.ID.Origin])
	}
	m.rows, m.late = rows, late
	return nil
}

// nameOf returns the name that a changeset of the source has here, or gets. follows is the one that follows from what is above.
func (m *mixture) nameOf(f fetched, follows changeset.ID) (changeset.ID, error) {
	switch {
	case f.c == nil && f.mine.Seq > 0: // with the same bytes
		return f.mine.ID, nil
	case f.c != nil && f.c.Bookkeeping():
		return follows, nil
	case f.c != nil:
		if id, err := m.known(f, follows); err != nil || !id.IsZero() {
			return id, err
		}
	}
	names := []changeset.ID{follows, f.row.ID}
	if f.row.ID.Origin == m.to().UUID() { // it may be ours and lost: its number must not be given again
		slices.Reverse(names)
	}
	for _, id := range names {
		if free, err := m.vacant(id, f); err != nil || free {
			return id, err
		}
	}
	if own, err := m.movable(f.row.ID); err != nil || own || f.c == nil {
		return f.row.ID, err // what is here under that name moves
	}
	return m.newName(f)
}

// known returns the name under which an edit is here; the zero ID if it is not.
func (m *mixture) known(f fetched, follows changeset.ID) (changeset.ID, error) {
	for _, id := range []changeset.ID{follows, f.row.ID} {
		mine, err := m.mine(id)
		if err != nil || mine != nil && changeset.SameEdit(mine, f.c) {
			return id, err
		}
	}
	for _, row := range m.here[f.row.ID.Seq] {
		mine, err := m.to().Changeset(row)
		if err != nil {
			return changeset.ID{}, err
		}
		if !changeset.SameEdit(mine, f.c) {
			continue
		}
		if made, err := m.madeOf(row.ID.Origin, f.row.ID.Origin, maxMoves); err != nil || made {
			return row.ID, err
		}
	}
	return changeset.ID{}, nil
}

// vacant reports whether a changeset of the source can get a name: no other edit has it, here or there.
func (m *mixture) vacant(id changeset.ID, f fetched) (bool, error) {
	if mine, err := m.mine(id); err != nil || mine != nil {
		return false, err
	}
	holder, held := m.given[id]
	if !held && id != f.row.ID {
		if err := m.readRows(); err != nil {
			return false, err
		}
		holder, held = m.rows[id]
	}
	if !held {
		return true, nil
	}
	return m.one(holder, f.row)
}

// one reports whether two rows of the source have one edit.
func (m *mixture) one(a, b changeset.Row) (bool, error) {
	c, err := m.from.Changeset(a)
	if err != nil {
		return false, err
	}
	other, err := m.from.Changeset(b)
	return err == nil && changeset.SameEdit(c, other), err
}

// movable reports whether what is here under a name was made here, and can get another one.
func (m *mixture) movable(id changeset.ID) (bool, error) {
	mine, err := m.mine(id)
	if err != nil || mine == nil {
		return false, err
	}
	seq, _, err := m.lookup(id)
	if err != nil {
		return false, err
	}
	if own, err := m.to().Own(changeset.Row{Seq: seq, ID: id}); err != nil || !own {
		return false, err
	}
	proven, err := m.proven(mine)
	return !proven, err
}

// newName returns a name that is made from the edit alone, so that whoever reads it gives it the same; should all of these be taken, a random one.
func (m *mixture) newName(f fetched) (changeset.ID, error) {
	id := f.row.ID
	free := false
	for _, origin := range changeset.MovedOrigins(f.c) {
		var err error
		id.Origin = origin
		if free, err = m.vacant(id, f); err != nil {
			return id, err
		}
		if free {
			break
		}
	}
	if !free {
		id.Origin = m.newUUID()
	}
	m.mixed = append(m.mixed, changeset.Move{From: f.row.ID.Origin, Seq: id.Seq, To: id.Origin})
	return id, nil
}

// madeOf reports whether moves that are proven here, so many at most, made one origin of another.
func (m *mixture) madeOf(origin, of uuid.UUID, moves int) (bool, error) {
	key := [2]uuid.UUID{origin, of}
	if made, asked := m.made[key]; asked || moves == 0 {
		return made, nil
	}
	m.made[key] = false
	was, err := m.movedFrom(origin, of)
	if err != nil || was == uuid.Nil {
		return false, err
	}
	made := was == of
	if !made {
		made, err = m.madeOf(was, of, moves-1)
	}
	m.made[key] = made
	return made, err
}

// movedFrom returns the origin, one that is known here or another, of which a move made the one given; Nil if none is proven here.
func (s *side) movedFrom(origin, other uuid.UUID) (uuid.UUID, error) {
	from, err := s.to().Former()
	if err != nil {
		return uuid.Nil, err
	}
	known, err := s.origins()
	if err != nil {
		return uuid.Nil, err
	}
	from = append(slices.Clone(from), other)
	for u := range known {
		from = append(from, u)
	}
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err != nil {
			return uuid.Nil, err
		}
		if row.ID.Origin != origin {
			continue
		}
		c, err := s.to().Changeset(row)
		if err != nil {
			return uuid.Nil, err
		}
		for _, c.ID.Origin = range from {
			if slices.Contains(changeset.MovedOrigins(c), origin) {
				return c.ID.Origin, nil
			}
		}
	}
	return uuid.Nil, nil
}

// warnOfMixed tells of the edits of the source that have another name here than there, because others had it.
func (p *pull) warnOfMixed() {
	if p.opts.DryRun {
		return
	}
	for _, s := range p.sides() {
		for _, m := range s.mixed {
			p.opts.warn("%s, which is a replica of the original, has another edit under changeset %s than %s: a replica was copied or restored from a backup; that edit is kept under %s",
				s.named(p.from), changeset.ID{Origin: m.From, Seq: m.Seq}, s.named(p.to), m.To)
		}
	}
}
