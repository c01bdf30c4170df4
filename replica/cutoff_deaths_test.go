package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// eachDeath lets the original die in an update of a record, at every operation, and gives what is left of the files. Part of a number, which nothing can
// be made of, is left out.
func eachDeath(t *testing.T, left *crashfs.FS, rec changeset.RecordID, check func(when string, left *crashfs.FS)) {
	t.Helper()
	for k := 1; ; k++ {
		disk := left.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		original(disk, rec, "dies")
		if !disk.Failed() {
			return
		}
		disk = disk.Survivor(crashfs.Kill, 0)
		if text, err := afero.ReadFile(disk, changeset.LatestFile); err != nil || len(text) > 0 {
			check(fmt.Sprintf("the original died at operation %d", k), disk)
		}
	}
}

// soundButObjects fails the test if fsck finds anything wrong but an object: the original leaves part of one where it dies.
func soundButObjects(t *testing.T, when string, fsys afero.Fs) {
	t.Helper()
	err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) {
		if !p.Harmless && !strings.HasPrefix(p.Path, "cas/") {
			t.Errorf("%s: %s: %s", when, p.Path, p.Text)
		}
	}, nil)
	if err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

// TestAnUpdateThatTheOriginalDiedInIsNotShown lets the original die in an update of the very record that a commit of ours changed. It may have given the
// number of that commit to a version that it never logged, and it may go on from it.
func TestAnUpdateThatTheOriginalDiedInIsNotShown(t *testing.T) {
	replicatest.OnFormat1(t)
	seen, kept := 0, 0
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		eachDeath(t, left, rec, func(death string, disk *crashfs.FS) {
			for _, next := range []string{"", "second"} {
				disk, when := disk.Survivor(crashfs.Kill, 0), when+", "+death+", then "+next
				if next != "" && !original(disk, rec, next) {
					continue
				}
				r, err := replica.Open(disk, replica.Options{})
				if err != nil {
					continue // a person has to say
				}
				seen++
				if props, _, err := r.Log().Props(rec); err == nil && props["status"] == "cut off" {
					kept++
				}
				shows(t, when+", to a reader", disk, rec, next)
				if err := edits(disk); err != nil {
					t.Errorf("%s: %v", when, err)
				}
				shows(t, when, disk, rec, next)
				soundButObjects(t, when, disk)
			}
		})
	})
	t.Logf("%d times, ours was made %d times", seen, kept)
	if seen < 50 || kept < 10 {
		t.Error("that does not test much")
	}
}

// TestARefusalAfterTwoDeathsLosesNoLoggedEdit lets the original make an edit and die in the next. Whatever a refusal says to do, that edit stays.
func TestARefusalAfterTwoDeathsLosesNoLoggedEdit(t *testing.T) {
	replicatest.OnFormat1(t)
	refused := 0
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		if !original(left, rec, "first") {
			return
		}
		eachDeath(t, left, rec, func(death string, disk *crashfs.FS) {
			when := when + ", " + death
			if settled(t, when, disk) {
				refused++
			}
			shows(t, when, disk, rec, "first")
			soundButObjects(t, when, disk)
		})
	})
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// TestWhatTheOriginalDiedInGoesFromOtherRecordsToo lets the original die beside a commit of ours that was cut off, in an update of a record that this did
// not touch, and while it made one. When what a refusal says was done, and an edit was made, no version is left that no log explains.
func TestWhatTheOriginalDiedInGoesFromOtherRecordsToo(t *testing.T) {
	refused := 0
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		base := left.Survivor(crashfs.Kill, 0)
		p, err := v1peer.Open(base, v1peer.Options{Creator: "stranger@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		other, err := p.Create("Ticket", map[string]string{"stranger": "first"})
		if err != nil {
			t.Fatal(err)
		}
		eachDeath(t, base, other, func(death string, disk *crashfs.FS) {
			when := when + ", " + death
			if settled(t, when, disk) {
				refused++
			}
			shows(t, when, disk, other, "first")
			soundButObjects(t, when, disk)
		})
		for k := 1; ; k++ {
			disk := left.Survivor(crashfs.Kill, 0)
			p, err := v1peer.Open(disk, v1peer.Options{Creator: "stranger@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			disk.CrashAt(k)
			_, _ = p.Create("Ticket", map[string]string{"stranger": "dies"})
			if !disk.Failed() {
				return
			}
			disk = disk.Survivor(crashfs.Kill, 0)
			if text, err := afero.ReadFile(disk, changeset.LatestFile); err == nil && len(text) == 0 {
				continue
			}
			when := fmt.Sprintf("%s, the original died at operation %d of making a record", when, k)
			settled(t, when, disk)
			soundButObjects(t, when, disk)
		}
	})
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// settled makes an edit, and does before what refusals of it say. It reports whether there were any.
func settled(t *testing.T, when string, fsys afero.Fs) (refused bool) {
	t.Helper()
	for range 3 {
		err := edits(fsys)
		if err == nil {
			return refused
		}
		refused = true
		if !follow(t, fsys, err.Error()) {
			t.Fatalf("%s: it does not say what to do: %v", when, err)
		}
	}
	t.Fatalf("%s: it is refused for ever: %v", when, edits(fsys))
	return refused
}

// TestTheOriginalMayGoOnFromAVersionThatItNeverLogged lets it die in an update, with no commit of ours cut off. A person puts the number back, ours gives
// it to another edit, and then the original updates that record.
func TestTheOriginalMayGoOnFromAVersionThatItNeverLogged(t *testing.T) {
	replicatest.OnFormat1(t)
	start, mended := crashfs.New(), 0
	r := replicatest.Init(t, start, replica.Options{Creator: "ann@example.com"})
	var rec changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	eachDeath(t, start, rec, func(when string, disk *crashfs.FS) {
		if err := afero.WriteFile(disk, changeset.LatestFile, []byte("1"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := edits(disk); err != nil {
			t.Errorf("%s: after the number was put back: %v", when, err)
			return
		}
		if !original(disk, rec, "works") {
			return // it cannot read a row that is torn
		}
		if err := edits(disk); err != nil {
			t.Errorf("%s: %v", when, err)
			return
		}
		mended++
		shows(t, when, disk, rec, "works")
		soundButObjects(t, when, disk)
	})
	if mended < 3 {
		t.Error("that does not test much")
	}
}
