package hostile

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// World is an honest database.
type World struct {
	Database              uuid.UUID
	Publisher, Alice      uuid.UUID // replicas
	Voter                 uuid.UUID // the publisher's resolutions replica
	Victim                uuid.UUID // a replica that was cloned from the mirror and edited; set by whoever makes it
	Ticket, Other         changeset.RecordID
	ByAlice, Vote         changeset.ID      // an edit of hers, and the vote, in both states
	Yesterday, Today      map[string][]byte // what was published
	Packed                map[string][]byte // Today, in packs alone
	PackedYesterday       map[string][]byte
	AliceBytes, Rewritten map[string][]byte // what alice publishes; what the publisher would have published in the place of Today after a restore
}

// At is the time at which all edits are made.
var At = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// NewWorld makes the database: two tickets, a conflict that was decided, and more edits after the first publication.
func NewWorld(t testing.TB) *World {
	t.Helper()
	w := &World{}
	publisher := w.replica(t, "publisher", nil)
	w.Ticket = create(t, publisher, "Printer on fire")
	w.Other = create(t, publisher, "Scanner hums")
	alice := w.replica(t, "alice", publisher)
	update(t, publisher, w.Ticket, "open")
	update(t, alice, w.Ticket, "stalled")
	pull(t, publisher, alice)
	decide(t, publisher, w.Ticket)
	w.Database, w.Publisher, w.Alice, w.Voter = publisher.Database(), publisher.UUID(), alice.UUID(), publisher.Resolutions().UUID()
	w.ByAlice = lastOf(t, alice.Log())
	w.Vote = lastOf(t, publisher.Resolutions())
	mirror, packs := crashfs.New(), crashfs.New()
	w.Yesterday, w.PackedYesterday = publish(t, publisher, mirror, tree), publish(t, publisher, packs, inPacks)
	restored := open(t, publisher.FS().(*crashfs.FS).Survivor(crashfs.Kill, 0), "publisher")
	for _, status := range []string{"open", "closed", "open again"} {
		update(t, publisher, w.Other, status)
		update(t, restored, w.Other, "not "+status)
	}
	w.Today, w.Packed = publish(t, publisher, mirror, tree), publish(t, publisher, packs, inPacks)
	w.Rewritten = publish(t, restored, crashfs.New(), tree)
	pull(t, alice, publisher)
	update(t, alice, w.Other, "by alice")
	w.AliceBytes = publish(t, alice, crashfs.New(), tree)
	return w
}

func (w *World) replica(t testing.TB, who string, from *replica.Replica) *replica.Replica {
	t.Helper()
	opts := replica.Options{Where: who, Creator: who + "@example.com", Now: func() time.Time { return At }}
	var r *replica.Replica
	var err error
	if from == nil {
		r, err = replica.Init(context.Background(), crashfs.New(), replica.Identity{}, opts)
	} else {
		r, _, err = psync.Clone(context.Background(), crashfs.New(), from, opts, psync.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t testing.TB, fsys afero.Fs, who string) *replica.Replica {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{Where: who, Creator: who + "@example.com", Now: func() time.Time { return At }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func edit(t testing.TB, r *replica.Replica, f func(e *replica.Edit) error) {
	t.Helper()
	if _, err := r.Edit(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, r *replica.Replica, summary string) (rec changeset.RecordID) {
	t.Helper()
	edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"summary": summary, "status": "new"})
		return err
	})
	return rec
}

func update(t testing.TB, r *replica.Replica, rec changeset.RecordID, status string) {
	t.Helper()
	edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": status}) })
}

// lastOf returns the ID of the last row.
func lastOf(t testing.TB, l *replica.Log) changeset.ID {
	t.Helper()
	row, err := l.Row(l.Latest())
	if err != nil {
		t.Fatal(err)
	}
	return row.ID
}

// decide settles the conflict about the status, which casts a vote.
func decide(t testing.TB, r *replica.Replica, rec changeset.RecordID) { update(t, r, rec, "stalled") }

func pull(t testing.TB, to, from *replica.Replica) {
	t.Helper()
	if _, err := psync.Pull(context.Background(), to, from, psync.Options{}); err != nil {
		t.Fatal(err)
	}
}

// How a mirror is published: as a v1 tree alone, or as packs alone, with nothing but rows in the head.
var tree, inPacks = psync.PublishOptions{NoPacks: true}, psync.PublishOptions{NoTree: true, InHead: -1}

// publish publishes a replica and returns all files of the mirror.
func publish(t testing.TB, r *replica.Replica, to afero.Fs, how psync.PublishOptions) map[string][]byte {
	t.Helper()
	if _, err := psync.Publish(context.Background(), r, to, how); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	err := afero.Walk(to, ".", func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := afero.ReadFile(to, name)
		files[strings.ReplaceAll(name, `\`, "/")] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
