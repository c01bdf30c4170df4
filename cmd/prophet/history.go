package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
)

func historyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "list the changes to a record, oldest first",
		ArgsUsage: "ID",
		Category:  aboutRecords,
		Description: `
Lists the changesets that touched a record, in the order in which they came to
this replica, and what each did to it. Works for deleted records too.

  prophet history 12

Each begins with its number in the log of this replica, its name (the replica
where it was made, and its number there), who made it and when. Nullifications
and resolutions are bookkeeping: they make this replica's log come to what the
record is, and stay here.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			return runHistory(c.Context, e, historyOptions{globalsOf(c), args[0]})
		},
	}
}

type historyOptions struct {
	globals
	id string
}

func runHistory(ctx context.Context, e *env, o historyOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rec, err := r.Find(o.id)
	if err != nil {
		return err
	}
	events, err := r.History(rec)
	if err != nil {
		return err
	}
	l, err := newChangeLister(e.printer(o.globals), r, len(events))
	if err != nil {
		return err
	}
	for _, ev := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		only := *ev.Changeset
		only.Changes = []changeset.Change{*ev.Change}
		if err := l.print(ev.Row.Seq, &only); err != nil {
			return err
		}
	}
	return nil
}
