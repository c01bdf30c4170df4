package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func resolveCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "resolve",
		Usage:     "decide what is in conflict",
		ArgsUsage: "[ID] [NAME=VALUE ...]",
		Category:  aboutConflicts,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "take", Aliases: []string{"t"}, Usage: "take rival number `N`, or mine, theirs, latest, holds, merged, keep or delete"},
			&cli.StringSliceFlag{Name: "property", Aliases: []string{"p"}, Usage: "only the property `NAME`, with --take or to be asked; it may be given several times"},
			&cli.BoolFlag{Name: "all", Usage: "decide all conflicts of all records with --take; list what is left"},
			fileFlag(),
		},
		Description: `
Decides the conflicts that "prophet conflicts" lists: with the values that shall
hold, which need not be among the rivals, or by taking rivals. A decision is an
edit like any other, and travels with the next pull or push. It holds
everywhere.

  prophet resolve
  prophet resolve 12 status=open
  prophet resolve 12 --take 2
  prophet resolve 12 --take theirs --property status
  prophet resolve 12 --property status
  prophet resolve --all --take holds

Without a value and without --take it goes through the conflicts one by one, on
a terminal, and asks; with ID through those of that record, with --property
through those of that property. Each answer is committed at once. If conflicts
that it went through are left in the end, the exit code is 3.

--take N takes the rival with that number, and decides that property alone. The
numbers are those of the list as it is now: each decision may change them, so
look again, with "prophet conflicts ID", before the next.

"mine" takes what was written in this replica, "theirs" what was written in
others, "latest" what was written last: for all conflicts of the record, or for
those of the properties named by --property. "holds" takes what holds for now,
by a rule, such as a sum that no rival wrote, by a vote, or as the latest; a
record that was edited and deleted lives. "merged" takes the changes of both,
where there are two rivals that were made from one value, and their changes do
not overlap: line by line in a text with line breaks, else word by word. Lists
under the rule union are merged element by element, and always can be. "keep"
and "delete" decide whether a record lives that was edited and deleted. Of one
record, all that --take is to decide is decided, or nothing.

--all decides what can be decided so of all records, in one transaction. What is
left is listed, and the exit code is 3: where there is no one value of mine or
theirs, what cannot be merged, and the properties of a record of which it is
open whether it lives, because writing one would keep it. For the same reason
these are not asked about where it was skipped whether the record lives. What
--property does not name is only counted. Who decides about one record gets 0,
whatever else about it is in conflict still, which is named.`,
		Action: func(c *cli.Context) error {
			o, err := newResolveOptions(c)
			if err != nil {
				return err
			}
			switch {
			case o.all:
				return runResolveAll(c.Context, e, o)
			case o.asks():
				return runWalk(c.Context, e, o)
			}
			return runResolve(c.Context, e, o)
		},
	}
}

type resolveOptions struct {
	globals
	id    string   // "" for all records
	words []string // properties to write
	files []string // NAME=PATH
	take  string
	props []string // of which something is taken
	all   bool
}

func newResolveOptions(c *cli.Context) (o resolveOptions, err error) {
	args, err := arguments(c, 0, -1)
	if err != nil {
		return o, err
	}
	take := c.StringSlice("take")
	if len(take) > 1 {
		return o, usagef("--take is given twice")
	}
	o = resolveOptions{globals: globalsOf(c), files: c.StringSlice("file"), take: strings.Join(take, ""), props: c.StringSlice("property"), all: c.Bool("all")}
	if len(args) > 0 {
		o.id, o.words = args[0], args[1:]
	}
	return o, o.check(c.IsSet("take"))
}

// asks reports whether the user is to be asked what shall hold.
func (o *resolveOptions) asks() bool { return o.take == "" && len(o.words)+len(o.files) == 0 }

// check finds what is wrong with the options whatever the record.
func (o *resolveOptions) check(takes bool) error {
	_, notNumber := strconv.Atoi(o.take)
	writes := len(o.words) + len(o.files)
	switch {
	case !o.all && strings.Contains(o.id, "="): // no ID has one
		return withHint(usagef("%.100q is no ID of a record: it comes before the properties", o.id), `"prophet conflicts" lists the records that are in conflict`)
	case o.all && (o.id != "" || writes > 0):
		return usagef("--all goes with --take alone, without ID and properties")
	case o.all && !takes:
		return withHint(usagef("--all needs --take"), "write --take mine, theirs, latest, holds, merged, keep or delete; \"--take holds\" takes what holds for now")
	case o.all && notNumber == nil:
		return usagef("--all does not go with the number of a rival, which is for one property")
	case !o.all && o.id == "" && (writes > 0 || takes):
		return withHint(usagef("an argument is missing: the ID of the record"), "--all is for all records")
	case writes > 0 && takes:
		return usagef("properties and --take do not go together")
	case len(o.props) > 0 && writes > 0:
		return usagef("properties to write and --property do not go together")
	case len(o.props) > 0 && notNumber == nil:
		return usagef("--property does not go with the number of a rival, which is for one property")
	}
	return o.checkTake(takes, notNumber == nil)
}

func (o *resolveOptions) checkTake(takes, number bool) error {
	switch o.take {
	case replica.TakeMine, replica.TakeTheirs, replica.TakeLatest, replica.TakeHolds, replica.TakeMerged:
		return nil
	case replica.TakeKeep, replica.TakeDelete:
		if len(o.props) > 0 {
			return usagef("--property does not go with --take %s, which is about the record", o.take)
		}
		return nil
	}
	if number || !takes {
		return nil
	}
	return usagef("--take %.100q: want the number of a rival, mine, theirs, latest, holds, merged, keep or delete", o.take)
}

// resolveDoc is the JSON of resolve.
type resolveDoc struct {
	Changeset string        `json:"changeset"`
	Decided   []decisionDoc `json:"decided"`
	Record    recordDoc     `json:"record"`
}

func runResolve(ctx context.Context, e *env, o resolveOptions) error {
	r, props, err := e.openToWrite(ctx, o.globals, o.words, o.files)
	if err != nil {
		return err
	}
	living, err := findLiving(r, o.id)
	if err != nil {
		return err
	}
	rec := living.ID
	name, err := nameRecord(r, rec)
	if err != nil {
		return err
	}
	var open []string
	edited, err := r.Edit(ctx, checked(func(edit *replica.Edit) error {
		if open, err = conflictsOf(edit, rec); err != nil {
			return err
		}
		return o.decide(edit, rec, name, props)
	}))
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	if err := showDecided(p, r, rec, edited); err != nil || p.json {
		return err
	}
	switch {
	case slices.Contains(edited.Decided, replica.Decision{Record: rec, Value: replica.TakeDelete}):
		return noteGone(p, r, rec, open)
	case o.keepsUnasked(edited.Decided):
		p.notef("%s is kept, because an edit says that it lives", name)
	}
	return nil
}

// keepsUnasked reports whether a decision about properties decided by the way that the record lives.
func (o *resolveOptions) keepsUnasked(decided []replica.Decision) bool {
	_, notNumber := strconv.Atoi(o.take)
	some := o.take == "" || notNumber == nil || len(o.props) > 0
	kept := slices.ContainsFunc(decided, func(d replica.Decision) bool { return d.Prop == "" })
	props := slices.ContainsFunc(decided, func(d replica.Decision) bool { return d.Prop != "" })
	return some && kept && props && !slices.Contains(o.props, "")
}

// decide makes the decision.
func (o *resolveOptions) decide(edit *replica.Edit, rec changeset.RecordID, name string, props map[string]string) error {
	result, err := edit.Merged(rec)
	if err != nil {
		return err
	}
	if !result.Open() {
		return withHint(fmt.Errorf("nothing about %s is in conflict", name), `"prophet update %s NAME=VALUE" edits it; "prophet history %[1]s" shows what was decided`, shellWord(o.id))
	}
	if err := o.mustBeOpen(result, name, append(slices.Sorted(maps.Keys(props)), o.props...)); err != nil {
		return err
	}
	switch {
	case o.take == "":
		return edit.Update(rec, props)
	case result.Existence == nil && (o.take == replica.TakeKeep || o.take == replica.TakeDelete):
		return withHint(fmt.Errorf("whether %s lives is not in conflict, only %s", name, openNames(result)), "%q and %q are for a record that was edited and deleted", replica.TakeKeep, replica.TakeDelete)
	}
	return leftError(o.takeRivals(edit, rec, result), name, result)
}

// leftError says of a conflict that cannot be taken as it was asked for that nothing was decided, and that others can be, if there are any.
func leftError(err error, name string, result *resolution.Result) error {
	var left *replica.Left
	if !errors.As(err, &left) {
		return err
	}
	err = fmt.Errorf("%s: %w; nothing was decided", name, left.Err)
	if len(result.OpenProps()) < 2 {
		return err
	}
	if result.Existence != nil {
		return withHint(err, "--take keep and --take delete decide whether it lives; --property NAME decides about some alone, and so keeps it, because an edit says that it lives; in conflict are %s", openNames(result))
	}
	return withHint(err, "--property NAME decides about some alone; in conflict are %s", openNames(result))
}

// takeRivals takes the rivals that the options name. A number that there is none of is wrong usage.
func (o *resolveOptions) takeRivals(edit *replica.Edit, rec changeset.RecordID, result *resolution.Result) error {
	choices := len(replica.Choices(result))
	if n, err := strconv.Atoi(o.take); err == nil && (n < 1 || n > choices) {
		return withHint(usagef("there is no rival %d: they are numbered 1 to %d", n, choices), `"prophet conflicts %s" lists them`, shellWord(o.id))
	}
	return edit.Take(rec, o.take, o.props...)
}

// mustBeOpen returns an error if one of the properties is not in conflict.
func (o *resolveOptions) mustBeOpen(result *resolution.Result, name string, props []string) error {
	for _, prop := range props {
		switch {
		case isOpen(result, prop):
		case prop == "":
			return fmt.Errorf("whether %s lives is not in conflict, only %s", name, openNames(result))
		default:
			return withHint(fmt.Errorf("%s of %s is not in conflict, only %s", prop, name, openNames(result)), `"prophet update %s %s" edits it`, shellWord(o.id), shellWord(prop+"=VALUE"))
		}
	}
	return nil
}

// openNames names what is open about a record.
func openNames(result *resolution.Result) string {
	var names []string
	for _, prop := range result.OpenProps() {
		names = append(names, openName(prop))
	}
	return strings.Join(names, ", ")
}

// openName names what a conflict is about.
func openName(prop string) string {
	if prop == "" {
		return "whether it lives"
	}
	return prop
}

// showDecided prints what an edit of a record decided, and notes what is open still.
func showDecided(p *printer, r *replica.Replica, rec changeset.RecordID, edited replica.Edited) error {
	record, err := r.Record(rec)
	if err != nil {
		return err
	}
	result, err := r.Merged(rec)
	if err != nil {
		return err
	}
	decided, err := decisionDocs(r, edited.Decided)
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(resolveDoc{edited.ID.String(), decided, newRecordDoc(record, result.OpenProps())})
	}
	if err := printDecisions(p, decided, false); err != nil {
		return err
	}
	if result.Open() {
		p.notef("still in conflict: %s", openNames(result))
	}
	return nil
}
