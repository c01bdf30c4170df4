package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// What a source has lost. Its log has the row, but nobody who was asked when it was repaired had the changeset. The row is passed over, and so is what builds on it. The source's log counts as read up to the first such
// row, so that all of that comes as soon as it is back there.

// takeBackLost stores what the target has lost and the source has.
func (p *pull) takeBackLost(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	return p.takeBack(ctx, p.from, p.from.Where(), p.opts.Warn)
}

// takeBack takes from a replica, which what is told names as from, what the target has lost, and notes it as what came.
func (in *intake) takeBack(ctx context.Context, source *replica.Replica, from string, warn func(string)) error {
	before := in.to.Latest()
	back, err := in.to.TakeBack(ctx, source)
	if len(back.IDs) == 0 {
		return err
	}
	if !in.begun {
		in.begun, in.before = true, before
	}
	for _, id := range back.IDs {
		in.noteCame(id)
	}
	in.report.Restored += len(back.IDs)
	in.opened.Add(back.Opened)
	if warn != nil {
		text := fmt.Sprintf("%d of the changesets that %s had lost came back from %s", len(back.IDs), in.to.Where(), from)
		switch back.Others {
		case 0:
		case 1:
			text += "; 1 record shows something else than before"
		default:
			text += fmt.Sprintf("; %d records show something else than before", back.Others)
		}
		warn(text)
	}
	return err
}

// miss passes a changeset of the source over.
func (p *pull) miss(s *side, f fetched) {
	if p.missed == nil {
		p.missed = map[changeset.ID]*changeset.Changeset{}
	}
	p.missed[f.c.ID] = f.c
	if f.c.Lost {
		p.blind = p.blind || len(f.c.Changes) == 0
		for i := range f.c.Changes {
			if p.lostOf == nil {
				p.lostOf = map[changeset.RecordID]bool{}
			}
			p.lostOf[f.c.Changes[i].Record] = true
		}
	}
	if s.missed == 0 || f.row.Seq < s.missed {
		s.missed = f.row.Seq
	}
}

// buildsOnMissed reports whether a changeset names one that was passed over as a parent, or may have: one that does not say what its maker had seen of a record that a lost one touched.
func (p *pull) buildsOnMissed(c *changeset.Changeset) bool {
	if len(p.missed) == 0 {
		return false
	}
	missed := func(id changeset.ID) bool { _, is := p.missed[id]; return is }
	return slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool {
		return ch.Parents == nil && (p.blind || p.lostOf[ch.Record]) || slices.ContainsFunc(ch.Parents, missed)
	})
}

// copiesOf returns which changes to a record the target has, or has copies of, by the changesets that made them; none of a record that it does not have.
func (p *pull) copiesOf(rec changeset.RecordID) (map[changeset.ID]bool, error) {
	versions, err := p.to.Log().Versions(rec)
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	history, err := p.to.History(rec)
	has := map[changeset.ID]bool{}
	for i := range history {
		has[history[i].Changeset.ID], has[history[i].Change.CopyOf] = true, true
	}
	delete(has, changeset.ID{}) // no copy
	return has, err
}

// readTo returns the row up to which the source counts as read, where it was read to another one; ok is false if that is no more than before.
func (p *pull) readTo(s *side, row changeset.Row) (to changeset.Row, ok bool) {
	first := s.missed
	if s == p.list && len(p.missed) > 0 { // what it tells of those is of no use yet
		return row, false
	}
	switch {
	case first == 0 || row.Seq < first:
		return row, true
	case first <= s.items.first:
		return row, false
	}
	return s.items.row(int(first - 1 - s.items.first)), true
}

// tellMissed says what did not come. Of that, the target may have copies: what waits of a record is copied before its next edit.
func (p *pull) tellMissed() error {
	copies := map[changeset.RecordID]map[changeset.ID]bool{}
	missed, err := p.missedChanges()
	if err != nil {
		return err
	}
	for id, c := range p.missed {
		copied := true // also of what is lost so that nothing of it is left: nobody can say what is missed
		for i := range c.Changes {
			ch := &c.Changes[i]
			has, known := copies[ch.Record]
			if !known {
				var err error
				if has, err = p.copiesOf(ch.Record); err != nil {
					return err
				}
				copies[ch.Record] = has
			}
			copied = copied && (missed[ch.Record] == nil || has[id] || has[ch.CopyOf])
		}
		if !copied {
			p.report.Missed++
		}
	}
	if p.report.Missed > 0 {
		p.opts.warn(`%s has lost changesets: %d of its changesets do not come, those and what builds on them, until they are back there, or their records are edited there again; %s`, p.from.Where(), p.report.Missed, p.remedyThere())
	}
	return nil
}

// missedChanges returns the changes that did not come, by record, without the records that nobody misses.
func (p *pull) missedChanges() (map[changeset.RecordID][]resolution.Entry, error) {
	missed := map[changeset.RecordID][]resolution.Entry{}
	for id, c := range p.missed {
		for i := range c.Changes {
			rec := c.Changes[i].Record
			missed[rec] = append(missed[rec], resolution.Entry{ID: id, Created: c.Created, Change: &c.Changes[i], Waits: true})
		}
	}
	for rec, entries := range missed {
		versions, err := p.to.Log().Versions(rec)
		if err != nil {
			return nil, err
		}
		if replica.NobodyMisses(entries, len(versions) > 0) {
			delete(missed, rec)
		}
	}
	return missed, nil
}

// remedyThere says who looks for what the source has lost.
func (p *pull) remedyThere() string {
	if at, err := placeOf(p.from); err == nil && at.Copy {
		return `whoever publishes it can look for them with "prophet fsck -r DIR --repair --from URL", or go on without with "prophet fsck -r DIR --repair --release", in the replica that it is made from`
	}
	where := quoted(p.from.Where())
	return fmt.Sprintf(`"prophet fsck -r %s --repair" looks for them, "prophet fsck -r %s --repair --release" goes on without`, where, where)
}

// quoted is a name as a shell takes it.
func quoted(name string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-:+@%,=", c)
	}
	if name != "" && strings.TrimFunc(name, plain) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
