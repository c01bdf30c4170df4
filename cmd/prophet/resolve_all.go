package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/replica"
)

// The JSON of resolve --all.
type (
	resolveAllDoc struct {
		Decided []decisionDoc `json:"decided"`
		Left    []leftDoc     `json:"left"`             // conflicts that could not be decided so
		Others  int           `json:"others,omitempty"` // conflicts that --property does not name, and that are open still

		props []string // what --property names; nil for all
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
	doc := resolveAllDoc{Left: []leftDoc{}, props: o.props}
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
	if doc.Others, err = openBeside(r, o.props); err != nil {
		return err
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

// openBeside counts the open conflicts that are about none of the properties, 0 if none is named.
func openBeside(r *replica.Replica, props []string) (n int, err error) {
	if len(props) == 0 {
		return 0, nil
	}
	open, err := r.Conflicts()
	for _, c := range open {
		for _, prop := range c.Result.OpenProps() {
			if !slices.Contains(props, prop) {
				n++
			}
		}
	}
	return n, err
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
		p.notef("%s", nothingAbout(d.props, d.Others))
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
	p.notef("%s decided, %s left%s", counted(len(d.Decided), "conflict"), counted(len(d.Left)+d.Others, "conflict"), d.notNamed())
	return nil
}

// nothingAbout says that there is nothing to decide about the properties, all if none is named, and how many other conflicts there are.
func nothingAbout(props []string, others int) string {
	var names []string
	for _, prop := range props {
		names = append(names, openName(prop))
	}
	about := "nothing about " + strings.Join(names, " or ") + " is in conflict; "
	switch others {
	case 0:
		return "nothing is in conflict"
	case 1:
		return about + "1 other is"
	}
	return about + fmt.Sprintf("%d others are", others)
}

// notNamed says how many of the conflicts that are left --property does not name.
func (d *resolveAllDoc) notNamed() string {
	switch {
	case d.Others == 0:
		return ""
	case len(d.Left) == 0:
		return ", which --property does not name"
	}
	return fmt.Sprintf(", of which --property does not name %d", d.Others)
}
