package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func restoreCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "bring deleted records back",
		ArgsUsage: "ID ... [NAME=VALUE] ...",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "with the properties that it had after `CHANGESET`"},
			fileFlag(),
		},
		Description: `
Brings deleted records back with the properties that they had before they were
deleted, all in one changeset, or none if one of them is not deleted. Properties
named get another value, in all of them; NAME= leaves one out.

"prophet search --deleted" lists what can be brought back.

  prophet restore 12
  prophet restore 3 5 a2348a2e
  prophet restore 12 status=open owner=
  prophet restore 12 --at 10b1e589:7

--at takes the properties as they were when that changeset was made, one of
those that "prophet history ID" lists for each of them: by its name, by the
beginning of it as it is printed, or by the number of its row.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			ids := len(args)
			if n := slices.IndexFunc(args, func(word string) bool { return strings.Contains(word, "=") }); n >= 0 {
				ids = n
			}
			if ids == 0 {
				return usagef("no record is named before %.300q", args[0])
			}
			return runRestore(c.Context, e, restoreOptions{globalsOf(c), args[:ids], args[ids:], c.StringSlice("file"), c.String("at"), c.IsSet("at")})
		},
	}
}

type restoreOptions struct {
	globals
	ids   []string
	words []string // properties
	files []string // NAME=PATH
	at    string   // a changeset
	isAt  bool
}

// restoreDoc is the JSON of restore.
type restoreDoc struct {
	Changeset string      `json:"changeset"`
	Record    recordDoc   `json:"record"` // the first of them
	Records   []recordDoc `json:"records"`
}

func runRestore(ctx context.Context, e *env, o restoreOptions) error {
	r, props, err := e.openToWrite(ctx, o.globals, o.words, o.files)
	if err != nil {
		return err
	}
	recs, err := findAllDeleted(r, o.ids)
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
	return restore(ctx, e.printer(o.globals), r, recs, at, props)
}

// findAllDeleted returns the records that the words name, each once; they may be deleted, or not.
func findAllDeleted(r *replica.Replica, words []string) (recs []changeset.RecordID, err error) {
	for _, word := range words {
		rec, err := r.Find(word)
		if errors.Is(err, replica.ErrNoRecord) {
			return nil, withHint(err, `"prophet search --deleted" lists what can be brought back`)
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(recs, rec) {
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// restore brings records back and says what they are now.
func restore(ctx context.Context, p *printer, r *replica.Replica, recs []changeset.RecordID, at changeset.ID, props map[string]string) error {
	past := map[changeset.RecordID]*resolution.Result{}
	var of changeset.RecordID // at work
	edited, err := r.Edit(ctx, checked(func(edit *replica.Edit) (err error) {
		for _, of = range recs {
			if past[of], err = edit.RestoreAt(of, at, props); err != nil {
				return err
			}
		}
		return nil
	}))
	switch {
	case errors.Is(err, replica.ErrLives):
		return livesError(r, of)
	case err != nil && !at.IsZero() && hintOf(err) == "":
		id, idErr := r.LocalID(of)
		if idErr != nil {
			return err
		}
		return withHint(err, `"prophet history %s" lists the changesets that touched it`, shortID(id, of.UUID))
	case err != nil:
		return err
	}
	doc := restoreDoc{Changeset: edited.ID.String()}
	for _, rec := range recs {
		record, err := r.Record(rec)
		if err != nil {
			return err
		}
		doc.Records = append(doc.Records, newRecordDoc(record, nil))
		if p.json {
			continue
		}
		if err := p.donef("Restored %s (%s)", recordName(record.LocalID, rec), rec.UUID); err != nil {
			return err
		}
	}
	if p.json {
		doc.Record = doc.Records[0]
		return p.writeJSON(doc)
	}
	for _, rec := range recs {
		for _, c := range past[rec].Conflicts {
			if _, named := props[c.Prop]; !named {
				p.notef("%s was in conflict: it has what held then", inSeveral(doc, rec, c.Prop))
			}
		}
	}
	return nil
}

// inSeveral names a property, and its record if several were restored.
func inSeveral(doc restoreDoc, rec changeset.RecordID, prop string) string {
	if len(doc.Records) < 2 {
		return prop
	}
	return prop + " of " + rec.String()
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
