package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/internal/terminal"
	"prophet/replica"
	"prophet/resolution"
)

func showCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a record with all its properties",
		ArgsUsage: "ID",
		Category:  aboutRecords,
		Description: `
ID is the local number of a record, its UUID, or the beginning of it: four
characters or more, if no other record begins so. Digits alone are a local
number first. Local numbers differ from replica to replica.

  prophet show 12
  prophet show a2348a2e

A property in conflict is shown with all rival values; the one that holds for
now is marked "*".`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			return runShow(c.Context, e, showOptions{globalsOf(c), args[0]})
		},
	}
}

type showOptions struct {
	globals
	id string
}

func runShow(_ context.Context, e *env, o showOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rec, err := findLiving(r, o.id)
	if err != nil {
		return err
	}
	state, err := r.State(rec.ID)
	if err != nil {
		return err
	}
	if err := r.WarnOfLoss(rec.ID); err != nil {
		return err
	}
	p := e.printer(o.globals)
	if p.json {
		return p.writeJSON(newRecordDoc(rec, state.OpenProps()))
	}
	return showRecord(p, r, rec, state)
}

func showRecord(p *printer, r *replica.Replica, rec *replica.Record, state *resolution.Result) error {
	l := newConflictLister(p, r, r, fewLines)
	docs, err := conflictDocs(l.at, r, rec.ID, state)
	if err != nil {
		return err
	}
	if err := p.linef("%s (%s)", recordName(rec.LocalID, rec.ID), rec.ID.UUID); err != nil {
		return err
	}
	if len(docs) > 0 && docs[0].Prop == "" {
		if err := l.under("its existence", docs[:1]); err != nil {
			return err
		}
	}
	for _, name := range shownProps(rec.Props, state) {
		if err := showProperty(p, name, rec.Props[name]); err != nil {
			return err
		}
		about := slices.DeleteFunc(slices.Clone(docs), func(d conflictDoc) bool { return d.Prop != name })
		if err := l.under(name, about); err != nil {
			return err
		}
	}
	return nil
}

// shownProps returns the names of a record's properties, and of those that are in conflict though for now it has none.
func shownProps(props map[string]string, state *resolution.Result) []string {
	names := slices.Collect(maps.Keys(props))
	for _, c := range state.Conflicts {
		names = append(names, c.Prop)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// showProperty prints a property, a text of several lines as such, without the line break at its end.
func showProperty(p *printer, name, value string) error {
	if value == "" {
		value = "(none)"
	}
	value = strings.TrimSuffix(value, "\n")
	_, err := fmt.Fprintf(p.e.Stdout, "%s: %s\n", terminal.Safe(name), terminal.SafeLines(value, "    "))
	return err
}

// under prints the rivals of the conflict about something, if there is one, under it.
func (l *conflictLister) under(what string, docs []conflictDoc) error {
	if len(docs) == 0 {
		return nil
	}
	if err := l.p.linef("  %s is in conflict:", what); err != nil {
		return err
	}
	return l.rivals(docs[0])
}
