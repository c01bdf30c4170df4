package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/internal/propedit"
	"prophet/internal/terminal"
	"prophet/replica"
	"prophet/resolution"
)

// updateInEditor lets the user change the properties of a record as a text. What another process writes meanwhile is not overwritten.
func updateInEditor(ctx context.Context, e *env, g globals, r *replica.Replica, rec *replica.Record) error {
	open, err := r.State(rec.ID)
	if err != nil {
		return err
	}
	before := editText(rec, open)
	name := recordName(rec.LocalID, rec.ID)
	return e.edit(before, func(edited string) error {
		if propedit.Empty(edited) && len(rec.Props) > 0 {
			return fmt.Errorf("edit %s: %w", name, errEmptied)
		}
		props, err := propedit.Changes(before, edited)
		if err != nil {
			return err
		}
		return update(ctx, e.printer(g), r, rec.ID, props, func(edit *replica.Edit) error { return checkUnchanged(edit, rec.ID, props, rec.Props) })
	})
}

// editText is the text in which a person edits a record.
func editText(rec *replica.Record, open *resolution.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s (%s)\n", recordName(rec.LocalID, rec.ID), rec.ID.UUID)
	b.WriteString("# Lines that begin with # are ignored. To remove a property, delete its value\n# or its lines. To change nothing, delete all: an empty text is not taken.\n")
	b.WriteString("# A text of several lines stands, indented, under NAME: |\n")
	for _, c := range open.Conflicts {
		fmt.Fprintf(&b, "# In conflict: %s. \"prophet conflicts\" lists the rivals; another value decides.\n", terminal.Safe(c.Prop))
	}
	b.WriteString("\n" + propedit.Format(rec.Props))
	return b.String()
}

// checkUnchanged makes sure that the properties that are to be written are what they were when the user saw them.
func checkUnchanged(edit *replica.Edit, rec changeset.RecordID, props, was map[string]string) error {
	now, _, err := edit.Props(rec)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if now[name] != was[name] {
			return fmt.Errorf("%s was changed meanwhile by another process: it is %.200q now", name, now[name])
		}
	}
	return nil
}
