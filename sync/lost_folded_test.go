package sync_test

import (
	"testing"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// withoutRow loses a row of a copy of a replica, and the version that it made, which it repairs with nobody to ask.
func withoutRow(t *testing.T, r *replica.Replica, rec changeset.RecordID, n uint32) *replica.Replica {
	t.Helper()
	fsys := copyTree(t, r.FS())
	row, err := r.Log().Row(n)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := r.Log().Versions(rec)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{changeset.ObjectPath(changeset.ChangesetObjects, row.Key)}
	for _, v := range versions {
		if v.Seq == n {
			files = append(files, changeset.ObjectPath(changeset.RecordObjects, v.Key))
		}
	}
	for _, file := range files {
		if err := fsys.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := fsys.Remove(changeset.RecordPath(rec)); err != nil {
		t.Fatal(err)
	}
	if err := replica.Repair(t.Context(), fsys, at("ann", 12), replica.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
	return replicatest.Open(t, fsys, at("ann", 12))
}

// TestWhatComesBackIsInVersionsThatWereFolded: a part that was folded while a changeset was lost has the versions that the record had without it. Once it is back, these are written anew, and all can be unpacked.
func TestWhatComesBackIsInVersionsThatWereFolded(t *testing.T) {
	replicatest.OnFormat2(t)
	l := withBob(t, 3)
	for _, rec := range l.recs {
		update(t, l.ann, rec, "owner", "ann")
	}
	pull(t, l.bob, l.ann)
	ann := withoutRow(t, l.ann, l.recs[0], 1)
	if _, err := ann.GC(t.Context(), replica.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	pull(t, ann, l.bob)
	replicatest.Faultless(t, ann.FS(), "once it is back")
	replicatest.Meet(t, ann, l.bob)
	if _, err := ann.GC(t.Context(), replica.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	replicatest.Faultless(t, ann.FS(), "folded again")
	if err := ann.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	replicatest.Faultless(t, ann.FS(), "unpacked")
}
