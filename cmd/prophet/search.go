package main

import (
	"cmp"
	"context"
	"errors"
	"iter"
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
			&cli.BoolFlag{Name: "deleted", Aliases: []string{"d"}, Usage: "list deleted records, as they were, with who deleted them and when"},
		},
		Description: `
Lists the records, of one type or of all, of which all tests hold. Without a
test it lists all of them. The database's settings, which "prophet rules" shows,
are left out unless their type is named.

  prophet search
  prophet search Ticket status=open owner!=ann@example.com
  prophet list Ticket priority ge 3 --sort due --columns id,due,summary
  prophet ls --match '(?i)crash'
  prophet search Ticket --deleted

A test is NAME=VALUE, or with another operator: != =~ !~ < <= > >=, or their
names. "prophet help tests" has all about them.

Columns are properties, or id, uuid, type and headline: the summary, the title
or what else tells a record from others. A property that has the name of one of
these is written props.id. Without --columns they are chosen by what the records
have. Scripts should name them, or use --json, which has everything. On a
terminal, ! behind an id marks a record in conflict, of a long text its
beginning is shown, and of the UUID of another record its first eight digits,
which commands take.

Records that lack the property to sort by come last, with --reverse too.

--deleted lists what was deleted and what it was then; "prophet restore ID"
brings it back. The columns deleted_at and deleted_by say when and by whom. An
exported copy does not tell what was deleted.`,
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
	deleted bool     // deleted records, and no others
}

func newSearchOptions(c *cli.Context) (o searchOptions, err error) {
	words, err := arguments(c, 0, -1)
	if err != nil {
		return o, err
	}
	o = searchOptions{globals: globalsOf(c), sort: c.String("sort"), reverse: c.Bool("reverse"), deleted: c.Bool("deleted")}
	if o.query, err = query.Parse(words); err != nil {
		return o, withHint(usagef("search: %w", err), `"prophet help tests" says how tests are written`)
	}
	if o.query.Type != "" {
		if err := changeset.CheckType(o.query.Type); err != nil {
			return o, usagef("search: %w", err)
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
	hits, err := o.find(ctx, r, slips)
	if err != nil {
		return err
	}
	o.order(hits)
	all := len(hits)
	if o.limit > 0 {
		hits = hits[:min(all, int(o.limit))]
	}
	p := e.printer(o.globals)
	slips.note(p, &o, all > 0)
	switch {
	case all == 0:
		return o.noteNone(p, r)
	case p.json:
		return printRecordsJSON(p, r, hits)
	}
	return o.print(p, r, hits)
}

// print prints records as a table, and what should be known about them beside it.
func (o *searchOptions) print(p *printer, r *replica.Replica, hits []*hit) error {
	open, err := inConflict(r, hits)
	if err != nil {
		return err
	}
	marked, err := o.printTable(p, hits, open)
	if err != nil {
		return err
	}
	if o.deleted {
		p.notef(`%s; "prophet restore ID" brings one back`, counted(len(hits), "deleted record"))
	} else if p.e.OutWidth > 0 && len(hits) > manyHits {
		p.notef(`%s; tests such as status=open list fewer, or --limit N`, counted(len(hits), "record"))
	}
	if len(open) == 0 {
		return nil
	}
	how := ""
	if marked {
		how = ", marked with " + conflictMark
	}
	p.notef(`in conflict: %s%s; "prophet conflicts" lists what is open`, counted(len(open), "record"), how)
	return nil
}

// manyHits is how many records nobody reads at once.
const manyHits = 50

// inConflict returns those of the records that are in conflict.
func inConflict(r *replica.Replica, hits []*hit) (in map[changeset.RecordID]bool, err error) {
	all, err := r.InConflict()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	open := make(map[changeset.RecordID]bool)
	for _, rec := range all {
		open[rec] = true
	}
	in = make(map[changeset.RecordID]bool)
	for _, rec := range hits {
		if open[rec.ID] {
			in[rec.ID] = true
		}
	}
	return in, nil
}

// find returns the records that pass, in no useful order.
func (o *searchOptions) find(ctx context.Context, r *replica.Replica, s *slips) (hits []*hit, err error) {
	property, value, few := o.query.Having()
	few = few && !o.deleted
	for h, err := range o.candidates(ctx, r, replica.Having{Property: property, Value: value}) {
		if err != nil {
			return nil, err
		}
		s.look(h.Record)
		if o.query.Match(h.Props) && o.matches(h.Props) {
			hits = append(hits, h)
		}
	}
	if !few || !s.doubts(o, len(hits) > 0) {
		return hits, nil
	}
	for h, err := range o.candidates(ctx, r, replica.Having{}) { // one that was passed over may have what seems to be a slip
		if err != nil {
			return nil, err
		}
		if s.look(h.Record); !s.doubts(o, len(hits) > 0) {
			break
		}
	}
	return hits, nil
}

// candidates yields the records to look at: those that live, some of which may be passed over if they do not have what is asked for, or those that are deleted.
func (o *searchOptions) candidates(ctx context.Context, r *replica.Replica, having replica.Having) iter.Seq2[*hit, error] {
	return func(yield func(*hit, error) bool) {
		pass := func(h *hit, err error) bool {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && h.ID.Type == changeset.SettingsType && o.query.Type == "" {
				return true
			}
			return yield(h, err) && err == nil
		}
		if o.deleted {
			for d, err := range r.Deletions(o.query.Type) {
				if !pass(&hit{d.Record, d.By}, err) {
					return
				}
			}
			return
		}
		for rec, err := range r.AllHaving(o.query.Type, having) {
			if !pass(&hit{rec, nil}, err) {
				return
			}
		}
	}
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
func (o *searchOptions) order(hits []*hit) {
	slices.SortFunc(hits, func(a, b *hit) int {
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
func byLocalID(a, b *hit) int {
	return cmp.Or(cmp.Compare(a.LocalID-1, b.LocalID-1), a.ID.Compare(b.ID)) // none is 0: the subtraction makes it the greatest
}

func printRecordsJSON(p *printer, r *replica.Replica, hits []*hit) error {
	conflicts, err := r.Conflicts()
	if err != nil {
		return err
	}
	open := make(map[changeset.RecordID][]string)
	for _, c := range conflicts {
		open[c.Record] = c.Result.OpenProps()
	}
	for _, h := range hits {
		doc := newRecordDoc(h.Record, open[h.ID])
		doc.DeletedAt, doc.DeletedBy = h.deletedAt(), h.deletedBy()
		if err := p.writeJSON(doc); err != nil {
			return err
		}
	}
	return nil
}

// noteNone says what may be the reason that nothing was found.
func (o *searchOptions) noteNone(p *printer, r *replica.Replica) error {
	if o.deleted && errors.Is(r.CheckEditable(), replica.ErrExported) {
		p.notef("%s is an exported copy or a mirror, which does not tell what was deleted", r.Where())
		return nil
	}
	return noteUnknownType(p, r, o.query.Type)
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
	p.notef(`there is no type %s; "prophet types" lists them, "prophet search --match %s" looks for the text`, typ, shellWord(typ))
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
