package sync

import (
	"github.com/google/uuid"

	"prophet/replica"
)

// loss is why a log's replica needs a new UUID.
type loss int

const (
	lossOfNothing    loss = iota // it needs none
	lossOfName                   // the source has its UUID and is no earlier state of it
	lossOfChangesets             // the source knows changesets of its own that it does not know
)

// shared reports whether the source has the target's UUID and is no earlier state of it.
func (s *side) shared() bool { return s.items.any(s.twin) }

// findLost finds out which logs' replicas need a new UUID.
func (p *pull) findLost() (err error) {
	for _, s := range p.sides() {
		if s.lost, err = s.findLoss(); err != nil {
			return err
		}
		p.warnOfLoss(s)
	}
	return nil
}

// renew gives them their new UUIDs with the first transaction of the pull, whatever that brings: it may log bookkeeping.
func (p *pull) renew(tx *replica.Tx) {
	p.renewed = map[*side]uuid.UUID{}
	for _, s := range p.sides() {
		if s.lost != lossOfNothing {
			s.renew(tx)
			p.renewVoter(tx, s)
		}
		p.renewed[s] = s.to().UUID()
	}
}

// noteRenewed reports the new UUIDs once that transaction is made.
func (p *pull) noteRenewed() {
	for _, s := range p.sides() {
		if was := p.renewed[s]; was != s.to().UUID() {
			p.report.Moved = append(p.report.Moved, Moved{Votes: s.votes, From: was, To: s.to().UUID()})
		}
		s.lost = lossOfNothing
	}
}

// findLoss reports whether the source knows changesets of the target's own that it does not know, or has its UUID and is no earlier state of it: the target was
// restored from a backup, or copied. Then it gets a new UUID before anything is integrated, because the numbers of its lost changesets must not be
// given again. Such a changeset is read first: a mirror that cannot show it cannot make us change our name.
func (s *side) findLoss() (loss, error) {
	for _, it := range s.items.all() {
		if s.twin(it) {
			return lossOfName, nil
		}
		if it.id.Origin != s.to().UUID() || it.mine.Seq > 0 {
			continue
		}
		c, err := s.from.Changeset(it.row)
		if err != nil {
			return lossOfNothing, err
		}
		if !c.Bookkeeping() {
			return lossOfChangesets, nil
		}
	}
	return lossOfNothing, nil
}

func (p *pull) warnOfLoss(s *side) {
	if p.opts.DryRun {
		return
	}
	switch s.lost {
	case lossOfName:
		p.opts.warn("%s and %s have one UUID, %s: one of them was copied or restored from a backup; %s gets a new one for what is made there from now on",
			s.named(p.to), s.named(p.from), s.from.UUID(), s.named(p.to))
	case lossOfChangesets:
		p.opts.warn("%s knows changesets of %s that it has lost: they come back, and it gets a new UUID for what it makes from now on", p.from.Where(), s.named(p.to))
	}
}

// twin reports whether an item shows that the source, which has the target's UUID, is no earlier state of it.
func (s *side) twin(it item) bool {
	return s.from.UUID() == s.to().UUID() && (it.mine.Seq != it.row.Seq || it.differs())
}
