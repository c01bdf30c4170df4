package sync

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// plan is what has to be named anew in one log of the target before the source's can be read into it.
type plan struct {
	moves  changeset.Moves      // the greatest number first: after the move from an earlier one, the later would be found no more
	split  map[uuid.UUID]uint32 // the lowest number of each origin at which there is a fork, for which there is no move yet
	books  uint32               // from this row on bookkeeping is in the way; 0: none is
	fork   *fetched             // of others
	forged changeset.ID         // a fork that cannot have come about honestly
}

func (p plan) empty() bool { return len(p.moves) == 0 && p.books == 0 }

// add adds a move. Of one origin, all that the source has made are made here too, in the order in which that came about.
func (p *plan) add(m changeset.Move) {
	p.moves = append(p.moves, m)
	slices.SortStableFunc(p.moves, func(a, b changeset.Move) int { return cmp.Compare(b.Seq, a.Seq) })
}

// apart notes a fork.
func (p *plan) apart(id changeset.ID) {
	if lowest, forked := p.split[id.Origin]; !forked || id.Seq < lowest {
		p.split[id.Origin] = id.Seq
	}
}

// makePlan finds out what has to be moved here.
func (s *side) makePlan(ctx context.Context) error {
	s.plan = plan{split: map[uuid.UUID]uint32{}}
	if err := s.planOffered(ctx); err != nil {
		return err
	}
	if err := eachFetched(ctx, s.items.some(item.differs), s.planFork); err != nil {
		return err
	}
	return s.planSplits()
}

// planSplits plans the moves for forks, but for those that what the source offers comes before: after that, another comparison shows what is left.
func (s *side) planSplits() error {
	offered := slices.Clone(s.plan.moves)
	var forks []changeset.ID
	for origin, seq := range s.plan.split {
		forks = append(forks, changeset.ID{Origin: origin, Seq: seq})
	}
	slices.SortFunc(forks, changeset.ID.Compare)
	for _, first := range forks {
		if slices.ContainsFunc(offered, func(o changeset.Move) bool { return o.From == first.Origin && o.Seq <= first.Seq }) {
			continue
		}
		mine, err := s.mine(first)
		if err != nil {
			return err
		}
		if forged, err := s.proven(mine); err != nil || forged {
			s.plan.forged = mine.ID
			return err
		}
		m, err := s.moveOf(mine)
		if err != nil {
			return err
		}
		s.plan.add(m)
	}
	return nil
}

// ForgedError says that a source has made up changesets, which no replica can have. Nothing was changed.
type ForgedError struct {
	ID          changeset.ID // there it is another edit than the one here that its origin is made from; zero if moves came to no end
	Here, There string       // where the replicas are
}

func (e *ForgedError) Error() string {
	if e.ID.IsZero() {
		return fmt.Sprintf("%s has other edits under the names of those in %s, and again after each of %d moves: no replica can have that, it is made up", e.There, e.Here, maxMoves)
	}
	return fmt.Sprintf("changeset %s is another edit in %s than the one in %s that its origin is made from: no replica can have that, it is made up", e.ID, e.There, e.Here)
}

// proven reports whether a changeset here is the one that its origin is made from. A name that a move gave is made from the edit with which it
// begins: nobody has another edit under that name and number, so a fork there cannot have come about honestly.
func (s *side) proven(c *changeset.Changeset) (bool, error) {
	if !mayBeMoved(c.ID.Origin) {
		return false, nil
	}
	before, err := s.to().Former()
	if err != nil {
		return false, err
	}
	known, err := s.origins()
	if err != nil {
		return false, err
	}
	was := *c
	follows := func(origin uuid.UUID) bool {
		was.ID.Origin = origin
		return slices.Contains(changeset.MovedOrigins(&was), c.ID.Origin)
	}
	if slices.ContainsFunc(before, follows) {
		return true, nil
	}
	for origin := range known {
		if follows(origin) {
			return true, nil
		}
	}
	return false, nil
}

// sameButOrigin reports whether two changesets are one edit with two names, of one number.
func sameButOrigin(a, b *changeset.Changeset) bool {
	return a.ID.Seq == b.ID.Seq && changeset.SameEdit(a, b)
}

// planFork looks at a changeset that is here with other bytes: if it is another edit, and the one here was made here, that one is moved.
func (s *side) planFork(f fetched) error {
	if f.c == nil || f.c.Lost || f.c.Bookkeeping() { // the source's own, which stays there
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
		s.plan.apart(mine.ID)
	case s.plan.fork == nil:
		s.plan.fork = &f
	}
	return nil
}
