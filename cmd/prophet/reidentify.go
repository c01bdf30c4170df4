package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/replica"
	psync "prophet/sync"
)

func reidentifyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "reidentify",
		Usage:     "give a copied or restored replica a UUID of its own",
		ArgsUsage: "[PEER]",
		Category:  aboutExchange,
		Description: `
A replica that was copied with "cp -r", or restored from a backup, has the UUID
of another. Run this in the fresh copy, before the first edit: it gets a new
UUID and keeps the old one as a former one.

  cp -r bugs bugs-on-the-laptop
  prophet reidentify -r bugs-on-the-laptop

Where both were edited already, one changeset ID names two edits. A pull finds
that and takes them apart by itself, if it meets the replica in which one of
them was made. If it meets others who have got one edit each, it stops and names
the ID. Then name the other replica here, as for "prophet pull":

  prophet reidentify ../bugs-of-bob

Both replicas are compared, and of every ID that names two edits the one that
this replica has gets a new origin, with all of the old origin that have higher
numbers here. The new name depends on the edits alone: whoever does this for the
same edits, here or elsewhere, names them the same.

If anything got a new name, this replica gets a new UUID, even if others made
those edits and it only carried them: its log is another one then. What it made
itself keeps its name, unless that was one that named two edits. A replica that
has the UUID of PEER, and that is no earlier state of it, gets a new UUID in any
case. Else nothing is changed.

Nothing is lost, nothing is pulled, and PEER stays as it is: pull afterwards.`,
		Action: func(c *cli.Context) error {
			arg, err := argument(c, "URL")
			if err != nil {
				return err
			}
			return runReidentify(c.Context, e, reidentifyOptions{globalsOf(c), arg})
		},
	}
}

type reidentifyOptions struct {
	globals
	peer string // "" if none was named
}

// reidentifyDoc is the JSON of reidentify.
type reidentifyDoc struct {
	Former  uuid.UUID  `json:"former"` // UUID of the replica before
	Moved   []movedDoc `json:"moved"`
	Replica uuid.UUID  `json:"replica"` // and now
}

func runReidentify(ctx context.Context, e *env, o reidentifyOptions) error {
	dir, r, err := e.openHere(o.globals)
	if err != nil {
		return err
	}
	doc := reidentifyDoc{Former: r.UUID(), Moved: []movedDoc{}}
	p := e.printer(o.globals)
	var peer *replica.Replica
	if o.peer == "" {
		err = r.Reidentify(ctx)
	} else if peer, err = e.openOther(ctx, o.peer, r, dir, o.globals); err == nil {
		err = ifInterrupted(ctx, doc.compare(ctx, p, r, peer), "what was moved so far stays; run it again")
	}
	if err != nil {
		return err
	}
	doc.Replica = r.UUID()
	if p.json {
		return p.writeJSON(doc)
	}
	return doc.print(p, r, peer)
}

// compare takes apart what the replica and a peer name alike.
func (d *reidentifyDoc) compare(ctx context.Context, p *printer, r, peer *replica.Replica) error {
	moved, err := psync.Reidentify(ctx, r, peer, psync.Options{Warn: func(s string) { p.warnf("%s", s) }})
	if err == nil && len(moved) > 0 {
		d.Moved = movedDocs(moved)
	}
	return err
}

func (d *reidentifyDoc) print(p *printer, r, peer *replica.Replica) error {
	if peer == nil {
		return p.donef("%s was replica %s and is now %s", r.Where(), d.Former, d.Replica)
	}
	if len(d.Moved) == 0 {
		return p.donef("No changeset ID names one edit in %s and another one in %s: nothing was moved", r.Where(), peer.Where())
	}
	var parts []string
	for _, m := range d.Moved {
		if m.Changesets > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s moved to %s", counted(m.Changesets, noun(m.Log)), m.From, m.To))
		}
	}
	if d.Replica != d.Former {
		parts = append(parts, fmt.Sprintf("the UUID of %s is now %s", r.Where(), d.Replica))
	}
	if err := p.donef("Compared with %s: %s", peer.Where(), strings.Join(parts, "; ")); err != nil {
		return err
	}
	p.notef(`"prophet pull %s" brings what that one has`, shellWord(peer.Where()))
	return nil
}

// noun is what a log is a log of.
func noun(log string) string {
	if log == "resolutions" {
		return "vote"
	}
	return "changeset"
}
