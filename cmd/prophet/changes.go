package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
)

// changeLister prints changesets, as text or JSON.
type changeLister struct {
	p       *printer
	localID func(changeset.RecordID) (uint32, error)
}

// manyChanges is from how many changesets on the local ids are read at once.
const manyChanges = 1000

// newChangeLister returns a lister for about so many changesets.
func newChangeLister(p *printer, r *replica.Replica, n int) (*changeLister, error) {
	if n < manyChanges {
		return &changeLister{p, r.LocalID}, nil
	}
	ids, err := r.LocalIDs()
	if err != nil {
		return nil, err
	}
	return &changeLister{p, func(rec changeset.RecordID) (uint32, error) { return ids[rec.UUID], nil }}, nil
}

// print prints the changeset in a row of the log.
func (l *changeLister) print(row uint32, c *changeset.Changeset) error {
	if l.p.json {
		doc, err := newChangesetDoc(row, c, l.localID)
		if err != nil {
			return err
		}
		return l.p.writeJSON(doc)
	}
	if err := l.heading(row, c); err != nil {
		return err
	}
	named, err := l.named(c)
	if err != nil {
		return err
	}
	for _, ch := range named {
		if err := l.change(ch); err != nil {
			return err
		}
	}
	return nil
}

// namedChange is a change with the local id of its record.
type namedChange struct {
	id uint32
	*changeset.Change
}

// named returns the changes of a changeset in the order of the local ids.
func (l *changeLister) named(c *changeset.Changeset) ([]namedChange, error) {
	changes := make([]namedChange, len(c.Changes))
	for i := range c.Changes {
		id, err := l.localID(c.Changes[i].Record)
		if err != nil {
			return nil, err
		}
		changes[i] = namedChange{id, &c.Changes[i]}
	}
	slices.SortStableFunc(changes, func(a, b namedChange) int { return cmp.Compare(a.id-1, b.id-1) }) // those without one last
	return changes, nil
}

// heading prints the line about the changeset as a whole.
func (l *changeLister) heading(row uint32, c *changeset.Changeset) error {
	made := writerOf(c.Creator.Text, c.Created)
	if c.Bookkeeping() {
		made = c.Created + ", " + kindOf(c) + " (bookkeeping of the replica)"
	}
	return l.p.linef("%d  %s:%d  %s", row, c.ID.Origin.String()[:8], c.ID.Seq, made)
}

// change prints what was done to one record.
func (l *changeLister) change(ch namedChange) error {
	if err := l.p.linef("   %s %s", ch.Kind, recordName(ch.id, ch.Record)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		if err := l.write(ch.Kind, name, ch.Props[name]); err != nil {
			return err
		}
	}
	return nil
}

// write prints what was done to one property. Of a new record there is no old value to tell.
func (l *changeLister) write(kind changeset.Kind, name string, pc changeset.PropChange) error {
	if kind == changeset.Create && pc.Old.Text == "" {
		return l.p.cutf("     %s: %s", name, valueText(pc.New))
	}
	return l.p.cutf("     %s: %s -> %s", name, valueText(pc.Old), valueText(pc.New))
}

// valueText shows a value, or that there is none.
func valueText(v changeset.Value) string {
	if v.Text == "" {
		return "(none)"
	}
	return v.Text
}

// cutf prints one line of results as linef does, on a terminal with each text so short that the line is likely to fit.
func (p *printer) cutf(format string, args ...any) error {
	if p.e.OutWidth == 0 {
		return p.linef(format, args...)
	}
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = terminal.Truncate(terminal.Safe(s[:min(len(s), 64*p.e.OutWidth)]), p.e.OutWidth/len(args))
		}
	}
	_, err := fmt.Fprintf(p.e.Stdout, format+"\n", args...)
	return err
}
