package replica

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// Moved says what a move came to.
type Moved struct {
	Changesets map[uuid.UUID]int // how many have another name now, by their old origin
	From, To   uuid.UUID         // of the log's replica, before and now
}

// Move names changesets of the log anew, with the parents that name them, and gives its replica a new UUID: the moved one if its own changesets
// move and none of that is beyond its last row, else a random one. The rows stay where they are, so what the log made, and local ids, stay too. Bookkeeping in the
// log, which is nobody else's, moves with its origin; where it is in the way, from row books on if that is not 0, it gets an origin of its own. Peers' logs will be
// read again from the beginning. It is the first in its transaction, and of both logs only one can be moved in it. The index of the log is written anew as a whole, and
// takes the place of the old one when the transaction commits.
//
// A move that does not follow from what the log holds is refused: see [changeset.MovedOrigins]. A random origin of version 4 follows from nothing, and is allowed.
func (tx *Tx) Move(moves changeset.Moves, books uint32) (Moved, error) {
	return tx.main.move(moves, books)
}

// MoveVotes is Move for the resolutions replica. What its own voter decided is cast again under the new UUID, because a vote counts only under its voter's own.
func (tx *Tx) MoveVotes(moves changeset.Moves, books uint32) (Moved, error) {
	tx.recount = true
	return tx.res.move(moves, books)
}

// mover is a move under way in one log.
type mover struct {
	*txLog
	moves   changeset.Moves
	books   uint32
	began   bool
	put     uuid.UUID // origin of bookkeeping that was in the way
	count   map[uuid.UUID]int
	second  map[uint32]bool             // rows of what stands above under its old name, and gets the new one there
	touched map[changeset.RecordID]bool // by what was named anew, or has parents that were
	mine    map[changeset.RecordID]bool // with the UUID of their maker, which this log's replica was: its votes, if moved
	highest map[uuid.UUID]uint32        // number of each origin
}

func (t *txLog) move(moves changeset.Moves, books uint32) (Moved, error) {
	m := &mover{txLog: t, moves: moves, books: books, touched: map[changeset.RecordID]bool{}, mine: map[changeset.RecordID]bool{},
		highest: map[uuid.UUID]uint32{}, count: map[uuid.UUID]int{}, second: map[uint32]bool{}}
	if err := m.run(); err != nil {
		return Moved{}, fmt.Errorf("move changesets: %w", err)
	}
	return Moved{m.count, t.uuid, t.self}, nil
}

func (m *mover) run() error {
	for i := range m.moves {
		if err := m.prove(i); err != nil {
			return fmt.Errorf("those of %s: %w", m.moves[i].From, err)
		}
	}
	if err := m.rename(); err != nil {
		return err
	}
	if err := m.rewrite(); err != nil {
		return err
	}
	if err := m.notePeers(); err != nil {
		return err
	}
	if err := m.remerge(sorted(m.touched)); err != nil {
		return err
	}
	return m.castAgain()
}

// prove makes sure that a move follows from the changeset that it begins with.
func (m *mover) prove(i int) error {
	move := m.moves[i]
	was := changeset.ID{Origin: move.From, Seq: move.Seq}
	for _, earlier := range slices.Backward(m.moves[:i]) { // as the log has it now
		if earlier.To == was.Origin {
			was.Origin = earlier.From
		}
	}
	row, ok, err := m.lookup(was)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("changeset %s is not in the log", was)
	}
	c, err := m.at(row)
	if err != nil {
		return err
	}
	named := *c
	named.ID.Origin = move.From
	if c.Bookkeeping() || move.To.Version() == 5 && !slices.Contains(changeset.MovedOrigins(&named), move.To) {
		return fmt.Errorf("%s does not follow from changeset %s", move.To, was)
	}
	return nil
}

// rename gives the log's replica its new UUID.
func (m *mover) rename() error {
	mine := m.moves.ID(changeset.ID{Origin: m.uuid, Seq: maxSeq}).Origin
	m.renew()
	highest, err := m.known.highest(m.Log)
	if err != nil {
		return err
	}
	if mine != m.uuid && highest[mine] <= m.latest { // else what is made here later would get a number that was given
		m.self = mine
	}
	former, err := m.Former()
	if err != nil {
		return err
	}
	if slices.Contains(former, m.self) {
		return fmt.Errorf("%s was its UUID before", m.self)
	}
	if m.seq > m.latest || m.tx.main.rewritten != nil || m.tx.res.rewritten != nil {
		return errors.New("other changes wait in the transaction")
	}
	own := *m.Log
	own.renamed = m.self
	m.Log = &own
	return nil
}

// rewrite makes the whole new index.
func (m *mover) rewrite() error {
	index := make([]byte, 0, int(m.latest)*changeset.RowSize)
	for row, err := range m.Rows(1, m.latest) {
		if err != nil {
			return err
		}
		if row, err = m.row(row); err != nil {
			return err
		}
		index = changeset.AppendRow(index, row)
	}
	m.rewritten = index
	return m.writeHighest()
}

// row returns the row that takes the place of one. Above the first that moves, no row names it; the list of representations may.
func (m *mover) row(row changeset.Row) (changeset.Row, error) {
	moves := m.moves.ID(row.ID) != row.ID
	m.began = m.began || moves || m.books > 0 && row.Seq >= m.books
	if m.second[row.Seq] {
		return m.setAside(row)
	}
	_, listed, err := m.reps.lookup(row.ID)
	if err != nil || !m.began && !listed {
		m.noteHighest(row.ID)
		return row, err
	}
	c, err := m.Changeset(row)
	if err != nil {
		return row, err
	}
	if c.Lost {
		if moves {
			return row, errMovesLost(row.ID)
		}
		m.noteHighest(row.ID)
		return row, nil
	}
	if listed {
		if err := m.relist(c); err != nil {
			return row, err
		}
	}
	anew, err := m.anew(row, c, moves)
	if err != nil {
		return row, err
	}
	if anew {
		if err := m.replace(&row, c); err != nil {
			return row, err
		}
	}
	m.noteHighest(row.ID)
	return row, nil
}

// errMovesLost is the error of a move of a changeset of which only that is here which is left of it.
func errMovesLost(id changeset.ID) error {
	return fmt.Errorf("changeset %s is lost, so that it cannot be named anew: repair the replica with one that has it first", id)
}

// replace puts a changeset that is named anew, or has parents that are, into its row.
func (m *mover) replace(row *changeset.Row, c *changeset.Changeset) error {
	was := row.ID
	if c.ID != was && !c.Bookkeeping() {
		if err := m.unite(row.Seq, was, c); err != nil {
			return err
		}
		m.count[was.Origin]++
	}
	row.ID, row.Key = c.ID, m.objects.Put(m.tx.d, c.Encode())
	m.pending[row.Seq] = c
	made, err := m.own(row.Seq, was)
	for i := range c.Changes {
		m.touched[c.Changes[i].Record] = true
		if made && c.ID != was && c.Changes[i].Record.UUID == was.Origin {
			m.mine[c.Changes[i].Record] = true
		}
	}
	return err
}

// unite looks whether the log has an edit under its new name too, because it came under both. Then the lower of the two rows becomes bookkeeping: the log is
// replayed as before, the edit is in it once, and stands above what was made on top of it. What either row knows of it goes on the list.
func (m *mover) unite(seq uint32, was changeset.ID, c *changeset.Changeset) error {
	row, ok, err := m.lookup(c.ID)
	if err != nil || !ok {
		return err
	}
	other, err := m.at(row)
	if err != nil {
		return err
	}
	if m.moves.ID(c.ID) != c.ID || other.Bookkeeping() || !changeset.SameEdit(c, other) {
		return fmt.Errorf("changeset %s cannot be named %s: the log has another one of that name", was, c.ID)
	}
	if err := m.join(was, c, other); err != nil {
		return err
	}
	if row > seq {
		m.second[row] = true
	} else {
		c.Nullification, c.ID = true, changeset.ID{Origin: m.aside(), Seq: seq}
	}
	return nil
}

// join adds to the list what is known of an edit under the name that it had and under the one that it gets.
func (m *mover) join(was changeset.ID, c, other *changeset.Changeset) error {
	if m.reps == nil {
		return nil
	}
	before := *c
	before.ID = was
	one, err := m.bestNamed(&before)
	if err != nil {
		return err
	}
	two, err := m.bestNamed(other)
	if err != nil {
		return err
	}
	joined, err := changeset.Join(one, two)
	if err != nil {
		return err
	}
	return m.addBest(joined)
}

// bestNamed returns the best representation of a changeset, named anew.
func (m *mover) bestNamed(c *changeset.Changeset) (*changeset.Changeset, error) {
	best, err := m.reps.of(c)
	if err != nil {
		return nil, err
	}
	named := *best
	m.moves.Apply(&named)
	return &named, nil
}

// setAside makes bookkeeping of a row whose edit stands above.
func (m *mover) setAside(row changeset.Row) (changeset.Row, error) {
	c, err := m.Changeset(row)
	if err != nil {
		return row, err
	}
	if c.Lost {
		return row, errMovesLost(row.ID)
	}
	c.Nullification, c.ID = true, changeset.ID{Origin: m.aside(), Seq: row.Seq}
	err = m.replace(&row, c)
	return row, err
}

// relist adds the best representation of a changeset to the list under its new names, unless it has none. The rows with the old names stay: of one
// changeset only the last counts, and what is not in the log is passed over.
func (m *mover) relist(c *changeset.Changeset) error {
	best, err := m.reps.of(c)
	if err != nil {
		return err
	}
	named := *best
	if !m.moves.Apply(&named) {
		return nil
	}
	for i := range named.Changes {
		m.touched[named.Changes[i].Record] = true
	}
	return m.addBest(&named)
}

// anew names the changeset of a row anew, and reports whether that changed anything. Bookkeeping makes room for an edit that has its new name already.
func (m *mover) anew(row changeset.Row, c *changeset.Changeset, moves bool) (bool, error) {
	if !c.Bookkeeping() {
		return m.moves.Apply(c), nil
	}
	switch {
	case moves:
		c.ID = m.moves.ID(c.ID)
		if _, taken, err := m.lookup(c.ID); err != nil || taken {
			c.ID.Origin = m.aside()
			return true, err
		}
	case m.books > 0 && row.Seq >= m.books:
		c.ID.Origin = m.aside()
	}
	return c.ID != row.ID, nil
}

// aside is a name for bookkeeping that is in the way. It is none that a move gives: by those, the lowest number tells where the move began.
func (m *mover) aside() uuid.UUID {
	if m.put == uuid.Nil {
		m.put = m.tx.r.opts.NewUUID()
	}
	return m.put
}

func (m *mover) noteHighest(id changeset.ID) {
	m.highest[id.Origin] = max(m.highest[id.Origin], id.Seq)
}

// writeHighest writes the original's marks of those origins that have other numbers now.
func (m *mover) writeHighest() error {
	origins := []uuid.UUID{m.uuid}
	for _, move := range m.moves {
		origins = append(origins, move.From, move.To)
	}
	for _, origin := range origins {
		if origin != m.self {
			m.tx.d.Replace(m.name(markFile(origin)), strconv.AppendUint(nil, uint64(m.highest[origin]), 10))
		}
	}
	return nil
}

// notePeers lets the peers' logs be read again: what was read under old names is to be read under new ones.
func (m *mover) notePeers() error {
	peers, err := m.peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		p.Forget()
		m.met[p.UUID] = p
	}
	return nil
}

// castAgain casts the votes of the log's own voter that were moved: they stand under its former UUID, where they count no more.
func (m *mover) castAgain() error {
	for _, rec := range sorted(m.mine) {
		fingerprint, is := strings.CutPrefix(rec.Type, voteType)
		if !is || m.txLog != m.tx.res {
			continue
		}
		s, err := m.state(rec)
		if err != nil {
			return err
		}
		entries, err := m.load(rec, s)
		if err != nil {
			return err
		}
		if vote := ownVote(rec, m.asBefore(rec, entries)); vote != nil {
			if err := m.cast(answer{fingerprint, vote}); err != nil {
				return err
			}
		}
	}
	return nil
}

// asBefore returns the changes to a vote with what moved under the voter's old name.
func (m *mover) asBefore(rec changeset.RecordID, entries []resolution.Entry) []resolution.Entry {
	now := m.moves.ID(changeset.ID{Origin: rec.UUID, Seq: maxSeq}).Origin
	entries = slices.Clone(entries)
	for i := range entries {
		if entries[i].ID.Origin == now {
			entries[i].ID.Origin = rec.UUID
		}
	}
	return entries
}
