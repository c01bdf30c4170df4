package accidents

import (
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

// dir is a directory of a disk.
func dir(fs afero.Fs, name string) afero.Fs { return afero.NewBasePathFs(fs, name) }

// options are those of a program that the person runs; its UUIDs and its clock are the same each time.
func options(who string, at time.Time, seed string) replica.Options {
	n := 0
	return replica.Options{
		Where:   who,
		Creator: who + "@example.com",
		Now:     func() time.Time { return at },
		NewUUID: func() uuid.UUID { n++; return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, who, seed, n)) },
		Sleep:   func(time.Duration) {},
	}
}

// scene is a database in the making: some people's replicas, each in a directory of one disk. Each step is a program of its own, a minute after the last.
type scene struct {
	t      *testing.T
	disk   *crashfs.FS
	now    time.Time
	ticket changeset.RecordID
	note   changeset.RecordID // made last
}

// newScene has Ann's replica, with a ticket, and Bob's, a clone of it.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, disk: crashfs.New(), now: time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)}
	s.mkdir("ann")
	_, err := replica.Init(t.Context(), dir(s.disk, "ann"), replica.Identity{}, s.options("ann"))
	s.check(err)
	s.edit("ann", func(e *replica.Edit) (err error) {
		s.ticket, err = e.Create("Ticket", map[string]string{"status": "new", "owner": "ann", "summary": "the printer is on fire again"})
		return err
	})
	s.clone("bob", "ann")
	return s
}

func (s *scene) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) mkdir(name string) {
	s.t.Helper()
	s.check(durable.MkdirAll(s.disk, name))
}

func (s *scene) options(who string) replica.Options {
	s.now = s.now.Add(time.Minute)
	return options(who, s.now, s.now.String())
}

func (s *scene) open(who string) *replica.Replica {
	s.t.Helper()
	r, err := replica.Open(dir(s.disk, who), s.options(who))
	s.check(err)
	return r
}

func (s *scene) clone(who, from string) {
	s.t.Helper()
	s.mkdir(who)
	_, _, err := psync.Clone(s.t.Context(), dir(s.disk, who), s.open(from), s.options(who), psync.Options{Adopt: true})
	s.check(err)
}

func (s *scene) edit(who string, f func(e *replica.Edit) error) {
	s.t.Helper()
	_, err := s.open(who).Edit(s.t.Context(), f)
	s.check(err)
}

func (s *scene) update(who, prop, value string) {
	s.t.Helper()
	s.edit(who, func(e *replica.Edit) error { return e.Update(s.ticket, map[string]string{prop: value}) })
}

func (s *scene) create(who, note string) {
	s.t.Helper()
	s.edit(who, func(e *replica.Edit) (err error) {
		s.note, err = e.Create("Note", map[string]string{"text": note})
		return err
	})
}

func (s *scene) pull(who, from string) {
	s.t.Helper()
	_, err := psync.Pull(s.t.Context(), s.open(who), s.open(from), psync.Options{})
	s.check(err)
}

// copy is cp -r: a second replica with the same UUID.
func (s *scene) copy(from, to string) {
	s.t.Helper()
	s.check(afero.Walk(s.disk, from, func(name string, info iofs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := afero.ReadFile(s.disk, name)
		if err == nil {
			err = durable.WriteFile(s.disk, to+strings.TrimPrefix(name, from), text)
		}
		return err
	}))
}

// fight has Ann and Bob write to one property of the ticket, unknown to each other, and Bob to others.
func (s *scene) fight() *scene {
	s.t.Helper()
	s.update("bob", "status", "open")
	s.update("bob", "owner", "bob")
	s.create("bob", "toner is in the cupboard")
	s.update("ann", "status", "stalled")
	return s
}

// only returns a copy of the disk as a power cut leaves it, with these directories alone.
func (s *scene) only(names ...string) *crashfs.FS {
	s.t.Helper()
	disk := s.disk.Survivor(crashfs.PowerCut, 0)
	entries, err := afero.ReadDir(disk, ".")
	s.check(err)
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			s.check(disk.RemoveAll(e.Name()))
		}
	}
	s.check(durable.SyncDir(disk, "."))
	return disk.Survivor(crashfs.PowerCut, 0)
}

// replica returns that of a person, on a disk of its own.
func (s *scene) replica(who string) *replica.Replica {
	s.t.Helper()
	r, err := replica.Open(dir(s.only(who), who), s.options(who))
	s.check(err)
	return r
}
