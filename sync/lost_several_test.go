package sync_test

import (
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// TestWhatIsLeftOfSeveralCountsOnceWhenTheyAreBack: of changesets of a record that were lost together, with the version between them, the last one's leftovers are what all of them did. Their copy is no edit
// beside them once they are back: nothing is in conflict, under the rule sum nothing is added twice, and it is so wherever the copies came before them.
func TestWhatIsLeftOfSeveralCountsOnceWhenTheyAreBack(t *testing.T) {
	replicatest.OnFormat1(t)
	ann := replicatest.Init(t, crashfs.New(), at("ann", 9))
	replicatest.Edit(t, ann, func(e *replica.Edit) error { return e.SetRule("Ticket", "n", resolution.RuleSum) })
	var rec changeset.RecordID
	replicatest.Edit(t, ann, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"n": "5", "status": "new"})
		return err
	})
	edit := func(n, status string) {
		replicatest.Edit(t, ann, func(e *replica.Edit) error {
			return e.Update(rec, map[string]string{"n": n, "status": status})
		})
	}
	edit("6", "open")
	edit("7", "closed")
	whole := replicatest.Clone(t, ann, at("bob", 10))
	lost := copyTree(t, ann.FS())
	for _, n := range []uint32{2, 3} {
		row, err := ann.Log().Row(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := lost.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := ann.Log().Versions(rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := lost.Remove(changeset.ObjectPath(changeset.RecordObjects, versions[0].Key)); err != nil {
		t.Fatal(err)
	}
	if err := replica.Repair(t.Context(), lost, at("ann", 12), replica.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
	ann = replicatest.Open(t, lost, at("ann", 12))
	if _, err := ann.Release(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	carol := replicatest.Clone(t, ann, at("carol", 13))
	dave := replicatest.Clone(t, whole, at("dave", 13))
	pull(t, ann, whole)
	pull(t, dave, ann)
	pull(t, carol, whole)
	pull(t, carol, ann)
	pull(t, whole, carol)
	for _, r := range []*replica.Replica{ann, whole, carol, dave} {
		props, _, err := r.Log().Props(rec)
		if err != nil || props["n"] != "7" || props["status"] != "closed" {
			t.Errorf("%s has n=%s status=%s, %v", r.Where(), props["n"], props["status"], err)
		}
		if view, err := replicatest.Look(r, changeset.RecordID.String); err != nil || view.Conflicts != "" {
			t.Errorf("%s has in conflict %q, %v", r.Where(), view.Conflicts, err)
		}
	}
	replicatest.Meet(t, ann, whole, carol, dave)
}
