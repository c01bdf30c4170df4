package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/lanes"
	"prophet/replica"
)

func historyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "list the changes to a record, oldest first",
		ArgsUsage: "ID",
		Category:  aboutRecords,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "graph", Aliases: []string{"g"}, Usage: "draw which change had seen which, without bookkeeping"},
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "list bookkeeping too"},
		},
		Description: `
Lists the edits that touched a record, in the order in which they came to this
replica, and what each did to it. Works for deleted records too.

  prophet history 12
  prophet history 12 --graph

Each begins with its number in the log of this replica, its name (the replica
where it was made, and its number there), who made it and when. Both are taken
by "prophet log", "prophet revert" and "prophet restore --at". An edit that
settled a conflict is marked with what it decided.

--all lists nullifications and resolutions too. They are bookkeeping: they make
this replica's log come to what the record is, and stay here.

Of a long text that was changed, what is near the changes is shown:
[-this went-] and {+this came+}. --json has both texts whole.

--graph draws the edits alone, in an order that is the same in all replicas,
with lines from each to those that were made on top of it:

  o    an edit
  *    a head: nothing was made on top of it
  +-o  an edit on top of the one on the left, whose line goes on
  +-+-o  an edit on top of both on the left, whose lines go on
  o-'  an edit that had seen both: the line on the right ends here
  o-+  likewise; the line on the right goes on
  -|-  two lines that cross

Two edits side by side were made without knowledge of each other.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			if c.Bool("graph") && c.Bool("all") {
				return usagef("--graph and --all do not go together: bookkeeping is no part of the graph")
			}
			return runHistory(c.Context, e, historyOptions{globalsOf(c), args[0], c.Bool("graph"), c.Bool("all")})
		},
	}
}

type historyOptions struct {
	globals
	id    string
	graph bool
	all   bool // bookkeeping too
}

func runHistory(ctx context.Context, e *env, o historyOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	rec, err := r.Find(o.id)
	if err != nil {
		return err
	}
	events, err := r.History(rec)
	if err != nil {
		return err
	}
	nodes, err := r.Link(rec, events)
	if err != nil {
		return err
	}
	h := historyLister{newChangeLister(e.printer(o.globals), r), nodes}
	if !o.all {
		events = slices.DeleteFunc(events, func(ev replica.Event) bool { return ev.Changeset.Bookkeeping() })
	}
	if o.graph {
		return h.draw(ctx)
	}
	return h.list(ctx, events)
}

// historyLister prints the changes to one record.
type historyLister struct {
	*changeLister
	nodes []replica.Node
}

// list prints events in the order of the log.
func (h *historyLister) list(ctx context.Context, events []replica.Event) error {
	byRow := make(map[uint32]*replica.Node, len(h.nodes))
	for i := range h.nodes {
		byRow[h.nodes[i].Row.Seq] = &h.nodes[i]
	}
	for _, ev := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.print(ev, byRow[ev.Row.Seq]); err != nil {
			return err
		}
	}
	return nil
}

// draw prints the graph of the edits, with what each did beside it.
func (h *historyLister) draw(ctx context.Context) error {
	var rows []lanes.Row
	if !h.p.json {
		rows = lanes.Draw(h.shape())
	}
	for i := range h.nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if rows != nil {
			h.left = []string{rows[i].Head + "  ", rows[i].Rest + "  "}
		}
		if err := h.print(h.nodes[i].Event, &h.nodes[i]); err != nil {
			return err
		}
	}
	return nil
}

// shape returns the parents of each change, and its mark.
func (h *historyLister) shape() (parents [][]int, marks string) {
	letters := make([]byte, len(h.nodes))
	for i, n := range h.nodes {
		parents = append(parents, n.Parents)
		if letters[i] = 'o'; n.Head {
			letters[i] = '*'
		}
	}
	return parents, string(letters)
}

// print prints what a changeset did to the record. n is nil for bookkeeping.
func (h *historyLister) print(ev replica.Event, n *replica.Node) error {
	only := *ev.Changeset
	only.Changes = []changeset.Change{*ev.Change}
	c := listed{row: ev.Row.Seq, Changeset: &only}
	if n != nil {
		c.decided = n.Decisions()
	}
	if !h.p.json {
		return h.text(c)
	}
	doc, err := h.doc(c)
	if err != nil {
		return err
	}
	return h.p.writeJSON(h.historyDoc(doc, n))
}

// historyDoc returns the JSON of a changeset, with its place in the graph.
func (h *historyLister) historyDoc(c changesetDoc, n *replica.Node) historyDoc {
	doc := historyDoc{Changes: c.Changes, Created: c.Created, Creator: c.Creator, Decides: c.Decides, ID: c.ID, Kind: c.Kind, Row: c.Row}
	if n == nil {
		return doc
	}
	doc.Head, doc.Parents = n.Head, []string{}
	for _, p := range n.Parents {
		doc.Parents = append(doc.Parents, h.nodes[p].Changeset.ID.String())
	}
	return doc
}
