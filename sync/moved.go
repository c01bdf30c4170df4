package sync

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sort"

	"github.com/google/uuid"

	"prophet/changeset"
)

// mayBeMoved reports whether an origin is of the kind that a move gives.
func mayBeMoved(origin uuid.UUID) bool { return origin.Version() == 5 }

// numbered are rows here, by their changeset's number there.
type numbered map[uint32][]changeset.Row

// movedHere returns the rows here that may have been moved, and whose numbers items have that are not known here, or are with other bytes.
func (s *side) movedHere() (numbered, error) {
	origins, err := s.origins()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(origins, func(origin uuid.UUID, _ uint32) bool { return !mayBeMoved(origin) })
	wanted := map[uint32]bool{}
	if len(origins) > 0 {
		for it := range s.items.some(func(it item) bool { return it.mine.Seq == 0 || it.differs() }) {
			wanted[it.id.Seq] = true
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	if uint64(len(origins))*uint64(len(wanted)) < uint64(s.to().Latest()) {
		return s.movedOf(origins, wanted)
	}
	here := numbered{}
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err != nil {
			return nil, err
		}
		if mayBeMoved(row.ID.Origin) && wanted[row.ID.Seq] {
			here[row.ID.Seq] = append(here[row.ID.Seq], row)
		}
	}
	return here, nil
}

// movedOf returns those of movedHere by asking for each: a pull of many rows asks again and again, and the log here may be long.
func (s *side) movedOf(origins map[uuid.UUID]uint32, wanted map[uint32]bool) (numbered, error) {
	here := numbered{}
	for number := range wanted {
		for origin, lowest := range origins {
			if number < lowest {
				continue
			}
			seq, ok, err := s.lookup(changeset.ID{Origin: origin, Seq: number})
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			row, err := s.to().Row(seq)
			if err != nil {
				return nil, err
			}
			here[number] = append(here[number], row)
		}
		slices.SortFunc(here[number], func(a, b changeset.Row) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return here, nil
}

// readMoved finds out which changesets of the source, which has them under their old name still, bear another one here. Of an origin that was moved
// more than once the greatest number is first, as in a plan.
func (p *pull) readMoved(ctx context.Context, s *side) error {
	if s.items.len() > 0 {
		ours, err := p.sourceIsOurs()
		if err != nil {
			return err
		}
		if !ours {
			s.moves = nil // as an earlier version read it
			return p.readMixed(ctx, s)
		}
	}
	here, err := s.movedHere()
	if err != nil || len(here) == 0 {
		return err
	}
	tried := map[attempt]bool{}
	for {
		move, err := s.movedFromHere(ctx, here, tried)
		if err != nil || move == nil {
			return err
		}
		s.moves = append(slices.Clip(s.moves), *move)
		if err := p.locate(s); err != nil {
			return err
		}
	}
}

// attempt is the question whether a row here has the edit that a source has in a row of its own, under a name that a move from an origin gave.
type attempt struct {
	here, there uint32
	from        uuid.UUID
}

// movedFromHere returns the move that one of the items had here and not in the source; nil if there is none.
func (s *side) movedFromHere(ctx context.Context, here numbered, tried map[attempt]bool) (*changeset.Move, error) {
	var list []int
	for i, it := range s.items.all() {
		if len(here[it.id.Seq]) > 0 && (it.mine.Seq == 0 || it.differs()) {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(s.items.entries[b].seq, s.items.entries[a].seq) })
	for _, i := range list {
		it := s.items.at(i)
		for _, row := range here[it.id.Seq] {
			a := attempt{row.Seq, it.row.Seq, it.id.Origin}
			if tried[a] || row.ID == it.id {
				continue
			}
			tried[a] = true
			moved, err := s.movedAs(it, row)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return nil, err
			}
			if moved {
				return &changeset.Move{From: it.id.Origin, Seq: it.id.Seq, To: row.ID.Origin}, nil
			}
		}
	}
	return nil, nil
}

// movedAs reports whether an item is the edit with which a name here begins that is in the row. The source is asked only if the name says so.
func (s *side) movedAs(it item, row changeset.Row) (bool, error) {
	mine, err := s.to().Changeset(row)
	if err != nil || mine.Bookkeeping() {
		return false, err
	}
	before := *mine
	before.ID = it.id
	if !slices.Contains(changeset.MovedOrigins(&before), row.ID.Origin) {
		return false, nil
	}
	theirs, err := s.theirs(it)
	return err == nil && sameButOrigin(mine, theirs), err
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
		it.apply(c)
	}
	return c, err
}

// planOffered plans to move what has another name already, which follows from an edit here: the source offers it, or it is here beside the edit, because
// somebody brought it who does not know of moves.
func (s *side) planOffered(ctx context.Context) error {
	named, err := s.names()
	if err != nil || named == nil {
		return err
	}
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if named.has(row.ID.Seq) {
			if err := s.planMoveOf(row, named); err != nil {
				return err
			}
		}
	}
	return nil
}

// named is what bears a name that a move may have given: what the source has and is not known here, and of each origin known here the changeset with the lowest number.
type named struct {
	*side
	here    map[changeset.ID]bool
	numbers map[uint32]bool // of these
	there   []int           // places of items, by number and origin
}

// names returns what bears such a name. It is nil where nothing is new, and nothing was written by a program that is not ours.
func (s *side) names() (*named, error) {
	noted, err := s.to().Noted()
	if err != nil || noted && s.items.len() == 0 {
		return nil, err
	}
	known, err := s.origins()
	if err != nil {
		return nil, err
	}
	n := &named{side: s, here: map[changeset.ID]bool{}, numbers: map[uint32]bool{}}
	for origin, first := range known {
		if mayBeMoved(origin) {
			n.here[changeset.ID{Origin: origin, Seq: first}], n.numbers[first] = true, true
		}
	}
	for i, it := range s.items.all() {
		if it.mine.Seq == 0 && mayBeMoved(it.id.Origin) {
			n.there = append(n.there, i)
		}
	}
	slices.SortStableFunc(n.there, func(a, b int) int { return byNumber(s.items.at(a).id, s.items.at(b).id) })
	return n, nil
}

// byNumber compares two IDs, the number first.
func byNumber(a, b changeset.ID) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), a.Compare(b))
}

// has reports whether one of the names has that number.
func (n *named) has(number uint32) bool {
	_, there := slices.BinarySearchFunc(n.there, number, func(i int, number uint32) int { return cmp.Compare(n.items.entries[i].seq, number) })
	return there || n.numbers[number]
}

// read returns what bears a name, nil if nothing does. Of two items with one name the last counts.
func (n *named) read(id changeset.ID) (*changeset.Changeset, error) {
	at := sort.Search(len(n.there), func(i int) bool { return byNumber(n.items.at(n.there[i]).id, id) > 0 }) - 1
	if at >= 0 && n.items.at(n.there[at]).id == id {
		return n.theirs(n.items.at(n.there[at]))
	}
	if !n.here[id] {
		return nil, nil
	}
	return n.mine(id)
}

// planMoveOf plans the move from a row here on, if there is a name that it may get, with the edit under it.
func (s *side) planMoveOf(row changeset.Row, named *named) error {
	mine, err := s.to().Changeset(row)
	if err != nil || mine.Bookkeeping() {
		return err
	}
	for _, to := range changeset.MovedOrigins(mine) {
		other, err := named.read(changeset.ID{Origin: to, Seq: row.ID.Seq})
		if err != nil {
			return err
		}
		if other == nil || !sameButOrigin(mine, other) {
			continue // made up
		}
		return s.planMove(mine, to)
	}
	return nil
}

// planMove plans the move from an edit here on to the name that the source has for it. If that cannot be because the name has another edit here under a later
// number, what is made from there on is moved first, and another comparison shows what is left; else it gets another name.
func (s *side) planMove(mine *changeset.Changeset, to uuid.UUID) error {
	m := changeset.Move{From: mine.ID.Origin, Seq: mine.ID.Seq, To: to}
	free, err := s.free(m)
	if err == nil && !free {
		if mine, err = s.firstApart(m, mine); err == nil {
			m, err = s.moveOf(mine)
		}
	}
	s.plan.add(m)
	return err
}

// firstApart returns the first changeset of those that a move names anew which is another edit than the one here that bears its new name; mine if there is none.
func (s *side) firstApart(m changeset.Move, mine *changeset.Changeset) (*changeset.Changeset, error) {
	first := mine
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err != nil {
			return nil, err
		}
		if row.ID.Origin != m.To || row.ID.Seq <= m.Seq || first != mine && row.ID.Seq >= first.ID.Seq {
			continue
		}
		id := changeset.ID{Origin: m.From, Seq: row.ID.Seq}
		if same, err := s.sameUnder(id, row); err != nil {
			return nil, err
		} else if !same {
			if first, err = s.mine(id); err != nil {
				return nil, err
			}
		}
	}
	return first, nil
}

// moveOf returns the move from an edit here on that the source has not made. Its name is the first that can be. By the nature of these names, what is
// in the way is made up. Should all be taken, it is a random one, which others will not give to the edit; but it can be moved.
func (s *side) moveOf(mine *changeset.Changeset) (changeset.Move, error) {
	m := changeset.Move{From: mine.ID.Origin, Seq: mine.ID.Seq}
	for _, to := range changeset.MovedOrigins(mine) {
		m.To = to
		other := func(it item) bool { return it.id == changeset.ID{Origin: m.To, Seq: m.Seq} && it.mine.Seq == 0 }
		if s.items.any(other) { // if it were the edit, it would have been offered
			continue
		}
		if free, err := s.free(m); err != nil || free {
			return m, err
		}
	}
	m.To = s.newUUID()
	return m, nil
}

// free reports whether nothing here is in the way of a move: no other edit has one of the names that it gives, nor had the log's replica that UUID.
func (s *side) free(m changeset.Move) (bool, error) {
	former, err := s.to().Former()
	if err != nil || slices.Contains(former, m.To) {
		return false, err
	}
	known, err := s.origins()
	if err != nil || known[m.To] == 0 {
		return err == nil, err
	}
	for row, err := range s.to().Rows(1, s.to().Latest()) {
		if err != nil {
			return false, err
		}
		if row.ID.Origin != m.To || row.ID.Seq < m.Seq {
			continue
		}
		if same, err := s.sameUnder(changeset.ID{Origin: m.From, Seq: row.ID.Seq}, row); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// sameUnder reports whether what is here under a name, if anything is, is the edit of a row.
func (s *side) sameUnder(id changeset.ID, row changeset.Row) (bool, error) {
	mine, err := s.mine(id)
	if err != nil || mine == nil {
		return err == nil, err
	}
	other, err := s.to().Changeset(row)
	return err == nil && !other.Bookkeeping() && changeset.SameEdit(mine, other), err
}
