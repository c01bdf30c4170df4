package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func resolveCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "resolve",
		Usage:     "decide what is in conflict",
		ArgsUsage: "ID [NAME=VALUE ...]",
		Category:  aboutConflicts,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "take", Aliases: []string{"t"}, Usage: "take rival number `N`, or mine, theirs, latest, keep or delete"},
			&cli.StringSliceFlag{Name: "property", Aliases: []string{"p"}, Usage: "decide only the property `NAME`; it may be given several times"},
			fileFlag(),
		},
		Description: `
Decides the conflicts of a record that "prophet conflicts" lists, in one of two
ways: with the values that shall hold, which need not be among the rivals, or by
taking rivals. A decision is an edit like any other, and travels with the next
pull or push. It holds everywhere.

  prophet resolve 12 status=open
  prophet resolve 12 --take 2
  prophet resolve 12 --take theirs --property status

--take N takes the rival with that number, and decides that property alone. The
numbers are those of the list as it is now: each decision may change them, so
look again, with "prophet conflicts ID", before the next.

"mine" takes what was written in this replica, "theirs" what was written in
others, "latest" what was written last: for all conflicts of the record, or for
those of the properties named by --property. "keep" and "delete" decide whether
a record lives that was edited and deleted.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			take := c.StringSlice("take")
			if len(take) > 1 {
				return usagef("--take is given twice")
			}
			return runResolve(c.Context, e, resolveOptions{
				globals: globalsOf(c),
				id:      args[0],
				words:   args[1:],
				files:   c.StringSlice("file"),
				take:    strings.Join(take, ""),
				props:   c.StringSlice("property"),
			})
		},
	}
}

type resolveOptions struct {
	globals
	id    string
	words []string // properties to write
	files []string // NAME=PATH
	take  string
	props []string // of which something is taken
}

// check finds what is wrong with the options whatever the record.
func (o *resolveOptions) check() error {
	_, notNumber := strconv.Atoi(o.take)
	writes := len(o.words) + len(o.files)
	switch {
	case writes == 0 && o.take == "":
		return withHint(usagef("what shall hold is missing"), "write NAME=VALUE, or --take and the number of a rival")
	case writes > 0 && o.take != "":
		return usagef("properties and --take do not go together")
	case len(o.props) > 0 && o.take == "":
		return usagef("--property goes with --take")
	case len(o.props) > 0 && notNumber == nil:
		return usagef("--property does not go with the number of a rival, which is for one property")
	}
	return o.checkTake(notNumber == nil)
}

func (o *resolveOptions) checkTake(number bool) error {
	switch o.take {
	case "", "mine", "theirs", "latest":
		return nil
	case "keep", "delete":
		if len(o.props) > 0 {
			return usagef("--property does not go with --take %s, which is about the record", o.take)
		}
		return nil
	}
	if number {
		return nil
	}
	return usagef("--take %.100q: want the number of a rival, mine, theirs, latest, keep or delete", o.take)
}

// resolveDoc is the JSON of resolve.
type resolveDoc struct {
	Changeset string        `json:"changeset"`
	Decided   []decisionDoc `json:"decided"`
	Record    recordDoc     `json:"record"`
}

// decisionDoc is the JSON of a decision.
type decisionDoc struct {
	ID    *uint32   `json:"id"`
	Prop  string    `json:"prop"` // "" is the record's existence
	Type  string    `json:"type"`
	UUID  uuid.UUID `json:"uuid"`
	Value *string   `json:"value"` // null: the property is removed; for existence keep or delete
}

func runResolve(ctx context.Context, e *env, o resolveOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	props, err := e.properties(o.words, o.files)
	if err != nil {
		return err
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rec, err := r.Find(o.id)
	if err != nil {
		return err
	}
	name, err := nameRecord(r, rec)
	if err != nil {
		return err
	}
	edited, err := r.Edit(ctx, func(edit *replica.Edit) error { return o.decide(edit, rec, name, props) })
	if err != nil {
		return err
	}
	return showDecided(e.printer(o.globals), r, rec, edited)
}

// decide makes the decision.
func (o *resolveOptions) decide(edit *replica.Edit, rec changeset.RecordID, name string, props map[string]string) error {
	result, err := edit.Merged(rec)
	if err != nil {
		return err
	}
	if !result.Open() {
		return fmt.Errorf("nothing about %s is in conflict", name)
	}
	for _, prop := range o.props {
		if err := mustBeOpen(result, name, prop); err != nil {
			return err
		}
	}
	for prop := range props {
		if err := mustBeOpen(result, name, prop); err != nil {
			return err
		}
	}
	switch o.take {
	case "":
		return edit.Update(rec, props)
	case "keep", "delete":
		return takeExistence(edit, rec, result, name, o.take)
	}
	return o.takeRivals(edit, rec, result)
}

// takeRivals takes the rivals that the options name. A number that there is none of is wrong usage.
func (o *resolveOptions) takeRivals(edit *replica.Edit, rec changeset.RecordID, result *resolution.Result) error {
	choices := len(replica.Choices(result))
	if n, err := strconv.Atoi(o.take); err == nil && (n < 1 || n > choices) {
		return withHint(usagef("there is no rival %d: they are numbered 1 to %d", n, choices), `"prophet conflicts %s" lists them`, o.id)
	}
	return edit.Take(rec, o.take, o.props...)
}

// takeExistence decides whether a record lives.
func takeExistence(edit *replica.Edit, rec changeset.RecordID, result *resolution.Result, name, how string) error {
	switch {
	case result.Existence == nil:
		return withHint(usagef("whether %s lives is not in conflict, only %s", name, openNames(result)), "%q and %q are for a record that was edited and deleted", "keep", "delete")
	case how == "keep":
		return edit.Keep(rec)
	}
	return edit.Delete(rec)
}

// mustBeOpen returns an error if a property is not in conflict.
func mustBeOpen(result *resolution.Result, name, prop string) error {
	if result.Conflict(prop) != nil {
		return nil
	}
	return withHint(fmt.Errorf("%s of %s is not in conflict, only %s", prop, name, openNames(result)), `"prophet update" edits it`)
}

// openNames names what is open about a record.
func openNames(result *resolution.Result) string {
	var names []string
	if result.Existence != nil {
		names = append(names, "whether it lives")
	}
	for _, c := range result.Conflicts {
		names = append(names, c.Prop)
	}
	return strings.Join(names, ", ")
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
		return p.writeJSON(resolveDoc{edited.ID.String(), decided, newRecordDoc(record, openProps(result))})
	}
	if err := printDecisions(p, decided); err != nil {
		return err
	}
	if result.Open() {
		p.notef("still in conflict: %s", openNames(result))
	}
	return nil
}

// openProps returns the properties of a record that are open, "" for its existence.
func openProps(result *resolution.Result) (props []string) {
	if result.Existence != nil {
		props = append(props, "")
	}
	for _, c := range result.Conflicts {
		props = append(props, c.Prop)
	}
	return props
}

func decisionDocs(r *replica.Replica, decided []replica.Decision) ([]decisionDoc, error) {
	docs := []decisionDoc{}
	for _, d := range decided {
		id, err := r.LocalID(d.Record)
		if err != nil {
			return nil, err
		}
		docs = append(docs, decisionDoc{idOrNull(id), d.Prop, d.Record.Type, d.Record.UUID, setOrNull(d.Value)})
	}
	return docs, nil
}

func printDecisions(p *printer, decided []decisionDoc) error {
	for _, d := range decided {
		var id uint32
		if d.ID != nil {
			id = *d.ID
		}
		if err := p.donef("%s: decided: %s", recordName(id, changeset.RecordID{Type: d.Type, UUID: d.UUID}), d.text()); err != nil {
			return err
		}
	}
	return nil
}

func (d *decisionDoc) text() string {
	switch {
	case d.Value == nil:
		return d.Prop + " is removed"
	case d.Prop != "":
		return d.Prop + "=" + *d.Value
	case *d.Value == "delete":
		return "it is deleted"
	}
	return "it is kept"
}
