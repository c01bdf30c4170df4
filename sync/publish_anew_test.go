package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/replica"
	psync "prophet/sync"
)

// publishFlat publishes to the root of a file system.
func publishFlat(r *replica.Replica, to afero.Fs) error {
	_, err := psync.Publish(context.Background(), r, to, psync.PublishOptions{Flat: true})
	return err
}

func TestAMirrorOfAFormerUUIDGetsItsIndexAnew(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	mirror := crashfs.New()
	if err := publishFlat(f.twin, mirror); err != nil {
		t.Fatal(err)
	}
	pull(t, f.carol, reopen(t, mirror, "mirror"))
	pull(t, f.twin, f.ann)
	f.edit(f.twin, "by the twin again")
	seen := map[string]bool{}
	for k := 1; ; k += race.Every(5) {
		disk := mirror.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		err := publishFlat(f.twin, disk)
		for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
			when := fmt.Sprintf("%s at operation %d", mode, k)
			left := disk.Survivor(mode, int64(k))
			if again(seen, left) {
				continue
			}
			checkMirror(t, f, when, left)
			if err := publishFlat(f.twin, left); err != nil {
				t.Fatalf("%s: the next publication: %v", when, err)
			}
			checkMirror(t, f, when+", and published again", left)
			sound(t, left, when+", and published again") // before that, record indexes may be newer than the log
			if r := reopen(t, left, "mirror"); r.UUID() != f.twin.UUID() || r.Latest() != f.twin.Latest() {
				t.Fatalf("%s: the mirror is %s with %d rows", when, r.UUID(), r.Latest())
			}
		}
		if !disk.Failed() {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
}

// checkMirror checks that a reader of a mirror finds all that it says that it has.
func checkMirror(t *testing.T, f *family, when string, mirror afero.Fs) {
	t.Helper()
	for _, from := range []*replica.Replica{f.ann, f.carol} { // one who has not its side, and one who has
		r := reopen(t, copyTree(t, from.FS()), "reader")
		if err := r.Reidentify(context.Background()); err != nil {
			t.Fatal(err)
		}
		_, err := psync.Pull(context.Background(), r, reopen(t, mirror, "mirror"), psync.Options{})
		if err != nil && !strings.Contains(err.Error(), "is one edit in") { // as before the move
			t.Fatalf("%s: a pull by %s: %v", when, from.Where(), err)
		}
		sound(t, r.FS(), when)
	}
}

func TestAMirrorWithWhatTheReplicaLostIsWrittenOnceThatIsBack(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "lost")
	f.edit(f.ann, "lost too")
	mirror := crashfs.New()
	if err := publishFlat(f.ann, mirror); err != nil {
		t.Fatal(err)
	}
	pull(t, f.carol, reopen(t, mirror, "mirror"))
	restored := f.twin
	refused := func(when string) {
		t.Helper()
		err := publishFlat(restored, mirror)
		if !errors.Is(err, psync.ErrMirrorAhead) {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("restored")
	f.edit(restored, "made since")
	refused("edited")
	f.edit(restored, "made since too")
	refused("as long as the mirror")
	if err := restored.Reidentify(context.Background()); err != nil {
		t.Fatal(err)
	}
	refused("under another UUID")
	pull(t, restored, reopen(t, mirror, "mirror"))
	for k := 1; ; k++ {
		disk := mirror.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		err := publishFlat(restored, disk)
		left := disk.Survivor(crashfs.Kill, int64(k))
		if !disk.Failed() {
			if err != nil {
				t.Fatal(err)
			}
			sound(t, left, "published")
			if r := reopen(t, left, "mirror"); r.UUID() != restored.UUID() {
				t.Errorf("the mirror is %s", r.UUID())
			}
			pull(t, f.carol, reopen(t, left, "mirror"))
			sameState(t, "carol", f.carol, restored)
			return
		}
		if err := publishFlat(restored, left); err != nil {
			t.Fatalf("killed at operation %d: the next publication: %v", k, err)
		}
		sound(t, left, fmt.Sprintf("killed at operation %d, and published again", k))
	}
}

// publishTree is publishFlat without packs.
func publishTree(r *replica.Replica, to afero.Fs) error {
	_, err := psync.Publish(context.Background(), r, to, psync.PublishOptions{Flat: true, NoPacks: true})
	return err
}
