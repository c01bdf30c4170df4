package replicatest

import (
	"context"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// Init makes an empty replica of a database of its own, or fails the test.
func Init(t testing.TB, fsys afero.Fs, opts replica.Options) *replica.Replica {
	t.Helper()
	r, err := replica.Init(context.Background(), fsys, replica.Identity{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Open opens a replica as another process finds it, or fails the test.
func Open(t testing.TB, fsys afero.Fs, opts replica.Options) *replica.Replica {
	t.Helper()
	r, err := replica.Open(fsys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Clone makes a clone in memory, with what the source shows adopted if it is of the original, or fails the test.
func Clone(t testing.TB, from *replica.Replica, opts replica.Options) *replica.Replica {
	t.Helper()
	r, _, err := psync.Clone(context.Background(), crashfs.New(), from, opts, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// AtOnce is the Sleep of a replica to which nobody else writes: there is no other program to wait for.
func AtOnce(time.Duration) {}

// Edit makes an edit, or fails the test.
func Edit(t testing.TB, r *replica.Replica, f func(e *replica.Edit) error) {
	t.Helper()
	if _, err := r.Edit(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}
