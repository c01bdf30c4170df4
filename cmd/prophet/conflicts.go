package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
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
			arg, err := argument(c, "ID")
			if err != nil {
				return err
			}
			return runConflicts(c.Context, e, conflictsOptions{globalsOf(c), arg})
		},
	}
}

type conflictsOptions struct {
	globals
	id string // "" for all records
}

// most is how many lines of a value are shown: of one record all.
func (o *conflictsOptions) most() int {
	if o.id != "" {
		return 0
	}
	return fewLines
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
	l := newConflictLister(e.printer(o.globals), r, r, o.most())
	for _, c := range open {
		if err := l.record(c.Record, c.Result); err != nil {
			return err
		}
	}
	if l.shown == 0 {
		return noteNothing(l.p, r, o.id, open)
	}
	switch {
	case o.json:
	case r.CheckEditable() != nil:
		l.p.notef("what is marked with * holds until somebody decides; this is an exported copy: who wants to decide, does so in a clone of it")
	default:
		l.p.notef("%s", howToGoOn)
	}
	return nil
}

// noteNothing says that nothing is in conflict, or, if one record was asked about by its id, nothing about that, and how many others are.
func noteNothing(p *printer, r *replica.Replica, id string, asked []replica.OpenConflict) error {
	if id == "" {
		p.notef("nothing is in conflict")
		return nil
	}
	name, err := nameRecord(r, asked[0].Record)
	if err != nil {
		return err
	}
	if !asked[0].Result.Exists {
		name += ", which is deleted,"
	}
	others, err := r.InConflict()
	switch n := len(others); {
	case err != nil:
		return err
	case n == 0:
		p.notef("nothing about %s is in conflict", name)
	case n == 1:
		p.notef(`nothing about %s is in conflict; 1 other record is: "prophet conflicts" lists what is open`, name)
	default:
		p.notef(`nothing about %s is in conflict; %s are: "prophet conflicts" lists what is open`, name, counted(n, "other record"))
	}
	return nil
}

// howToGoOn is said under a list of conflicts.
const howToGoOn = `"prophet resolve" decides conflicts; until then what is marked with * holds`

// openConflicts returns what is open about the record with the id, or about all if it is "", in the order of the local ids.
func openConflicts(r *replica.Replica, id string) ([]replica.OpenConflict, error) {
	if id == "" {
		open, err := r.Conflicts()
		if err != nil {
			return nil, err
		}
		return open, inOrder(r, open)
	}
	rec, err := r.Find(id)
	if err != nil {
		return nil, err
	}
	result, err := r.Merged(rec)
	return []replica.OpenConflict{{Record: rec, Result: result}}, err
}

// inOrder sorts records in conflict by local id.
func inOrder(r *replica.Replica, open []replica.OpenConflict) (err error) {
	ids := map[changeset.RecordID]uint32{}
	for _, c := range open {
		if ids[c.Record], err = r.LocalID(c.Record); err != nil {
			return err
		}
	}
	sortByID(open, func(c replica.OpenConflict) uint32 { return ids[c.Record] })
	return nil
}
