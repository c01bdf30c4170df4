package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func restoreCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "bring a deleted record back",
		ArgsUsage: "ID [NAME=VALUE] ...",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "with the properties that it had after `CHANGESET`"},
			fileFlag(),
		},
		Description: `
Brings a deleted record back with the properties that it had before it was
deleted. Those named get another value; NAME= leaves one out.

"prophet search --deleted" lists what can be brought back.

  prophet restore 12
  prophet restore 12 status=open owner=
  prophet restore 12 --at 10b1e589:7

--at takes the properties as they were when that changeset was made, one of
those that "prophet history ID" lists: by its name, by the beginning of it as it
is printed, or by the number of its row.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			return runRestore(c.Context, e, restoreOptions{globalsOf(c), args[0], args[1:], c.StringSlice("file"), c.String("at"), c.IsSet("at")})
		},
	}
}

type restoreOptions struct {
	globals
	id    string
	words []string // properties
	files []string // NAME=PATH
	at    string   // a changeset
	isAt  bool
}

// restoreDoc is the JSON of restore.
type restoreDoc struct {
	Changeset string    `json:"changeset"`
	Record    recordDoc `json:"record"`
}

func runRestore(ctx context.Context, e *env, o restoreOptions) error {
	r, rec, props, err := e.openRecord(ctx, o.globals, o.id, o.words, o.files)
	if errors.Is(err, replica.ErrNoRecord) {
		return withHint(err, `"prophet search --deleted" lists what can be brought back`)
	}
	if err != nil {
		return err
	}
	var at changeset.ID
	if o.isAt {
		c, err := findChangeset(r, o.at)
		if err != nil {
			return err
		}
		at = c.ID
	}
	return restore(ctx, e.printer(o.globals), r, o.id, rec, at, props)
}

// restore brings a record back and says what it is now.
func restore(ctx context.Context, p *printer, r *replica.Replica, id string, rec changeset.RecordID, at changeset.ID, props map[string]string) error {
	var past *resolution.Result
	edited, err := r.Edit(ctx, checked(func(edit *replica.Edit) (err error) {
		past, err = edit.RestoreAt(rec, at, props)
		return err
	}))
	switch {
	case errors.Is(err, replica.ErrLives):
		return livesError(r, rec)
	case err != nil && !at.IsZero() && hintOf(err) == "":
		return withHint(err, `"prophet history %s" lists the changesets that touched it`, shellWord(id))
	case err != nil:
		return err
	}
	record, err := r.Record(rec)
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(restoreDoc{edited.ID.String(), newRecordDoc(record, nil)})
	}
	if err := p.donef("Restored %s (%s)", recordName(record.LocalID, rec), rec.UUID); err != nil {
		return err
	}
	for _, c := range past.Conflicts {
		if _, named := props[c.Prop]; !named {
			p.notef("%s was in conflict: it has what held then", c.Prop)
		}
	}
	return nil
}

// livesError says that a record is not deleted, and what may be meant.
func livesError(r *replica.Replica, rec changeset.RecordID) error {
	id, err := r.LocalID(rec)
	if err != nil {
		return err
	}
	state, err := r.State(rec)
	if err != nil {
		return err
	}
	lives := fmt.Errorf("%s (%s) is not deleted", recordName(id, rec), rec.UUID)
	if state.Existence != nil {
		return withHint(lives, `whether it lives is in conflict: "prophet resolve %s --take keep" decides`, shortID(id, rec.UUID))
	}
	return withHint(lives, `"prophet update %s NAME=VALUE" changes its properties, "prophet revert CHANGESET" undoes one of the changesets that "prophet history %[1]s" lists`, shortID(id, rec.UUID))
}
