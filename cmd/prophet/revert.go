package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func revertCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "revert",
		Usage:     "undo what a changeset did",
		ArgsUsage: "CHANGESET",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only say what would be undone"},
		},
		Description: `
Makes an edit that undoes one changeset. It is named by its ID, by the beginning
of that as "prophet log" and "prophet history" print it, or by the number of its
row in the log of this replica; LATEST is the last row.

  prophet revert 10b1e589:7
  prophet revert LATEST --dry-run

A property that still has the value that the changeset wrote gets the one back
that it had before. A record that the changeset made is deleted, and one that it
deleted is restored. What was changed since stays as it is, and is named; so
does a new record that somebody has changed. If nothing can be undone for that
reason, the exit code is 1. If all was undone already, it is 0.

If what the changeset wrote is in conflict, that is decided for what the other
rivals say; if they say several things, it stays as it is, and is named: then
"prophet resolve" decides. Bookkeeping cannot be reverted. The changeset itself
stays in the log.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			return runRevert(c.Context, e, revertOptions{globalsOf(c), args[0], c.Bool("dry-run")})
		},
	}
}

type revertOptions struct {
	globals
	changeset string
	dryRun    bool
}

// The JSON of revert.
type (
	revertDoc struct {
		Changeset *string        `json:"changeset"` // null if nothing was changed
		Decided   []decisionDoc  `json:"decided"`
		DryRun    bool           `json:"dry_run,omitempty"`
		NotUndone []notUndoneDoc `json:"not_undone"`
		Reverted  string         `json:"reverted"`
		Undone    []decisionDoc  `json:"undone"`
	}
	notUndoneDoc struct {
		ID    *uint32   `json:"id"`
		Prop  string    `json:"prop"` // "" is the record
		Type  string    `json:"type"`
		UUID  uuid.UUID `json:"uuid"`
		Value *string   `json:"value"` // as it is
		Why   string    `json:"why"`   // changed, deleted, conflict, rule or same
	}
)

func runRevert(ctx context.Context, e *env, o revertOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	c, err := findChangeset(r, o.changeset)
	if err != nil {
		return err
	}
	reverted, edited, err := o.revert(ctx, r, c)
	if err != nil {
		return err
	}
	doc, err := o.doc(r, c, reverted, edited)
	if err != nil {
		return err
	}
	return o.show(e.printer(o.globals), doc)
}

// revert makes the edit, or only finds out what it would be.
func (o *revertOptions) revert(ctx context.Context, r *replica.Replica, c *changeset.Changeset) (reverted replica.Reverted, edited replica.Edited, err error) {
	undo := func(edit *replica.Edit) (err error) {
		reverted, err = edit.Revert(c.ID)
		return err
	}
	if !o.dryRun {
		edited, err = r.Edit(ctx, undo)
		return reverted, edited, err
	}
	err = r.Try(func(tx *replica.Tx) (err error) {
		edited, err = tx.Edit(undo)
		return err
	})
	edited.ID = changeset.ID{}
	return reverted, edited, err
}

func (o *revertOptions) doc(r *replica.Replica, c *changeset.Changeset, reverted replica.Reverted, edited replica.Edited) (*revertDoc, error) {
	doc := &revertDoc{DryRun: o.dryRun, NotUndone: []notUndoneDoc{}, Reverted: c.ID.String()}
	if !edited.ID.IsZero() {
		id := edited.ID.String()
		doc.Changeset = &id
	}
	var err error
	if doc.Decided, err = decisionDocs(r, edited.Decided); err != nil {
		return nil, err
	}
	if doc.Undone, err = decisionDocs(r, reverted.Undone); err != nil {
		return nil, err
	}
	for _, n := range reverted.NotUndone {
		id, err := r.LocalID(n.Record)
		if err != nil {
			return nil, err
		}
		doc.NotUndone = append(doc.NotUndone, notUndoneDoc{idOrNull(id), n.Prop, n.Record.Type, n.Record.UUID, setOrNull(n.Value), n.Why})
	}
	return doc, nil
}

// show says what was undone and what was not.
func (o *revertOptions) show(p *printer, doc *revertDoc) error {
	if p.json {
		if err := p.writeJSON(doc); err != nil {
			return err
		}
	} else if err := o.showText(p, doc); err != nil {
		return err
	}
	if len(doc.Undone) > 0 || len(doc.NotUndone) == 0 {
		return nil
	}
	return fmt.Errorf("nothing of changeset %s can be undone", doc.Reverted)
}

func (o *revertOptions) showText(p *printer, doc *revertDoc) error {
	name := doc.Reverted[:8] + doc.Reverted[36:]
	switch {
	case len(doc.Undone) > 0 && o.dryRun:
		if err := p.linef("Would revert %s:", name); err != nil {
			return err
		}
	case len(doc.Undone) > 0:
		if err := p.donef("Reverted %s:", name); err != nil {
			return err
		}
	case len(doc.NotUndone) == 0:
		return p.donef("Everything that %s did was undone already: nothing to change", name)
	}
	for _, d := range doc.Undone {
		if err := p.donecutf("  %s: %s", d.name, d.undoneText()); err != nil {
			return err
		}
	}
	if err := printDecisions(p, doc.Decided); err != nil {
		return err
	}
	for _, n := range doc.NotUndone {
		p.warnf("%s", n.text())
	}
	return nil
}

// undoneText says what something is again.
func (d *decisionDoc) undoneText() string {
	switch {
	case d.Prop != "":
		return d.text()
	case *d.Value == replica.TakeDelete:
		return "deleted"
	}
	return "restored"
}

// text says why something stays as it is.
func (n *notUndoneDoc) text() string {
	rec := recordName(idOf(n.ID), changeset.RecordID{Type: n.Type, UUID: n.UUID})
	switch {
	case n.Prop == "" && n.Why == replica.WhyRule:
		return rec + " stays as it is: nobody could read it as the rule that it was"
	case n.Prop == "":
		return rec + " stays as it is: it was " + n.Why + " since"
	}
	value := "is not there"
	if n.Value != nil {
		value = fmt.Sprintf("stays %.200q", *n.Value)
	}
	why := map[string]string{
		replica.WhyChanged:  "it was changed since",
		replica.WhyConflict: `it is in conflict, and the other rivals are several: "prophet resolve" decides`,
		replica.WhyRule:     "nobody could read what it was before as a rule",
		replica.WhySame:     "it was that before, too",
	}[n.Why]
	return fmt.Sprintf("%s: %s %s: %s", rec, n.Prop, value, why)
}
