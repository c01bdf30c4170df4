package replica_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestAPackThatWasThereStaysWhereTheSamePullIsCutOff copies a backup over what a pull brought, in a part, and has the same pull, which comes to the very part, be cut off at each of its operations: who takes that back leaves the pack.
func TestAPackThatWasThereStaysWhereTheSamePullIsCutOff(t *testing.T) {
	replicatest.WithParts(t)
	now, bob := crashfs.New(), uuid.NewSHA1(uuid.Nil, []byte("bob"))
	r := replicatest.Init(t, now, counted(0))
	grow(t, r, 3)
	backup := now.Survivor(crashfs.Kill, 0)
	pullTwo(t, r, bob)
	list := partsOf(t, now, "")
	pack := list[len(list)-1].PackFile()
	want, whole := filesIn(t, now)[pack], dumped(t, now)
	copyOver(t, now, backup)
	for k, cut := 1, true; cut; k++ {
		fsys := now.Survivor(crashfs.Kill, 0)
		fsys.CrashAt(k)
		r, err := replica.Open(fsys, counted(0))
		if err == nil {
			err = tryPullTwo(t, r, bob)
		}
		cut = err != nil
		fsys = fsys.Survivor(crashfs.Kill, int64(k))
		grow(t, replicatest.Open(t, fsys, counted(0)), 1)
		if filesIn(t, fsys)[pack] != want {
			t.Fatalf("cut off at %d: the pack is gone", k)
		}
		if !cut && dumped(t, fsys) == whole {
			t.Error("no edit was made")
		}
	}
}

// TestWhatAJournalTellsOfIsNotTakenForCommitted cuts a transaction that writes a part off at each of its operations, and copies a backup over that leaves the journal: what that tells of is in no row after a repair, but set aside.
func TestWhatAJournalTellsOfIsNotTakenForCommitted(t *testing.T) {
	replicatest.WithParts(t)
	now := crashfs.New()
	r := replicatest.Init(t, now, counted(0))
	grow(t, r, 3)
	backup := now.Survivor(crashfs.Kill, 0)
	if err := backup.Remove(durable.Journal); err != nil {
		t.Fatal(err)
	}
	grow(t, r, 4)
	want, told := dumped(t, now), 0
	for k, cut := 1, true; cut; k++ {
		fsys := now.Survivor(crashfs.Kill, 0)
		fsys.CrashAt(k)
		r, err := replica.Open(fsys, counted(100))
		if err == nil {
			_, err = r.Edit(t.Context(), func(e *replica.Edit) error {
				_, err := e.Create("Ticket", map[string]string{"status": "cut off"})
				return err
			})
		}
		cut = err != nil
		fsys = fsys.Survivor(crashfs.Kill, int64(k))
		journal, err := afero.ReadFile(fsys, durable.Journal)
		if err != nil {
			t.Fatal(err)
		}
		packs := left(t, fsys)
		copyOver(t, fsys, backup)
		did := repaired(t, fsys)
		if len(journal) > 100 && packs == 3 {
			told++
			aside, err := afero.ReadDir(fsys, replica.SetAsideDir+"/"+parts.Dir)
			if now := dumped(t, fsys); now != want || left(t, fsys) != 2 || len(aside) == 0 || err != nil {
				t.Errorf("cut off at %d: the repair says\n%s", k, did)
			}
		}
		if found := harmful(t, fsys); found != "" {
			t.Errorf("cut off at %d: the repair says\n%sfsck\n%s", k, did, found)
		}
	}
	if told < 5 {
		t.Errorf("a journal told of a pack %d times", told)
	}
}
