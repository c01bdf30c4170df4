package main

import (
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func logCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "log",
		Usage:     "list the edits in this replica, newest first",
		ArgsUsage: "[RANGE]",
		Category:  aboutReplica,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "list bookkeeping too, and without --limit all there is"},
			limitFlag("list at most the `N` newest of them"),
			&cli.StringFlag{Name: "record", Usage: "only what touches the record `ID`, which may be deleted"},
			&cli.StringFlag{Name: "by", Usage: "only what people made in whose address there is `WHO`"},
		},
		Description: `
Lists the 20 newest edits, or those of a range of rows, with all that they
change. The numbers are those of the rows of this replica's log: another replica
has the same edits under other numbers. LATEST is the last row, and LATEST~5
the one five before it; a range has both its ends. One end alone means from
there to the latest.

  prophet log
  prophet log -n 5 --by bob
  prophet log --record 12
  prophet log 3..7
  prophet log LATEST~10
  prophet log 10b1e589:7..LATEST

An end may be the name of a changeset, as it is printed: the beginning of the
replica's UUID, four characters or more, and the number there. A name alone
means this one changeset.

An edit that settled a conflict is marked with what it decided. --by compares
without regard to case. "prophet history" lists what was done to one record.

Rows that are bookkeeping of this replica, nullifications and resolutions, which
make its log come to what it shows and never travel, are listed with --all only,
and where one row alone is asked for. --json leaves them out likewise.

Of a long text that was changed, what is near the changes is shown:
[-this went-] and {+this came+}. --json has both texts whole.`,
		Action: func(c *cli.Context) error {
			o, err := newLogOptions(c)
			if err != nil {
				return err
			}
			return runLog(c.Context, e, o)
		},
	}
}

type logOptions struct {
	globals
	rng    string // "" if none was named
	all    bool   // bookkeeping too
	limit  uint32 // 0: none
	record string // "" for all records
	by     string // a part of the creator in lower case; "" for everybody
}

// usualLog is how many edits are listed unless the user says otherwise.
const usualLog = 20

func newLogOptions(c *cli.Context) (o logOptions, err error) {
	o = logOptions{globals: globalsOf(c), all: c.Bool("all"), record: c.String("record"), by: strings.ToLower(c.String("by"))}
	if o.rng, err = argument(c, "range"); err != nil {
		return o, err
	}
	for _, name := range []string{"record", "by"} {
		if c.IsSet(name) && c.String(name) == "" {
			return o, usagef("--%s is empty", name)
		}
	}
	if o.limit, err = limitOf(c); err == nil && o.limit == 0 && o.rng == "" && !o.all {
		o.limit = usualLog
	}
	return o, err
}

func runLog(ctx context.Context, e *env, o logOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rows, err := o.rows(r)
	if err != nil {
		return err
	}
	return o.list(ctx, newChangeLister(e.printer(o.globals), r), r, rows)
}

// rows returns the rows of the log to list from.
func (o *logOptions) rows(r *replica.Replica) (logRange, error) {
	rows := logRange{1, r.Latest()}
	if o.rng == "" {
		return rows, nil
	}
	text, err := numberEnds(r, o.rng)
	if err != nil {
		return rows, err
	}
	if rows, err = parseLogRange(text, r.Latest()); err != nil {
		return rows, withHint(usagef("log: %w", err), `write 3..7, 0..LATEST~5 or LATEST~10; "prophet help log" has more`)
	}
	o.all = o.all || rows.len() == 1
	return rows, nil
}

// list lists what the options want of the rows.
func (o *logOptions) list(ctx context.Context, l *changeLister, r *replica.Replica, rows logRange) error {
	decisions, shown, passed := r.Decisions(), uint32(0), 0
	for ev, err := range o.candidates(r, rows) {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return err
		case !o.wants(ev.Changeset):
			passed++
			continue
		}
		decided, err := decisions.Of(ev.Row.Seq, ev.Changeset)
		if err != nil {
			return err
		}
		if err := l.print(listed{ev.Row.Seq, ev.Changeset, decided}); err != nil {
			return err
		}
		if shown++; shown == o.limit {
			return nil
		}
	}
	switch {
	case shown > 0:
	case o.by != "":
		l.p.notef("nothing that is listed here was made by %.100q", o.by)
	case o.record != "":
		l.p.notef("nothing that is listed here touches that record")
	case passed > 0:
		l.p.notef("there is nothing but bookkeeping, which --all lists")
	}
	return nil
}

// wants reports whether a changeset passes the filters about it.
func (o *logOptions) wants(c *changeset.Changeset) bool {
	return (o.all || !c.Bookkeeping()) && strings.Contains(strings.ToLower(c.Creator.Text), o.by)
}

// candidates yields the changesets in rows of the log, newest first: those that touch the record, if one is named.
func (o *logOptions) candidates(r *replica.Replica, rows logRange) iter.Seq2[replica.Event, error] {
	if o.record != "" {
		return o.touching(r, rows)
	}
	return func(yield func(replica.Event, error) bool) {
		for row, err := range r.Log().Backward(rows.from, rows.to) {
			ev := replica.Event{Row: row}
			if err == nil {
				ev.Changeset, err = r.Log().Changeset(row)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

func (o *logOptions) touching(r *replica.Replica, rows logRange) iter.Seq2[replica.Event, error] {
	return func(yield func(replica.Event, error) bool) {
		var events []replica.Event
		rec, err := r.Find(o.record)
		if err == nil {
			events, err = r.History(rec)
		}
		if err != nil {
			yield(replica.Event{}, err)
			return
		}
		for _, ev := range slices.Backward(events) {
			if rows.from <= ev.Row.Seq && ev.Row.Seq <= rows.to && !yield(ev, nil) {
				return
			}
		}
	}
}

func limitFlag(usage string) cli.Flag {
	return &cli.Int64Flag{Name: "limit", Aliases: []string{"n"}, Usage: usage}
}

// limitOf returns what --limit says, 0 if it is not there.
func limitOf(c *cli.Context) (uint32, error) {
	n := c.Int64("limit")
	if c.IsSet("limit") && (n < 1 || n > math.MaxUint32) {
		return 0, usagef("--limit %d: want 1 or more", n)
	}
	return uint32(n), nil
}
