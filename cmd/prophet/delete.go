package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func deleteCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "delete records",
		ArgsUsage: "ID ...",
		Category:  aboutRecords,
		Flags:     []cli.Flag{ifFlag()},
		Description: `
Deletes all the records named, in one changeset, or none if one of them is not
there. What they were stays in the history. Conflicts about their properties go
with them, and are named.

  prophet delete 12
  prophet delete 3 5 a2348a2e
  prophet delete 12 --if status=done

With --if nothing is deleted, and the exit code is 7, if a property of one of
them has another value, or is in conflict.

If somebody edits a record while you delete it, and neither has seen the other's
change, the record lives and is in conflict until somebody decides. To delete it
again decides that it is deleted; to update it, that it lives.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			return runDelete(c.Context, e, deleteOptions{globalsOf(c), args, c.StringSlice("if")})
		},
	}
}

type deleteOptions struct {
	globals
	ids []string
	ifs []string // NAME=VALUE
}

// deleteDoc is the JSON of delete.
type deleteDoc struct {
	Changeset string        `json:"changeset"`
	Decided   []decisionDoc `json:"decided"`
	Records   []recordDoc   `json:"records"`
}

func runDelete(ctx context.Context, e *env, o deleteOptions) error {
	ifs, err := conditions(o.ifs)
	if err != nil {
		return err
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	recs, err := findAllToDelete(r, o.ids)
	if err != nil {
		return err
	}
	gone := map[changeset.RecordID][]string{}
	edited, err := r.Edit(ctx, func(edit *replica.Edit) error {
		for _, rec := range recs {
			if len(ifs) > 0 {
				if err := edit.Expect(rec, ifs); err != nil {
					return err
				}
			}
			if gone[rec], err = conflictsOf(edit, rec); err != nil {
				return err
			}
			if err := edit.Delete(rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return named(r, err)
	}
	p := e.printer(o.globals)
	if err := showDeleted(p, r, recs, edited); err != nil || p.json {
		return err
	}
	for _, rec := range recs {
		if err := noteGone(p, r, rec, gone[rec]); err != nil {
			return err
		}
	}
	return nil
}

// conflictsOf returns the properties of a record that are in conflict, which go with it when it is deleted.
func conflictsOf(edit *replica.Edit, rec changeset.RecordID) (props []string, err error) {
	result, err := edit.Merged(rec)
	if err != nil {
		return nil, err
	}
	for _, c := range result.Conflicts {
		props = append(props, c.Prop)
	}
	return props, nil
}

// noteGone says what of a record that was deleted was in conflict.
func noteGone(p *printer, r *replica.Replica, rec changeset.RecordID, props []string) error {
	if len(props) == 0 {
		return nil
	}
	id, err := r.LocalID(rec)
	if err != nil {
		return err
	}
	was := "was"
	if len(props) > 1 {
		was = "were"
	}
	p.notef(`%s of %s %s in conflict, which goes with the record; "prophet history %s" has the rivals`, list(props), recordName(id, rec), was, shortID(id, rec.UUID))
	return nil
}

// findAllToDelete returns the records that the words name, each once: such as live, or whose deletion others do not know of because of what is lost.
func findAllToDelete(r *replica.Replica, words []string) (recs []changeset.RecordID, err error) {
	for _, word := range words {
		id, err := r.Find(word)
		if err != nil {
			return nil, err
		}
		rec, err := r.Record(id)
		if err != nil {
			return nil, err
		}
		if rec.Deleted {
			waits, err := r.Log().Waits(id)
			if err != nil {
				return nil, err
			}
			if !waits {
				return nil, deletedError(r, rec)
			}
		}
		if !slices.Contains(recs, id) {
			recs = append(recs, id)
		}
	}
	return recs, nil
}

func showDeleted(p *printer, r *replica.Replica, recs []changeset.RecordID, edited replica.Edited) error {
	decided, err := decisionDocs(r, edited.Decided)
	if err != nil {
		return err
	}
	doc := deleteDoc{Changeset: edited.ID.String(), Decided: decided}
	for _, id := range recs {
		rec, err := r.Record(id)
		if err != nil {
			return err
		}
		doc.Records = append(doc.Records, newRecordDoc(rec, nil))
		if p.json {
			continue
		}
		if err := p.donef("Deleted %s (%s)", recordName(rec.LocalID, id), id.UUID); err != nil {
			return err
		}
	}
	if p.json {
		return p.writeJSON(doc)
	}
	return printDecisions(p, decided, false)
}
