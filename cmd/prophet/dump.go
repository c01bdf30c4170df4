package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func dumpCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "dump",
		Usage:    "print the whole replica as one JSON document",
		Category: aboutReplica,
		Flags:    []cli.Flag{&cli.BoolFlag{Name: "records", Usage: "print the present state of the records only"}},
		Description: `
Prints identity, changesets, records, people's decisions, local ids, peers and
what is known better of others' changesets than the log has it, with and without
--json. The names in it are those of replica format 1. It is printed as it is
read, so that a replica of any size can be dumped.

  prophet dump | gzip >bugs.json.gz
  prophet dump --records

It is for programs that look at a replica, and for people: no command reads it
back. A backup is a copy of the directory, which has the file config too; what
"prophet export" writes has all that was edited and decided.`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runDump(c.Context, e, dumpOptions{globalsOf(c), c.Bool("records")})
		},
	}
}

type dumpOptions struct {
	globals
	records bool
}

func runDump(ctx context.Context, e *env, o dumpOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	return r.Dump(contextWriter{ctx, e.exact()}, replica.DumpOptions{RecordsOnly: o.records})
}

// contextWriter writes to w until ctx ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(b)
}
