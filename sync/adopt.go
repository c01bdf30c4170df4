package sync

import (
	"cmp"
	"context"
	"slices"

	"prophet/changeset"
	"prophet/replica"
)

// adopt makes a clone show what its source shows, where a replica of the original settled conflicts otherwise than our merge does:
// its log is replayed with its bookkeeping for the records whose history is not a straight line.
func (p *pull) adopt(ctx context.Context) error {
	if !p.main.peer.Adopt {
		return nil
	}
	if !p.from.Ours() {
		shown, err := p.shown(ctx)
		if err != nil {
			return err
		}
		if err := p.to.Update(ctx, func(tx *replica.Tx) (err error) {
			p.report.Adopted, err = tx.Adopt(shown)
			return err
		}); err != nil {
			return err
		}
	}
	p.main.peer.Adopt = false
	return p.to.Update(ctx, func(tx *replica.Tx) error { tx.SetPeer(p.main.peer); return nil })
}

// event is a change to a record in the log of the source.
type event struct {
	row uint32
	ch  *changeset.Change
}

// shown replays the source's log for the records of which the merge alone does not tell what the source shows.
func (p *pull) shown(ctx context.Context) ([]replica.Shown, error) {
	if err := p.loadSources(); err != nil {
		return nil, err
	}
	events, err := p.bookkeepingEvents(ctx)
	if err != nil {
		return nil, err
	}
	unsettled, err := p.to.Unsettled()
	if err != nil {
		return nil, err
	}
	for _, rec := range unsettled {
		if events[rec] == nil {
			events[rec] = []event{}
		}
	}
	var shown []replica.Shown
	for rec, all := range events {
		s, err := p.replay(rec, all)
		if err != nil {
			return nil, err
		}
		shown = append(shown, s)
	}
	slices.SortFunc(shown, func(a, b replica.Shown) int { return a.Record.Compare(b.Record) })
	return shown, nil
}

// bookkeepingEvents fetches the source's own bookkeeping: the rows that were not integrated.
func (p *pull) bookkeepingEvents(ctx context.Context) (map[changeset.RecordID][]event, error) {
	var items []item
	for id, row := range p.sources {
		if _, known, err := p.to.Lookup(id); err != nil {
			return nil, err
		} else if known {
			continue
		}
		r, err := p.from.Log().Row(row)
		if err != nil {
			return nil, err
		}
		items = append(items, item{row: r})
	}
	got, err := fetchAll(ctx, p.from.Log(), items)
	if err != nil {
		return nil, err
	}
	events := map[changeset.RecordID][]event{}
	for _, f := range got {
		for i := range f.c.Changes {
			ch := &f.c.Changes[i]
			events[ch.Record] = append(events[ch.Record], event{f.row.Seq, ch})
		}
	}
	return events, nil
}

// replay computes what the source shows of a record from the source's bookkeeping and the changes that were integrated.
func (p *pull) replay(rec changeset.RecordID, events []event) (replica.Shown, error) {
	shown := replica.Shown{Record: rec}
	history, err := p.to.History(rec)
	if err != nil {
		return shown, err
	}
	for _, h := range history {
		if row, ok := p.sources[h.Changeset.ID]; ok && !h.Changeset.Bookkeeping() {
			events = append(events, event{row, h.Change})
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.row, b.row) })
	for _, e := range events {
		shown.Exists, shown.Props = replica.Replay(shown.Exists, shown.Props, e.ch)
	}
	return shown, nil
}
