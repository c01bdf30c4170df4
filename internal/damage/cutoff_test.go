package damage_test

import (
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/durable"
	"prophet/replica"
)

// hurts are damages of which a repair makes much work; others are at hand for the first two of them.
func hurts(t *testing.T, s *damage.Scene) map[string]func(fsys afero.Fs) {
	remove := func(names ...string) func(fsys afero.Fs) {
		return func(fsys afero.Fs) {
			for _, name := range names {
				if err := fsys.RemoveAll(name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ann := open(t, s.Replica, damage.AnnAt)
	lost := changeset.ObjectPath(changeset.ChangesetObjects, rowOf(t, ann, lastOf(t, ann, s.Records.Quiet)).Key)
	return map[string]func(fsys afero.Fs){
		"changesets":         remove("cas/changesets", "changesets.idx", "replica-uuid"),
		"the resolutions":    remove("resolutions/cas", "resolutions/records", "resolutions/changesets.idx", "resolutions/prophet"),
		"records and notes":  remove("cas/records", "records", "prophet/rows", "prophet/ids", "prophet/conflicts", "latest-sequence-no"),
		"one, and all else":  remove(lost, "records", "prophet/rows", "local_metadata"),
		"the representation": remove(replica.RepresentationsFile, replica.LatestRepresentationFile),
	}
}

// TestARepairThatIsCutOffIsRunAgain: a power cut or a kill at every operation of a repair; it is run again, and comes to what it would have come to.
func TestARepairThatIsCutOffIsRunAgain(t *testing.T) {
	whole := damage.New(t)
	points := 0
	for name, hurt := range hurts(t, whole) {
		with := name != "one, and all else" && name != "records and notes"
		damaged := whole.Copy()
		hurt(damaged.Replica)
		damaged.Replica = flushed(t, damaged.Replica)
		done := copyOf(damaged)
		if _, err := repair(done, with); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := contents(t, done.Replica)
		if list := problems(t, done.Replica); len(list) > 0 && (with || len(list) > 1) {
			t.Fatalf("%s: %v", name, list)
		}
		seen := map[[32]byte]bool{}
		for k := 1; ; k += 1 + step() {
			work := copyOf(damaged)
			work.Replica.CrashAt(k)
			_, _ = repair(work, with)
			if !work.Replica.Failed() {
				break
			}
			for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
				left := copyOf(work)
				left.Replica = work.Replica.Survivor(mode, int64(k))
				if print := left.Replica.Print(); seen[print] {
					continue
				} else {
					seen[print] = true
				}
				points++
				if _, err := repair(left, with); err != nil {
					t.Errorf("%s, cut off at operation %d: %v", name, k, err)
					continue
				}
				if other := slices.DeleteFunc(otherFiles(want, contents(t, left.Replica)), excusedAfterCut); len(other) > 0 {
					t.Errorf("%s, cut off at operation %d: differ %v: %v", name, k, other, problems(t, left.Replica))
				}
			}
		}
	}
	t.Logf("%d different disks after a cut", points)
}

// step is how many operations are passed over.
func step() int {
	if *all {
		return 0
	}
	return 24
}

// excusedAfterCut are files whose bytes say nothing: temporary ones, and the lock.
func excusedAfterCut(name string) bool { return durable.IsTemp(name) || name == "prophet/lock" }

// copyOf is a copy of a scene whose replica is on a disk of its own.
func copyOf(s *damage.Scene) *damage.Scene {
	c := *s
	c.Replica = s.Replica.Survivor(crashfs.Kill, 0)
	return &c
}

// flushed is a copy of a disk with nothing to lose.
func flushed(t *testing.T, from afero.Fs) *crashfs.FS {
	disk := crashfs.New()
	names, err := damage.Files(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := afero.ReadFile(from, name)
		if err == nil {
			err = durable.WriteFile(disk, name, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return disk
}
