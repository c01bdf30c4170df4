package sync_test

import (
	"context"
	"errors"
	"maps"
	"strings"
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
	replicatest.Loosen(t, fsys)
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

// TestAMirrorStaysAsItIsWhereWhatIsWithheldCannotBeCounted: an old changeset that is damaged fails the publication before it wrote anything, and a new mirror is as one never begun.
func TestAMirrorStaysAsItIsWhereWhatIsWithheldCannotBeCounted(t *testing.T) {
	l := withBob(t, 3)
	update(t, l.ann, l.recs[0], "status", "open") // row 4
	update(t, l.ann, l.recs[1], "status", "open") // row 5
	l.rows = []uint32{4}
	ann := l.takeAway(t)
	noPacks := psync.PublishOptions{NoPacks: true} // making packs reads what they had
	dest := crashfs.New()
	if _, err := psync.Publish(t.Context(), ann, dest, noPacks); err != nil {
		t.Fatal(err)
	}
	update(t, ann, l.recs[2], "owner", "ann")
	replicatest.Loosen(t, ann.FS())
	row, err := ann.Log().Row(5)
	if err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(ann.FS(), changeset.ObjectPath(changeset.ChangesetObjects, row.Key), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dest := range map[string]afero.Fs{"a mirror": dest, "a new one": crashfs.New()} {
		was := mirrorFiles(t, dest)
		_, err := psync.Publish(t.Context(), replicatest.Open(t, ann.FS(), at("ann", 14)), dest, noPacks)
		if err == nil || !strings.Contains(err.Error(), changeset.ObjectPath(changeset.ChangesetObjects, row.Key)+" is damaged") {
			t.Errorf("%s: %v", name, err)
		}
		sameFiles(t, name, mirrorFiles(t, dest), was)
	}
}

// mirrorFiles are the files of a mirror without its lock.
func mirrorFiles(t *testing.T, dest afero.Fs) map[string]string {
	t.Helper()
	files := filesOf(t, dest)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasSuffix(name, "prophet/lock") })
	return files
}

func TestAMirrorOfPacksThatHasWhatIsLostStaysWhole(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open") // row 3
	dest, opts := crashfs.New(), psync.PublishOptions{NoTree: true}
	if _, err := psync.Publish(t.Context(), l.ann, dest, opts); err != nil {
		t.Fatal(err)
	}
	l.rows = []uint32{3}
	ann, was := l.takeAway(t), filesOf(t, dest)
	update(t, ann, l.recs[1], "status", "open")
	for _, opts.Check = range []bool{false, true} {
		_, err := psync.Publish(t.Context(), ann, dest, opts)
		if !errors.Is(err, psync.ErrMirrorHas) {
			t.Errorf("checked %v: %v", opts.Check, err)
		}
		sameFiles(t, "the mirror", filesOf(t, dest), was)
	}
}

// TestAMirrorElsewhereThatHasWhatIsLostStaysWhole: also where the copy of it that is here has lost it too.
func TestAMirrorElsewhereThatHasWhatIsLostStaysWhole(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open") // row 3
	e, at := newElsewhere(crashfs.New(), 1)
	if _, err := psync.PublishElsewhere(t.Context(), l.ann, at, e, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	row, err := l.ann.Log().Row(3)
	if err != nil {
		t.Fatal(err)
	}
	object := changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
	l.rows = []uint32{3}
	ann := l.takeAway(t)
	update(t, ann, l.recs[1], "status", "open")
	was := filesOf(t, e.there)
	for i := range 3 {
		if i == 1 {
			if err := e.here.Remove(l.ann.Database().String() + "/" + object); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := psync.PublishElsewhere(t.Context(), ann, at, e, psync.PublishOptions{Check: i == 2}); !errors.Is(err, psync.ErrMirrorHas) {
			t.Errorf("%d: %v", i, err)
		}
		sameFiles(t, "the mirror", filesOf(t, e.there), was)
		if err := afero.WriteFile(at, "sent", nil, 0o666); err != nil { // as if what is here were what is there
			t.Fatal(err)
		}
	}
}
