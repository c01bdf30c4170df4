package replica_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
	"prophet/resolution"
)

// sparse returns a replica whose list of what is undecided is mostly about what was decided since, so that the next transaction that needs the list writes it
// anew; and a record in conflict.
func sparse(t *testing.T) (disk *crashfs.FS, undecided changeset.RecordID) {
	t.Helper()
	disk = crashfs.New()
	r := replicatest.Init(t, disk, replica.Options{})
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.SetRule("Note", "m", resolution.RuleMax) })
	value := func(v string) map[string]string { return map[string]string{"m": v} }
	var decided []changeset.RecordID
	for range 40 {
		decided = append(decided, rivalsOf(t, r, "Note", value("1"), value("2"), value("3")))
	}
	undecided = rivalsOf(t, r, "Note", value("1"), value("2"), value("3"))
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for _, rec := range decided {
			if err := e.Update(rec, value("3")); err != nil {
				return err
			}
		}
		return nil
	})
	return disk, undecided
}

// listLength returns how long the list of what is undecided is, in bytes.
func listLength(t *testing.T, fsys afero.Fs) int64 {
	t.Helper()
	info, err := fsys.Stat("prophet/conflicts")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// rulesAnew lets a program of the original set another rule for what is undecided.
func rulesAnew(t *testing.T, disk *crashfs.FS) {
	t.Helper()
	r := replicatest.Open(t, disk, replica.Options{})
	rule, err := r.Rule("Note", "m")
	if err != nil {
		t.Fatal(err)
	}
	original, err := v1peer.Open(disk, v1peer.Options{})
	if err == nil {
		err = original.Update(rule.Record, map[string]string{"content": `["min"]`})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestASparseListIsWrittenAnewBesideRowsOfTheOriginal(t *testing.T) {
	replicatest.OnFormat1(t)
	disk, undecided := sparse(t)
	rulesAnew(t, disk)
	long := listLength(t, disk)
	r := replicatest.Open(t, disk, replica.Options{})
	grow(t, r, 1)
	if now := listLength(t, disk); now >= long/4 {
		t.Errorf("the list has %d bytes, and had %d", now, long)
	}
	if props, _, err := r.Log().Props(undecided); err != nil || props["m"] != "2" {
		t.Errorf("by the rule of the original, the record is %v, %v", props, err)
	}
	replicatest.Faultless(t, disk, "after rows of the original")
}

// Until the commit that writes the list anew is made, the old list stands, and nobody takes it for damaged, or tells of another program.
func TestAListThatIsWrittenAnewIsOldOrNewAtEveryOperation(t *testing.T) {
	start, undecided := sparse(t)
	long := listLength(t, start)
	for k := 1; ; k += race.Every(3) {
		disk := start.Survivor(crashfs.Kill, 0)
		r := replicatest.Open(t, disk, replica.Options{})
		disk.CrashAt(k)
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(undecided, map[string]string{"m": "3"}) })
		if !disk.Failed() {
			if now := listLength(t, disk); err != nil || now >= long/4 {
				t.Errorf("the list has %d bytes, and had %d, %v", now, long, err)
			}
			return
		}
		left := disk.Survivor(crashfs.Kill, 0)
		opts := replica.Options{Warn: func(s string) { t.Errorf("operation %d: warned: %s", k, s) }}
		open, err := replicatest.Open(t, left, opts).InConflict()
		if err != nil || len(open) > 1 {
			t.Errorf("operation %d: in conflict are %v, %v", k, open, err)
		}
		w := replicatest.Open(t, left, opts)
		grow(t, w, 1)
		if then, err := w.InConflict(); err != nil || len(then) != len(open) {
			t.Errorf("operation %d: in conflict are %v, then %v, %v", k, open, then, err)
		}
		replicatest.Sound(t, left, "after the next edit")
	}
}
