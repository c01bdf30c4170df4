package replica_test

import (
	"crypto/sha256"
	"errors"
	"prophet/internal/replicatest"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/replica"
)

// goOn opens a replica and lets a writer mend what it finds. Two times the same, it comes to the same bytes.
func goOn(t *testing.T, fsys *crashfs.FS) error {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{Now: func() time.Time { return time.Unix(1e9, 0) }, NewUUID: func() uuid.UUID { return uuid.UUID{7} },
		Sleep: func(time.Duration) {}})
	if err != nil {
		return err
	}
	return r.Update(t.Context(), func(*replica.Tx) error { return nil })
}

// What becomes of a commit that was cut off, and of what the original wrote since, does not hang on an error that is gone a moment later.
func TestAnErrorWhileACutOffCommitIsMendedDecidesNothing(t *testing.T) {
	replicatest.OnFormat1(t)
	tried, seen := 0, map[[sha256.Size]byte]bool{}
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		found := left.Print()
		if seen[found] || !original(left, rec, "first") {
			return
		}
		seen[found] = true
		want := left.Survivor(crashfs.Kill, 0)
		if err := goOn(t, want); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for k := 1; ; k += race.Every(7) {
			disk := left.Survivor(crashfs.Kill, 0)
			disk.FailAt(k, syscall.EIO)
			err := goOn(t, disk)
			if !disk.Failed() {
				break
			}
			tried++
			if damage := new(replica.DamageError); errors.As(err, &damage) {
				t.Errorf("%s, an error at %d: %v", when, k, err)
			}
			if err := goOn(t, disk); err != nil {
				t.Errorf("%s, after an error at %d: %v", when, k, err)
			}
			if disk.Print() != want.Print() {
				t.Errorf("%s, after an error at %d: it came to something else", when, k)
			}
		}
	})
	if tried == 0 {
		t.Error("nothing was tried")
	}
}
