package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/replica"
	psync "prophet/sync"
)

func pullCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "bring what another replica has and this one has not",
		ArgsUsage: "[URL]",
		Category:  aboutExchange,
		Flags:     exchangeFlags(),
		Description: `
URL is a directory, a URL that begins with file://, http:// or https://, or the
name of a replica in the file config. Without it, the replica is meant that was
last pulled from or pushed to.

  prophet pull ../bugs-of-bob
  prophet pull https://bugs.example.com/
  prophet pull --all

Nothing stops for a question: conflicts are settled by rule for now, listed, and
stay open until somebody decides; the exit code is 3 then, unless all are such
as "prophet rules" settles. --prefer from decides them at once for what came,
--prefer to for what was here before, also where two others differ.

--all goes on after a replica that fails. It asks wherever a replica was found,
in its directory and at a mirror of it, and passes over what has nothing else
than one that it has met already.

A pull that was cut off goes on where it stopped when it is run again.`,
		Action: func(c *cli.Context) error {
			o, err := newExchangeOptions(c)
			if err != nil {
				return err
			}
			return runPull(c.Context, e, o)
		},
	}
}

func runPull(ctx context.Context, e *env, o exchangeOptions) error {
	x, err := newExchange(e, o, pulling)
	if err != nil {
		return err
	}
	return x.run(ctx, x.pull)
}

// exchange is a pull or push under way, with one peer or several.
type exchange struct {
	exchangeOptions
	e         *env
	p         *printer
	dir       string           // of the replica here
	here      *replica.Replica // as it was when the command began
	locations []string
	self      uuid.UUID                      // of the replica here
	database  uuid.UUID                      // of the replica here
	met       map[uuid.UUID]*replica.Replica // with several, those that were met already
	conflicts bool                           // some were opened
	came      bool                           // something did, or went
}

func newExchange(e *env, o exchangeOptions, want direction) (*exchange, error) {
	dir, r, err := e.openHere(o.globals)
	if err != nil {
		return nil, err
	}
	peers, err := e.peers(dir, want)
	if err != nil {
		return nil, err
	}
	locations, err := peers.chosen(r, o.url, o.all)
	if err != nil {
		return nil, err
	}
	return &exchange{exchangeOptions: o, e: e, p: e.printer(o.globals), dir: dir, here: r, locations: locations, self: r.UUID(), database: r.Database(), met: map[uuid.UUID]*replica.Replica{}}, nil
}

// run does one thing with each of the locations. With several it goes on after one that fails.
func (x *exchange) run(ctx context.Context, one func(ctx context.Context, location string) error) error {
	if !x.all {
		return one(ctx, x.locations[0])
	}
	s := &several{p: x.p}
	for _, l := range x.locations {
		err := one(ctx, l)
		if err == errConflicts {
			x.conflicts, err = true, nil
		}
		if ctx.Err() != nil {
			return x.ifCutOff(ctx, err, "one")
		}
		s.note(l, x.orForget(l, err))
	}
	if err := s.err(); err != nil || !x.conflicts {
		return err
	}
	return errConflicts
}

// meet opens the replica at a location, to pull from it or push to it, beside ours. With several, theirs is nil if it is to be passed over.
func (x *exchange) meet(ctx context.Context, doing, location string) (ours, theirs *replica.Replica, err error) {
	if theirs, err = x.e.openPeer(ctx, doing, location, x.database, x.dir, x.globals); err != nil {
		return nil, nil, x.sayRemembered(ctx, doing, err)
	}
	if x.all {
		if over, err := x.passOver(theirs, location); over || err != nil {
			return nil, nil, err
		}
	}
	ours, err = x.e.openDir(x.dir, x.globals)
	return ours, theirs, err
}

// sayRemembered adds to the error of opening a replica that nobody named where its name is from.
func (x *exchange) sayRemembered(ctx context.Context, doing string, err error) error {
	if x.url != "" || x.all || interrupted(ctx, err) {
		return err
	}
	verb, _, _ := strings.Cut(doing, " ")
	said := fmt.Sprintf(`nobody named it: it is where this replica pulled from or pushed to last, as prophet/last-peer says; "prophet %s URL" names another`, verb)
	switch hint := x.e.hintFor(err); {
	case hint == "" || strings.Contains(hint, hintLocation):
		return withHint(err, "%s", said)
	case hint == hintNetwork:
		return withHint(err, "%s; %s", hint, said)
	}
	return err
}

// passOver reports, and says, that a replica is none of several to exchange with: it has our UUID, or it was met already, in this state, at another location.
// A mirror of a replica that was met may have fallen behind it, or have more.
func (x *exchange) passOver(theirs *replica.Replica, location string) (bool, error) {
	if theirs.UUID() == x.self {
		if !x.ownMirror(theirs) {
			x.p.notef("%s is passed over: it has the UUID of this replica, so one is a copy of the other, or a backup; to exchange with it, name it", psync.Shown(location))
		}
		return true, nil
	}
	if met := x.met[theirs.UUID()]; met != nil {
		same, err := sameState(met, theirs)
		if err != nil {
			return false, err
		}
		if same {
			x.p.notef("%s is passed over: it is a replica that was met already", psync.Shown(location))
			return true, nil
		}
	}
	x.met[theirs.UUID()] = theirs
	return false, nil
}

// sameState reports whether two logs, and those of the votes, end with the same row.
func sameState(a, b *replica.Replica) (bool, error) {
	for _, logs := range [][2]*replica.Log{{a.Log(), b.Log()}, {a.Resolutions(), b.Resolutions()}} {
		if logs[0].Latest() != logs[1].Latest() {
			return false, nil
		}
		if logs[0].Latest() == 0 {
			continue
		}
		one, err := logs[0].Row(logs[0].Latest())
		if err != nil {
			return false, err
		}
		if other, err := logs[1].Row(logs[1].Latest()); err != nil || one != other {
			return false, err
		}
	}
	return true, nil
}

// ownMirror reports whether a replica is a mirror of this one, or an exported copy of it. It has nothing that is not here, unless something was lost here.
func (x *exchange) ownMirror(theirs *replica.Replica) bool {
	return theirs.UUID() == x.self && errors.Is(theirs.CheckEditable(), replica.ErrExported)
}

// pull pulls from one location.
func (x *exchange) pull(ctx context.Context, location string) error {
	ours, theirs, err := x.meetForNews(ctx, location)
	if err != nil || theirs == nil {
		return err
	}
	x.warnOfForce(ours, theirs)
	opts, end := x.pullOptions(x.p, "pulling")
	before := rowsOf(ours)
	rep, err := psync.Pull(ctx, ours, theirs, opts)
	end()
	x.came = x.came || rowsOf(ours) > before
	if err != nil {
		return x.ifCutOff(ctx, err, "pull")
	}
	if err := x.remember(ours, theirs, location); err != nil {
		return x.ifCutOff(ctx, err, "pull")
	}
	x.noteTwin(ours, theirs, location, rep)
	return x.showPulled(ours, theirs.Where(), rep)
}

// meetForNews is meet, for a pull. Where nothing is new it says so, and theirs is nil.
func (x *exchange) meetForNews(ctx context.Context, location string) (ours, theirs *replica.Replica, err error) {
	if x.all || x.force {
		return x.meet(ctx, "pull from", location)
	}
	opts, err := x.e.peerOptions(location, x.dir, x.globals)
	if err != nil {
		return nil, nil, err
	}
	where, theirs, ok := x.e.carriers().News(ctx, location, x.here, opts)
	switch {
	case !ok:
		return x.meet(ctx, "pull from", location)
	case theirs == nil:
		return nil, nil, x.pulledNothing(where, location)
	}
	ours, err = x.e.openDir(x.dir, x.globals)
	return ours, theirs, err
}

// pulledNothing ends a pull from where nothing is new.
func (x *exchange) pulledNothing(where, location string) error {
	if !x.dryRun {
		if err := x.here.SetLastPeer(psync.Shown(location)); err != nil {
			return err
		}
	}
	return x.showPulled(x.here, where, &psync.Report{Latest: x.here.Latest()})
}

// showPulled prints what came.
func (x *exchange) showPulled(ours *replica.Replica, where string, rep *psync.Report) error {
	l := newConflictLister(x.p, ours, ours, fewLines)
	doc, err := newReportDoc(l, where, x.dryRun, rep)
	if err != nil {
		return err
	}
	return showReport(l, doc, x.did("Pulled", "Would pull")+" from "+where, x.ok)
}

// ifCutOff adds to the error of a pull or push that was interrupted, or ran out of room, that the next one goes on.
func (x *exchange) ifCutOff(ctx context.Context, err error, next string) error {
	if x.dryRun || !x.came {
		return err
	}
	return ifCutOff(ctx, err, "what came so far stays; the next %s goes on from there", next)
}

// rowsOf returns how many rows both logs of a replica have.
func rowsOf(r *replica.Replica) uint64 {
	return uint64(r.Latest()) + uint64(r.Resolutions().Latest())
}

// remember notes the location as the one last used. Its own mirror is no peer of a replica, and nothing is written to an exported copy, from which one can push.
func (x *exchange) remember(ours, theirs *replica.Replica, location string) error {
	if x.dryRun || x.all || x.ownMirror(theirs) || ours.CheckEditable() != nil {
		return nil
	}
	return ours.SetLastPeer(psync.Shown(location))
}

func (x *exchange) did(really, dry string) string {
	if x.dryRun {
		return dry
	}
	return really
}
