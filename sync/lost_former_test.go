package sync_test

import (
	"context"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// Bookkeeping that does the same twice is told apart by its numbers, also where the replica has another UUID since. A copy of it that is whole is no liar then.
func TestBookkeepingOfAFormerUUIDStandsInTheRowOfItsNumber(t *testing.T) {
	disk := crashfs.New()
	ann := replicatest.Init(t, disk, at("ann", 9))
	ticket := newTicket(t, ann)
	bob, carol := replicatest.Clone(t, ann, at("bob", 10)), replicatest.Clone(t, ann, at("carol", 11))
	for who, r := range map[string]*replica.Replica{"ann": ann, "bob": bob, "carol": carol} {
		update(t, r, ticket, "status", who)
	}
	pull(t, ann, bob)
	update(t, ann, ticket, "status", "ann")
	pull(t, ann, carol)
	if err := ann.Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	newTicket(t, ann)
	rows, err := ann.Log().Collect(1, ann.Latest())
	if err != nil {
		t.Fatal(err)
	}
	replicatest.Loosen(t, disk)
	want, err := afero.ReadFile(disk, changeset.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	nullified := 0
	for _, row := range rows {
		c, err := ann.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		if c.Nullification {
			nullified++
		}
		damaged := disk.Survivor(crashfs.Kill, 0)
		for _, name := range []string{changeset.IndexFile, changeset.ObjectPath(changeset.ChangesetObjects, row.Key)} {
			if err := damaged.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		warned := ""
		opts := at("ann", 12)
		opts.Warn = func(text string) { warned += text + "\n" }
		err = replica.Repair(t.Context(), damaged, opts, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{ann} }})
		if is, readErr := afero.ReadFile(damaged, changeset.IndexFile); string(is) != string(want) || err != nil || readErr != nil || warned != "" {
			t.Errorf("without the index and the object of row %d: %v, %v, its index is not what it was; warned of %s", row.Seq, err, readErr, warned)
		}
	}
	if nullified < 2 {
		t.Errorf("%d nullifications are no scene for this", nullified)
	}
}
