package sync

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// Two replicas had one UUID, because one was restored from a backup or copied, and both were edited: their changesets are taken apart before a pull
// writes anything. docs/adr/0011-identity.md says who moves what.

// Moved says what a pull or [Reidentify] named anew in the target, where two replicas had one UUID.
type Moved struct {
	Votes      bool      // it is about the resolutions replica
	From, To   uuid.UUID // the old origin and the new one; for the target's own also its UUID before and now
	Changesets int       // that were moved; 0 if only the replica got a new UUID
}

// maxMoves bounds how often logs are compared again after a move: a move can be followed by that of what was moved.
const maxMoves = 8

// takeApart finds out what is new in the source, and moves what has to be moved before. All moves are rehearsed before the first is made, so that a source
// which forks one number after another changes nothing.
func (p *pull) takeApart(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := p.compare(ctx); err != nil {
			return err
		}
		if p.votes.plan.empty() && p.main.plan.empty() {
			p.total = p.done + p.later
			for _, s := range p.sides() {
				p.total += s.items.len()
			}
			p.warnOfMixed()
			return nil
		}
		if n == maxMoves {
			return &ForgedError{Here: p.to.Where(), There: p.from.Where()}
		}
		if n == 0 {
			if err := p.rehearse(ctx); err != nil {
				return err
			}
		}
		for _, s := range p.sides() {
			if err := p.move(ctx, s); err != nil {
				return err
			}
		}
	}
}

// rehearse takes apart what lies in the target as it is now, in memory, unless that is what p does already. Where a fork of others will stop the pull, nothing
// is moved but what collides with the target's own: of two pairs of copies that met others in between, each would wait for the other.
func (p *pull) rehearse(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	scratch, err := p.to.Scratch(ctx)
	if err != nil {
		return err
	}
	rehearsal := newPull(scratch, p.from, Options{DryRun: true})
	rehearsal.all, rehearsal.onVotes = p.all, p.onVotes
	if err := rehearsal.takeApart(ctx); err != nil || rehearsal.splits {
		return err
	}
	return rehearsal.refuseForks()
}

// compare finds out what is new in both logs of the source, under which names, and what has to be moved before.
func (p *pull) compare(ctx context.Context) error {
	if err := p.begin(); err != nil {
		return err
	}
	for _, s := range p.sides() {
		if err := p.prepare(s); err != nil {
			return err
		}
		if err := p.readMoved(ctx, s); err != nil {
			return err
		}
		if err := s.makePlan(ctx); err != nil {
			return err
		}
		if id := s.plan.forged; !id.IsZero() {
			return &ForgedError{ID: id, Here: p.to.Where(), There: p.from.Where()}
		}
		p.splits = p.splits || len(s.plan.split) > 0
	}
	return nil
}

// refuseForks returns a [replica.ForkError] if others' changesets are forked.
func (p *pull) refuseForks() error {
	for _, s := range p.sides() {
		if s.plan.fork != nil {
			return p.forkError(s, s.plan.fork)
		}
	}
	return nil
}

// forkError names a fork of others, with what is known of who can take it apart.
func (p *pull) forkError(s *side, f *fetched) error {
	maker, err := s.from.Own(f.row)
	if err != nil {
		return err
	}
	fork := &replica.ForkError{ID: f.id, Here: p.to.Where(), There: p.from.Where(), Maker: maker}
	if fork.Ours, err = s.to().Changeset(f.mine); err != nil {
		return err
	}
	if fork.Theirs, err = s.from.Changeset(f.row); err != nil {
		return err
	}
	if known, err := s.to().Peer(f.id.Origin); err == nil {
		fork.KnownHere = known.URL
	}
	if p.from.Mirror() {
		return fork // it shows nothing of whom it knows
	}
	if known, err := s.from.Peer(f.id.Origin); err == nil {
		fork.KnownThere = known.URL
	}
	return fork
}

// move does what the plan for a log says, in one transaction.
func (p *pull) move(ctx context.Context, s *side) error {
	if s.plan.empty() {
		return nil
	}
	var moved replica.Moved
	var opened replica.OpenedConflicts
	do := func(tx *replica.Tx) (err error) {
		p.noteBefore()
		if moved, err = s.move(tx, s.plan.moves, s.plan.books); err == nil {
			p.renewVoter(tx, s)
		}
		opened = tx.Opened()
		return err
	}
	if err := p.update(ctx, do); err != nil {
		return err
	}
	p.wrote = true
	p.opened.Add(opened)
	p.noteMove(s, moved)
	return nil
}

// renewVoter gives the resolutions replica a new UUID too, if the replica gets one and that did not: what two replicas with one UUID decide from now on
// would have one ID.
func (p *pull) renewVoter(tx *replica.Tx, s *side) {
	main, _ := tx.Renewed()
	if !s.votes && main != p.to.UUID() && p.to.Resolutions().UUID() == p.voter {
		tx.RenewVoter()
	}
}

// noteMove reports a move and tells of it.
func (p *pull) noteMove(s *side, moved replica.Moved) {
	own := slices.IndexFunc(s.plan.moves, func(m changeset.Move) bool { return m.To == moved.To })
	for _, m := range s.plan.moves {
		p.report.Moved = append(p.report.Moved, Moved{s.votes, m.From, m.To, moved.Changesets[m.From]})
	}
	if own < 0 {
		p.report.Moved = append(p.report.Moved, Moved{Votes: s.votes, From: moved.From, To: moved.To})
	}
	if p.opts.DryRun {
		return
	}
	for i, m := range s.plan.moves {
		p.warnOfMove(s, m, moved.Changesets[m.From], i == own)
	}
	if len(s.plan.moves) == 0 {
		p.opts.warn("%s and %s had one UUID, %s: one of them was copied or restored from a backup; the UUID of %s is now %s",
			s.named(p.to), s.named(p.from), moved.From, s.named(p.to), moved.To)
	}
}

func (p *pull) warnOfMove(s *side, m changeset.Move, n int, own bool) {
	if own {
		p.opts.warn("%s was copied or restored from a backup: %s has other edits under its UUID, %s; its own from number %d on, %d in all, are kept under %s, which is its UUID now",
			s.named(p.to), s.named(p.from), m.From, m.Seq, n, m.To)
		return
	}
	like := ""
	if s.items.any(func(it item) bool { return it.id.Origin == m.To }) {
		like = fmt.Sprintf(", as %s has them", s.named(p.from))
	}
	p.opts.warn("two replicas had the UUID %s: the edits of one of them from number %d on, %d in all, are kept under %s in %s from now on%s",
		m.From, m.Seq, n, m.To, s.named(p.to), like)
}

// named says of which replica and log a message is.
func (s *side) named(r *replica.Replica) string {
	if s.votes {
		return "the log of resolutions in " + r.Where()
	}
	return r.Where()
}

// Reidentify compares all of a replica with a peer and moves this replica's side of every fork, whoever made it, so that a pull from there, or by it,
// goes through. A replica that has the peer's UUID and is no earlier state of it gets a new one. Nothing is integrated.
func Reidentify(ctx context.Context, r, peer *replica.Replica, opts Options) ([]Moved, error) {
	p := newPull(r, peer, opts)
	p.all = true
	was := r.UUID()
	if err := p.persist(ctx, p.takeApart); err != nil {
		return nil, fmt.Errorf("compare with %s: %w", peer.Where(), err)
	}
	if r.UUID() != was || !p.main.shared() && !p.votes.shared() {
		return p.report.Moved, nil
	}
	if err := r.Reidentify(ctx); err != nil {
		return nil, err
	}
	return append(p.report.Moved, Moved{From: was, To: r.UUID()}), nil
}
