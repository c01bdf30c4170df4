package main

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/query"
	"prophet/replica"
)

func searchCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "search",
		Aliases:   []string{"list", "ls"},
		Usage:     "list the records that pass all tests",
		ArgsUsage: "[TYPE] [TEST] ...",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "match", Usage: "only records with a property whose value `REGEX` matches"},
			&cli.StringFlag{Name: "sort", Usage: "sort by the property `PROP` instead of the local id"},
			&cli.BoolFlag{Name: "reverse", Usage: "sort the other way round"},
			&cli.StringFlag{Name: "columns", Usage: "show the properties `A,B,C` and no others"},
			limitFlag("list at most the first `N` records"),
		},
		Description: `
Lists the records, of one type or of all, of which all tests hold. Without a
test it lists all of them. The database's settings, which "prophet rules" shows,
are left out unless their type is named.

  prophet search
  prophet search Ticket status=open owner!=ann@example.com
  prophet list Ticket priority ge 3 --sort due --columns id,due,summary
  prophet ls --match '(?i)crash'

A test is NAME=VALUE, or with another operator: != =~ !~ < <= > >=, or their
names. "prophet help tests" has all about them. Columns are properties, or id,
uuid and type; without --columns they are chosen by what the records have.
Scripts should name them, or use --json, which has everything. On a terminal, !
behind an id marks a record in conflict.

Records that lack the property to sort by come last, with --reverse too.`,
		Action: func(c *cli.Context) error {
			o, err := newSearchOptions(c)
			if err != nil {
				return err
			}
			return runSearch(c.Context, e, o)
		},
	}
}

type searchOptions struct {
	globals
	query   query.Query
	match   []*regexp.Regexp // each has to match some property
	sort    string           // "" for the local id
	reverse bool
	columns []string // nil: to be chosen
	limit   uint32   // 0: none
}

func newSearchOptions(c *cli.Context) (o searchOptions, err error) {
	words, err := arguments(c, 0, -1)
	if err != nil {
		return o, err
	}
	o = searchOptions{globals: globalsOf(c), sort: c.String("sort"), reverse: c.Bool("reverse")}
	if o.query, err = query.Parse(words); err != nil {
		return o, withHint(usagef("%w", err), `"prophet help tests" says how tests are written`)
	}
	if o.query.Type != "" {
		if err := changeset.CheckType(o.query.Type); err != nil {
			return o, usagef("%w", err)
		}
	}
	for _, text := range c.StringSlice("match") {
		re, err := regexp.Compile(text)
		if err != nil {
			return o, usagef("--match: %w", err)
		}
		o.match = append(o.match, re)
	}
	if c.IsSet("columns") {
		o.columns = strings.Split(c.String("columns"), ",")
	}
	for _, name := range o.columns {
		if err := changeset.CheckProperty(name); err != nil {
			return o, usagef("--columns: %w", err)
		}
	}
	o.limit, err = limitOf(c)
	return o, err
}

func runSearch(ctx context.Context, e *env, o searchOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	slips := o.slips()
	found, err := o.find(ctx, r, slips)
	if err != nil {
		return err
	}
	o.order(found)
	if o.limit > 0 {
		found = found[:min(len(found), int(o.limit))]
	}
	p := e.printer(o.globals)
	slips.note(p, &o, len(found) > 0)
	if len(found) == 0 {
		return noteUnknownType(p, r, o.query.Type)
	}
	if p.json {
		return printRecordsJSON(p, r, found)
	}
	open, err := inConflict(r, found)
	if err != nil {
		return err
	}
	marked, err := o.printTable(p, found, open)
	if err != nil || len(open) == 0 {
		return err
	}
	how := ""
	if marked {
		how = ", marked with " + conflictMark
	}
	p.notef(`in conflict: %s%s; "prophet conflicts" lists what is open`, counted(len(open), "record"), how)
	return nil
}

// inConflict returns those of the records that are in conflict.
func inConflict(r *replica.Replica, listed []*replica.Record) (in map[changeset.RecordID]bool, err error) {
	all, err := r.InConflict()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	open := make(map[changeset.RecordID]bool)
	for _, rec := range all {
		open[rec] = true
	}
	in = make(map[changeset.RecordID]bool)
	for _, rec := range listed {
		if open[rec.ID] {
			in[rec.ID] = true
		}
	}
	return in, nil
}

// find returns the records that pass, in no useful order.
func (o *searchOptions) find(ctx context.Context, r *replica.Replica, s *slips) (found []*replica.Record, err error) {
	for rec, err := range r.All(o.query.Type) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if rec.ID.Type == changeset.SettingsType && o.query.Type == "" {
			continue
		}
		s.look(rec)
		if o.query.Match(rec.Props) && o.matches(rec.Props) {
			found = append(found, rec)
		}
	}
	return found, nil
}

// matches reports whether each regexp matches the value of some property.
func (o *searchOptions) matches(props map[string]string) bool {
	for _, re := range o.match {
		any := false
		for _, value := range props {
			any = any || re.MatchString(value)
		}
		if !any {
			return false
		}
	}
	return true
}

// order sorts what was found.
func (o *searchOptions) order(found []*replica.Record) {
	slices.SortFunc(found, func(a, b *replica.Record) int {
		if o.sort == "" {
			return o.direction(byLocalID(a, b))
		}
		x, y := column(a, o.sort), column(b, o.sort)
		if x == y {
			return o.direction(byLocalID(a, b))
		}
		if x == "" || y == "" {
			return query.Compare(x, y)
		}
		return o.direction(query.Compare(x, y))
	})
}

func (o *searchOptions) direction(c int) int {
	if o.reverse {
		return -c
	}
	return c
}

// byLocalID orders records by local id, and those that have none, behind them, by UUID.
func byLocalID(a, b *replica.Record) int {
	return cmp.Or(cmp.Compare(a.LocalID-1, b.LocalID-1), a.ID.Compare(b.ID)) // none is 0: the subtraction makes it the greatest
}

func printRecordsJSON(p *printer, r *replica.Replica, found []*replica.Record) error {
	conflicts, err := r.Conflicts()
	if err != nil {
		return err
	}
	open := make(map[changeset.RecordID][]string)
	for _, c := range conflicts {
		open[c.Record] = c.Result.OpenProps()
	}
	for _, rec := range found {
		if err := p.writeJSON(newRecordDoc(rec, open[rec.ID])); err != nil {
			return err
		}
	}
	return nil
}

// noteUnknownType says so if there never was a record of the type that the user named: it may be a slip.
func noteUnknownType(p *printer, r *replica.Replica, typ string) error {
	types, err := r.Log().Types()
	if typ == "" || err != nil || slices.Contains(types, typ) {
		return err
	}
	if near := nearestType(typ, types); near != "" {
		p.notef("there is no type %s; did you mean %s?", typ, near)
		return nil
	}
	p.notef(`there is no type %s; "prophet types" lists them`, typ)
	return nil
}

// nearestType returns the type that word is most likely a slip for, "" if none is near.
func nearestType(word string, types []string) string {
	types = slices.DeleteFunc(slices.Clone(types), func(typ string) bool { return typ == word })
	for _, typ := range types {
		if strings.EqualFold(word, typ) {
			return typ
		}
	}
	return nearest(word, types)
}
