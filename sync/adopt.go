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
	ours, err := p.sourceIsOurs()
	if err != nil || !ours && len(p.missed) > 0 { // what it shows comes from what is not here
		return err
	}
	var shown []replica.Shown
	if !ours {
		if shown, err = p.shown(ctx); err != nil {
			return err
		}
	}
	done := *p.main.peer
	done.Adopt = false
	return p.update(ctx, func(tx *replica.Tx) (err error) {
		tx.SetPeer(done)
		p.report.Adopted, err = tx.Adopt(shown)
		return err
	})
}

// event is a change to a record in the log of the source.
type event struct {
	row     uint32
	ch      *changeset.Change
	nullify bool // it is part of a nullification
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
		s, ok, err := p.replay(rec, all)
		if err != nil {
			return nil, err
		}
		if ok {
			shown = append(shown, s)
		}
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
		} else if !known {
			items = append(items, item{row: row, from: p.from.Log()})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.row.Seq, b.row.Seq) })
	events := map[changeset.RecordID][]event{}
	err := eachFetched(ctx, slices.Values(items), func(f fetched) error {
		for i := range f.c.Changes {
			ch := &f.c.Changes[i]
			events[ch.Record] = append(events[ch.Record], event{f.row.Seq, ch, f.c.Nullification})
		}
		return nil
	})
	return events, err
}

// replay computes what the source shows of a record from the source's bookkeeping and the changes that were integrated. ok is false if
// the record has been changed by somebody else meanwhile, in a clone that was cut off: then it is theirs to say.
func (p *pull) replay(rec changeset.RecordID, events []event) (shown replica.Shown, ok bool, err error) {
	history, err := p.to.History(rec)
	if err != nil {
		return shown, false, err
	}
	for _, h := range history {
		if h.Changeset.Bookkeeping() {
			continue
		}
		row, ok := p.sources[h.Changeset.ID]
		if !ok {
			return shown, false, nil
		}
		events = append(events, event{row.Seq, h.Change, false})
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.row, b.row) })
	shown.Record = rec
	for _, e := range finished(events) {
		shown.Exists, shown.Props = replica.Replay(shown.Exists, shown.Props, e.ch)
	}
	return shown, true, nil
}

// finished leaves out the nullifications with which a log ends for a record: the original died before it logged what was to follow, so they settled nothing.
func finished(events []event) []event {
	for len(events) > 0 && events[len(events)-1].nullify {
		events = events[:len(events)-1]
	}
	return events
}
