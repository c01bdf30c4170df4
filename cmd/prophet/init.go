package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/internal/durable"
	"prophet/replica"
)

func initCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "make a new database, with its first replica",
		ArgsUsage: "[DIR]",
		Category:  aboutReplica,
		Flags:     []cli.Flag{formatFlag()},
		Description: `
DIR is made if it does not exist; it may hold other files, but no replica.
Without DIR, and without --replica, the replica is made in the directory that
PROPHET_REPO names, else in the working directory.

  prophet init bugs
  cd bugs

The replica is of format 2, which keeps many changesets in one file: see
"prophet help gc". With --format 1 it is one that programs of the original, and
versions of prophet before 0.4.0, read and edit in its directory; it takes ten
times the room, and large imports, clones and pulls are slower. Both exchange
changesets with anybody: "prophet publish" and "prophet export" write format 1.

To have a replica of a database that exists, use "prophet clone".`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1)
			if err != nil {
				return err
			}
			return runInit(c.Context, e, initOptions{globals: globalsOf(c), dir: strings.Join(args, ""), given: len(args) > 0, format: c.String("format")})
		},
	}
}

type initOptions struct {
	globals
	dir   string
	given bool // dir is, even if it is empty

	format string // "" if none was asked for
}

// initDoc is the JSON of init.
type initDoc struct {
	Database uuid.UUID `json:"database"`
	Path     string    `json:"path"`
	Replica  uuid.UUID `json:"replica"`
}

func runInit(ctx context.Context, e *env, o initOptions) error {
	dir, err := o.where(e)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	if err := e.checkPlace(p, "replica", dir); err != nil {
		return err
	}
	unmake, err := durable.MakeRoot(e.Fs, dir)
	if err != nil {
		return fmt.Errorf("make a replica in %s: %w", dir, err)
	}
	opts, err := e.replicaOptions(dir, o.globals)
	if err != nil {
		unmake()
		return err
	}
	r, err := replica.Init(ctx, e.dir(dir), replica.Identity{Format: o.format}, opts)
	if err != nil {
		unmake()
	}
	if errors.Is(err, replica.ErrExists) {
		return withHint(err, `"prophet info -r %s" says what it is`, shellWord(dir))
	}
	if isDamage(err) {
		return withHint(err, `"prophet fsck -r %s --repair" repairs it`, shellWord(e.shortDir(dir)))
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(initDoc{r.Database(), dir, r.UUID()})
	}
	if err := p.donef("Made a replica in %s (database %s)", dir, r.Database()); err != nil {
		return err
	}
	return e.noteCreator(p, dir)
}

// where returns the directory for the replica.
func (o *initOptions) where(e *env) (string, error) {
	if o.given && o.dir == "" {
		return "", usagef("the directory is empty")
	}
	dir, err := e.newReplicaDir(o.dir, o.globals)
	if dir != "" || err != nil {
		return dir, err
	}
	return e.path(cmp.Or(e.Getenv("PROPHET_REPO"), ".")), nil
}
