package sync_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// accident is a step of everyday work that is cut off at each of its file operations in turn.
type accident struct {
	name string
	do   func(t *testing.T, r *replica.Replica) error
}

// ticket is the record that the accidents happen to, and peer a replica with edits of its own.
type scene struct {
	disk   *crashfs.FS
	ticket changeset.RecordID
	peer   *replica.Replica
}

func newScene(t *testing.T) *scene {
	s := &scene{disk: crashfs.New()}
	r := replicatest.Init(t, s.disk, replica.Options{Creator: "ann@example.com"})
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		s.ticket, err = e.Create("Ticket", map[string]string{"status": "new", "owner": "ann"})
		return err
	})
	s.peer = replicatest.Clone(t, r, replica.Options{Creator: "bob@example.com"})
	update(t, s.peer, s.ticket, "status", "open")
	update(t, s.peer, s.ticket, "owner", "bob")
	update(t, r, s.ticket, "status", "stalled") // a conflict, as soon as they meet
	return s
}

func update(t *testing.T, r *replica.Replica, rec changeset.RecordID, name, value string) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{name: value}) })
}

func (s *scene) accidents() []accident {
	edit := func(f func(e *replica.Edit) error) func(t *testing.T, r *replica.Replica) error {
		return func(t *testing.T, r *replica.Replica) error {
			_, err := r.Edit(context.Background(), f)
			return err
		}
	}
	pull := func(prefer psync.Prefer) func(t *testing.T, r *replica.Replica) error {
		return func(t *testing.T, r *replica.Replica) error {
			_, err := psync.Pull(context.Background(), r, s.peer, psync.Options{Prefer: prefer})
			return err
		}
	}
	return []accident{
		{"create", edit(func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"status": "new"})
			return err
		})},
		{"update", edit(func(e *replica.Edit) error { return e.Update(s.ticket, map[string]string{"owner": "zoe"}) })},
		{"delete", edit(func(e *replica.Edit) error { return e.Delete(s.ticket) })},
		{"pull with conflicts", pull(psync.PreferNone)},
		{"pull that decides", pull(psync.PreferFrom)},
	}
}

// state is all that a replica shows: what it has logged and what its records are.
func state(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{})
	return fmt.Sprint(r.Latest(), r.Resolutions().Latest(), shown(t, r))
}

// sound fails the test unless fsck finds nothing.
func sound(t *testing.T, fsys afero.Fs, when string) {
	t.Helper()
	replicatest.Sound(t, fsys, when)
}

func TestACrashLeavesTheStateBeforeOrAfterAndTheNextEditSucceeds(t *testing.T) {
	points, seen := 0, map[string]bool{}
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		s := newScene(t)
		for _, a := range s.accidents() {
			calm := s.disk.Survivor(crashfs.Kill, 0)
			before := state(t, calm)
			if err := a.do(t, open(t, calm)); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
			after := state(t, calm)
			for k := 1; ; k++ {
				disk := s.disk.Survivor(crashfs.Kill, 0)
				r := open(t, disk)
				disk.CrashAt(k)
				err := a.do(t, r)
				if !disk.Failed() {
					break
				}
				if race.Enabled && k%5 != 0 {
					continue
				}
				left := disk.Survivor(mode, int64(k))
				if again(seen, left, a.name, err == nil) {
					continue
				}
				points++
				s.aftermath(t, fmt.Sprintf("%s, %s at operation %d", a.name, mode, k), left, err == nil, before, after)
			}
		}
	}
	t.Logf("%d crash points", points)
	if points < race.Part(400) {
		t.Error("that does not test much")
	}
}

// again reports whether a crash left what an earlier one had left, and what is asked about it is the same: then it was tried. Nothing may crash after it.
func again(seen map[string]bool, left *crashfs.FS, asked ...any) bool {
	key := fmt.Sprintf("%x %v", left.Print(), asked)
	was := seen[key]
	seen[key] = true
	return was
}

func open(t *testing.T, fsys afero.Fs) *replica.Replica {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{
		Creator: "ann@example.com",
		Now:     func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) },
		NewUUID: func() uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte("the next")) }, // each disk makes one record and no more
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// aftermath checks what is left after a crash, and that work goes on.
func (s *scene) aftermath(t *testing.T, when string, disk *crashfs.FS, reported bool, before, after string) {
	t.Helper()
	got := state(t, disk)
	if got != after && (reported || got != before) {
		t.Errorf("%s: reported done %v, the state is\n%s\nbefore\n%s\nafter\n%s", when, reported, got, before, after)
	}
	sound(t, disk, when)
	r := open(t, disk)
	if _, err := psync.Pull(context.Background(), r, s.peer, psync.Options{DryRun: true}); err != nil {
		t.Errorf("%s: a dry run: %v", when, err)
	}
	if still := state(t, disk); still != got {
		t.Errorf("%s: a dry run made\n%s\nof\n%s", when, still, got)
	}
	if _, err := r.Edit(context.Background(), func(e *replica.Edit) error {
		props := map[string]string{"note": "life goes on"}
		if err := e.Restore(s.ticket, props); !errors.Is(err, replica.ErrLives) {
			return err
		}
		return e.Update(s.ticket, props)
	}); err != nil {
		t.Errorf("%s: the next edit: %v", when, err)
	}
	if _, err := psync.Pull(context.Background(), r, s.peer, psync.Options{}); err != nil {
		t.Errorf("%s: the next pull: %v", when, err)
	}
	sound(t, disk, when+", after the next edit and pull")
}
