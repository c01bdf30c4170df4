package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
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

// TestWhatWasCutOffBelowABackupIsNoLoss cuts a transaction of others' changesets and own edits off at each of its operations, and copies a backup over that, journal and all: what came into the log before stays in it, and no row is said to
// be noted of which only what lies here tells.
func TestWhatWasCutOffBelowABackupIsNoLoss(t *testing.T) {
	replicatest.OnFormat2(t)
	now := crashfs.New()
	r := replicatest.Init(t, now, counted(100))
	grow(t, r, 4)
	recs := allRecords(t, r)
	gc(t, r)
	backup := now.Survivor(crashfs.Kill, 0)
	grow(t, r, 3)
	gc(t, r)
	bob, told := uuid.NewSHA1(uuid.Nil, []byte("bob")), 0
	for k, cut := 1, true; cut; k++ {
		fsys := now.Survivor(crashfs.Kill, 0)
		fsys.CrashAt(k)
		r, err := replica.Open(fsys, counted(100))
		if err == nil {
			err = r.Update(t.Context(), func(tx *replica.Tx) error {
				for seq := range uint32(6) {
					c := &changeset.Changeset{ID: changeset.ID{Origin: bob, Seq: seq + 1}, Created: "2026-03-03 03:03:03", Creator: changeset.Text("bob@example.com"),
						Changes: []changeset.Change{{Record: recs[seq%3], Kind: changeset.Update, Parents: []changeset.ID{}, Props: map[string]changeset.PropChange{"n": {New: changeset.Text(fmt.Sprint(seq))}}}}}
					if _, err := tx.Integrate(c); err != nil {
						return err
					}
					if seq%3 == 2 {
						if _, err := tx.Edit(func(e *replica.Edit) error { return e.Update(recs[3], map[string]string{"n": fmt.Sprint(seq)}) }); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		cut = err != nil
		fsys = fsys.Survivor(crashfs.Kill, int64(k))
		copyOver(t, fsys, backup)
		did := repaired(t, fsys)
		if strings.Contains(did, " not made again: what may have stood there lies here, but ") {
			told++
		}
		rows := replicatest.Open(t, fsys, replica.Options{}).Latest()
		if found := harmful(t, fsys); found != "" || rows < 7 || strings.Contains(did, "noted") {
			t.Errorf("cut off at %d: the repair says\n%sfsck\n%s", k, did, found)
		}
	}
	if told < 5 {
		t.Errorf("of %d it was told that rows stay out", told)
	}
}
