package sync

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// ErrOtherDatabase is wrapped by the error of a pull between replicas of different databases.
var ErrOtherDatabase = errors.New("another database")

// Prefer says who wins the conflicts that a pull opens or puts a new rival to.
type Prefer string

const (
	PreferNone Prefer = ""     // they are settled by rule for now and stay open
	PreferFrom Prefer = "from" // the latest of the rivals that came in the pull
	PreferTo   Prefer = "to"   // what was held before the pull
)

func (w Prefer) check() error {
	switch w {
	case PreferNone, PreferFrom, PreferTo:
		return nil
	}
	return fmt.Errorf("prefer %.50q: want %q or %q", w, PreferFrom, PreferTo)
}

// Options of a pull. The zero value serves.
type Options struct {
	DryRun   bool // only find out what would come
	Force    bool // even from another database
	Prefer   Prefer
	Adopt    bool                  // the pull makes a clone: adopt what a source of the original shows
	Progress func(done, total int) // is told how many of the rows of the source were read
	Warn     func(string)
}

func (o Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// Report says what a pull did.
type Report struct {
	Integrated  int // ordinary changesets that came
	Known       int // rows of the source that were here already
	Bookkeeping int // rows of the source's own bookkeeping, which stay there
	Votes       int // changesets of the resolutions replica that came
	Opened      []Opened
	Decided     []replica.Decision // by Options.Prefer
	Adopted     int                // records for which what the source shows was adopted
	Latest      uint32             // rows in the log of the target afterwards
}

// Opened is a conflict that a pull opened, or put a new rival to, and that is still open at its end. Prop is "" for the record's existence.
type Opened struct {
	Record changeset.RecordID
	Prop   string
	Before bool // it was open before the pull: it got a new rival
}

// Pull integrates into one replica what another one has and it has not.
// It commits in batches: a pull that was cut off goes on where it stopped.
func Pull(ctx context.Context, to, from *replica.Replica, opts Options) (*Report, error) {
	if to.Database() != from.Database() && !opts.Force {
		return nil, fmt.Errorf("pull from %s into %s: it is a replica of %w: %s, not %s",
			from.Where(), to.Where(), ErrOtherDatabase, from.Database(), to.Database())
	}
	if err := opts.Prefer.check(); err != nil {
		return nil, err
	}
	p := &pull{intake: newIntake(to, opts.Prefer), from: from, opts: opts}
	p.votes = &side{from: from.Resolutions(), to: to.Resolutions, lookup: to.LookupVote, integrate: (*replica.Tx).IntegrateVote,
		setPeer: (*replica.Tx).SetVotesPeer, renew: (*replica.Tx).RenewVoter, count: &p.report.Votes}
	p.main = &side{from: from.Log(), to: to.Log, lookup: to.Lookup, integrate: (*replica.Tx).Integrate,
		setPeer: (*replica.Tx).SetPeer, renew: (*replica.Tx).Renew, count: &p.report.Integrated}
	if err := p.run(ctx); err != nil {
		return nil, fmt.Errorf("pull from %s: %w", from.Where(), err)
	}
	return &p.report, nil
}

// pull is a pull that is under way.
type pull struct {
	intake
	from    *replica.Replica
	opts    Options
	done    int // rows read
	total   int
	held    *batch // of votes, to be committed when the first changesets are there
	votes   *side
	main    *side
	sources map[changeset.ID]changeset.Row // rows of the source's log, if they were needed
}

func (p *pull) run(ctx context.Context) error {
	for _, s := range []*side{p.votes, p.main} {
		if err := p.prepare(s); err != nil {
			return err
		}
	}
	if p.opts.DryRun {
		return p.dryRun(ctx)
	}
	// The people's decisions first, so that conflicts come up decided.
	for _, s := range []*side{p.votes, p.main} {
		if err := p.pullLog(ctx, s); err != nil {
			return err
		}
	}
	if err := p.commitHeld(ctx); err != nil {
		return err
	}
	if err := p.adopt(ctx); err != nil {
		return err
	}
	return p.finish()
}

// side is one of the two logs of the replicas: the one of changesets or the one of resolutions.
type side struct {
	from      *replica.Log
	to        func() *replica.Log // as it is now
	lookup    func(id changeset.ID) (uint32, bool, error)
	integrate func(tx *replica.Tx, c *changeset.Changeset) (bool, error)
	setPeer   func(tx *replica.Tx, p replica.Peer)
	renew     func(tx *replica.Tx)
	count     *int
	lost      bool         // the source has changesets of the target's own that it lost
	peer      replica.Peer // what is known of the source
	items     []item       // the rows of the source that were never read
}

// item is a row of the source. mine is the row here with the same ID, 0 if it is not known.
type item struct {
	row  changeset.Row
	mine changeset.Row
}

// prepare finds out which rows of the source are new.
func (p *pull) prepare(s *side) (err error) {
	if s.peer, err = s.to().Peer(s.from.UUID()); err != nil {
		return err
	}
	rows, err := p.newRows(s)
	if err != nil {
		return err
	}
	known := map[uint32]int{} // rows here, to the items that they are
	for i, row := range rows {
		s.items = append(s.items, item{row: row})
		seq, ok, err := s.lookup(row.ID)
		if err != nil {
			return err
		}
		if ok {
			known[seq] = i
		}
	}
	p.total += len(s.items)
	return s.findMine(known)
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
// If not, as after a restore from a backup, it is read again: what is known is known by its ID. A web mirror with nothing new is
// taken at its word, because a server without Range would have to send its whole index; publish refuses to turn a mirror back.
func (p *pull) newRows(s *side) ([]changeset.Row, error) {
	if s.peer.Read == s.from.Latest() && (s.peer.Read == 0 || p.from.Mirror()) {
		return nil, nil
	}
	if s.peer.Read > 0 && s.peer.Read <= s.from.Latest() {
		rows, err := collect(s.from, s.peer.Read)
		if err != nil {
			return nil, err
		}
		if last, ok := s.peer.LastRow(); ok && last == rows[0] {
			return rows[1:], nil
		}
	}
	if s.peer.Read > 0 {
		p.opts.warn("the log of %s is not the one that was read before: it is read again from its beginning", p.from.Where())
		s.peer.Read, s.peer.Row = 0, ""
	}
	return collect(s.from, 1)
}

func collect(l *replica.Log, from uint32) (rows []changeset.Row, err error) {
	for row, err := range l.Rows(from, l.Latest()) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// pullLog brings over what is new in one log of the source.
func (p *pull) pullLog(ctx context.Context, s *side) (err error) {
	if s.lost, err = p.lostOwn(s); err != nil {
		return err
	}
	s.peer.URL = p.from.Where()
	s.peer.Adopt = s.peer.Adopt || p.opts.Adopt && s == p.main
	fetching, cancel := context.WithCancel(ctx)
	defer cancel()
	for b := range fetch(fetching, s.from, s.items) {
		if b.err != nil {
			return b.err
		}
		if err := p.commitHeld(ctx); err != nil {
			return err
		}
		if s == p.votes {
			p.held = &b // they wait for the changesets, so that a pull that fails at once leaves nothing
			continue
		}
		if err := p.commit(ctx, s, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// commitHeld integrates the decisions that wait.
func (p *pull) commitHeld(ctx context.Context) error {
	if p.held == nil {
		return nil
	}
	b := *p.held
	p.held = nil
	return p.commit(ctx, p.votes, b)
}

// lostOwn reports whether the source knows changesets of the target's own that it does not know: it was restored from a backup, or copied. Then it gets a new UUID
// before anything is integrated, because the numbers of its lost changesets must not be given again. Such a changeset is
// read first: a mirror that cannot show it cannot make us change our name.
func (p *pull) lostOwn(s *side) (bool, error) {
	for _, it := range s.items {
		if it.row.ID.Origin != s.to().UUID() || it.mine.Seq > 0 {
			continue
		}
		c, err := s.from.Changeset(it.row)
		if err != nil {
			return false, err
		}
		if !c.Bookkeeping() {
			p.opts.warn("%s knows changesets of this replica that it has lost: they come back, and it gets a new UUID for what it makes from now on", p.from.Where())
			return true, nil
		}
	}
	return false, nil
}

// commit integrates a batch, in one transaction or, where the records that it touches are large, in several.
func (p *pull) commit(ctx context.Context, s *side, b batch) error {
	rest, added := b.changesets, 0
	for first := true; first || len(rest) > 0; first = false {
		n, left, err := p.transact(ctx, s, rest, b.last)
		if err != nil {
			return err
		}
		rest, added = left, added+n
	}
	p.account(s, b, added)
	return nil
}

// transact integrates changesets until the transaction is large enough, and returns what is left. last is the row of the source up to which it has been read if nothing is.
func (p *pull) transact(ctx context.Context, s *side, changesets []fetched, last changeset.Row) (added int, left []fetched, err error) {
	next := s.peer
	var opened map[changeset.RecordID]map[string]replica.Held
	var decided []replica.Decision
	err = p.to.Update(ctx, func(tx *replica.Tx) (err error) {
		if s.lost {
			s.renew(tx)
		}
		if added, left, err = p.integrate(tx, s, changesets); err != nil {
			return err
		}
		next.SetRead(last)
		if len(left) > 0 {
			next.SetRead(changesets[len(changesets)-len(left)-1].row)
		}
		s.setPeer(tx, next)
		opened = tx.Opened()
		decided, err = p.prefer(tx)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	s.peer, s.lost = next, false
	p.report.Decided = append(p.report.Decided, decided...)
	p.noteOpened(opened)
	return added, left, nil
}

// account adds a batch of which so many changesets were integrated to the report.
func (p *pull) account(s *side, b batch, added int) {
	*s.count += added
	if s == p.main {
		p.report.Bookkeeping += b.bookkeeping
		p.report.Known += b.rows - b.bookkeeping - added
	}
	p.done += b.rows
	if p.opts.Progress != nil {
		p.opts.Progress(p.done, p.total)
	}
}

// integrate adds changesets to the target, with what the source's own log says of their parents, until the transaction is large enough.
func (p *pull) integrate(tx *replica.Tx, s *side, changesets []fetched) (added int, left []fetched, err error) {
	for i, f := range changesets {
		if s == p.main && f.mine.Seq == 0 {
			if err := p.nameParents(tx, f); err != nil {
				return added, nil, err
			}
		}
		ok, err := s.integrate(tx, f.c)
		if err != nil {
			return added, nil, err
		}
		if ok {
			added++
			p.noteCame(f.c.ID)
		}
		if tx.Size() > batchBytes && !p.opts.DryRun {
			return added, changesets[i+1:], nil
		}
	}
	return added, nil, nil
}

// nameParents gives the changes of a changeset that was read from its maker's own log the parents that it does not bear: of each origin, the last ordinary
// changeset in the rows above that touches the record.
func (p *pull) nameParents(tx *replica.Tx, f fetched) error {
	for i := range f.c.Changes {
		ch := &f.c.Changes[i]
		if ch.Parents != nil {
			continue
		}
		if made, err := p.from.Log().Made(f.c.ID.Origin); err != nil || !made {
			return err
		}
		if err := p.loadSources(); err != nil {
			return err
		}
		ids, err := tx.Touching(ch.Record)
		if err != nil {
			return err
		}
		last := map[uuid.UUID]changeset.ID{}
		for _, id := range ids {
			row, ok := p.sources[id]
			if ok && row.Seq < f.row.Seq && row.Seq > p.sources[last[id.Origin]].Seq {
				last[id.Origin] = id
			}
		}
		ch.Parents = replica.ParentsOf(last)
	}
	return nil
}

// loadSources reads the whole index of the source.
func (p *pull) loadSources() error {
	if p.sources != nil {
		return nil
	}
	sources := make(map[changeset.ID]changeset.Row, p.from.Latest())
	for row, err := range p.from.Log().Rows(1, p.from.Latest()) {
		if err != nil {
			return err
		}
		sources[row.ID] = row
	}
	p.sources = sources
	return nil
}

// dryRun finds out what a pull would do, in memory and as one transaction that is never made.
func (p *pull) dryRun(ctx context.Context) error {
	return p.to.Try(func(tx *replica.Tx) error {
		for _, s := range []*side{p.votes, p.main} {
			for b := range fetch(ctx, s.from, s.items) {
				if b.err != nil {
					return b.err
				}
				added, _, err := p.integrate(tx, s, b.changesets)
				if err != nil {
					return err
				}
				p.account(s, b, added)
			}
		}
		decided, err := p.prefer(tx)
		if err != nil {
			return err
		}
		p.report.Decided = decided
		p.noteOpened(tx.Opened())
		if err := p.finishTry(tx); err != nil {
			return err
		}
		return ctx.Err()
	})
}
