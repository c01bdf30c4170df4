package main

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"prophet/replica"
)

// The JSON of resolve --all.
type (
	resolveAllDoc struct {
		Decided []decisionDoc `json:"decided"`
		Left    []leftDoc     `json:"left"` // conflicts that could not be decided so
	}
	leftDoc struct {
		ID   *uint32   `json:"id"`
		Prop string    `json:"prop"` // "" is the record's existence
		Type string    `json:"type"`
		UUID uuid.UUID `json:"uuid"`
		Why  string    `json:"why"` // for people

		name string // of the record, for people
	}
)

func runResolveAll(ctx context.Context, e *env, o resolveOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	open, err := r.Conflicts()
	if err != nil {
		return err
	}
	decided, left, err := r.TakeAll(ctx, o.take, o.props...)
	if err != nil {
		return err
	}
	doc := resolveAllDoc{Left: []leftDoc{}}
	if doc.Decided, err = decisionDocs(r, decided); err != nil {
		return err
	}
	for _, l := range left {
		id, err := r.LocalID(l.Record)
		if err != nil {
			return err
		}
		name, err := nameOf(r, id, l.Record)
		if err != nil {
			return err
		}
		doc.Left = append(doc.Left, leftDoc{idOrNull(id), l.Prop, l.Record.Type, l.Record.UUID, l.Err.Error(), name})
	}
	p := e.printer(o.globals)
	if err := doc.print(p); err != nil {
		return err
	}
	if err := noteAllGone(p, r, decided, open); err != nil || len(left) == 0 {
		return err
	}
	return errLeft
}

// noteAllGone says of all records that were deleted what of them was in conflict before.
func noteAllGone(p *printer, r *replica.Replica, decided []replica.Decision, before []replica.OpenConflict) error {
	if p.json {
		return nil
	}
	for _, c := range before {
		if !slices.Contains(decided, replica.Decision{Record: c.Record, Value: replica.TakeDelete}) {
			continue
		}
		var props []string
		for _, conflict := range c.Result.Conflicts {
			props = append(props, conflict.Prop)
		}
		if err := noteGone(p, r, c.Record, props); err != nil {
			return err
		}
	}
	return nil
}

func (d *resolveAllDoc) print(p *printer) error {
	sortByID(d.Decided, func(c decisionDoc) uint32 { return idOf(c.ID) })
	sortByID(d.Left, func(l leftDoc) uint32 { return idOf(l.ID) })
	if p.json {
		return p.writeJSON(d)
	}
	if len(d.Decided)+len(d.Left) == 0 {
		p.notef("nothing is in conflict")
		return nil
	}
	if err := printDecisions(p, d.Decided, false); err != nil {
		return err
	}
	for _, l := range d.Left {
		if err := p.linef("%s: %s is left: %s", l.name, openName(l.Prop), l.Why); err != nil {
			return err
		}
	}
	p.notef("%s decided, %s left", counted(len(d.Decided), "conflict"), counted(len(d.Left), "conflict"))
	return nil
}
