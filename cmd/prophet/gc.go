package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func gcCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "gc",
		Usage:    "fold the many small files of a replica into few large ones",
		Category: aboutReplica,
		Description: `
For a replica of format 2, as "prophet init" and "prophet clone" make. An edit
writes a few small files, which gc folds into parts: two files each, compressed,
with any number of changesets. Small parts become large ones, so that there are
few of them however long the log is. Then it removes the small files, and the
parts that became part of others.

It runs by itself after an edit or a pull that leaves more than 1,000 changesets
in small files, or 24 small parts, and then does no more than can be done in a
moment.

  prophet gc

Others can read and write meanwhile. If it is interrupted nothing is lost, and
the next one goes on. "prophet unpack" is the way back.

In a replica of format 1, as the original, versions before 0.4.0 and --format 1
make, there is nothing to do: it stays what it is. A clone of it is of format 2.`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runGC(c.Context, e, globalsOf(c))
		},
	}
}

// gcDoc is the JSON of gc.
type gcDoc struct {
	Folded  int    `json:"folded"` // changesets and votes
	Format  string `json:"format"` // of the replica
	Loose   int    `json:"loose"`  // that are in small files still, and what is lost
	Lost    int    `json:"lost,omitempty"`
	Merged  int    `json:"merged"` // parts
	Parts   int    `json:"parts"`
	Removed int    `json:"removed"` // files
}

func runGC(ctx context.Context, e *env, g globals) error {
	r, err := e.open(g)
	if err != nil {
		return err
	}
	p := e.printer(g)
	progress := p.progress("folding", false)
	report, err := r.GC(ctx, replica.GCOptions{Progress: func(done, total int) { progress.Set(int64(done), int64(total)) }})
	progress.Done()
	if err != nil {
		return ifCutOff(ctx, err, "what was folded so far stays; run it again")
	}
	if p.json {
		return p.writeJSON(gcDoc{report.Folded, r.Format(), report.Loose, report.Lost, report.Merged, report.Parts, report.Removed})
	}
	if r.Format() == replica.FormatLoose {
		return p.donef("Nothing to do: %s is of format 1, which has no parts; a clone of it is of format 2", r.Where())
	}
	var did []string
	if report.Folded > 0 {
		did = append(did, "folded "+counted(report.Folded, "changeset"))
	}
	if report.Merged > 0 {
		did = append(did, "merged "+counted(report.Merged, "part"))
	}
	if report.Removed > 0 {
		did = append(did, "removed "+counted(report.Removed, "file"))
	}
	if len(did) == 0 {
		did = append(did, "nothing to do")
	}
	now := counted(report.Parts, "part")
	if n := report.Loose - report.Lost; n > 0 {
		now += ", " + counted(n, "changeset") + " in small files"
	}
	if report.Lost > 0 {
		now += ", " + counted(report.Lost, "changeset") + " lost"
	}
	text := strings.Join(did, ", ")
	return p.donef("%s%s: %s now", strings.ToUpper(text[:1]), text[1:], now)
}
