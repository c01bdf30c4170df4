package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/replica"
)

// missed is a changeset of the source that was passed over.
type missed struct {
	row     uint32 // of the source
	records []changeset.RecordID
}

// What a source has lost. Its log has the row, but nobody who was asked when it was repaired had the changeset. The row is passed over, and so is what builds on it. The source's log counts as read up to the first such
// row, so that all of that comes as soon as it is back there.

// takeBackLost stores what the target has lost and the source has.
func (p *pull) takeBackLost(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	n, twice, err := p.to.TakeBack(ctx, p.from)
	if n == 0 {
		return err
	}
	p.report.Restored += n
	for _, words := range cameBack(n, twice, p.to, p.from.Where()) {
		p.opts.warn("%s", words)
	}
	return err
}

// cameBack says that changesets which a replica had lost came back, and in how many records what had built on them was made again meanwhile.
func cameBack(n, twice int, to *replica.Replica, from string) []string {
	words := []string{fmt.Sprintf("%d of the changesets that %s had lost came back from %s", n, to.Where(), from)}
	if twice > 0 {
		words = append(words, fmt.Sprintf("what had built on those was made again in %d of the records: both count there, as edits that have not seen each other, and where the values of a property are added, both are", twice))
	}
	return words
}

// miss passes a changeset of the source over.
func (p *pull) miss(s *side, f fetched) {
	if p.missed == nil {
		p.missed = map[changeset.ID]missed{}
	}
	p.missed[f.c.ID] = missed{f.row.Seq, recordsOf(f.c)}
	if f.c.Lost {
		p.blind = p.blind || len(f.c.Changes) == 0
		for _, rec := range recordsOf(f.c) {
			if p.lostOf == nil {
				p.lostOf = map[changeset.RecordID]bool{}
			}
			p.lostOf[rec] = true
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

func recordsOf(c *changeset.Changeset) (recs []changeset.RecordID) {
	for i := range c.Changes {
		recs = append(recs, c.Changes[i].Record)
	}
	return recs
}

// standsFor reports whether the target has later changes, made in the source, of all the records that a changeset touches which was passed over: what that did came with them, for what waits of a record goes before its next
// edit under another name.
func (p *pull) standsFor(m missed) (bool, error) {
	for _, rec := range m.records {
		stands, err := p.wroteAfter(rec, m.row)
		if err != nil || !stands {
			return false, err
		}
	}
	return len(m.records) > 0, nil
}

// wroteAfter reports whether the target has a change to a record that was made in the source after a row of its log.
func (p *pull) wroteAfter(rec changeset.RecordID, row uint32) (bool, error) {
	versions, err := p.to.Log().Versions(rec)
	if err != nil {
		return false, err
	}
	for _, v := range versions {
		made, err := p.to.Log().Row(v.Seq)
		if err != nil {
			return false, err
		}
		if made.ID.Seq <= row {
			continue
		}
		if wrote, err := p.from.Log().Wrote(made.ID); err != nil || wrote {
			return wrote, err
		}
	}
	return false, nil
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

// warnOfMissed says what did not come.
func (p *pull) warnOfMissed() error {
	for _, m := range p.missed {
		stands, err := p.standsFor(m)
		if err != nil {
			return err
		}
		if !stands {
			p.report.Missed++
		}
	}
	if p.report.Missed > 0 {
		p.warnOfThem()
	}
	return nil
}

func (p *pull) warnOfThem() {
	p.opts.warn(`%s has lost changesets: %d of its changesets do not come, those and what builds on them, until they are back there, or their records are edited there again; %s`, p.from.Where(), p.report.Missed, p.remedyThere())
}

// remedyThere says who looks for what the source has lost.
func (p *pull) remedyThere() string {
	if at, err := placeOf(p.from); err == nil && at.Copy {
		return `whoever publishes it can look for them with "prophet fsck -r DIR --repair --from URL", in the replica that it is made from`
	}
	return fmt.Sprintf(`"prophet fsck -r %s --repair" looks for them`, quoted(p.from.Where()))
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
