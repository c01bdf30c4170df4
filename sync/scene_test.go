package sync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
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

// identity is all that a replica says of who made what: its UUIDs, former ones included, and the rows of both logs.
func identity(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, l := range []*replica.Log{r.Resolutions(), r.Log()} {
		former, err := l.Former()
		fmt.Fprintln(&b, l.UUID(), former, err)
		for row, err := range l.Rows(1, l.Latest()) {
			c, cerr := l.Changeset(row)
			if err != nil || cerr != nil {
				t.Fatal(err, cerr)
			}
			fmt.Fprintln(&b, row.Seq, row.ID)
			for _, ch := range c.Changes {
				fmt.Fprintln(&b, "  parents", ch.Parents)
			}
		}
	}
	return b.String() + state(t, fsys)
}

// forked makes a replica on a disk and a twin of it; both were edited and decided about a conflict.
func forked(t *testing.T) (disk *crashfs.FS, ticket changeset.RecordID, twin, bob *replica.Replica) {
	t.Helper()
	s := newScene(t)
	r := open(t, s.disk)
	pull(t, r, s.peer)
	pull(t, s.peer, r)
	twin = reopen(t, copyTree(t, s.disk), "twin")
	update(t, twin, s.ticket, "status", "decided by the twin")
	update(t, twin, s.ticket, "owner", "twin")
	update(t, r, s.ticket, "status", "decided")
	update(t, r, s.ticket, "owner", "ann")
	update(t, r, s.ticket, "owner", "zoe")
	return s.disk, s.ticket, twin, s.peer
}

// takeApart moves what a replica on a disk and its twin name alike.
func takeApart(fsys afero.Fs, twin *replica.Replica) error {
	n := byte(0)
	r, err := replica.Open(fsys, replica.Options{Where: "ann", NewUUID: func() uuid.UUID { n++; return uuid.UUID{n, 6: 0x40, 8: 0x80} }})
	if err == nil {
		_, err = psync.Reidentify(context.Background(), r, twin, psync.Options{})
	}
	return err
}
