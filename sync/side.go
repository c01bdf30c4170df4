package sync

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// side is one of the two logs of the replicas, the one of changesets or the one of resolutions, or the list of representations, which is read like them.
type side struct {
	what      string // in words
	votes     bool
	list      bool
	from      *replica.Log
	to        func() *replica.Log // as it is now
	lookup    func(id changeset.ID) (uint32, bool, error)
	integrate func(tx *replica.Tx, c *changeset.Changeset) (bool, error)
	setPeer   func(tx *replica.Tx, p replica.Peer)
	renew     func(tx *replica.Tx)
	origins   func() (map[uuid.UUID]uint32, error) // known here, with their lowest numbers
	newUUID   func() uuid.UUID
	move      func(tx *replica.Tx, moves changeset.Moves, books uint32) (replica.Moved, error)
	last      func(p *replica.Peer) (row changeset.Row, ok bool) // of the source that was read
	setLast   func(p *replica.Peer, row changeset.Row)
	marked    func(m replica.Mark) changeset.Row // the last row of the source, as its mark has it
	count     *int
	lost      loss                // why the target needs a new UUID
	peer      *replica.Peer       // what is known of the source; the list's is that of its log
	unread    *items              // of the list: what newRows came to, if it was read ahead,
	ahead     []int               // and what of it is fetched ahead, see fetchAhead
	read      uint32              // how many rows of the source were read before
	missed    uint32              // the first row of the source with a changeset that it has lost, or that builds on such a one; 0 if there is none
	tail      []changeset.Row     // the last rows of the source that were read before
	items     *items              // the rows of the source that were never read
	moves     changeset.Moves     // how the source is read
	stretches changeset.Stretches // the same, where nobody can mend the source
	mixed     []changeset.Move    // the stretches that begin with an edit which got a name of its own in this comparison
	all       bool                // compare the whole log, and move every fork of others too
	plan      plan
}

// prepare finds out which rows of the source are new.
func (p *pull) prepare(s *side) (err error) {
	s.missed, s.items = 0, s.unread
	if s.items == nil {
		if s.items, err = p.newRows(s); err != nil {
			return err
		}
	}
	s.moves, s.stretches, s.mixed = slices.Clone(s.peer.Moved), slices.Clone(s.peer.Stretches), nil
	return p.locate(s)
}

// name returns the name that a changeset of the source has here.
func (s *side) name(id changeset.ID) changeset.ID { return (&naming{s.moves, s.stretches}).id(id) }

// locate finds out which items are known here, and under which names.
func (p *pull) locate(s *side) error {
	l := s.items
	l.to, l.read, l.others = s.to(), &naming{s.moves, s.stretches}, map[int][20]byte{}
	var known []int
	for i := range l.entries {
		seq, ok, err := s.lookup(l.read.id(l.row(i).ID))
		if err != nil {
			return err
		}
		l.entries[i].mine, l.entries[i].where = seq, fromSource
		if ok {
			known = append(known, i)
		}
	}
	if err := l.findMine(known); err != nil {
		return err
	}
	for i := range l.entries {
		if err := p.skipKnown(s, i); err != nil {
			return err
		}
	}
	return nil
}

// skipKnown leaves out what is here with the same bytes, but for a changeset in its maker's own log, which may tell the parents that the bytes do not:
// that is read where it costs less.
func (p *pull) skipKnown(s *side, i int) error {
	e := &s.items.entries[i]
	if _, differs := s.items.others[i]; e.mine == 0 || differs {
		return nil
	}
	e.where = fromNowhere
	if s != p.main {
		return nil
	}
	own, err := s.from.Own(s.items.row(i))
	if own {
		e.where = fromHere
	}
	return err
}

// findMine reads the rows here of the items at these places, whose numbers they have, in one go through the log. Of two items that are one row the last counts.
func (l *items) findMine(known []int) error {
	if len(known) == 0 {
		return nil
	}
	slices.SortStableFunc(known, func(a, b int) int { return cmp.Compare(l.entries[a].mine, l.entries[b].mine) })
	seq := func(at int) uint32 { return l.entries[known[at]].mine }
	at := 0
	for row, err := range l.to.Rows(seq(0), seq(len(known)-1)) {
		if err != nil {
			return err
		}
		for ; at+1 < len(known) && seq(at) == row.Seq && seq(at+1) == row.Seq; at++ {
			l.entries[known[at]].mine = 0
		}
		if seq(at) == row.Seq {
			l.noteHere(known[at], row)
			at++
		}
	}
	return nil
}

// newRows reads the rows that were never read, after it has made sure that the source's log still begins with what was read of it.
// If not, as after a restore from a backup, it is read again: what is known is known by its ID; but a mirror that goes back is refused. A web mirror of ours with nothing new is
// taken at its word, if it is one that its mark bears out. The original's have no mark, nor has a replica that is served as it is, so of them the last rows are asked for even where they have as many as were read, though a
// server without Range sends the whole index for that.
func (p *pull) newRows(s *side) (*items, error) {
	if same, err := p.nothingNew(s); same || err != nil {
		return newItems(s.from, 1, 0), err
	}
	if s.read > 0 && s.read <= s.from.Latest() {
		rows, err := p.collect(s, replica.TailBegins(s.read))
		if err != nil {
			return nil, err
		}
		if err := p.checkState(s, rows); err != nil {
			return nil, err
		}
		old := int(s.read - rows.first + 1)
		tail := slices.AppendSeq([]changeset.Row(nil), rows.rows(0))[:old]
		if ok, err := s.follows(tail); err != nil || ok {
			s.tail = tail
			return rows.dropFirst(old), err
		}
	}
	if s.read > 0 {
		if err := p.refuseGoneBack(s); err != nil {
			return nil, err
		}
		p.opts.warn("the %s of %s is not the one that was read before: it is read again from its beginning", s.what, p.from.Where())
		s.setLast(s.peer, changeset.Row{})
		if s != p.list {
			s.peer.Moved, s.peer.Stretches = nil, nil
		}
	}
	s.tail = nil
	rows, err := p.collect(s, 1)
	if err != nil {
		return nil, err
	}
	return rows, p.checkState(s, rows)
}

// maxNewRows is how many rows of a source a pull takes up: less than 100 bytes of memory each, and a source can claim 2³² of them.
const maxNewRows = 1 << 21

// collect returns the rows of the source from one on.
func (p *pull) collect(s *side, first uint32) (*items, error) {
	n := s.from.Latest() + 1 - min(first, s.from.Latest())
	if n > maxNewRows {
		return nil, fmt.Errorf("%s claims that its %s has %d rows that were not read: a pull takes up %d", p.from.Where(), s.what, n, maxNewRows)
	}
	rows := newItems(s.from, first, int(n))
	for row, err := range s.from.Rows(first, s.from.Latest()) {
		if err != nil {
			return nil, err
		}
		rows.add(row)
	}
	return rows, nil
}

// follows reports whether rows of the source, which end with the last one that was read, are not known to be others than those that were read, there and above.
func (s *side) follows(rows []changeset.Row) (bool, error) {
	if last, ok := s.last(s.peer); !ok || last != rows[len(rows)-1] {
		return false, nil
	}
	if s.list || s.peer.Tail != "" && s.peer.Tail != replica.Tail(rows) {
		return s.list, nil
	}
	own, ok := s.peer.LastOwn()
	if !ok || own.Seq >= rows[0].Seq {
		return true, nil
	}
	now, err := s.from.Row(own.Seq)
	return now == own, err
}

// setRead notes how far the source was read, with what tells whether it still is what was read.
func (s *side) setRead(peer *replica.Peer, row changeset.Row) {
	before := peer.Read
	own, _ := peer.LastOwn()
	peer.SetRead(row)
	if row.Seq == 0 {
		return
	}
	n := int(row.Seq - s.items.first + 1) // that are read
	for i := n - 1; i >= 0; i-- {
		read := s.items.row(i)
		if read.Seq <= before {
			break
		}
		if read.ID.Origin == s.from.UUID() {
			own = read
			break
		}
	}
	rows := slices.Clone(s.tail)
	for i := max(0, n-replica.TailRows); i < n; i++ {
		rows = append(rows, s.items.row(i))
	}
	peer.Tail = replica.Tail(rows)
	peer.SetOwn(own)
}

// nothingNew reports whether a side has no rows but those that were read, without a look at them: it has none, or is that of a mirror whose mark says
// that the last row that was read is still there. The original's mirrors have none to say so, nor has a replica that is edited where it is served; of that the list of representations is taken at its word,
// which is set back with the log.
func (p *pull) nothingNew(s *side) (bool, error) {
	if s.read == 0 {
		return s.from.Latest() == 0, nil
	}
	if s.read != s.from.Latest() || !p.hasMark() || p.main.peer.V1 {
		return false, nil
	}
	mark, told, err := p.from.Mark()
	last, known := s.last(s.peer)
	if !told {
		return err == nil && s.list, err
	}
	return err == nil && known && s.marked(mark) == last, err
}
