package sync

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// plan is what has to be named anew in one log of the target before the source's can be read into it.
type plan struct {
	moves changeset.Moves
	books uint32        // from this row on bookkeeping is in the way; 0: none is
	fork  *changeset.ID // of others
}

func (p plan) empty() bool { return len(p.moves) == 0 && p.books == 0 }

// add adds a move, unless there is one for the origin from an earlier number on.
func (p *plan) add(m changeset.Move) {
	i := slices.IndexFunc(p.moves, func(other changeset.Move) bool { return other.From == m.From })
	switch {
	case i < 0:
		p.moves = append(p.moves, m)
	case m.Seq < p.moves[i].Seq:
		p.moves[i] = m
	}
}

// readMoved finds out which changesets of the source, which has them under their old name still, bear another one here.
func (p *pull) readMoved(s *side) error {
	begun, err := s.movedHere()
	if err != nil || len(begun) == 0 {
		return err
	}
	for again := true; again; {
		again = false
		for _, it := range s.items {
			m, ok, err := s.movedFrom(it, begun[it.id.Seq])
			if err != nil {
				return err
			}
			if ok {
				s.moves, again = append(s.moves, m), true
				break
			}
		}
		if again {
			if err := p.locate(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// movedHere returns the origins here that may be names given by a move, by their lowest number.
func (s *side) movedHere() (map[uint32][]uuid.UUID, error) {
	origins, err := s.origins()
	begun := map[uint32][]uuid.UUID{}
	for origin, first := range origins {
		if mayBeMoved(origin) {
			begun[first] = append(begun[first], origin)
		}
	}
	return begun, err
}

// mayBeMoved reports whether an origin is of the kind that a move gives.
func mayBeMoved(origin uuid.UUID) bool { return origin.Version() == 5 }

// movedFrom returns the move that one of the origins comes from, if the item is the source's edit with which it began.
func (s *side) movedFrom(it item, origins []uuid.UUID) (m changeset.Move, ok bool, err error) {
	if it.mine.Seq > 0 && !it.differs() {
		return m, false, nil
	}
	for _, to := range origins {
		if to == it.id.Origin {
			continue
		}
		follows, err := s.followsHere(to, it.id)
		if err != nil {
			return m, false, err
		}
		if !follows {
			continue
		}
		theirs, err := s.theirs(it)
		if err != nil {
			return m, false, err
		}
		if m = changeset.MoveOf(theirs); !theirs.Bookkeeping() && m.To == to {
			return m, true, nil
		}
	}
	return m, false, nil
}

// followsHere reports whether the changeset of that origin and of id's number here is one that was moved from id.
func (s *side) followsHere(to uuid.UUID, id changeset.ID) (bool, error) {
	mine, err := s.mine(changeset.ID{Origin: to, Seq: id.Seq})
	if mine == nil || err != nil {
		return false, err
	}
	mine.ID = id
	return changeset.MovedOrigin(mine) == to, nil
}

// mine returns the ordinary changeset with the ID here, nil if there is none.
func (s *side) mine(id changeset.ID) (*changeset.Changeset, error) {
	seq, ok, err := s.lookup(id)
	if err != nil || !ok {
		return nil, err
	}
	row, err := s.to().Row(seq)
	if err != nil {
		return nil, err
	}
	c, err := s.to().Changeset(row)
	if err != nil || c.Bookkeeping() {
		return nil, err
	}
	return c, nil
}

// theirs reads the changeset of an item, under the name that it has here.
func (s *side) theirs(it item) (*changeset.Changeset, error) {
	c, err := s.from.Changeset(it.row)
	if err == nil {
		s.moves.Apply(c)
	}
	return c, err
}

// makePlan finds out what has to be moved here.
func (s *side) makePlan(ctx context.Context) error {
	s.plan = plan{}
	if err := s.planOffered(); err != nil {
		return err
	}
	var other []item
	for _, it := range s.items {
		if it.differs() {
			other = append(other, it)
		}
	}
	for len(other) > 0 {
		got, err := fetchAll(ctx, other)
		if err != nil {
			return err
		}
		for _, f := range got {
			if err := s.planFork(f); err != nil {
				return err
			}
		}
		other = other[len(got):]
	}
	return nil
}

// planOffered plans to move what the source has moved: an origin that is not known here, and that follows from an edit here.
func (s *side) planOffered() error {
	var known map[uuid.UUID]uint32
	met := map[uuid.UUID]bool{}
	for _, it := range s.items {
		if it.mine.Seq > 0 || met[it.id.Origin] || !mayBeMoved(it.id.Origin) {
			continue
		}
		met[it.id.Origin] = true
		if known == nil {
			var err error
			if known, err = s.origins(); err != nil {
				return err
			}
		}
		if known[it.id.Origin] == 0 {
			if err := s.planMoveTo(it, known); err != nil {
				return err
			}
		}
	}
	return nil
}

// planMoveTo plans the move to the origin of an item, if an edit here is the one that it follows from. The source has to show it.
func (s *side) planMoveTo(it item, known map[uuid.UUID]uint32) error {
	for _, origin := range slices.SortedFunc(maps.Keys(known), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
		mine, err := s.mine(changeset.ID{Origin: origin, Seq: it.id.Seq})
		if err != nil {
			return err
		}
		if mine == nil || changeset.MovedOrigin(mine) != it.id.Origin {
			continue
		}
		theirs, err := s.theirs(it)
		if err != nil {
			return err
		}
		theirs.ID = mine.ID
		if !theirs.Bookkeeping() && changeset.SameEdit(mine, theirs) {
			s.plan.add(changeset.MoveOf(mine))
		}
		return nil
	}
	return nil
}

// planFork looks at a changeset that is here with other bytes: if it is another edit, and the one here was made here, that one is moved.
func (s *side) planFork(f fetched) error {
	if f.c == nil || f.c.Bookkeeping() { // the source's own, which stays there
		return nil
	}
	mine, err := s.to().Changeset(f.mine)
	if err != nil {
		return err
	}
	if mine.Bookkeeping() {
		if s.plan.books == 0 || f.mine.Seq < s.plan.books {
			s.plan.books = f.mine.Seq
		}
		return nil
	}
	if changeset.SameEdit(mine, f.c) {
		return nil
	}
	made, err := s.to().Own(f.mine)
	switch {
	case err != nil:
		return err
	case made || s.all:
		s.plan.add(changeset.MoveOf(mine))
	case s.plan.fork == nil:
		s.plan.fork = &f.id
	}
	return nil
}
