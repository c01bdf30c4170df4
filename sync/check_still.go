package sync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
)

// PublishingError says that a mirror was published to each time that it was checked: what was found is of several states, and tells nothing of any.
type PublishingError struct {
	Where string // the mirror
	Looks int    // how often it was checked
}

func (e *PublishingError) Error() string {
	return fmt.Sprintf("check %s: somebody published there each of the %d times that it was looked at, so it is not known whether it is damaged", e.Where, e.Looks)
}

// betweenLooks are the pauses before a mirror that is being published to is checked again.
var betweenLooks = []time.Duration{time.Second / 4, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// mostHeld is how many problems are kept until it is known that nobody published meanwhile.
const mostHeld = 10_000

// still is a check of a mirror that is made again where somebody published while it was made.
type still struct {
	ctx    context.Context
	tree   afero.Fs
	opts   replica.Options
	report func(replica.Problem)
	last   bool // no other look follows

	before  map[string]string // what names the state of the mirror
	held    []replica.Problem
	damaged bool // some of these are damage
	through bool // nobody publishes: what is found is reported at once
	stop    context.CancelFunc
}

// whileStill makes a check of the tree of a mirror, and makes it again where it finds something and what names the state of the mirror changed meanwhile, or somebody is
// publishing. Of a web server, where nobody sees the lock of who publishes, it waits a moment for such a change.
func whileStill(ctx context.Context, tree afero.Fs, opts replica.Options, report func(replica.Problem), check func(context.Context, func(replica.Problem)) error) error {
	for look := 0; ; look++ {
		s := &still{ctx: ctx, tree: tree, opts: opts, report: report, last: look == len(betweenLooks)}
		s.before = s.names()
		within, stop := context.WithCancel(ctx)
		s.stop = stop
		err := check(within, s.add)
		moved := (within.Err() != nil && ctx.Err() == nil) || !s.through && (err != nil || len(s.held) > 0) && s.moved(err != nil && !isUnsent(err) || s.damaged)
		stop()
		switch {
		case ctx.Err() != nil || !moved, s.last && err == nil && !s.damaged:
			s.tell()
			return err
		case s.last:
			return &PublishingError{opts.Where, look + 1}
		}
		if err := s.pause(betweenLooks[look]); err != nil {
			return err
		}
		if cached, ok := tree.(interface{ Revalidate() }); ok {
			cached.Revalidate()
		}
	}
}

// add keeps a problem. Where there are many it looks at once whether they are of one state.
func (s *still) add(p replica.Problem) {
	if s.through {
		s.report(p)
		return
	}
	s.held = append(s.held, p)
	s.damaged = s.damaged || !p.Harmless && !p.Unread
	switch {
	case len(s.held) < mostHeld:
	case s.moved(s.damaged):
		s.held = nil
		s.damaged = true
		s.stop()
	default:
		s.tell()
	}
}

// tell reports what was kept, and from now on what is found.
func (s *still) tell() {
	for _, p := range s.held {
		s.report(p)
	}
	s.held, s.through = nil, true
}

// moved reports whether somebody published since the check began, or, where there is damage, is at it.
func (s *still) moved(damaged bool) bool {
	if s.ctx.Err() != nil {
		return false
	}
	if s.differs() {
		return true
	}
	if !damaged {
		return false
	}
	if !s.opts.Mirror {
		return durable.Locked(s.tree, mirrorLock)
	}
	for _, d := range pauses {
		if s.pause(d) != nil {
			return false
		}
		if s.differs() {
			return true
		}
	}
	return false
}

func (s *still) pause(d time.Duration) error {
	if s.opts.Sleep == nil {
		return wait(s.ctx, d)
	}
	s.opts.Sleep(d)
	return s.ctx.Err()
}

// names returns the files of a mirror from which readers know its state, up to the first that a server does not send. Every publication changes one of them at its end.
func (s *still) names() map[string]string {
	all := map[string]string{}
	for _, name := range []string{wire.HeadFile, replica.MirrorMark, changeset.LatestFile, changeset.ResolutionsDir + "/" + changeset.LatestFile,
		replica.LatestRepresentationFile, replica.IdentityFile, changeset.ReplicaUUIDFile} {
		b, err := readAtMost(s.tree, name, wire.MaxHead)
		if isUnsent(err) {
			break // a server that is silent takes long for each
		}
		if err != nil && !errors.As(err, new(*replica.DamageError)) {
			err = nil // whatever it is, the check meets it too
		}
		all[name] = fmt.Sprintf("%d %v\n%s", len(b), err, b)
	}
	return all
}

// differs reports whether the mirror is of another state now, as far as could be read both times.
func (s *still) differs() bool {
	now := s.names()
	for name, before := range s.before {
		if text, read := now[name]; read && text != before {
			return true
		}
	}
	return false
}
