package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/afero"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/durable"
	psync "prophet/sync"
)

func exportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a copy that others can clone",
		ArgsUsage: "DIR",
		Category:  aboutExchange,
		Description: `
Writes a copy of this replica to DIR, which must not exist, or be empty: the
files that the original's own export writes. It is for carrying to somebody who
clones it, with this program or the original. It is not for editing.

  prophet export /media/stick/bugs

A mirror that is to be kept up to date is made by "prophet publish".`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			return runExport(c.Context, e, exportOptions{globalsOf(c), args[0]})
		},
	}
}

type exportOptions struct {
	globals
	dir string
}

// exportDoc is the JSON of export.
type exportDoc struct {
	From     string `json:"from"`
	Latest   uint32 `json:"latest"` // rows in its log
	To       string `json:"to"`
	Withheld int    `json:"withheld,omitempty"` // changesets that do not come to who reads it, because of what is lost
}

func runExport(ctx context.Context, e *env, o exportOptions) error {
	dir, err := e.localTarget(o.dir)
	if err != nil {
		return err
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	if err := checkEmptyDir(e.Fs, dir); err != nil {
		return e.ifHalfCopy(err, dir)
	}
	if err := e.checkPlace(p, "copy", dir); err != nil {
		return err
	}
	unmake, err := durable.MakeRoot(e.Fs, dir)
	if err != nil {
		return err
	}
	progress := p.progress("exporting", false)
	err = psync.Export(ctx, r, e.dir(dir), func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		unmake()
		return e.halfCopy(err, dir)
	}
	held, warning, err := psync.Withheld(r)
	if err != nil {
		return err
	}
	if held > 0 {
		p.warnf("%s", warning)
	}
	if p.json {
		return p.writeJSON(exportDoc{r.Where(), r.Latest(), dir, held})
	}
	return p.donef("Exported %s to %s", counted(int(r.Latest()), "row")+" of the log", dir)
}

// ifHalfCopy adds to the error of an export into a directory that holds something that it is what an export left that was cut off, if it is: its replica-version is written last.
func (e *env) ifHalfCopy(err error, dir string) error {
	if there, failed := isReplica(e.Fs, dir); there || failed != nil {
		return err
	}
	if cas, failed := afero.DirExists(e.Fs, filepath.Join(dir, "cas")); !cas || failed != nil {
		return err
	}
	return withHint(fmt.Errorf("%w: it has files of a replica, and no %s, which is written last", err, changeset.ReplicaVersionFile),
		"if an export was cut off there, remove %s and export again; else name a directory that does not exist", shellWord(e.shortDir(dir)))
}

// halfCopy adds to the error of an export what to do about what it leaves in a directory that was empty.
func (e *env) halfCopy(err error, dir string) error {
	if checkEmptyDir(e.Fs, dir) == nil {
		return err
	}
	half := dir + " holds half a copy; remove it and export again"
	switch hint := e.hintFor(err); {
	case hint == "":
		return withHint(err, "%s", half)
	case hint == hintFull:
		return withHint(err, "make room, or name another directory; %s", half)
	default:
		return withHint(err, "%s; %s", cmp.Or(remedyOf(err), hint), half)
	}
}

// localTarget returns the directory that a word names, as an absolute path or by a file:// URL.
func (e *env) localTarget(word string) (string, error) {
	switch psync.Scheme(word) {
	case "":
		if word == "" {
			return "", usagef("the directory is empty")
		}
		return e.path(word), nil
	case "file":
		dir, err := psync.LocalPath(word)
		if err != nil {
			return "", usagef("%w", err)
		}
		return dir, nil
	}
	return "", usagef("%s is not a directory: files are written to a plain path or a file:// URL", psync.Shown(word))
}
