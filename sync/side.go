package sync

import (
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
	move      func(tx *replica.Tx, moves changeset.Moves, books uint32) (replica.Moved, error)
	last      func(p *replica.Peer) (row changeset.Row, ok bool) // of the source that was read
	setLast   func(p *replica.Peer, row changeset.Row)
	marked    func(m replica.Mark) changeset.Row // the last row of the source, as its mark has it
	count     *int
	lost      loss            // why the target needs a new UUID
	peer      *replica.Peer   // what is known of the source; the list's is that of its log
	ahead     []item          // of the list: what of it was fetched ahead, see fetchAhead
	rows      []changeset.Row // what newRows came to, if isRead
	isRead    bool
	read      uint32              // how many rows of the source were read before
	missed    uint32              // the first row of the source with a changeset that it has lost, or that builds on such a one; 0 if there is none
	tail      []changeset.Row     // the last rows of the source that were read before
	items     []item              // the rows of the source that were never read
	moves     changeset.Moves     // how the source is read
	stretches changeset.Stretches // the same, where nobody can mend the source
	mixed     []changeset.Move    // the stretches that begin with an edit which got a name of its own in this comparison
	all       bool                // compare the whole log, and move every fork of others too
	plan      plan
}

// item is a row of the source.
type item struct {
	row  changeset.Row
	id   changeset.ID         // that its changeset has here
	mine changeset.Row        // the row here with that ID, 0 if it is not known
	c    *changeset.Changeset // what was fetched ahead, as the source has it
	from *replica.Log         // where to read its changeset; nil if nothing about it is new
	read *naming              // nil: as it is
}

// naming is how a log of the source is read.
type naming struct {
	moves     changeset.Moves
	stretches changeset.Stretches
}

// differs reports whether the changeset is here with other bytes.
func (it item) differs() bool { return it.mine.Seq > 0 && it.mine.Key != it.row.Key }

// apply gives the changeset of an item the names that it and its parents have here.
func (it item) apply(c *changeset.Changeset) {
	if it.read != nil {
		it.read.stretches.Apply(c)
		it.read.moves.Apply(c)
	}
}

// prepare finds out which rows of the source are new.
func (p *pull) prepare(s *side) error {
	rows, err := s.rows, error(nil)
	if !s.isRead {
		rows, err = p.newRows(s)
	}
	if err != nil {
		return err
	}
	s.missed = 0
	s.items, s.moves, s.stretches, s.mixed = make([]item, len(rows)), slices.Clone(s.peer.Moved), slices.Clone(s.peer.Stretches), nil
	for i, row := range rows {
		s.items[i].row = row
	}
	return p.locate(s)
}

// name returns the name that a changeset of the source has here.
func (s *side) name(id changeset.ID) changeset.ID { return s.moves.ID(s.stretches.ID(id)) }

// locate finds out which items are known here, and under which names.
func (p *pull) locate(s *side) error {
	known := map[uint32]int{} // rows here, to the items that they are
	read := &naming{s.moves, s.stretches}
	for i, it := range s.items {
		s.items[i] = item{row: it.row, id: s.name(it.row.ID), from: s.from, read: read}
		seq, ok, err := s.lookup(s.items[i].id)
		if err != nil {
			return err
		}
		if ok {
			known[seq] = i
		}
	}
	if err := s.findMine(known); err != nil {
		return err
	}
	for i := range s.items {
		if err := p.skipKnown(s, &s.items[i]); err != nil {
			return err
		}
	}
	return nil
}

// skipKnown leaves out what is here with the same bytes, but for a changeset in its maker's own log, which may tell the parents that the bytes do not:
// that is read where it costs less.
func (p *pull) skipKnown(s *side, it *item) error {
	if it.mine.Seq == 0 || it.mine.Key != it.row.Key {
		return nil
	}
	it.from = nil
	if s != p.main {
		return nil
	}
	own, err := s.from.Own(it.row)
	if own {
		it.from = s.to()
	}
	return err
}

// findMine reads the rows here of what is known, in one go through the log.
func (s *side) findMine(known map[uint32]int) error {
	if len(known) == 0 {
		return nil
	}
	from, to := uint32(1<<32-1), uint32(0)
	for seq := range known {
		from, to = min(from, seq), max(to, seq)
	}
	for row, err := range s.to().Rows(from, to) {
		if err != nil {
			return err
		}
		if i, ok := known[row.Seq]; ok {
			s.items[i].mine = row
		}
	}
	return nil
}

// newRows reads the rows that were never read, after it has made sure that the source's log still begins with what was read of it.
// If not, as after a restore from a backup, it is read again: what is known is known by its ID; but a mirror that goes back is refused. A web mirror with nothing new is
// taken at its word, if it is one that its mark does not deny, because a server without Range would have to send its whole index.
func (p *pull) newRows(s *side) ([]changeset.Row, error) {
	if same, err := p.nothingNew(s); same || err != nil {
		return nil, err
	}
	if s.read > 0 && s.read <= s.from.Latest() {
		rows, err := p.collect(s, replica.TailBegins(s.read))
		if err != nil {
			return nil, err
		}
		if err := p.checkState(s, rows); err != nil {
			return nil, err
		}
		old := s.read - rows[0].Seq + 1
		if ok, err := s.follows(rows[:old]); err != nil || ok {
			s.tail = slices.Clone(rows[:old])
			return rows[old:], err
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

// maxNewRows is how many rows of a source a pull takes up: about 200 bytes of memory each, and a source can claim 2³² of them.
const maxNewRows = 1 << 21

// collect returns the rows of the source from one on.
func (p *pull) collect(s *side, first uint32) ([]changeset.Row, error) {
	n := s.from.Latest() + 1 - min(first, s.from.Latest())
	if n > maxNewRows {
		return nil, fmt.Errorf("%s claims that its %s has %d rows that were not read: a pull takes up %d", p.from.Where(), s.what, n, maxNewRows)
	}
	rows := make([]changeset.Row, 0, n)
	for row, err := range s.from.Rows(first, s.from.Latest()) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
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
	read := s.items[:row.Seq-s.items[0].row.Seq+1]
	for i := len(read) - 1; i >= 0 && read[i].row.Seq > before; i-- {
		if read[i].row.ID.Origin == s.from.UUID() {
			own = read[i].row
			break
		}
	}
	rows := slices.Clone(s.tail)
	for _, it := range read[max(0, len(read)-replica.TailRows):] {
		rows = append(rows, it.row)
	}
	peer.Tail = replica.Tail(rows)
	peer.SetOwn(own)
}

// nothingNew reports whether a side has no rows but those that were read, without a look at them: it has none, or is that of a mirror whose mark does not
// deny that the last row that was read is still there. The original's mirrors have none: they are not asked.
func (p *pull) nothingNew(s *side) (bool, error) {
	switch {
	case s.read != s.from.Latest() || s.read > 0 && !p.hasMark():
		return false, nil
	case s.read == 0 || p.main.peer.V1:
		return true, nil
	}
	mark, told, err := p.from.Mark()
	last, known := s.last(s.peer)
	return err == nil && (!told || known && s.marked(mark) == last), err
}
