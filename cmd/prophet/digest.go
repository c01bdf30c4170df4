package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func digestCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "digest",
		Usage:     "say in one short line what this replica shows, to compare",
		ArgsUsage: "[URL]",
		Category:  aboutReplica,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "types", Usage: "a line for each type of records; with URL for each that differs"},
			&cli.StringFlag{Name: "records", Usage: "a line for each record of `TYPE`; with URL for each that differs"},
			&cli.StringFlag{Name: "record", Usage: "one record, `ID`: each property, what changed it last, and what is open; with URL what differs"},
		},
		Description: `
Two replicas with the same line show the same: the same records, down to the
last byte, the same votes of people on conflicts, and the same settings of the
database. So two people can find out over the phone whether they are equal. What
does not hold is in no line: a replica that has not pulled a rival yet that
loses for now has the same line, and no conflict.

  prophet digest
  prophet digest ../bugs-of-bob

With the URL, directory or name of another replica it compares the two, and
exits with 1 if they differ. A mirror on the web tells what it had when it was
published.

Where they differ, pull and push first. If they still do, --types says which
types it is, --records which records, --record which properties, with both
values. A web server lists no records, so of a mirror there only --record can be
compared: clone it for the others.

  prophet digest ../bugs-of-bob --types
  prophet digest ../bugs-of-bob --records Ticket
  prophet digest ../bugs-of-bob --record 12

Without URL they show what two people compare who cannot reach each other's
replica. All three read what they show; the line costs the same at any size.

They are about the state and the settings, which are the records of the type
__prophet_db_settings; some of them are what "prophet rules" lists. The votes
are not among them: "prophet dump" has those, under "resolutions".

It finds accidents. Somebody who chooses many records for the purpose can make
two states with one digest.`,
		Action: func(c *cli.Context) error {
			arg, err := argument(c, "URL")
			if err != nil {
				return err
			}
			o := digestOptions{globalsOf(c), arg, c.Bool("types"), c.String("records"), c.String("record")}
			if err := o.check(c); err != nil {
				return err
			}
			return runDigest(c.Context, e, o)
		},
	}
}

type digestOptions struct {
	globals
	peer    string // to compare with; "" if not wanted
	types   bool
	records string // a type; "" if not wanted
	record  string // an ID; "" if not wanted
}

// check refuses more than one question at a time.
func (o *digestOptions) check(c *cli.Context) error {
	asked := 0
	for _, name := range []string{"types", "records", "record"} {
		if c.IsSet(name) {
			asked++
		}
	}
	switch {
	case asked > 1:
		return usagef("of --types, --records and --record only one can be given")
	case c.IsSet("records") && o.records == "":
		return usagef("--records needs a type")
	case c.IsSet("record") && o.record == "":
		return usagef("--record needs a record")
	}
	return nil
}

// The JSON of digest.
type (
	digestDoc struct {
		Settings string `json:"settings"`
		State    string `json:"state"`
		Votes    string `json:"votes"`
	}
	comparisonDoc struct {
		Differ []string  `json:"differ"` // state, votes, settings
		Equal  bool      `json:"equal"`
		Here   digestDoc `json:"here"`
		There  digestDoc `json:"there"`
	}
	typeDigestDoc struct {
		Digest  string `json:"digest"`
		Records int    `json:"records"`
		Type    string `json:"type"`
	}
	recordDigestDoc struct {
		Digest string    `json:"digest"`
		ID     *uint32   `json:"id"`
		Type   string    `json:"type"`
		UUID   uuid.UUID `json:"uuid"`
	}
)

func newDigestDoc(d replica.Digests) digestDoc {
	return digestDoc{Settings: d.Settings.String(), State: d.State.String(), Votes: d.Votes.String()}
}

func runDigest(ctx context.Context, e *env, o digestOptions) error {
	dir, r, err := e.openHere(o.globals)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	switch {
	case o.peer != "":
		return o.compareWith(ctx, p, dir, r)
	case o.types:
		return digestTypes(ctx, p, r)
	case o.records != "":
		return digestRecords(ctx, p, r, o.records)
	case o.record != "":
		return digestRecord(p, r, o.record)
	}
	here, err := r.Digest(ctx)
	switch {
	case err != nil:
		return err
	case p.json:
		return p.writeJSON(newDigestDoc(here))
	}
	return p.linef("%s", here)
}

// differing names the digests that are not equal.
func differing(a, b replica.Digests) []string {
	names := []string{}
	for _, d := range []struct {
		name string
		a, b replica.Digest
	}{{"state", a.State, b.State}, {"votes", a.Votes, b.Votes}, {"settings", a.Settings, b.Settings}} {
		if d.a != d.b {
			names = append(names, d.name)
		}
	}
	return names
}

func digestTypes(ctx context.Context, p *printer, r *replica.Replica) error {
	types, err := r.Log().DigestTypes(ctx)
	if err != nil {
		return err
	}
	t := p.table("TYPE", "RECORDS", "DIGEST")
	t.Whole(1, 2)
	for _, d := range types {
		if p.json {
			err = p.writeJSON(typeDigestDoc{d.Digest.String(), d.Records, d.Type})
		} else {
			err = t.Row(d.Type, fmt.Sprint(d.Records), d.Digest.Short())
		}
		if err != nil {
			return err
		}
	}
	return t.Flush()
}

func digestRecords(ctx context.Context, p *printer, r *replica.Replica, typ string) error {
	ids, err := r.LocalIDs()
	if err != nil {
		return err
	}
	t, n := p.table("UUID", "DIGEST"), 0
	t.Whole(0, 1)
	for d, err := range r.Log().DigestRecords(ctx, typ) {
		n++
		switch {
		case err != nil:
		case p.json:
			err = p.writeJSON(recordDigestDoc{d.Digest.String(), idOrNull(ids[d.ID.UUID]), typ, d.ID.UUID})
		default: // without local ids, which differ from replica to replica: two lists can be compared as they are
			err = t.Row(d.ID.UUID.String(), d.Digest.Short())
		}
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return noteUnknownType(p, r, typ)
	}
	return t.Flush()
}
