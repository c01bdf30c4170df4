package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

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
	PreferFrom Prefer = "from" // what would hold if the rivals that came in the pull were all there are: by a vote or rule, else the latest; and whether the record would live
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
	DryRun   bool // only find out what would come: the pull is made in memory, as a whole; random UUIDs that it gives are others than those of the real one
	Force    bool // even from another database
	Prefer   Prefer
	Adopt    bool                  // the pull makes a clone: adopt what a source of the original shows
	Format   string                // of a clone: replica.FormatLoose or replica.FormatParts; "": the usual one
	Batch    int                   // rows of the source that one transaction brings at most; 0, and what is more: 1024
	Progress func(done, total int) // is told how many of the rows of the source were read
	Warn     func(string)
	// Sleep waits before a mirror is looked at again that is being published to, until ctx is done at most; nil: by the clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// atMost returns the bound that was asked for, 0 if none was, unless that is above the usual one.
func atMost(asked, usual int) int {
	if asked <= 0 {
		return usual
	}
	return min(asked, usual)
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
	Represented int // changesets known already of which the source knew more, see docs/adr/0008-representations.md
	Opened      []Opened
	Rules       map[changeset.RecordID]replica.RuleSetting // those of the opened that are about rules, with the rules that are against each other
	Decided     []replica.Decision                         // by Options.Prefer
	Adopted     int                                        // records for which what the source shows was adopted
	Moved       []Moved                                    // where two replicas had one UUID
	Restored    int                                        // changesets that the target had lost, and got back; in a rehearsal of an import, that it would get
	Missed      int                                        // changesets that the source has lost, and those that build on them, which are not here either, and whose records the source has not edited since
	Latest      uint32                                     // rows in the log of the target afterwards
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
	to, err := target(ctx, to, opts.Prefer, opts.DryRun)
	if err != nil {
		return nil, err
	}
	p := newPull(to, from, opts)
	if err := p.persist(ctx, p.runPacks); err != nil {
		return nil, fmt.Errorf("pull from %s: %w", from.Where(), err)
	}
	return &p.report, nil
}

func newPull(to, from *replica.Replica, opts Options) *pull {
	return &pull{intake: newIntake(to, opts.Prefer), from: from, opts: opts, voter: to.Resolutions().UUID()}
}

// maxAttempts bounds how often a pull begins, because another process named anew what the target holds.
const maxAttempts = 3

// persist does what a pull or a comparison does, and begins again where another process moved changesets of the target meanwhile: nothing of what was
// found out before that holds any more. What was committed stays.
func (p *pull) persist(ctx context.Context, do func(ctx context.Context) error) error {
	defer p.from.LossIsTold()() // by what does not come
	for attempt := 1; ; attempt++ {
		if err := do(ctx); !errors.Is(err, errNamedAnew) || attempt == maxAttempts {
			return err
		}
		p.restart()
	}
}

// restart forgets what was found out of the target.
func (p *pull) restart() {
	p.intake.restart()
	p.voter, p.held, p.sources, p.missed, p.lostOf, p.blind = p.to.Resolutions().UUID(), nil, nil, nil, nil, false
	p.done, p.report.Known, p.report.Bookkeeping, p.ours = 0, 0, 0, nil
}

// pull is a pull that is under way.
type pull struct {
	intake
	from    *replica.Replica
	older   []replica.Published // states of the source before the one that is read, the latest first, none if it is read as its files say
	wrote   bool                // something was committed
	opts    Options
	done    int // rows read
	total   int
	later   int                 // rows of the source that come after the window which is read
	held    *batch              // of votes, to be committed when the first changesets are there
	voter   uuid.UUID           // of the target before the pull
	renewed map[*side]uuid.UUID // what a log's replica was called that is given a new UUID with the next transaction
	all     bool                // compare all, for Reidentify
	onVotes bool                // bring the votes, and nothing else, for Repair
	splits  bool                // the source has other edits under names of the target's own
	votes   *side
	main    *side
	list    *side                                 // nil if the source has no list of representations
	packs   bool                                  // the source was opened by its head
	ours    *bool                                 // the source is ours, if that was asked for
	sources map[changeset.ID]changeset.Row        // rows of the source's log, if they were needed
	sourced uint32                                // how many they are
	missed  map[changeset.ID]*changeset.Changeset // changesets that the source has lost and that are not here, and those that build on them
	lostOf  map[changeset.RecordID]bool           // records that lost ones of these touched
	blind   bool                                  // of a lost one it is not known what it touched
}

// sides are both logs, unless it is about votes alone. The people's decisions come first: the merge counts them, so that conflicts come up decided.
func (p *pull) sides() []*side {
	if p.onVotes {
		return []*side{p.votes}
	}
	return []*side{p.votes, p.main}
}

func (p *pull) run(ctx context.Context) error {
	if !p.onVotes {
		if err := p.takeBackLost(ctx); err != nil {
			return err
		}
	}
	if err := p.takeApart(ctx); err != nil {
		return err
	}
	if err := p.refuseForks(); err != nil {
		return err
	}
	if err := p.findLost(); err != nil {
		return err
	}
	if err := p.fetchAhead(ctx); err != nil {
		return err
	}
	already := maps.Clone(p.opened) // by moves, and by what came back, which decide nothing
	for _, s := range p.sides() {
		if err := p.pullLog(ctx, s); err != nil {
			return err
		}
	}
	if err := p.pullList(ctx); err != nil {
		return err
	}
	if err := p.commitHeld(ctx); err != nil {
		return err
	}
	if p.onVotes {
		return nil
	}
	if err := p.preferAlready(ctx, already); err != nil {
		return err
	}
	if p.later > 0 {
		return nil
	}
	if err := p.adopt(ctx); err != nil {
		return err
	}
	if err := p.tellMissed(); err != nil {
		return err
	}
	return p.finish()
}

// begin looks at what is known of the source.
func (p *pull) begin() error {
	main, err := p.known(p.to.Log(), p.from.UUID())
	if err != nil {
		return err
	}
	list, err := p.newsOfList(&main)
	if err != nil {
		return err
	}
	votes, err := p.known(p.to.Resolutions(), p.from.Resolutions().UUID())
	if err != nil {
		return err
	}
	to := p.to
	p.votes = &side{votes: true, what: "log of resolutions", from: p.from.Resolutions(), to: to.Resolutions, lookup: to.LookupVote, integrate: (*replica.Tx).IntegrateVote,
		setPeer: (*replica.Tx).SetVotesPeer, renew: (*replica.Tx).RenewVoter, count: &p.report.Votes,
		origins: to.VoteOrigins, newUUID: to.NewUUID, move: (*replica.Tx).MoveVotes, all: p.all,
		peer: &votes, read: votes.Read, last: (*replica.Peer).LastRow,
		marked: func(m replica.Mark) changeset.Row { return m.Resolutions }}
	p.main = &side{what: "log", from: p.from.Log(), to: to.Log, lookup: to.Lookup, integrate: (*replica.Tx).Integrate,
		setPeer: (*replica.Tx).SetPeer, renew: (*replica.Tx).Renew, count: &p.report.Integrated,
		origins: to.Origins, newUUID: to.NewUUID, move: (*replica.Tx).Move, all: p.all,
		peer: &main, read: main.Read, last: (*replica.Peer).LastRow,
		marked: func(m replica.Mark) changeset.Row { return m.Changesets }}
	p.votes.setLast, p.main.setLast = p.votes.setRead, p.main.setRead
	p.list = nil
	if list != nil && !p.onVotes {
		p.list = &side{list: true, what: "list of representations", from: list, to: to.Log, lookup: to.Lookup, integrate: represent,
			setPeer: (*replica.Tx).SetPeer, count: new(int),
			peer: &main, read: main.Representations, last: (*replica.Peer).LastRepresentation, setLast: (*replica.Peer).SetRepresented,
			marked: func(m replica.Mark) changeset.Row { return m.Representations }}
	}
	return nil
}

// known returns what is known of a log of the source. Elsewhere than it was found last, another copy of that replica may lie, which has its UUID and
// perhaps even the row that was read last: it is read from its beginning.
func (p *pull) known(l *replica.Log, source uuid.UUID) (replica.Peer, error) {
	peer, err := l.Peer(source)
	if p.all || strings.TrimSuffix(peer.URL, "/") != strings.TrimSuffix(p.from.Where(), "/") {
		peer.Forget()
	}
	if err != nil {
		return peer, err
	}
	if damage := peer.Damaged(); damage != nil {
		p.opts.warn("%v; so %s is read from its beginning", damage, p.from.Where())
	}
	turned, err := l.Turned(peer)
	if turned {
		p.opts.warn("%s no longer has what was read of %s, as after a restore from a backup: that is read again from its beginning", p.to.Where(), p.from.Where())
		peer.Lose()
	}
	return peer, err
}

// placeOf returns where a replica is found. What is damaged is no reason to take it for a copy.
func placeOf(r *replica.Replica) (replica.Place, error) {
	at := replica.Place{URL: r.Where(), Copy: r.Mirror()}
	if at.Copy {
		return at, nil
	}
	err := r.CheckEditable()
	if at.Copy = errors.Is(err, replica.ErrExported); at.Copy || errors.As(err, new(*replica.DamageError)) {
		return at, nil
	}
	return at, err
}

// pullLog brings over what is new in one log of the source.
func (p *pull) pullLog(ctx context.Context, s *side) (err error) {
	s.peer.Moved, s.peer.Stretches = s.moves, s.stretches
	at, err := placeOf(p.from)
	if err != nil {
		return err
	}
	s.peer.FoundAt(at)
	s.peer.Adopt = s.peer.Adopt || p.opts.Adopt && s == p.main
	_, named := p.from.PublishedState()
	s.peer.NoPacks = s == p.main && named && !p.packs && ReadOnly(p.from.Where())
	s.peer.OtherDatabase = s == p.main && p.to.Database() != p.from.Database()
	fetching, cancel := context.WithCancel(ctx)
	defer cancel()
	left := s.items.len()
	for b := range fetch(fetching, s.items, atMost(p.opts.Batch, batchRows)) {
		if b.err != nil {
			return b.err
		}
		left -= b.rows
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
	if left == 0 {
		return nil // all of it came, even if somebody wants no more
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

// commit integrates a batch, in one transaction or, where the records that it touches are large, in several.
func (p *pull) commit(ctx context.Context, s *side, b batch) error {
	missed := len(p.missed)
	for _, f := range b.lost {
		p.miss(s, f)
	}
	rest, added := b.changesets, 0
	for first := true; first || len(rest) > 0; first = false {
		n, left, err := p.transact(ctx, s, rest, b.last)
		if err != nil {
			return err
		}
		rest, added = left, added+n
	}
	p.account(s, b, added, len(p.missed)-missed)
	return nil
}

// transact integrates changesets until the transaction is large enough, and returns what is left. last is the row of the source up to which it has
// been read if nothing is.
func (p *pull) transact(ctx context.Context, s *side, changesets []fetched, last changeset.Row) (added int, left []fetched, err error) {
	next, represented := *s.peer, 0
	var opened replica.OpenedConflicts
	var decided []replica.Decision
	err = p.update(ctx, func(tx *replica.Tx) (err error) {
		p.noteBefore()
		p.renew(tx)
		if added, left, err = p.integrate(tx, s, changesets); err != nil {
			return err
		}
		if len(left) > 0 {
			last = changesets[len(changesets)-len(left)-1].row
		}
		if row, ok := p.readTo(s, last); ok {
			s.setLast(&next, row)
		}
		s.setPeer(tx, next)
		opened, represented = tx.Opened(), tx.Represented()
		decided, err = p.prefer(tx)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	*s.peer, p.wrote = next, true
	p.noteRenewed()
	p.report.Represented += represented
	p.report.Decided = append(p.report.Decided, decided...)
	p.opened.Add(opened)
	return added, left, nil
}

// account adds a batch of which so many changesets were integrated, and so many passed over because the source has lost what they are or build on, to the report.
func (p *pull) account(s *side, b batch, added, missed int) {
	*s.count += added
	if s == p.main {
		p.report.Bookkeeping += b.bookkeeping
		p.report.Known += b.rows - b.bookkeeping - added - missed
	}
	p.done += b.rows
	if p.opts.Progress != nil {
		p.opts.Progress(p.done, p.total)
	}
}

// integrate adds changesets to the target, with what the source's own log says of their parents, until the transaction is large enough.
func (p *pull) integrate(tx *replica.Tx, s *side, changesets []fetched) (added int, left []fetched, err error) {
	added, left, err = p.integrateSome(tx, s, changesets)
	if err == nil {
		err = tx.Settle()
	}
	return added, left, err
}

func (p *pull) integrateSome(tx *replica.Tx, s *side, changesets []fetched) (added int, left []fetched, err error) {
	for i, f := range changesets {
		if p.buildsOnMissed(f.c) {
			p.miss(s, f)
			continue
		}
		if s == p.main && !f.c.Bookkeeping() {
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
		if tx.Size() > batchBytes {
			return added, changesets[i+1:], nil
		}
	}
	return added, nil, nil
}
