package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func createCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "make a record",
		ArgsUsage: "TYPE [NAME=VALUE] ...",
		Category:  aboutRecords,
		Flags:     []cli.Flag{fileFlag()},
		Description: `
Makes a record of a type with these properties, and prints its local id and its
UUID. With --quiet it prints the local id alone.

  prophet create Ticket summary="Printer on fire" status=new
  prophet create Ticket summary="It crashes" --file log=crash.txt

A type needs no declaration; it is up to 100 of the letters a to z and A to Z,
digits, "_", "-" and ".", beginning with a letter or "_". The properties
"creator" and "original_replica" are added; they can be given, and left out with
"creator=". "prophet help properties" has more.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			return runCreate(c.Context, e, createOptions{globalsOf(c), args[0], args[1:], c.StringSlice("file")})
		},
	}
}

type createOptions struct {
	globals
	typ   string
	words []string // properties
	files []string // NAME=PATH
}

func runCreate(ctx context.Context, e *env, o createOptions) error {
	if err := changeset.CheckType(o.typ); err != nil {
		return usagef("create: %w", err)
	}
	props, err := e.properties(ctx, o.words, o.files)
	if err != nil {
		return err
	}
	var id changeset.RecordID
	r, err := e.openAndEdit(ctx, o.globals, func(edit *replica.Edit) (err error) {
		id, err = edit.Create(o.typ, props)
		return err
	})
	if err != nil {
		return err
	}
	rec, err := r.Record(id)
	if err != nil {
		return err
	}
	return showCreated(e.printer(o.globals), rec)
}

func showCreated(p *printer, rec *replica.Record) error {
	switch {
	case p.json:
		return p.writeJSON(newRecordDoc(rec, nil))
	case p.quiet:
		return p.linef("%s", shortID(rec.LocalID, rec.ID.UUID))
	}
	return p.linef("Created %s (%s)", recordName(rec.LocalID, rec.ID), rec.ID.UUID)
}
