package main

import (
	"context"
	"math"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func logCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "log",
		Usage:     "list the changesets of this replica, newest first",
		ArgsUsage: "[RANGE]",
		Category:  aboutReplica,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "list all of them"},
			limitFlag("list at most the `N` newest of them"),
		},
		Description: `
Lists the 20 newest changesets, or those of a range of numbers, with all that
they change. The numbers are those of this replica's log: another replica has
the same changesets under other numbers. LATEST is the last one, and LATEST~5
the one five before it; a range has both its ends. One end alone means from
there to the latest.

  prophet log
  prophet log 3..7
  prophet log 0..LATEST~5
  prophet log LATEST~10
  prophet log 10b1e589:7..LATEST

An end may be the name of a changeset, as it is printed: the beginning of the
replica's UUID, four characters or more, and the number there. A name alone
means this one changeset.

An edit that settled a conflict is marked with what it decided.
Nullifications and resolutions are bookkeeping of this replica and marked as
such. "prophet history" lists what was done to one record.

Of a long text that was changed, what is near the changes is shown:
[-this went-] and {+this came+}. --json has both texts whole.`,
		Action: func(c *cli.Context) error {
			arg, err := argument(c, "range")
			if err != nil {
				return err
			}
			limit, err := limitOf(c)
			if err != nil {
				return err
			}
			return runLog(c.Context, e, logOptions{globals: globalsOf(c), rng: arg, all: c.Bool("all"), limit: limit})
		},
	}
}

type logOptions struct {
	globals
	rng   string // "" if none was named
	all   bool
	limit uint32 // 0: not given
}

// usualLog is how many changesets are listed unless the user says otherwise.
const usualLog = 20

func runLog(ctx context.Context, e *env, o logOptions) error {
	if o.all && o.rng != "" {
		return usagef("a range and --all do not go together")
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rows, err := o.rows(r)
	if err != nil {
		return err
	}
	l, err := newChangeLister(e.printer(o.globals), r, rows.len())
	if err != nil {
		return err
	}
	return listRows(ctx, l, r, rows)
}

// rows returns the rows of the log to list.
func (o *logOptions) rows(r *replica.Replica) (logRange, error) {
	latest := r.Latest()
	all := logRange{1, latest}
	switch {
	case o.rng != "":
		text, err := numberEnds(r, o.rng)
		if err != nil {
			return all, err
		}
		rows, err := parseLogRange(text, latest)
		if err != nil {
			return rows, withHint(usagef("%w", err), `write 3..7, 0..LATEST~5 or LATEST~10; "prophet help log" has more`)
		}
		return rows.lastOf(o.limit), nil
	case o.limit == 0 && !o.all:
		return all.lastOf(usualLog), nil
	}
	return all.lastOf(o.limit), nil
}

func listRows(ctx context.Context, l *changeLister, r *replica.Replica, rows logRange) error {
	log, decisions := r.Log(), r.Decisions()
	for row, err := range log.Backward(rows.from, rows.to) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := log.Changeset(row)
		if err != nil {
			return err
		}
		decided, err := decisions.Of(row.Seq, c)
		if err != nil {
			return err
		}
		if err := l.print(listed{row.Seq, c, decided}); err != nil {
			return err
		}
	}
	return nil
}

func limitFlag(usage string) cli.Flag {
	return &cli.Int64Flag{Name: "limit", Usage: usage}
}

// limitOf returns what --limit says, 0 if it is not there.
func limitOf(c *cli.Context) (uint32, error) {
	n := c.Int64("limit")
	if c.IsSet("limit") && (n < 1 || n > math.MaxUint32) {
		return 0, usagef("--limit %d: want 1 or more", n)
	}
	return uint32(n), nil
}
