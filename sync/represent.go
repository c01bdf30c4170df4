package sync

import (
	"context"

	"prophet/changeset"
	"prophet/replica"
)

// sourceIsOurs reports whether the source is a replica of ours, or a mirror of one. It is asked once. Where that cannot be found out the pull fails: to take a
// replica of ours for one of the original would leave marks.
func (p *pull) sourceIsOurs() (bool, error) {
	if p.ours == nil {
		ours, err := p.from.Ours()
		if err != nil {
			return false, err
		}
		p.ours = &ours
	}
	return *p.ours, nil
}

// newsOfList returns the source's list of representations, nil if it has none. A mirror that the original made is not asked for it, and not asked
// whether it is one as long as its log has nothing new. Of a mirror with something new in the list, the logs are read anew: they have to be as new as
// the list, which names parents in them.
func (p *pull) newsOfList(peer *replica.Peer) (*replica.Log, error) {
	if p.from.Mirror() && (peer.V1 || peer.Read == 0) {
		if peer.V1 && peer.Read == p.from.Latest() {
			return nil, nil
		}
		ours, err := p.sourceIsOurs()
		if peer.V1 = !ours; peer.V1 || err != nil {
			return nil, err
		}
	}
	list, err := p.from.Representations()
	if err != nil {
		return nil, err
	}
	if same, err := p.sameList(list, peer); same || err != nil {
		return nil, err
	}
	if p.from.Mirror() {
		err = p.from.Refresh()
	}
	return list, err
}

// sameList reports whether the list has nothing that was not read. A mirror is taken at its word, if its mark does not deny that the last row is the one that
// was read.
func (p *pull) sameList(list *replica.Log, peer *replica.Peer) (bool, error) {
	if list.Latest() != peer.Representations || list.Latest() > 0 && !p.hasMark() {
		return false, nil
	}
	if list.Latest() == 0 {
		return true, nil
	}
	mark, told, err := p.from.Mark()
	last, known := peer.LastRepresentation()
	return err == nil && (!told || known && mark.Representations == last), err
}

// represent takes up a representation from a list. What it tells is no changeset that came.
func represent(tx *replica.Tx, c *changeset.Changeset) (added bool, err error) {
	_, err = tx.Represent(c)
	return false, err
}

// prepareList finds out which rows of the source's list are new, once its log has been read: the list names nothing that is not there.
func (p *pull) prepareList() error {
	if p.list == nil {
		return nil
	}
	if err := p.prepare(p.list); err != nil {
		return err
	}
	list := p.list.items
	p.total += list.len()
	last := map[changeset.ID]int{}
	for i, it := range list.all() {
		last[it.id] = i
	}
	for i, it := range list.all() {
		mine, ok, err := p.to.BestRow(it.id)
		if err != nil {
			return err
		}
		if last[it.id] != i || ok && mine.Key == it.row.Key { // a later row says more, or ours says the same
			list.entries[i].where = fromNowhere
		}
	}
	return nil
}

// pullList takes up what the source knows of changesets that both have.
func (p *pull) pullList(ctx context.Context) error {
	if err := p.prepareList(); err != nil || p.list == nil {
		return err
	}
	return p.pullLog(ctx, p.list)
}
