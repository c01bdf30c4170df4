package replica_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// grow adds so many creates to a replica, in large transactions.
func grow(t testing.TB, r *replica.Replica, n int) {
	t.Helper()
	for n > 0 {
		batch := min(n, 2000)
		n -= batch
		inOne(t, r, batch, func(i int, e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"summary": fmt.Sprint("ticket ", i), "status": "new"})
			return err
		})
	}
}

// inOne makes so many edits in one transaction, numbered from 0.
func inOne(t testing.TB, r *replica.Replica, n int, edit func(i int, e *replica.Edit) error) {
	t.Helper()
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for i := range n {
			if _, err := tx.Edit(func(e *replica.Edit) error { return edit(i, e) }); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// costs counts what everyday work does to the files of a replica with so many changesets.
func costs(t *testing.T, fsys afero.Fs, size int) map[string]replicatest.Counts {
	t.Helper()
	counting := replicatest.Count(fsys)
	r := replicatest.Init(t, counting, replica.Options{Creator: "ann@example.com"})
	grow(t, r, size)
	costs := map[string]replicatest.Counts{}
	measure := func(what string, f func(r *replica.Replica) error) {
		counting.Reset()
		r, err := replica.Open(counting, replica.Options{Creator: "ann@example.com"})
		if err == nil {
			err = f(r)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		costs[what] = counting.Counts()
	}
	var rec changeset.RecordID
	measure("create", func(r *replica.Replica) error {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) (err error) {
			rec, err = e.Create("Note", map[string]string{"text": "something of a fixed length"})
			return err
		})
		return err
	})
	measure("update", func(r *replica.Replica) error {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
			return e.Update(rec, map[string]string{"text": "something of the same size."})
		})
		return err
	})
	measure("show", func(r *replica.Replica) error {
		_, err := r.Record(rec)
		return err
	})
	measure("show by local id", func(r *replica.Replica) error {
		rec, err := r.Find(fmt.Sprint(size / 2))
		if err != nil {
			return err
		}
		_, err = r.Record(rec)
		return err
	})
	measure("delete", func(r *replica.Replica) error {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Delete(rec) })
		return err
	})
	return costs
}

func TestEverydayWorkCostsTheSameAtAnySize(t *testing.T) {
	replicatest.WithLooseEdits(t)
	small, large := costs(t, directory(t), 100), costs(t, directory(t), 10_000)
	for what, s := range small {
		l := large[what]
		t.Logf("%s: %s; at 10,000 %s", what, s, l)
		// What may differ: a directory that is there already, the number of digits of a sequence number.
		if ops, bytes := ofParts(); l.Ops() > s.Ops()+8+ops || l.Bytes > s.Bytes+64+bytes {
			t.Errorf("%s: %s at 100 changesets, %s at 10,000", what, s, l)
		}
	}
}

// A disk takes its time for what is flushed together once. An edit waits for it four times: before the rows, before the commit, for the commit, for the journal's end.
func TestAnEditWaitsForFourFlushes(t *testing.T) {
	replicatest.WithLooseEdits(t)
	disk := crashfs.New()
	r := replicatest.Init(t, disk, replica.Options{Creator: "ann@example.com", PackFrom: 1 << 20})
	grow(t, r, 900) // so that the directories are there, and so few that no gc takes them away
	var rec changeset.RecordID
	for _, edit := range []struct {
		what string
		make func(e *replica.Edit, text string) error
	}{
		{"create", func(e *replica.Edit, text string) (err error) {
			rec, err = e.Create("Ticket", map[string]string{"text": text})
			return err
		}},
		{"update", func(e *replica.Edit, text string) error { return e.Update(rec, map[string]string{"text": text}) }},
		{"delete", func(e *replica.Edit, _ string) error { return e.Delete(rec) }},
	} {
		waits := 0
		for i := 0; i < 20 && waits == 0; i++ { // until one needs no new directory
			if edit.what == "delete" {
				replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
					rec, err = e.Create("Ticket", nil)
					return err
				})
			}
			disk.Record()
			replicatest.Edit(t, r, func(e *replica.Edit) error { return edit.make(e, fmt.Sprint(edit.what, i)) })
			if ops := disk.Ops(); !slices.ContainsFunc(ops, func(op crashfs.Op) bool { return op.Kind == "mkdir" }) {
				waits = flushes(ops)
			}
		}
		if waits != 4 {
			t.Errorf("%s: %d runs of flushes, want 4", edit.what, waits)
		}
	}
}

// flushes counts the runs of flushes between which there is something else.
func flushes(ops []crashfs.Op) (runs int) {
	within := false
	for _, op := range ops {
		flush := op.Kind == "sync" || op.Kind == "syncdir"
		if flush && !within {
			runs++
		}
		if op.Changes() {
			within = flush
		}
	}
	return runs
}

// ofParts is how much more may be read where the many changesets are in a part and the few are loose: some pages of the table, and of the pack two frames.
func ofParts() (ops int, bytes int64) {
	if parts.DefaultFormat == replica.FormatLoose {
		return 0, 0
	}
	return 64, 128 << 10
}

// directory is a file system with an empty root, as strict as a disk. The usual one in memory renames a file in a time that grows with the number of files.
func directory(t testing.TB) afero.Fs { return crashfs.New() }
