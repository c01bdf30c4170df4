package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// mayBeMoved reports whether an origin is of the kind that a move gives.
func mayBeMoved(origin uuid.UUID) bool { return origin.Version() == 5 }

// maxHops bounds how many moves from one edit on are followed.
const maxHops = 4

// movesTo returns the moves from c on, each of what the last one named, that lead to an origin; nil if no few do.
func movesTo(c *changeset.Changeset, wanted func(origin uuid.UUID) bool) (moves changeset.Moves) {
	named := *c
	for range maxHops {
		m := changeset.MoveOf(&named)
		if moves = append(moves, m); wanted(m.To) {
			return moves
		}
		named.ID.Origin = m.To
	}
	return nil
}

// begun are the names here that may come from a move, by the edits with which they begin.
type begun struct {
	numbers map[uint32]bool
	edits   map[uuid.UUID][]uuid.UUID // by editOf
}

// editOf identifies an edit and its number, whatever its origin is.
func editOf(c *changeset.Changeset) uuid.UUID {
	nameless := *c
	nameless.ID.Origin = uuid.Nil
	return changeset.MovedOrigin(&nameless)
}

// movedHere returns the names here that may come from a move.
func (s *side) movedHere() (begun, error) {
	b := begun{map[uint32]bool{}, map[uuid.UUID][]uuid.UUID{}}
	origins, err := s.origins()
	if err != nil {
		return b, err
	}
	for origin, first := range origins {
		if !mayBeMoved(origin) {
			continue
		}
		c, err := s.mine(changeset.ID{Origin: origin, Seq: first})
		if err != nil {
			return b, err
		}
		if c != nil {
			edit := editOf(c)
			b.numbers[first], b.edits[edit] = true, append(b.edits[edit], origin)
		}
	}
	return b, nil
}

// readMoved finds out which changesets of the source, which has them under their old name still, bear another one here. Of an origin that was moved
// more than once the greatest number is first, as in a plan.
func (p *pull) readMoved(ctx context.Context, s *side) error {
	here, err := s.movedHere()
	if err != nil || len(here.edits) == 0 {
		return err
	}
	read := map[uint32]uuid.UUID{} // edits of the source, by row
	for {
		moves, err := s.movedFromHere(ctx, here, read)
		if err != nil || moves == nil {
			return err
		}
		s.moves = append(slices.Clip(s.moves), moves...)
		if err := p.locate(s); err != nil {
			return err
		}
	}
}

// movedFromHere returns the moves that one of the items had here and not in the source; nil if there is none.
func (s *side) movedFromHere(ctx context.Context, here begun, read map[uint32]uuid.UUID) (changeset.Moves, error) {
	var items []item
	for _, it := range s.items {
		if here.numbers[it.id.Seq] && (it.mine.Seq == 0 || it.differs()) {
			items = append(items, it)
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(b.id.Seq, a.id.Seq) })
	for _, it := range items {
		moves, err := s.movedFrom(it, here, read)
		if err = errors.Join(err, ctx.Err()); err != nil || moves != nil {
			return moves, err
		}
	}
	return nil, nil
}

// movedFrom returns the moves that an item had, if it is the source's edit with which a name here begins.
func (s *side) movedFrom(it item, here begun, read map[uint32]uuid.UUID) (changeset.Moves, error) {
	if edit, ok := read[it.row.Seq]; ok && here.edits[edit] == nil {
		return nil, nil
	}
	theirs, err := s.theirs(it)
	if err != nil {
		return nil, err
	}
	edit := editOf(theirs)
	read[it.row.Seq] = edit
	names := here.edits[edit]
	if len(names) == 0 || theirs.Bookkeeping() {
		return nil, nil
	}
	return movesTo(theirs, func(origin uuid.UUID) bool { return slices.Contains(names, origin) }), nil
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

// planOffered plans to move what the source has moved: an origin that is not known here, and that follows from an edit here.
func (s *side) planOffered(ctx context.Context) error {
	offered, numbers, err := s.offered()
	if err != nil || len(offered) == 0 {
		return err
	}
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if numbers[row.ID.Seq] {
			if err := s.planMoveOf(row, offered); err != nil {
				return err
			}
		}
	}
	return nil
}

// offered returns the source's changeset with the lowest number of each origin that may be the name that a move gave, and of which no lower one is known here; and
// their numbers. It need not come first: what another copy made later may be moved with it, and stand above it.
func (s *side) offered() (offered map[changeset.ID]item, numbers map[uint32]bool, err error) {
	lowest := map[uuid.UUID]item{}
	for _, it := range s.items {
		if it.mine.Seq > 0 || !mayBeMoved(it.id.Origin) {
			continue
		}
		if l, met := lowest[it.id.Origin]; !met || it.id.Seq < l.id.Seq {
			lowest[it.id.Origin] = it
		}
	}
	if len(lowest) == 0 {
		return nil, nil, nil
	}
	known, err := s.origins()
	if err != nil {
		return nil, nil, err
	}
	offered, numbers = map[changeset.ID]item{}, map[uint32]bool{}
	for origin, it := range lowest {
		if first := known[origin]; first == 0 || it.id.Seq < first {
			offered[it.id], numbers[it.id.Seq] = it, true
		}
	}
	return offered, numbers, nil
}

// planMoveOf plans the moves from a row here on, if the source offers the name to which they lead. It has to show the edit.
func (s *side) planMoveOf(row changeset.Row, offered map[changeset.ID]item) error {
	mine, err := s.to().Changeset(row)
	if err != nil || mine.Bookkeeping() {
		return err
	}
	moves := movesTo(mine, func(origin uuid.UUID) bool {
		_, ok := offered[changeset.ID{Origin: origin, Seq: row.ID.Seq}]
		return ok
	})
	if moves == nil {
		return nil
	}
	it := offered[changeset.ID{Origin: moves[len(moves)-1].To, Seq: row.ID.Seq}]
	theirs, err := s.theirs(it)
	switch {
	case err != nil || theirs.Bookkeeping():
		return err
	case !sameButOrigin(mine, theirs):
		return fmt.Errorf("changeset %s is another edit there than the one that its origin is made from, %s here: %w", it.id, mine.ID, errForged)
	}
	s.plan.add(moves)
	return nil
}
