package main

import (
	"context"
	"errors"
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
row in the log of this replica; LATEST is the last row, which may be bookkeeping
of a pull, or of a rule that was set.

  prophet revert 10b1e589:7
  prophet revert LATEST --dry-run

A property to which nobody has written since gets the value back that it had
before. A record that the changeset made is deleted, and one that it deleted is
restored. What was changed since stays as it is, and is named; so does a new
record that somebody has changed. If nothing can be undone for that reason, the
exit code is 1. If all was undone already, it is 0, and the changeset is named
by which.

A revert says that this one changeset shall not count. What another one did too,
later or without knowledge of this one, stays. If what it wrote is in conflict,
that is decided for what the other rivals say; if they say several things, it
stays as it is, and is named: then "prophet resolve" decides. So a record is
deleted that others deleted, and that this changeset alone keeps. A decision
that a record is kept, or for a value that held already, changed nothing that
could be undone, and no conflict that was decided opens again: "prophet delete"
or "prophet update" decides otherwise, and "prophet history" shows the values
that there were. Bookkeeping cannot be reverted. The changeset itself stays in
the log.`,
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
		Already   []string       `json:"already,omitempty"` // the changesets by which the rest was undone before
		Changeset *string        `json:"changeset"`         // null if nothing was changed
		Decided   []decisionDoc  `json:"decided"`
		DryRun    bool           `json:"dry_run,omitempty"`
		NotUndone []notUndoneDoc `json:"not_undone"`
		Reverted  string         `json:"reverted"`
		Undone    []decisionDoc  `json:"undone"`
	}
	notUndoneDoc struct {
		By    string    `json:"by,omitempty"` // the changeset that changed it since or did it too
		ID    *uint32   `json:"id"`
		Prop  string    `json:"prop"` // "" is the record
		Type  string    `json:"type"`
		UUID  uuid.UUID `json:"uuid"`
		Value *string   `json:"value"` // as it is
		Why   string    `json:"why"`   // changed, conflict, deleted, equal, rule or same

		name string // of the record, for people
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
	if errors.Is(err, replica.ErrBookkeeping) {
		return hintLastEdit(r, err)
	}
	if err != nil {
		return err
	}
	doc, err := o.doc(r, c, reverted, edited)
	if err != nil {
		return err
	}
	return o.show(e.printer(o.globals), doc)
}

// hintLastEdit adds to the error about a changeset that is bookkeeping which one in the log is the last that is none.
func hintLastEdit(r *replica.Replica, err error) error {
	for row, failed := range r.Log().Backward(1, r.Latest()) {
		if failed != nil {
			return err
		}
		c, failed := r.Log().Changeset(row)
		if failed != nil {
			return err
		}
		if c.Bookkeeping() {
			continue
		}
		name := shortName(c.ID.String())
		if found, failed := r.FindChangeset(name); failed != nil || found.ID != c.ID {
			name = c.ID.String()
		}
		return withHint(err, "only edits can be reverted; the last edit is %s", name)
	}
	return err
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
	doc := &revertDoc{Changeset: changesetOrNull(edited.ID), DryRun: o.dryRun, NotUndone: []notUndoneDoc{}, Reverted: c.ID.String()}
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
		left := notUndoneDoc{ID: idOrNull(id), Prop: n.Prop, Type: n.Record.Type, UUID: n.Record.UUID, Value: setOrNull(n.Value), Why: n.Why}
		if left.name, err = nameOf(r, id, n.Record); err != nil {
			return nil, err
		}
		if !n.By.IsZero() {
			left.By = n.By.String()
		}
		doc.NotUndone = append(doc.NotUndone, left)
	}
	for _, by := range reverted.Already {
		doc.Already = append(doc.Already, by.String())
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
	err := fmt.Errorf("nothing of changeset %s can be undone", shortName(doc.Reverted))
	if n := doc.sameAsBefore(); n != nil {
		id := shortID(idOf(n.ID), n.UUID)
		return withHint(err, `a conflict that was decided does not open again: "prophet history %s" shows what else was written, and %s decides otherwise`, id,
			`"`+commandLine("prophet", "update", id)+" "+shellWord(n.Prop)+`=VALUE"`)
	}
	return err
}

// sameAsBefore returns the first property that is what it was before the changeset, which decided it; nil if there is none.
func (d *revertDoc) sameAsBefore() *notUndoneDoc {
	for i, n := range d.NotUndone {
		if n.Why == replica.LeftSame && n.Prop != "" {
			return &d.NotUndone[i]
		}
	}
	return nil
}

func (o *revertOptions) showText(p *printer, doc *revertDoc) error {
	name := shortName(doc.Reverted)
	did := "Reverted"
	if o.dryRun {
		did = "Would revert"
	}
	switch {
	case len(doc.Undone) == 0 && len(doc.NotUndone) == 0:
		return p.donef("Everything that %s did was undone already%s: nothing to change", name, doc.byWhich())
	case len(doc.Undone) > 0:
		if err := doc.showUndone(p, did+" "+name); err != nil {
			return err
		}
	}
	if len(doc.Already) > 0 {
		p.notef("some of it was undone already%s", doc.byWhich())
	}
	for _, n := range doc.NotUndone {
		p.warnf("%s", n.text())
	}
	return nil
}

func (d *revertDoc) showUndone(p *printer, did string) error {
	if err := p.donef("%s:", did); err != nil {
		return err
	}
	for _, u := range d.Undone {
		if err := u.print(p, "  "+u.name+": ", u.undoneText()); err != nil {
			return err
		}
	}
	return printDecisions(p, d.Decided, d.DryRun)
}

// byWhich names what had undone something already: ", by 5ceaee3b:7 and 1f0e3dad:2".
func (d *revertDoc) byWhich() string {
	var names []string
	for _, id := range d.Already {
		names = append(names, shortName(id))
	}
	if len(names) == 0 {
		return ""
	}
	return ", by " + list(names)
}

// shortName is a changeset's ID as it is listed to people: "5ceaee3b:7".
func shortName(id string) string { return id[:8] + id[36:] }

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
	switch {
	case n.Prop == "":
		return n.name + " stays as it is: " + n.because()
	case n.Value == nil:
		return n.name + ": " + n.Prop + " is not there: " + n.because()
	}
	return fmt.Sprintf("%s: %s stays %.200q: %s", n.name, n.Prop, *n.Value, n.because())
}

// because is the reason.
func (n *notUndoneDoc) because() string {
	by := "another changeset"
	since := ""
	if n.By != "" {
		by = shortName(n.By)
		since = ", by " + by
	}
	switch n.Why {
	case replica.LeftChanged:
		return "it was changed since" + since
	case replica.LeftDeleted:
		return fmt.Sprintf(`it was deleted since; "prophet restore %s" brings it back`, shortID(idOf(n.ID), n.UUID))
	case replica.LeftConflict:
		return `it is in conflict, and the other rivals are several: "prophet resolve" decides`
	case replica.LeftEqual:
		return by + " did the same"
	case replica.LeftRule:
		return "nobody could read what it was before as a rule"
	case replica.LeftSame:
		if n.Prop == "" { // a decision that it is kept
			return fmt.Sprintf(`it was so before, too; "prophet delete %s" decides that it is deleted`, shortID(idOf(n.ID), n.UUID))
		}
		return "it was so before, too"
	}
	return n.Why
}
