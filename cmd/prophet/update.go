package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func updateCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "change properties of a record",
		ArgsUsage: "ID [NAME=VALUE] ...",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			fileFlag(),
			ifFlag(),
			&cli.BoolFlag{Name: "edit", Aliases: []string{"e"}, Usage: "change them in your editor, which VISUAL or EDITOR names"},
		},
		Description: `
Writes the properties named; NAME= removes one. Those not named stay as they
are. If all of them have these values already, nothing is added to the log, but
where others could not get what the record is, because "prophet fsck --repair"
found a changeset of it to be lost. There an update sends all of it, and none
need be named.

  prophet update 12 status=open owner=ann@example.com
  prophet update 12 owner= --file body=notes.txt
  prophet update 12 --edit

--edit opens the properties as a text in the editor that VISUAL or EDITOR names,
else in vi. A text that is emptied changes nothing, and ends with exit code 1.

--if makes the update depend on what the record is when it is written: if one of
the properties named there has another value, or is in conflict, nothing is
done, and the exit code is 7. So of several processes one gets the job:

  prophet update 12 --if status=new status=taken owner=worker7

"prophet help claims" has more.

If a property is in conflict, writing it decides for the value written, even for
the one that holds for now. An update of a record that was edited and deleted
decides that it lives. "prophet help properties" has more.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			return runUpdate(c.Context, e, updateOptions{globalsOf(c), args[0], args[1:], c.StringSlice("file"), c.StringSlice("if"), c.Bool("edit")})
		},
	}
}

type updateOptions struct {
	globals
	id    string
	words []string // properties
	files []string // NAME=PATH
	ifs   []string // NAME=VALUE
	edit  bool
}

// updateDoc is the JSON of update.
type updateDoc struct {
	Changeset *string       `json:"changeset"` // null if nothing was changed
	Decided   []decisionDoc `json:"decided"`
	Record    recordDoc     `json:"record"` // as it is now
}

func runUpdate(ctx context.Context, e *env, o updateOptions) error {
	writes := len(o.words) + len(o.files)
	switch {
	case o.edit && writes > 0:
		return usagef("properties and --edit do not go together")
	case o.edit && len(o.ifs) > 0:
		return withHint(usagef("--if and --edit do not go together"), "--edit overwrites nothing that is changed meanwhile anyway")
	case !o.edit && writes == 0 && len(o.ifs) > 0:
		return errNothingToChange()
	}
	ifs, err := conditions(o.ifs)
	if err != nil {
		return err
	}
	r, props, err := e.openToWrite(ctx, o.globals, o.words, o.files)
	if err != nil {
		return err
	}
	rec, err := findLiving(r, o.id)
	if err != nil {
		return err
	}
	if o.edit {
		return updateInEditor(ctx, e, o.globals, r, rec)
	}
	if writes == 0 {
		return updateNothing(ctx, e.printer(o.globals), r, rec.ID)
	}
	return update(ctx, e.printer(o.globals), r, rec.ID, props, func(edit *replica.Edit) error { return edit.Expect(rec.ID, ifs) })
}

func errNothingToChange() error {
	return withHint(usagef("what to change is missing"), "write NAME=VALUE, or --edit to do it in your editor")
}

// updateNothing lets go to others what waits of a record because of what is lost, if something does.
func updateNothing(ctx context.Context, p *printer, r *replica.Replica, rec changeset.RecordID) error {
	edited, err := r.Edit(ctx, func(edit *replica.Edit) error { return edit.Update(rec, nil) })
	switch {
	case err != nil:
		return named(r, err)
	case edited.ID.IsZero():
		return errNothingToChange()
	}
	return showUpdated(p, r, rec, edited)
}

// update writes properties, unless check returns an error, and shows what that came to.
func update(ctx context.Context, p *printer, r *replica.Replica, rec changeset.RecordID, props map[string]string, check func(*replica.Edit) error) error {
	edited, err := r.Edit(ctx, checked(func(edit *replica.Edit) error {
		if err := check(edit); err != nil {
			return err
		}
		return edit.Update(rec, props)
	}))
	if err != nil {
		return named(r, err)
	}
	return showUpdated(p, r, rec, edited)
}

func showUpdated(p *printer, r *replica.Replica, id changeset.RecordID, edited replica.Edited) error {
	rec, err := r.Record(id)
	if err != nil {
		return err
	}
	decided, err := decisionDocs(r, edited.Decided)
	if err != nil {
		return err
	}
	name := recordName(rec.LocalID, id)
	switch {
	case p.json:
		return showUpdatedJSON(p, r, rec, edited, decided)
	case edited.ID.IsZero():
		return p.donef("%s (%s) is as it was: nothing to change", name, id.UUID)
	}
	if err := p.donef("Updated %s (%s)", name, id.UUID); err != nil {
		return err
	}
	return printDecisions(p, decided, false)
}

func showUpdatedJSON(p *printer, r *replica.Replica, rec *replica.Record, edited replica.Edited, decided []decisionDoc) error {
	open, err := r.State(rec.ID)
	if err != nil {
		return err
	}
	return p.writeJSON(updateDoc{changesetOrNull(edited.ID), decided, newRecordDoc(rec, open.OpenProps())})
}
