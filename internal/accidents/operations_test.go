package accidents

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/replica"
	psync "prophet/sync"
)

// operations are the rows of the table.
func operations(t *testing.T) []*operation {
	var list []*operation
	for _, some := range []func(t *testing.T) []*operation{edits, identities, beginnings, pulls, publications, repairs, tidyings} {
		for _, o := range some(t) {
			o.complete()
			list = append(list, o)
		}
	}
	return list
}

// complete fills in what most operations have in common: they are Ann's.
func (o *operation) complete() {
	if o.state == nil {
		o.state = views("ann")
	}
	if o.end == nil {
		o.end = o.state
	}
	if o.again == nil {
		o.again = func(fs afero.Fs) error { return o.do(&work{fs: fs, told: func() {}}) }
	}
	if o.work == nil {
		o.work = notes("ann")
	}
	if o.sound == nil {
		o.sound = sound("ann")
	}
}

// open opens the replica of a person, as a program that runs on the first of March.
func (w *work) open(who string) (*replica.Replica, error) {
	return replica.Open(dir(w.fs, who), options(who, march, w.seed))
}

var march = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// batches are the options of a pull in steps of so many rows, 0 for the usual ones.
func (w *work) batches(rows int) psync.Options {
	return psync.Options{Batch: rows, Progress: func(int, int) { w.told() }}
}

// notes returns work that comes after an accident: each of these people makes a record and changes it.
func notes(who ...string) func(fs afero.Fs) error {
	return func(fs afero.Fs) error {
		for _, name := range who {
			w := &work{fs: fs, seed: "note"}
			r, err := w.open(name)
			if err != nil {
				return err
			}
			if err := note(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func note(r *replica.Replica) error {
	_, err := r.Edit(context.Background(), func(e *replica.Edit) error {
		_, err := e.Create("Note", map[string]string{"text": "life goes on"})
		return err
	})
	return err
}

// edits are the edits: each is one transaction.
func edits(t *testing.T) []*operation {
	s := newScene(t).fight()
	calm, bob := s.only("ann"), s.replica("bob")
	s.pull("ann", "bob")
	fought := s.only("ann")
	edit := func(f func(e *replica.Edit) error) func(w *work) error {
		return func(w *work) error {
			r, err := w.open("ann")
			if err == nil {
				_, err = r.Edit(context.Background(), f)
			}
			return err
		}
	}
	list := []*operation{
		{name: "create", start: calm, whole: true, do: edit(func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"status": "new"})
			return err
		})},
		{name: "update", start: calm, whole: true, do: edit(func(e *replica.Edit) error {
			return e.Update(s.ticket, map[string]string{"owner": "zoe"})
		})},
		{name: "delete", start: calm, whole: true, do: edit(func(e *replica.Edit) error { return e.Delete(s.ticket) })},
		{name: "decide", start: fought, whole: true, do: edit(func(e *replica.Edit) error {
			return e.Take(s.ticket, replica.TakeMine)
		})},
	}
	for _, o := range list {
		o.peek, o.work = dryRun(bob), func(fs afero.Fs) error {
			return errors.Join(notes("ann")(fs), pullFrom(bob, 0, psync.PreferNone)(&work{fs: fs, told: func() {}}))
		}
	}
	return list
}

// identities are what gives a replica a new UUID.
func identities(t *testing.T) []*operation {
	s := newScene(t).fight()
	s.pull("ann", "bob")
	s.copy("ann", "twin")
	s.update("twin", "status", "decided by the twin")
	s.update("twin", "owner", "twin")
	s.update("ann", "status", "decided")
	s.update("ann", "owner", "ann")
	twin := s.replica("twin")
	return []*operation{
		{name: "new identity", start: s.only("ann"), whole: true, do: func(w *work) error {
			r, err := w.open("ann")
			if err == nil {
				err = r.Reidentify(context.Background())
			}
			return err
		}},
		{name: "pull that moves", safe: true, start: s.only("ann"), end: shows("ann"), do: func(w *work) error {
			r, err := w.open("ann")
			if err == nil {
				_, err = psync.Pull(context.Background(), r, twin, w.batches(0))
			}
			return err
		}},
	}
}

// beginnings are what makes a replica.
func beginnings(t *testing.T) []*operation {
	s := newScene(t).fight()
	s.pull("ann", "bob")
	s.mkdir("zoe")
	from := s.replica("ann")
	return []*operation{
		{name: "init", start: s.only("zoe"), state: maybe("zoe"), sound: sound("zoe"), work: notes("zoe"), do: func(w *work) error {
			_, err := replica.Init(context.Background(), dir(w.fs, "zoe"), replica.Identity{}, options("zoe", march, w.seed))
			return err
		}},
		{name: "clone", start: s.only("zoe"), state: maybe("zoe"), sound: sound("zoe"), work: notes("zoe"), again: func(fs afero.Fs) error {
			w := &work{fs: fs, told: func() {}}
			if psync.CloneBegun(dir(fs, "zoe")) {
				return w.clone(from)
			}
			return w.goOnCloning(from)
		}, do: func(w *work) error { return w.clone(from) }},
	}
}

func (w *work) clone(from *replica.Replica) error {
	_, _, err := psync.Clone(context.Background(), dir(w.fs, "zoe"), from, options("zoe", march, w.seed), w.batches(4))
	return err
}

// goOnCloning does what a person is told who has a clone that was cut off: a pull from the last peer.
func (w *work) goOnCloning(from *replica.Replica) error {
	r, err := w.open("zoe")
	if err != nil {
		return err
	}
	if last, err := r.LastPeer(); err != nil || last != from.Where() {
		return errors.Join(errors.New("it does not know where it is cloned from: "+last), err)
	}
	_, err = psync.Pull(context.Background(), r, from, w.batches(4))
	return err
}
