package sync

import (
	"prophet/changeset"
	"prophet/replica"
)

// nameParents gives the changes of a changeset that was read from its maker's own log the parents that it does not bear: of each origin, the last ordinary
// changeset in the rows above that touches the record.
func (p *pull) nameParents(tx *replica.Tx, f fetched) error {
	for i := range f.c.Changes {
		ch := &f.c.Changes[i]
		if ch.Parents != nil {
			continue
		}
		if tells, err := p.from.Log().Tells(f.row); err != nil || !tells {
			return err
		}
		ids, err := tx.Touching(ch.Record)
		if err != nil {
			return err
		}
		if len(ids) > 0 { // of a new record nothing is above
			err = p.loadSources()
		}
		if err != nil {
			return err
		}
		above := replica.Above{}
		for _, id := range ids {
			if row, ok := p.sources[id]; ok && row.Seq < f.row.Seq {
				above.Add(row.Seq, id)
			}
		}
		ch.Parents = above.Parents()
	}
	return nil
}

// loadSources reads the index of the source, as far as it was not read yet.
func (p *pull) loadSources() error {
	if p.sources == nil {
		p.sources, p.sourced = map[changeset.ID]changeset.Row{}, 0
	}
	if p.sourced == p.from.Latest() {
		return nil
	}
	for row, err := range p.from.Log().Rows(p.sourced+1, p.from.Latest()) {
		if err != nil {
			return err
		}
		if id := p.main.name(row.ID); p.sources[id].Seq == 0 { // of two rows with one edit the first, which stays the first
			p.sources[id] = row
		}
		p.sourced = row.Seq
	}
	return stillNamed(p.from, "pull from it again")
}
