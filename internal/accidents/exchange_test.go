package accidents

import (
	"context"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

// tracker is what an import brings: records that are made, updated and deleted.
const tracker = `{"created":"2018-07-21 14:38:36","creator":"ann","changes":[{"op":"create","type":"Bug","uuid":"11111111-1111-4111-8111-111111111111","props":{"status":"open"}}]}
{"created":"2018-07-21 14:38:37","creator":"bob","changes":[{"op":"create","type":"Bug","uuid":"22222222-2222-4222-8222-222222222222","props":{"status":"open"}}]}
{"created":"2018-07-21 14:38:38","creator":"ann","changes":[{"op":"update","type":"Bug","uuid":"11111111-1111-4111-8111-111111111111","props":{"status":"resolved"}}]}
{"created":"2018-07-21 14:38:39","creator":"zoe","changes":[{"op":"delete","type":"Bug","uuid":"22222222-2222-4222-8222-222222222222"}]}
{"created":"2018-07-21 14:38:40","creator":"bob","changes":[{"op":"create","type":"Bug","uuid":"33333333-3333-4333-8333-333333333333","props":{"status":"new"}}]}
`

// pulls are what brings changesets from elsewhere, in several batches.
func pulls(t *testing.T) []*operation {
	calm := newScene(t)
	calm.update("bob", "owner", "bob")
	calm.create("bob", "toner is in the cupboard")
	calm.create("bob", "no coffee")
	calm.update("bob", "status", "open")
	s := newScene(t)
	s.decideElsewhere()
	s.fight()
	bob := s.replica("bob")
	s.check(durable.WriteFile(s.disk, "in/tracker.jsonl", []byte(tracker)))
	return []*operation{
		{name: "import", safe: true, start: s.only("ann", "in"), do: importTracker},
		{name: "pull", safe: true, start: calm.only("ann"), do: pullFrom(calm.replica("bob"), 2, psync.PreferNone)},
		{name: "pull with conflicts", safe: true, start: s.only("ann"), do: pullFrom(bob, 4, psync.PreferNone)},
		{name: "pull that decides", safe: true, start: s.only("ann"), end: shows("ann"), do: pullFrom(bob, 0, psync.PreferFrom)},
		{name: "push", safe: true, start: s.only("ann", "bob"), state: views("ann", "bob"), sound: sound("ann", "bob"), work: notes("ann", "bob"), do: push},
	}
}

// decideElsewhere has Bob decide about a conflict between him and Zoe, so that there is a vote to pull.
func (s *scene) decideElsewhere() {
	s.t.Helper()
	s.clone("zoe", "ann")
	s.update("zoe", "owner", "zoe")
	s.update("bob", "owner", "nobody")
	s.pull("bob", "zoe")
	s.edit("bob", func(e *replica.Edit) error { return e.Take(s.ticket, replica.TakeMine, "owner") })
}

func importTracker(w *work) error {
	r, err := w.open("ann")
	if err != nil {
		return err
	}
	f, err := w.fs.Open("in/tracker.jsonl")
	if err != nil {
		return err
	}
	defer f.Close()
	src, err := psync.NewSource("tracker.jsonl", f, w.fs, "in")
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = psync.Import(context.Background(), r, "tracker", src, psync.ImportOptions{Batch: 2, Progress: func(int, int) { w.told() }})
	return err
}

func pullFrom(from *replica.Replica, rows int, prefer psync.Prefer) func(w *work) error {
	return func(w *work) error {
		r, err := w.open("ann")
		if err != nil {
			return err
		}
		opts := w.batches(rows)
		opts.Prefer = prefer
		_, err = psync.Pull(context.Background(), r, from, opts)
		return err
	}
}

// dryRun returns a pull that only finds out what would come.
func dryRun(from *replica.Replica) func(fs afero.Fs) error {
	return func(fs afero.Fs) error {
		w := &work{fs: fs}
		r, err := w.open("ann")
		if err == nil {
			_, err = psync.Pull(context.Background(), r, from, psync.Options{DryRun: true})
		}
		return err
	}
}

// push has Bob's replica pull from Ann's, which is on the same disk.
func push(w *work) error {
	theirs, err := w.open("bob")
	if err != nil {
		return err
	}
	ours, err := w.open("ann")
	if err == nil {
		_, err = psync.Pull(context.Background(), theirs, ours, w.batches(4))
	}
	return err
}

// publications are the first of a mirror, and a later one of a flat mirror. The mirror is on the disk of the replica.
func publications(t *testing.T) []*operation {
	s := newScene(t).fight()
	s.pull("ann", "bob")
	s.mkdir("www")
	first := s.only("ann", "www")
	_, err := psync.Publish(t.Context(), s.open("ann"), dir(s.disk, "www"), psync.PublishOptions{Flat: true})
	s.check(err)
	s.update("ann", "status", "resolved") // a decision: a vote is published too
	s.edit("ann", func(e *replica.Edit) error { return e.Delete(s.note) })
	s.create("ann", "it is not the printer")
	return []*operation{
		publication("first publication", first, "www/"+s.open("ann").Database().String(), psync.PublishOptions{}),
		publication("later publication", s.only("ann", "www"), "www", psync.PublishOptions{Flat: true}),
	}
}

// publication is one to a mirror. Of a mirror, records are written before the log, which is what readers go by: fsck can judge it when it is done.
func publication(name string, start *crashfs.FS, mirror string, opts psync.PublishOptions) *operation {
	return &operation{name: name, safe: true, start: start,
		do: func(w *work) error {
			r, err := w.open("ann")
			if err == nil {
				_, err = psync.Publish(context.Background(), r, dir(w.fs, "www"), opts)
			}
			return err
		},
		state: func(fs afero.Fs) (string, error) { return cloned(fs, mirror) },
		end:   func(fs afero.Fs) (string, error) { return filesOf(dir(fs, "www")) },
		sound: func(fs afero.Fs, worked bool) []string {
			if worked {
				return sound("ann", mirror)(fs, true)
			}
			return sound("ann")(fs, false)
		},
	}
}
