package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

func cloneCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "clone",
		Usage:     "make a replica of a database that exists",
		ArgsUsage: "URL [DIR]",
		Category:  aboutExchange,
		Flags: []cli.Flag{
			formatFlag(),
			&cli.BoolFlag{Name: "no-adopt", Usage: "of a replica of the original, do not take over how it settled conflicts"},
		},
		Description: `
URL is a directory or a URL that begins with file://, http:// or https://. DIR
is the last part of its path if it is not given; it must not exist, or be empty.

  prophet clone https://bugs.example.com/ bugs
  prophet clone /srv/bugs

A clone that was cut off leaves nothing, if no changesets had come, or what the
same command goes on with, and "prophet pull" in it, if it is a replica already.

The original settles conflicts by what happens to arrive. So that no value
changes when you move over from it, a clone takes over what the source shows;
with --no-adopt, what differs from our rule stays open.

The clone keeps many changesets in one file, whatever the source does; with
--format 1 it is one that the original reads: "prophet help init" says more.

Conflicts that are open at the source come along and are listed; the exit code
is 0 all the same.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 2)
			if err != nil {
				return err
			}
			return runClone(c.Context, e, cloneOptions{
				globals: globalsOf(c),
				url:     args[0],
				dir:     strings.Join(args[1:], ""),
				given:   len(args) > 1,
				noAdopt: c.Bool("no-adopt"),
				format:  c.String("format"),
			})
		},
	}
}

type cloneOptions struct {
	globals
	url     string
	dir     string
	given   bool // dir is, even if it is empty
	noAdopt bool
	format  string // "" if none was asked for
}

func runClone(ctx context.Context, e *env, o cloneOptions) error {
	if o.url == "" {
		return usagef("the URL is empty")
	}
	e.lean()
	location := e.location(o.url)
	dir, err := e.cloneDir(location, o)
	if err != nil {
		return err
	}
	if err := checkEmptyDir(e.Fs, dir); err != nil && !psync.CloneBegun(e.dir(dir)) {
		return e.takenHint(err, location, dir, o.url)
	}
	if err := e.checkPlace(e.printer(o.globals), "clone", dir); err != nil {
		return err
	}
	from, err := e.openSource(ctx, location, o.globals)
	if err != nil {
		return err
	}
	return o.clone(ctx, e, from, location, dir)
}

// clone clones the source, which could be read, into dir.
func (o *cloneOptions) clone(ctx context.Context, e *env, from *replica.Replica, location, dir string) error {
	opts, err := e.replicaOptions(dir, o.globals)
	if err != nil {
		return err
	}
	unmake, err := durable.MakeRoot(e.Fs, dir)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	x := exchangeOptions{globals: o.globals}
	pull, end := x.pullOptions(p, "cloning")
	pull.Adopt, pull.Format = !o.noAdopt, o.format
	r, rep, err := psync.Clone(ctx, e.dir(dir), from, opts, pull)
	end()
	if err != nil && e.unmake(r, dir) {
		unmake()
		if isWithin(err, dir) {
			return withHint(unreachable("clone", from.Where(), err), "%s", cmp.Or(hintOf(err), fmt.Sprintf("nothing is left in %s; look whether that disk works, or name a directory on another one, then run the command again", shellWord(dir))))
		}
		return e.peerHint(unreachable("clone", from.Where(), err), location, "")
	}
	if err != nil {
		return o.begun(ctx, e, from, dir, err)
	}
	if err := r.SetLastPeer(psync.Shown(location)); err != nil {
		return err
	}
	l := newConflictLister(p, r, r, fewLines)
	doc, err := newReportDoc(l, from.Where(), false, rep)
	if err != nil {
		return err
	}
	doc.cloned = true
	e.given = e.shortDir(dir) // what is said from now on is about the clone
	if err := showReport(l, doc, fmt.Sprintf("Cloned %s into %s", from.Where(), dir), true); err != nil || p.json {
		return err
	}
	return e.noteCreator(p, dir)
}

// isWithin reports whether an error is about a file in a directory.
func isWithin(err error, dir string) bool {
	var file *fs.PathError
	var link *os.LinkError
	name := ""
	switch {
	case errors.As(err, &file):
		name = file.Path
	case errors.As(err, &link):
		name = link.New
	}
	return name == dir || strings.HasPrefix(name, dir+string(filepath.Separator))
}

// takenHint adds to the error of a clone into a directory that holds something what to do.
func (e *env) takenHint(err error, location, dir, url string) error {
	switch there, failed := isReplica(e.Fs, dir); {
	case !there || failed != nil:
		return err
	case e.sameDir(location, dir):
		return withHint(err, `it is what is to be cloned: name another directory for the clone, "prophet clone %s DIR"`, shellWord(url))
	case e.exported(dir):
		return err
	}
	return withHint(err, `it is a replica: for a clone, name a directory that does not exist; if it is one of that database, "prophet pull -r %s %s" brings what is new`, shellWord(e.shortDir(dir)), shellWord(url))
}

// shortDir is a directory as it is best written by somebody who is in the working directory.
func (e *env) shortDir(dir string) string {
	if rel, err := filepath.Rel(e.Dir, dir); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return dir
}

// unmake takes away what a clone made in a directory that failed before a changeset had come, and reports whether nothing is left.
func (e *env) unmake(r *replica.Replica, dir string) bool {
	if r == nil {
		return checkEmptyDir(e.Fs, dir) == nil
	}
	if now, err := replica.Open(e.dir(dir), replica.Options{}); err != nil || now.Latest() > 0 {
		return false
	}
	if err := e.Fs.Remove(filepath.Join(dir, changeset.ReplicaVersionFile)); err != nil { // from here on there is no replica
		return false
	}
	files, err := afero.ReadDir(e.Fs, dir) // it was empty
	for _, f := range files {
		err = errors.Join(err, e.Fs.RemoveAll(filepath.Join(dir, f.Name())))
	}
	return err == nil
}

// begun adds to the error of a clone how to go on, if there is something to go on with: a replica is one once it has its replica-version. It may not know yet where the rest comes from.
func (o *cloneOptions) begun(ctx context.Context, e *env, from *replica.Replica, dir string, err error) error {
	there, failed := isReplica(e.Fs, dir)
	pull := fmt.Sprintf(`"prophet pull -r %s %s"`, shellWord(dir), shellWord(psync.Shown(o.url)))
	switch {
	case !there && failed == nil:
		first := ""
		if remedy := remedyOf(err); remedy != "" {
			first = remedy + "; "
		}
		return withHint(err, "%sno clone was made; remove what is left in %s, then run the same command again", first, shellWord(dir))
	case e.isAnother(dir, from):
		return withHint(err, "it is of a database of its own, in which nothing is yet: remove %s, or name another directory, then run the same command again", shellWord(dir))
	case interrupted(ctx, err):
		return withHint(err, "what came so far stays; %s goes on", pull)
	}
	if hint := hintOf(err); hint == hintMirror {
		return withHint(err, "%s; then %s goes on with the clone", hint, pull)
	}
	if remedyOf(err) != "" {
		return ifCutOff(ctx, err, "what came so far stays; then %s goes on with the clone", pull)
	}
	return withHint(err, "the clone is begun; %s goes on", pull)
}

// isAnother reports whether a directory has a replica of another database than the source.
func (e *env) isAnother(dir string, from *replica.Replica) bool {
	r, err := replica.Open(e.dir(dir), replica.Options{})
	return err == nil && r.Database() != from.Database()
}

// openSource opens the replica at a location.
func (e *env) openSource(ctx context.Context, location string, g globals) (*replica.Replica, error) {
	p := e.printer(g)
	from, err := e.carriers().Open(ctx, location, replica.Options{Now: e.Now, Warn: func(s string) { p.warnf("%s", s) }})
	if err != nil {
		return nil, e.peerHint(unreachable("clone", location, err), location, "")
	}
	return from, nil
}

// cloneDir returns the directory for a clone.
func (e *env) cloneDir(location string, o cloneOptions) (string, error) {
	if o.given && o.dir == "" {
		return "", usagef("the directory is empty")
	}
	dir, err := e.newReplicaDir(o.dir, o.globals)
	if dir != "" || err != nil {
		return dir, err
	}
	name := lastElement(location)
	if name == "" {
		return "", withHint(usagef("%s does not say how to call the clone", psync.Shown(location)), "name a directory after the URL")
	}
	return filepath.Join(e.Dir, name), nil
}

// lastElement returns the last part of a location's path, "" if it has none.
func lastElement(location string) string {
	p := location
	if psync.Scheme(location) != "" {
		u, err := url.Parse(location)
		if err != nil {
			return ""
		}
		p = u.Path
	}
	name := path.Base(path.Clean("/" + filepath.ToSlash(p)))
	if name == "/" {
		return ""
	}
	return name
}

// checkEmptyDir refuses a directory that holds something, and a file.
func checkEmptyDir(fsys afero.Fs, dir string) error {
	info, err := fsys.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return isNoDirectory(dir)
	}
	empty, err := afero.IsEmpty(fsys, dir)
	if err == nil && !empty {
		return withHint(fmt.Errorf("%s is not empty", dir), hintNewDir)
	}
	return err
}
