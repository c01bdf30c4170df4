package replica_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// indexesFollow damages the index of either log, with nobody to ask: afterwards all is the same bytes.
func indexesFollow(t *testing.T, whole *crashfs.FS) {
	t.Helper()
	want := files(t, whole)
	for _, index := range []string{changeset.IndexFile, changeset.ResolutionsDir + "/" + changeset.IndexFile} {
		if there, err := afero.Exists(whole, index); !there || err != nil {
			continue // nobody voted
		}
		for what, damage := range map[string]func(b []byte) []byte{
			"emptied":       func([]byte) []byte { return nil },
			"cut":           func(b []byte) []byte { return b[:len(b)/2+7] },
			"a number":      func(b []byte) []byte { b[3] ^= 4; return b },
			"an origin":     func(b []byte) []byte { b[9] ^= 1; return b },
			"a name":        func(b []byte) []byte { b[changeset.RowSize-1] ^= 16; return b },
			"zeros":         func(b []byte) []byte { clear(b[len(b)/3 : len(b)/3*2]); return b },
			"a row, thrice": func(b []byte) []byte { return bytes.Repeat(b[:changeset.RowSize], 3) },
		} {
			fsys := whole.Survivor(crashfs.Kill, 0)
			change(t, fsys, index, damage)
			if files(t, fsys) == want {
				continue
			}
			told := repairedParts(t, fsys)
			if files(t, fsys) != want || problems(t, fsys) != problems(t, whole) {
				t.Errorf("%s, %s: the repair says\n%sfsck says\n%s%s", index, what, told, problems(t, fsys), otherLines(files(t, fsys), want))
			}
		}
	}
}

// TestTheIndexFollowsFromParts has all of a log in parts, also of a replica that has another UUID by now.
func TestTheIndexFollowsFromParts(t *testing.T) {
	replicatest.WithParts(t)
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(0)), 20, 1)
	gc(t, replicatest.Open(t, whole, counted(0)))
	indexesFollow(t, whole)
	if err := replicatest.Open(t, whole, replica.Options{}).Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	works(t, replicatest.Open(t, whole, counted(0)), 3, 2)
	indexesFollow(t, whole)
}

// TestTheIndexFollowsFromPartsAfterAMove: what was named anew is loose, and in a part under its old name.
func TestTheIndexFollowsFromPartsAfterAMove(t *testing.T) {
	replicatest.WithParts(t)
	r, u, _, _ := forkable(t)
	_, c := rowOf(t, r, changeset.ID{Origin: u, Seq: 2})
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Move(changeset.Moves{{From: u, Seq: 2, To: changeset.MovedOrigin(c)}}, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	indexesFollow(t, r.FS().(*crashfs.FS))
}

// What names only rows that the log has not goes, where parts have all that the log has of the record: the number of such a row is given again.
func TestAnIndexIsTakenAwayWhereThePartsHaveAllOfTheRecord(t *testing.T) {
	_, now := grownTwice(t, true)
	old, want := now.Survivor(crashfs.Kill, 0), dumped(t, now)
	r := replicatest.Open(t, now, replica.Options{})
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		return e.Update(allRecords(t, r)[1], map[string]string{"status": "closed"})
	})
	for name := range filesIn(t, now) {
		if ok, err := afero.Exists(old, name); !ok && err == nil && strings.HasPrefix(name, "cas/changesets/") {
			putBackFrom(t, now, old, name)
		}
	}
	putBackFrom(t, now, old, changeset.IndexFile, changeset.LatestFile, "prophet/rows", "prophet/digests")
	did := repaired(t, now)
	if found := harmful(t, now); found != "" || !strings.Contains(did, "parts have all versions") || dumped(t, now) != want {
		t.Errorf("the repair says\n%sfsck says\n%s", did, found)
	}
	if again := repaired(t, now); again != "" {
		t.Errorf("a second repair says\n%s", again)
	}
}
