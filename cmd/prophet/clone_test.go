package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"strings"
	"syscall"
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
	for k := 1; ; k += race.Every(5) {
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

// TestACloneThatItsOwnDiskFailsDoesNotBlameTheSource: nothing is left of it, and the hint is about the disk, not about what was to be cloned.
func TestACloneThatItsOwnDiskFailsDoesNotBlameTheSource(t *testing.T) {
	ann := quarrelling(t)
	good := ann.Fs
	ann.Fs = newStopper(t, good, "1 rename new/latest", func() error {
		return &fs.PathError{Op: "rename", Path: "/new/latest-sequence-no", Err: syscall.EIO}
	})
	ann.err.Reset()
	if code := run(t.Context(), ann.env, []string{"clone", "/ann", "/new"}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if said := ann.err.String(); !strings.Contains(said, "prophet: hint: nothing is left in /new; look whether that disk works") {
		t.Errorf("it says %s", said)
	}
	if there, err := afero.Exists(good, "/new"); there || err != nil {
		t.Errorf("something is left of it: %v", err)
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

// TestAFailedCloneSaysHowToGoOn lets all that writes fail from some operation on, as on a disk that broke, or is full for good.
func TestAFailedCloneSaysHowToGoOn(t *testing.T) {
	start := crashfs.New()
	fixture.Unpack(t, start, "/srv", "three-laptops")
	flush(t, start)
	told := map[string]int{}
	for k := 1; ; k += race.Every(5) {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.FailFrom(k, errors.New("the disk broke"), crashfs.Op.Writes)
		code, out := try(t, disk, "clone", "/srv/alice", "/home/ann/bugs")
		if code == exitDone {
			break
		}
		left := disk.Survivor(crashfs.Kill, 0)
		switch empty, err := afero.IsEmpty(left, "/home/ann/bugs"); {
		case strings.Contains(out, `the clone is begun; "prophet pull -r /home/ann/bugs /srv/alice" goes on`):
			told["pull"]++
			must(t, left, "pull", "-r", "/home/ann/bugs", "/srv/alice", "--conflicts-ok")
			continue
		case strings.Contains(out, "no clone was made; remove what is left in /home/ann/bugs, then run the same command again"):
			told["remove"]++
			if err := left.RemoveAll("/home/ann/bugs"); err != nil {
				t.Fatal(err)
			}
			fallthrough
		case empty || err != nil:
			must(t, left, "clone", "/srv/alice", "/home/ann/bugs")
		default:
			t.Errorf("at %d: %s", k, out)
		}
	}
	if told["pull"] == 0 || told["remove"] == 0 {
		t.Errorf("hints: %v", told)
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
