package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/internal/rsync"
	"prophet/replica"
	psync "prophet/sync"
)

func publishCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "publish",
		Usage:     "write a mirror that any web server can serve",
		ArgsUsage: "DIR|HOST:PATH",
		Category:  aboutExchange,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "compare all files of the mirror, and write again what is missing or damaged"},
			&cli.BoolFlag{Name: "no-v1", Usage: "no tree for the original: only packs, which this program reads"},
			&cli.BoolFlag{Name: "prune", Usage: "remove at once the packs that newer ones have superseded"},
			&cli.BoolFlag{Name: "flat", Usage: "the replica at DIR itself, not in a directory of its own below"},
		},
		Description: `
Writes this replica to DIR as static files, or brings a mirror there up to date:
only what is new is written, the bookkeeping of this replica too, which the
original needs and no pull brings. Anybody can clone and pull from where a web
server serves DIR, with this program or the original. DIR may also be the name
of a replica in the file config that has a publish-url.

  prophet publish /var/www/bugs
  prophet publish ann@www.example.com:/srv/bugs

The latter is on another machine, and goes through your own rsync: "prophet help
rsync" has more.

DIR can hold mirrors of several databases, each in a directory that has the UUID
of the database as its name. Such a mirror belongs to one replica: what another
one publishes goes to another DIR.

If files of the mirror are missing or damaged, readers are told so, and this
repairs it:

  prophet publish --check /var/www/bugs

The original is given the URL of that directory. With --flat the mirror is at
DIR itself.

Beside the tree that the original reads, the mirror holds the same in packs:
this program clones them with a handful of requests, and pulls with one. Small
packs are merged as the mirror grows; those that were merged stay for 30 days,
for readers who look at an old state, or until a publish with --prune. With
--no-v1 there are packs only: a few files, and none that the original reads. The
flag is wanted each time: a publish without it writes the tree there, too.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			return runPublish(c.Context, e, publishOptions{globalsOf(c), args[0], c.Bool("flat"), c.Bool("check"), c.Bool("no-v1"), c.Bool("prune")})
		},
	}
}

type publishOptions struct {
	globals
	to    string
	flat  bool
	check bool
	noV1  bool
	prune bool
}

// publishDoc is the JSON of publish.
type publishDoc struct {
	Bookkeeping int    `json:"bookkeeping"`       // changesets among them that no pull brings
	Changesets  int    `json:"changesets"`        // that the mirror had not
	Cleared     int    `json:"cleared,omitempty"` // files that publications left that were killed, and that were removed
	From        string `json:"from"`
	Latest      uint32 `json:"latest"`      // rows in the log of the mirror
	Path        string `json:"path"`        // of the replica below to
	Records     int    `json:"records"`     // whose present version was written
	Removed     int    `json:"removed"`     // records that it listed, and that were deleted
	Resolutions int    `json:"resolutions"` // changesets that it had not
	Restored    int    `json:"restored"`    // files that were missing or damaged
	To          string `json:"to"`
	Withheld    int    `json:"withheld,omitempty"` // changesets that do not come to who reads there, because of what is lost
	Wrote       bool   `json:"wrote"`              // false: there was nothing to write
}

func runPublish(ctx context.Context, e *env, o publishOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	to, err := e.publishingTo(r, o.to)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	if to.dir != "" {
		if err := e.checkPlace(p, "mirror", to.dir); err != nil {
			return err
		}
	}
	progress := p.progress("publishing", false)
	pub, err := to.publish(ctx, r, psync.PublishOptions{
		Flat:     o.flat,
		Check:    o.check,
		NoTree:   o.noV1,
		Prune:    o.prune,
		Progress: func(done, total int) { progress.Set(int64(done), int64(total)) },
		Wait:     o.wait,
		Warn:     func(s string) { p.warnf("%s", s) },
		Waiting:  func(who string) { p.notef("%s publishes to %s; waiting for it", who, to.shown) },
	})
	progress.Done()
	if err != nil {
		return ifCutOff(ctx, o.withRemedy(fmt.Errorf("%s: %w", to.shown, err), to), "what came so far stays; readers see %s, and the next publish goes on", to.seen)
	}
	if to.dir != "" { // a repair asks there
		if err := noteMet(ctx, r, r.UUID(), replica.Place{URL: filepath.Join(to.dir, filepath.FromSlash(pub.Path)), Copy: true}); err != nil {
			return ifCutOff(ctx, err, "it is published; the next publish notes where")
		}
	}
	if p.json {
		return p.writeJSON(publishDoc{pub.Bookkeeping, pub.Changesets, pub.Cleared, r.Where(), pub.Latest, pub.Path, pub.Records, pub.Removed, pub.Votes, pub.Restored, to.shown, pub.Withheld, pub.Wrote})
	}
	return p.donef("Published to %s: %s", to.shown, o.text(pub))
}

// withRemedy says what to do about a mirror that is damaged, has what this replica has lost, or cannot be reached.
func (o *publishOptions) withRemedy(err error, to *publishTo) error {
	var damaged *psync.MirrorError
	var failed *rsync.Error
	switch {
	case errors.As(err, &failed):
		return withHint(err, "%s", rsyncHint(failed))
	case errors.Is(err, psync.ErrMirrorAhead) && to.pulled == "":
		return withHint(err, `pull from the URL where it is served, which brings them; then "%s" goes on with that mirror; or publish to another directory`, o.again())
	case errors.Is(err, psync.ErrMirrorAhead):
		return withHint(err, `"prophet pull %s" brings them, then "%s" goes on with that mirror; or publish to another directory`, shellWord(to.pulled), o.again())
	case errors.Is(err, psync.ErrMirrorHas):
		return withHint(err, `nothing was written; "prophet fsck --repair --from %s" brings it back, then "%s" goes on with that mirror`, shellWord(cmp.Or(to.pulled, "URL")), o.again())
	case errors.Is(err, psync.ErrOtherReplica):
		return withHint(err, "publish to another directory; or, if that replica publishes there no more, pull from it, remove what lies there, and publish again: readers then read it from its beginning")
	case errors.Is(err, psync.ErrOtherDatabase):
		return withHint(err, "publish to another directory, or without --flat beside it")
	case errors.Is(err, psync.ErrFlatThere):
		return withHint(err, `if it is a flat mirror or an exported copy of this replica, "%s" brings it up to date; else publish to another directory`, o.again("--flat"))
	case !o.check && errors.As(err, &damaged):
		return withHint(err, `"%s" writes again what is missing or damaged there`, o.again("--check"))
	}
	return err
}

// again is the command that publishes to the same place, with more flags.
func (o *publishOptions) again(flags ...string) string {
	words := append([]string{"prophet", "publish"}, flags...)
	if o.check {
		words = append(words, "--check")
	}
	if o.flat {
		words = append(words, "--flat")
	}
	if o.noV1 {
		words = append(words, "--no-v1")
	}
	return commandLine(append(words, o.to)...)
}

// text says what a publication wrote, and if it was to check the mirror, what that found.
func (o *publishOptions) text(pub *psync.Published) string {
	text := o.checkedText(pub)
	if pub.Cleared > 0 {
		text += "; " + counted(pub.Cleared, "file") + " removed that a killed publication had left"
	}
	return text
}

func (o *publishOptions) checkedText(pub *psync.Published) string {
	switch restored := counted(pub.Restored, "file") + " restored"; {
	case !o.check:
		return publishedText(pub)
	case pub.Restored > 0 && pub.Changesets+pub.Votes+pub.Removed == 0:
		return restored
	case pub.Restored > 0:
		return publishedText(pub) + "; " + restored
	}
	return publishedText(pub) + "; no file was missing or damaged"
}

// publishedText says what a publication wrote.
func publishedText(pub *psync.Published) string {
	var parts []string
	for _, part := range []struct {
		n          int
		noun, what string
	}{{pub.Changesets - pub.Bookkeeping, "changeset", ""}, {pub.Bookkeeping, "row", " of bookkeeping"}, {pub.Votes, "vote", ""}, {pub.Records, "record", ""}, {pub.Removed, "deleted record", ""}} {
		if part.n > 0 {
			parts = append(parts, counted(part.n, part.noun)+part.what)
		}
	}
	switch {
	case !pub.Wrote:
		return "nothing new"
	case len(parts) == 0:
		return "the mirror is complete"
	}
	return strings.Join(parts, ", ")
}
