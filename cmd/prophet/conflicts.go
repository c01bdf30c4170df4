package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
	"prophet/resolution"
)

func conflictsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "conflicts",
		Usage:     "list what is in conflict, with all rival values",
		ArgsUsage: "[ID]",
		Category:  aboutConflicts,
		Description: `
Two people changed the same property, and neither had seen the other's change:
both values are kept. One of them holds for now, by a rule that is the same in
every replica, until somebody decides. The rivals of a record are numbered;
"prophet resolve" takes the numbers. With ID it lists one record's conflicts.

  prophet conflicts
  prophet conflicts 12 --json

A record that one person edited and another one deleted is in conflict too. It
lives until somebody decides.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1)
			if err != nil {
				return err
			}
			return runConflicts(c.Context, e, conflictsOptions{globalsOf(c), args})
		},
	}
}

type conflictsOptions struct {
	globals
	id []string // one or none
}

func runConflicts(_ context.Context, e *env, o conflictsOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	open, err := openConflicts(r, o.id)
	if err != nil {
		return err
	}
	l := newConflictLister(e.printer(o.globals), r, r)
	for _, c := range open {
		if err := l.record(c.Record, c.Result); err != nil {
			return err
		}
	}
	if l.shown == 0 {
		l.p.notef("nothing is in conflict")
	}
	return nil
}

// openConflicts returns what is open about the record with the id, or about all.
func openConflicts(r *replica.Replica, id []string) ([]replica.OpenConflict, error) {
	if len(id) == 0 {
		return r.Conflicts()
	}
	rec, err := r.Find(id[0])
	if err != nil {
		return nil, err
	}
	result, err := r.Merged(rec)
	return []replica.OpenConflict{{Record: rec, Result: result}}, err
}

// The JSON of a conflict.
type (
	conflictDoc struct {
		ID     *uint32    `json:"id"`   // the record's local id; null if none was given
		Prop   string     `json:"prop"` // "" is the record's existence
		Rivals []rivalDoc `json:"rivals"`
		Type   string     `json:"type"`
		UUID   uuid.UUID  `json:"uuid"`
		Value  *string    `json:"value"` // what holds for now
		Why    string     `json:"why"`   // latest, vote or lives; empty if it was only tried
	}
	rivalDoc struct {
		Created string  `json:"created"` // UTC
		Creator *string `json:"creator"`
		Holds   bool    `json:"holds"`
		ID      string  `json:"id"` // of the changeset
		N       int     `json:"n"`
		Origin  string  `json:"origin"`
		Value   *string `json:"value"` // null removes the property
	}
)

// conflictDocs returns what is open about a record, one document a property.
func conflictDocs(r *replica.Replica, rec changeset.RecordID, result *resolution.Result) ([]conflictDoc, error) {
	id, err := r.LocalID(rec)
	if err != nil {
		return nil, err
	}
	var docs []conflictDoc
	for _, c := range replica.Choices(result) {
		if len(docs) == 0 || docs[len(docs)-1].Prop != c.Prop {
			docs = append(docs, conflictDoc{ID: idOrNull(id), Prop: c.Prop, Type: rec.Type, UUID: rec.UUID, Value: held(result, c.Prop), Why: c.Why})
		}
		d := &docs[len(docs)-1]
		d.Rivals = append(d.Rivals, rivalDoc{
			Created: c.Entry.Created,
			Creator: setOrNull(c.Entry.Creator),
			Holds:   c.Holds,
			ID:      c.Entry.ID.String(),
			N:       c.N,
			Origin:  c.Entry.ID.Origin.String(),
			Value:   setOrNull(c.Value),
		})
	}
	return docs, nil
}

// held returns what holds for now of a property in conflict, or of the record's existence.
func held(result *resolution.Result, prop string) *string {
	if c := result.Conflict(prop); c != nil {
		return setOrNull(c.Value)
	}
	keep := "keep"
	return &keep
}

func setOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// conflictLister prints conflicts, as text or JSON.
type conflictLister struct {
	p     *printer
	r     *replica.Replica
	where map[string]string // of the replicas that we exchange with, by UUID
	shown int
}

// newConflictLister lists conflicts of r to somebody who works on here, which may be another replica.
func newConflictLister(p *printer, r, here *replica.Replica) *conflictLister {
	l := &conflictLister{p: p, r: r, where: map[string]string{}}
	peers, _ := r.Peers() // it only helps to name a rival's replica
	for _, peer := range peers {
		if peer.URL != "" {
			l.where[peer.UUID.String()] = " at " + peer.URL
		}
	}
	l.where[r.UUID().String()] = " at " + r.Where()
	l.where[here.UUID().String()] = ", this one"
	return l
}

// record prints all that is open about a record.
func (l *conflictLister) record(rec changeset.RecordID, result *resolution.Result) error {
	docs, err := conflictDocs(l.r, rec, result)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if err := l.print(d); err != nil {
			return err
		}
	}
	return nil
}

func (l *conflictLister) print(d conflictDoc) error {
	l.shown++
	if l.p.json {
		return l.p.writeJSON(d)
	}
	if err := l.p.linef("%s", d.heading()); err != nil {
		return err
	}
	for _, rival := range d.Rivals {
		if err := l.rival(rival, d.Why); err != nil {
			return err
		}
	}
	return nil
}

// heading names what a conflict is about: "Ticket 12: status".
func (d *conflictDoc) heading() string {
	var id uint32
	if d.ID != nil {
		id = *d.ID
	}
	name := recordName(id, changeset.RecordID{Type: d.Type, UUID: d.UUID})
	if d.Prop == "" {
		return name + ": edited and deleted"
	}
	return name + ": " + d.Prop
}

// rival prints a rival in two lines: the value, and who wrote it.
func (l *conflictLister) rival(d rivalDoc, why string) error {
	mark, because := " ", ""
	if d.Holds {
		mark, because = "*", "; holds for now: "+whyText(why)
	}
	value := "(removed)"
	if d.Value != nil {
		value = terminal.Safe(*d.Value)
	}
	if err := l.line(fmt.Sprintf("%s %2d  %s", mark, d.N, value)); err != nil {
		return err
	}
	creator := ""
	if d.Creator != nil {
		creator = *d.Creator
	}
	return l.line("      " + terminal.Safe(writerOf(creator, d.Created)+", replica "+d.Origin[:8]+l.where[d.Origin]+because))
}

// line prints a line that is safe to show, cut to the width of a terminal.
func (l *conflictLister) line(text string) error {
	if l.p.e.OutWidth > 0 {
		text = terminal.Truncate(text, l.p.e.OutWidth)
	}
	_, err := fmt.Fprintln(l.p.e.Stdout, text)
	return err
}

func whyText(why string) string {
	switch why {
	case resolution.WhyVote:
		return "somebody decided so where the same rivals met"
	case resolution.WhyLives:
		return "a record lives until somebody decides"
	}
	return "it is the latest"
}
