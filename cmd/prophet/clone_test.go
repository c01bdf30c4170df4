package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/race"
	"prophet/replica"
)

// TestACloneGoesOnAfterAnyCrash kills a clone at every third operation (with -all at each), or lets the power fail there. Then it is run again, or, where it is told that there is a replica already, a pull is.
func TestACloneGoesOnAfterAnyCrash(t *testing.T) {
	start := crashfs.New()
	fixture.Unpack(t, start, "/srv", "three-laptops")
	flush(t, start)
	must(t, start, "clone", "/srv/alice", "/home/ann/whole")
	want := stateIn(t, start, "/home/ann/whole")
	for k := 1; ; k += race.Every(3) {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		code, _ := try(t, disk, "clone", "/srv/alice", "/home/ann/bugs")
		mode := crashfs.Mode(bits.OnesCount(uint(k)) % 2) // one as often as the other, and in no step with what repeats itself
		left := disk.Survivor(mode, int64(k))
		if code, _ := try(t, left, "clone", "/srv/alice", "/home/ann/bugs"); code != exitDone {
			must(t, left, "pull", "-r", "/home/ann/bugs", "--conflicts-ok")
		}
		if got := stateIn(t, left, "/home/ann/bugs"); got != want {
			t.Errorf("%v at %d: got %s, want %s", mode, k, got, want)
		}
		if code == exitDone {
			break
		}
	}
}

// flush flushes everything on a disk.
func flush(t *testing.T, disk *crashfs.FS) {
	t.Helper()
	err := afero.Walk(disk, "/", func(name string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		f, err := disk.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// try runs a command on a file system and returns its exit code and what it printed.
func try(t *testing.T, disk *crashfs.FS, words ...string) (code int, out string) {
	t.Helper()
	w := newWorld()
	w.Fs = disk
	code = run(t.Context(), w.env, words)
	return code, w.out.String() + w.err.String()
}

// must is try for a command that is to succeed.
func must(t *testing.T, disk *crashfs.FS, words ...string) string {
	t.Helper()
	code, out := try(t, disk, words...)
	if code != exitDone {
		t.Fatalf("%v: exit code %d, %s", words, code, out)
	}
	return out
}

// stateIn says how many changesets a replica has, an adoption is one, and what it shows.
func stateIn(t *testing.T, disk *crashfs.FS, dir string) string {
	t.Helper()
	r, err := replica.Open(afero.NewBasePathFs(disk, dir), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	digests, err := r.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d changesets, %s", r.Latest(), digests)
}
