package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/replica"
	psync "prophet/sync"
)

func pushCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "bring what this replica has to another one that has not",
		ArgsUsage: "[URL]",
		Category:  aboutExchange,
		Flags:     exchangeFlags(),
		Description: `
A push is a pull by the other side. URL is the directory of a replica, a file://
URL, or the name of a replica in the file config. Without it, the replica is
meant that was last pulled from or pushed to. Web servers can be read only: see
"prophet help publish".

  prophet push ../bugs-of-bob

Conflicts are opened in the other replica, and listed with its local ids. To
decide them here, pull first: then they are in this replica too.
--prefer from decides them at once for what this replica has, --prefer to for
what the other one had.`,
		Action: func(c *cli.Context) error {
			o, err := newExchangeOptions(c)
			if err != nil {
				return err
			}
			return runPush(c.Context, e, o)
		},
	}
}

func runPush(ctx context.Context, e *env, o exchangeOptions) error {
	x, err := newExchange(e, o, pushing)
	if err != nil {
		return err
	}
	return x.run(ctx, x.push)
}

// push pushes to one location.
func (x *exchange) push(ctx context.Context, location string) error {
	if psync.ReadOnly(location) {
		return x.cannotPush(location)
	}
	ours, theirs, err := x.meet(ctx, "push to", location)
	if err != nil || theirs == nil {
		return err
	}
	if x.ownMirror(theirs) {
		return withHint(usagef("push to %s: it is a mirror of this replica", psync.Shown(location)), `"%s" brings it up to date`, x.publishAgain(theirs))
	}
	if err := theirs.CheckEditable(); errors.Is(err, replica.ErrExported) {
		return x.cannotPushToCopy(theirs, err)
	}
	x.warnOfForce(theirs, ours)
	opts, end := x.pullOptions(x.p, "pushing")
	before := rowsOf(theirs)
	rep, err := psync.Pull(ctx, theirs, ours, opts)
	end()
	x.came = x.came || rowsOf(theirs) > before
	if err != nil {
		return x.ifCutOff(ctx, pushError(ours, theirs, err), "push")
	}
	if err := x.remember(ours, theirs, location); err != nil {
		return x.ifCutOff(ctx, err, "push")
	}
	if err := x.noteMet(ctx, ours, theirs); err != nil {
		return x.ifCutOff(ctx, err, "push")
	}
	x.noteTwin(ours, theirs, location, rep)
	l := newConflictLister(x.p, theirs, ours, fewLines)
	doc, err := newReportDoc(l, ours.Where(), x.dryRun, rep)
	if err != nil {
		return err
	}
	return showReport(l, doc, x.did("Pushed", "Would push")+" to "+theirs.Where(), x.ok)
}

// noteMet notes where the replica is that was pushed to, for --all and for a repair.
func (x *exchange) noteMet(ctx context.Context, ours, theirs *replica.Replica) error {
	if x.dryRun || theirs.UUID() == ours.UUID() || theirs.Database() != ours.Database() || ours.CheckEditable() != nil {
		return nil
	}
	return noteMet(ctx, ours, theirs.UUID(), replica.Place{URL: theirs.Where()})
}

// noteMet notes where a replica, or the mirror of ours, is found. Somebody who may only read ours pushes and publishes without that, as does one who would have to wait.
func noteMet(ctx context.Context, ours *replica.Replica, peer uuid.UUID, at replica.Place) error {
	err := ours.Meet(ctx, peer, at)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.As(err, new(*replica.BusyError)) {
		return nil
	}
	return err
}

// publishAgain is the command that brings a mirror or an exported copy of this replica up to date.
func (x *exchange) publishAgain(theirs *replica.Replica) string {
	dir, local := localDir(theirs.Where())
	if !local {
		return "prophet publish DIR"
	}
	above := filepath.Dir(dir)
	if listed, err := isFile(x.e.Fs, filepath.Join(above, psync.MirrorFile)); listed && err == nil && filepath.Base(dir) == theirs.Database().String() {
		return commandLine("prophet", "publish", x.e.shortDir(above))
	}
	return commandLine("prophet", "publish", "--flat", x.e.shortDir(dir))
}

// pushError turns the error of a pull by the other side into that of a push, in which the other side is the one that we talk about.
func pushError(ours, theirs *replica.Replica, err error) error {
	switch inner := errors.Unwrap(err); {
	case errors.Is(err, psync.ErrOtherDatabase):
		err = fmt.Errorf("it is a replica of %w: %s, not %s", psync.ErrOtherDatabase, theirs.Database(), ours.Database())
	case inner != nil && err.Error() == "pull from "+ours.Where()+": "+inner.Error():
		err = inner
	}
	return fmt.Errorf("push to %s: %w", theirs.Where(), err)
}

// cannotPushToCopy says that a mirror, or another exported copy, can be read only. With --all that is no failure.
func (x *exchange) cannotPushToCopy(theirs *replica.Replica, err error) error {
	if x.all {
		x.p.notef("%s is an exported copy or a mirror: nothing is pushed to it", theirs.Where())
		return nil
	}
	return withHint(fmt.Errorf("push to %s: %w", theirs.Where(), err), `push to the replica that it was made of, or to one that "prophet clone %s DIR" makes of it`, shellWord(theirs.Where()))
}

// cannotPush says that a web server can be read only. With --all that is no failure.
func (x *exchange) cannotPush(location string) error {
	if x.all {
		x.p.notef("%s can be read only: nothing is pushed to it", psync.Shown(location))
		return nil
	}
	return withHint(usagef("push to %s: a web server can be read only", psync.Shown(location)),
		`"prophet publish DIR" writes the files that it serves; others get your edits from such a mirror of yours, or from a directory that they reach`)
}
