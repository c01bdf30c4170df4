package sync_test

import (
	"context"
	"errors"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// TestAMirrorThatHasWhatIsLostStaysWhole: what is left of a lost changeset takes the place of nothing in a mirror that has it. Once a repair had it from there, the publication goes on.
func TestAMirrorThatHasWhatIsLostStaysWhole(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open") // row 3
	dest := crashfs.New()
	if _, err := psync.Publish(t.Context(), l.ann, dest, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	row, err := l.ann.Log().Row(3)
	if err != nil {
		t.Fatal(err)
	}
	fsys := copyTree(t, l.ann.FS())
	for _, name := range []string{changeset.ObjectPath(changeset.ChangesetObjects, row.Key), changeset.RecordsDir, "cas/" + changeset.RecordObjects} {
		if err := fsys.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	repair := func(sources ...*replica.Replica) {
		how := replica.RepairOptions{Sources: func(context.Context) []*replica.Replica { return sources }}
		if err := replica.Repair(t.Context(), fsys, at("ann", 12), how); err != nil {
			t.Fatal(err)
		}
	}
	repair()
	was := filesOf(t, dest)
	for _, edits := range []bool{false, true} {
		if edits {
			update(t, replicatest.Open(t, fsys, at("ann", 13)), l.recs[1], "status", "open")
		}
		for _, check := range []bool{false, true} {
			_, err := psync.Publish(t.Context(), replicatest.Open(t, fsys, at("ann", 14)), dest, psync.PublishOptions{Check: check})
			if !errors.Is(err, psync.ErrMirrorHas) {
				t.Errorf("with an edit %v, checked %v: %v", edits, check, err)
			}
			sameFiles(t, "the mirror", filesOf(t, dest), was)
		}
	}
	mirror := afero.NewBasePathFs(dest, l.ann.Database().String())
	repair(replicatest.Open(t, mirror, replica.Options{Mirror: true}))
	if _, err := psync.Publish(t.Context(), replicatest.Open(t, fsys, at("ann", 15)), dest, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := replica.Check(t.Context(), mirror, replica.Options{}, func(p replica.Problem) { t.Errorf("%s: %s", p.Path, p.Text) }, nil); err != nil {
		t.Error(err)
	}
}
