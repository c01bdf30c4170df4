package sync_test

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// indexDamages are what can become of the index of a record beside which another lies.
var indexDamages = []struct {
	name string
	do   func(index, other string) (string, bool) // false: the file is gone
}{
	{"gone", func(string, string) (string, bool) { return "", false }},
	{"emptied", func(string, string) (string, bool) { return "", true }},
	{"zeroed", func(index, _ string) (string, bool) { return strings.Repeat("\x00", len(index)), true }},
	{"without its last row", func(index, _ string) (string, bool) { return index[:len(index)-changeset.VersionSize], true }},
	{"another's", func(_, other string) (string, bool) { return other, true }},
}

// Whatever becomes of the index of a record, nobody is shown another state for it: neither in a new mirror, nor in one that has all, nor in one that lacks the
// last edit of the record, nor in an exported copy.
func TestDamagedRecordIndexIsNotPublished(t *testing.T) {
	disk := crashfs.New()
	w := newWorkshop(t, disk)
	laser := w.ticket(w.ann, "Laser cutter", "new", "cellar")
	door := w.ticket(w.ann, "Door", "new", "entrance")
	var drill, saw changeset.RecordID
	w.edit(w.ann, func(e *replica.Edit) (err error) {
		if drill, err = e.Create("Ticket", map[string]string{"summary": "drill"}); err != nil {
			return err
		}
		saw, err = e.Create("Ticket", map[string]string{"summary": "saw"})
		return err
	})
	gone := w.ticket(w.ann, "gone", "new", "")
	before := crashfs.New()
	w.publish(before, psync.PublishOptions{})
	w.update(w.ann, laser, map[string]string{"status": "open"})
	w.remove(w.ann, gone)
	for _, rec := range []changeset.RecordID{door, drill, saw} {
		w.update(w.ann, rec, map[string]string{"status": "open"})
	}
	w.edit(w.ann, func(e *replica.Edit) error {
		return errors.Join(e.Update(drill, map[string]string{"place": "left"}), e.Update(saw, map[string]string{"place": "right"}))
	})
	whole := crashfs.New()
	w.publish(whole, psync.PublishOptions{})

	replicatest.Loosen(t, disk)
	files, cases := filesOf(t, disk), 0
	others := map[changeset.RecordID]changeset.RecordID{laser: door, door: laser, drill: saw, gone: laser}
	for rec, other := range others {
		name := changeset.RecordPath(rec)
		for _, damage := range indexDamages {
			what := rec.String() + " " + damage.name
			fsys := disk.Survivor(crashfs.Kill, 0)
			index, there := damage.do(files[name], files[changeset.RecordPath(other)])
			err := fsys.Remove(name)
			if there {
				err = afero.WriteFile(fsys, name, []byte(index), 0o666)
			}
			w.check(err)
			for to, dest := range map[string]*crashfs.FS{"new": crashfs.New(), "whole": whole.Survivor(crashfs.Kill, 0), "before": before.Survivor(crashfs.Kill, 0)} {
				was := filesOf(t, dest)
				from, err := replica.Open(fsys, w.options("ann"))
				w.check(err)
				_, err = psync.Publish(t.Context(), from, dest, psync.PublishOptions{Check: to == "whole"})
				namesFile(t, what+" "+to, err, name)
				if to == "new" {
					noReplica(t, what, dest)
				} else {
					sameFiles(t, what+" "+to, filesOf(t, dest), was)
				}
				cases++
			}
			from, err := replica.Open(fsys, w.options("ann"))
			w.check(err)
			copied := crashfs.New()
			namesFile(t, what+" exported", psync.Export(t.Context(), from, copied, nil), name)
			noReplica(t, what, copied)
			cases++
		}
	}
	t.Logf("%d publications of damage", cases)
	if cases != len(others)*len(indexDamages)*4 {
		t.Errorf("%d cases", cases)
	}
}

func namesFile(t *testing.T, what string, err error, name string) {
	t.Helper()
	var damage *replica.DamageError
	if !errors.As(err, &damage) || damage.Path != name {
		t.Errorf("%s: error %v, want damage of %s", what, err, name)
	}
}

// noReplica checks that there is nothing that a reader takes for a replica.
func noReplica(t *testing.T, what string, dest *crashfs.FS) {
	t.Helper()
	for name := range filesOf(t, dest) {
		if path.Base(name) == changeset.ReplicaVersionFile && !strings.Contains(name, "resolutions") || path.Base(name) == psync.MirrorFile {
			t.Errorf("%s: %s was written", what, name)
		}
	}
}

// An exported copy has no index of deleted records, so one that is lost there tells itself by the log alone.
func TestCopyOfACopyIsNotMadeWithoutAnIndex(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	copied := crashfs.New()
	w.check(psync.Export(t.Context(), w.ann, copied, nil))
	from, err := replica.Open(copied, w.options("copy"))
	w.check(err)
	again := crashfs.New()
	w.check(psync.Export(t.Context(), from, again, nil))
	sameFiles(t, "copy of a copy", filesOf(t, again), filesOf(t, copied))

	lost := slices.DeleteFunc(slices.Sorted(maps.Keys(filesOf(t, copied))), func(name string) bool { return !strings.HasPrefix(name, "records/") })[0]
	w.check(copied.Remove(lost))
	from, err = replica.Open(copied, w.options("copy"))
	w.check(err)
	namesFile(t, lost, psync.Export(t.Context(), from, crashfs.New(), nil), lost)
}
