package sync_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	gosync "sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// slow is a file system on which whoever writes waits before each operation until it is let go on.
type slow struct {
	afero.Fs
	goOn, stopped chan struct{}
}

func (s *slow) wait() {
	s.stopped <- struct{}{}
	<-s.goOn
}

func (s *slow) Rename(from, to string) error {
	s.wait()
	return s.Fs.Rename(from, to)
}

func (s *slow) Remove(name string) error {
	s.wait()
	return s.Fs.Remove(name)
}

func (s *slow) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY && path.Base(name) != "lock" { // that is opened under a mutex of the process
		s.wait()
	}
	return s.Fs.OpenFile(name, flag, perm)
}

// begin begins to write there, up to the first operation, and returns what makes the next one, which reports whether there was any.
func (s *slow) begin(write func()) (step func() bool) {
	s.goOn, s.stopped = make(chan struct{}), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		write()
	}()
	next := func() bool {
		select {
		case <-s.stopped:
			return true
		case <-ended:
			return false
		}
	}
	going := next()
	return func() bool {
		if going {
			s.goOn <- struct{}{}
			going = next()
		}
		return going
	}
}

// counting is a file system that calls a function before every so many operations of who reads.
type counting struct {
	afero.Fs
	mu          gosync.Mutex // several files are read at once
	every, done int
	step        func()
}

func (c *counting) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done++; c.done%c.every == 0 {
		c.step()
	}
}

func (c *counting) Open(name string) (afero.File, error) {
	if path.Base(name) != "lock" {
		c.count()
	}
	return c.Fs.Open(name)
}

func (c *counting) Stat(name string) (os.FileInfo, error) {
	c.count()
	return c.Fs.Stat(name)
}

// publishedSlowly is a mirror in a directory, and who publishes there.
type publishedSlowly struct {
	t    *testing.T
	ann  *replica.Replica
	recs []changeset.RecordID
	disk *crashfs.FS
	slow *slow
	opts psync.PublishOptions
	n    int
}

func newPublishedSlowly(t *testing.T, opts psync.PublishOptions) *publishedSlowly {
	p := &publishedSlowly{t: t, disk: crashfs.New(), opts: opts}
	p.ann = replicatest.Init(t, crashfs.New(), replica.Options{Where: "ann"})
	for range 6 {
		p.recs = append(p.recs, newTicket(t, p.ann))
	}
	p.publish(p.disk)
	p.slow = &slow{Fs: p.disk}
	return p
}

// publish edits each record, the last one away, and publishes that.
func (p *publishedSlowly) publish(dest afero.Fs) {
	p.n++
	_, err := p.ann.Edit(context.Background(), func(e *replica.Edit) error {
		for _, rec := range p.recs {
			if err := e.Update(rec, map[string]string{"status": fmt.Sprint(p.n)}); err != nil {
				return err
			}
		}
		rec, err := e.Create("Ticket", nil)
		p.recs = append(p.recs, rec)
		if err == nil {
			err = e.Delete(p.recs[0])
		}
		p.recs = p.recs[1:]
		return err
	})
	if err == nil {
		_, err = psync.Publish(context.Background(), p.ann, dest, p.opts)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// check checks the mirror, over the web or in its directory, while step is called before every so many of its operations, and pause in its pauses.
func (p *publishedSlowly) check(every int, web bool, step, pause func()) (damage string, err error) {
	live := &counting{Fs: p.disk, every: every, step: step}
	opts := replica.Options{Where: "www", Mirror: web, Sleep: func(time.Duration) { pause() }}
	_, err = psync.CheckTree(p.t.Context(), live, opts, func(found replica.Problem) {
		if !found.Harmless {
			damage += found.Path + ": " + found.Text + "\n"
		}
	}, nil)
	return damage, err
}

// How mirrors are published, and how they are checked.
var mirrorChecks = []struct {
	name string
	opts psync.PublishOptions
	web  bool
}{
	{"directory", psync.PublishOptions{Flat: true}, false},
	{"directory, packs alone", psync.PublishOptions{Flat: true, NoTree: true}, false},
	{"directory, several databases", psync.PublishOptions{}, false},
	{"web", psync.PublishOptions{Flat: true}, true},
	{"web, packs alone", psync.PublishOptions{Flat: true, NoTree: true}, true},
}

// A publication goes on by one operation before every so many of a check, and comes to its end while the check waits. Or all of it happens before one of the operations.
func TestACheckBesideAPublicationFindsNoDamage(t *testing.T) {
	for _, kind := range mirrorChecks {
		t.Run(kind.name, func(t *testing.T) {
			pauses := 0
			try := func(when string, every int, some func(step func() bool)) {
				p := newPublishedSlowly(t, kind.opts)
				step := p.slow.begin(func() { p.publish(p.slow) })
				damage, err := p.check(every, kind.web, func() { some(step) }, func() { pauses++; all(step) })
				all(step)
				if damage != "" || err != nil {
					t.Errorf("%s: %v\n%s", when, err, damage)
				}
				if damage, err := p.check(1, kind.web, func() {}, func() {}); damage != "" || err != nil {
					t.Fatalf("%s, once it was published: %v\n%s", when, err, damage)
				}
			}
			for _, every := range []int{1, 2, 3, 4, 5, 7, 9, 12, 16, 25, 50, 100, 200} {
				try(fmt.Sprintf("a step before every %d operations", every), every, func(step func() bool) { step() })
			}
			for at := 1; at < 60; at += 3 {
				try(fmt.Sprintf("before operation %d", at), at, all)
			}
			if pauses == 0 {
				t.Error("no check was made again")
			}
		})
	}
}

// all comes to the end of a publication.
func all(step func() bool) {
	for step() {
	}
}

// One publication follows another, in the pauses too.
func TestACheckBesideEndlessPublicationsSaysSo(t *testing.T) {
	told, first := 0, 3
	if *race.All {
		first = 1
	}
	for _, kind := range mirrorChecks {
		t.Run(kind.name, func(t *testing.T) {
			for every := first; every < 9; every += race.Every(4) { // a mirror that grows by two hundred publications, as with each operation, is one with a tenth of them
				p := newPublishedSlowly(t, kind.opts)
				step := func() bool { return false }
				next := func() {
					if !step() {
						step = p.slow.begin(func() { p.publish(p.slow) })
					}
				}
				damage, err := p.check(every, kind.web, next, func() {
					for range 30 {
						next()
					}
				})
				all(step)
				if errors.As(err, new(*psync.PublishingError)) {
					told++
				} else if err != nil {
					t.Errorf("a step before every %d operations: %v", every, err)
				}
				if damage != "" {
					t.Errorf("a step before every %d operations:\n%s", every, damage)
				}
			}
		})
	}
	if told == 0 {
		t.Error("no check said that somebody publishes")
	}
}

func TestACheckOfADamagedMirrorNamesTheDamage(t *testing.T) {
	for _, web := range []bool{false, true} {
		p := newPublishedSlowly(t, psync.PublishOptions{Flat: true})
		if err := p.disk.Remove(changeset.IndexFile); err != nil {
			t.Fatal(err)
		}
		if damage, err := p.check(1, web, func() {}, func() {}); damage == "" || err != nil {
			t.Errorf("web %v: %q, %v", web, damage, err)
		}
	}
}
