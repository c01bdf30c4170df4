package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func unpackCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "unpack",
		Usage:    "make a replica one of format 1, which the original reads",
		Category: aboutReplica,
		Description: `
Writes what the parts of a replica of format 2 have into a file for each
changeset, each version of a record and each record, as format 1 has it, notes
the format, and removes the parts. Programs of the original, and earlier
versions of prophet, then read it and edit it.

  prophet unpack

Others can read meanwhile, and who writes waits. If it is interrupted the
replica is still of format 2, and nothing is lost; run it again. For a copy that
others can clone there is no need of it: "prophet export" and "prophet publish"
always write format 1. The way back is a clone, which is of format 2.`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runUnpack(c.Context, e, globalsOf(c))
		},
	}
}

// unpackDoc is the JSON of unpack.
type unpackDoc struct {
	Format string `json:"format"` // of the replica now
	Was    string `json:"was"`    // before
}

func runUnpack(ctx context.Context, e *env, g globals) error {
	r, err := e.open(g)
	if err != nil {
		return err
	}
	doc := unpackDoc{Was: r.Format()}
	p := e.printer(g)
	progress := p.progress("unpacking", false)
	err = r.Unpack(ctx, func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		return ifInterrupted(ctx, err, "the replica is of format 2 still, and nothing is lost; run it again")
	}
	doc.Format = r.Format()
	if p.json {
		return p.writeJSON(doc)
	}
	if doc.Was == replica.FormatLoose {
		return p.donef("Nothing to do: %s is of format 1", r.Where())
	}
	return p.donef("Unpacked %s: it is of format 1 now", r.Where())
}

// formatFlag is the flag of commands that make a replica.
func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Usage: "make it of format 1 or `2`, the usual one: 2 keeps many changesets in one file, 1 is what the original reads and edits",
		Action: func(_ *cli.Context, format string) error {
			if format != replica.FormatLoose && format != replica.FormatParts {
				return withHint(usagef("--format %.100q is no format", format), "write 1 or 2")
			}
			return nil
		}}
}
