package replica_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// pulledSince is a replica of three rows, and what it is with two edits more and two of somebody else behind them, of which the second builds on the first. leftover is one of his that was never committed.
func pulledSince(t *testing.T) (backup, now *crashfs.FS, theirs []string, leftover []byte) {
	t.Helper()
	now = crashfs.New()
	r := replicatest.Init(t, now, counted(1<<20))
	grow(t, r, 3)
	backup = now.Survivor(crashfs.Kill, 0)
	recs := allRecords(t, r)
	update(t, r, recs[0], "k", "one")
	update(t, r, recs[1], "k", "two")
	bob := uuid.NewSHA1(uuid.Nil, []byte("bob"))
	of := func(seq uint32, old string, parents ...changeset.ID) *changeset.Changeset {
		return &changeset.Changeset{ID: changeset.ID{Origin: bob, Seq: seq}, Created: "2026-03-03 03:03:03", Creator: changeset.Text("bob@example.com"), Changes: []changeset.Change{{Record: recs[2], Kind: changeset.Update,
			Parents: parents, Props: map[string]changeset.PropChange{"m": {Old: changeset.Text(old), New: changeset.Text(fmt.Sprint(seq))}}}}}
	}
	merged, err := r.Merged(recs[2])
	for _, c := range []*changeset.Changeset{of(1, "", merged.Heads...), of(2, "1", changeset.ID{Origin: bob, Seq: 1})} {
		if err == nil {
			err = r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for row := uint32(6); row <= 7; row++ {
		is, err := r.Log().Row(row)
		if err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, "cas/changesets/"+objectPath(is))
	}
	return backup, now, theirs, of(3, "2", changeset.ID{Origin: bob, Seq: 2}).Encode()
}

// counters are the files that count rows, and are written as part of a commit.
var counters = []string{changeset.LatestFile, "prophet/rows", replica.DigestsFile, "prophet/ids"}

// setBackBut puts back all that a backup has but for objects and one file.
func setBackBut(t *testing.T, fsys, backup afero.Fs, but string) {
	t.Helper()
	for name := range filesIn(t, fsys) {
		if strings.HasPrefix(name, changeset.RecordsDir+"/") || name == changeset.IndexFile || slices.Contains(counters, name) && name != but {
			putBackFrom(t, fsys, backup, name)
		}
	}
}

// TestWhatOthersMadeIsTakenUpWhereOneFileCountsTheVeryRows has one file alone count two rows more than what was made here, and two changesets of somebody else here that the log does not have: there is no choice. Where there is one more, or
// one less, it is told.
func TestWhatOthersMadeIsTakenUpWhereOneFileCountsTheVeryRows(t *testing.T) {
	for format, on := range map[string]func(testing.TB){"format 1": replicatest.OnFormat1, "format 2": replicatest.OnFormat2} {
		on(t)
		backup, whole, theirs, leftover := pulledSince(t)
		want := dumped(t, whole)
		for _, counts := range counters[:3] { // the local ids tell of rows that brought records alone, and these brought none
			fsys := whole.Survivor(crashfs.Kill, 0)
			setBackBut(t, fsys, backup, counts)
			one, three := fsys.Survivor(crashfs.Kill, 0), fsys.Survivor(crashfs.Kill, 0)
			did := repaired(t, fsys)
			if found := problems(t, fsys); found != "" || dumped(t, fsys) != want || strings.Contains(did, "lost ") {
				t.Errorf("%s, %s counts: the repair says\n%sfsck says\n%s", format, counts, did, found)
			}
			if err := one.Remove(theirs[1]); err != nil {
				t.Fatal(err)
			}
			name := changeset.ObjectPath(changeset.ChangesetObjects, cas.Sum(leftover))
			if err := errors.Join(three.MkdirAll(path.Dir(name), 0o700), afero.WriteFile(three, name, leftover, 0o600)); err != nil {
				t.Fatal(err)
			}
			for says, fsys := range map[string]afero.Fs{
				"lost latest-sequence-no: a file counted 7 rows, the log has 5 of them, and a changeset of somebody else lies here that the log does not have: a pull from who has it brings it\n": one,
				"lost latest-sequence-no: a file counted 7 rows, the log has 5 of them, and 3 changesets of others lie here that the log does not have: a pull from who has them brings them\n":    three,
			} {
				if did := repaired(t, fsys); !strings.Contains(did, says) {
					t.Errorf("%s, %s counts: the repair says\n%swant\n%s", format, counts, did, says)
				}
				if found := harmful(t, fsys); found != "" || !strings.Contains(dumped(t, fsys), "two") {
					t.Errorf("%s, %s counts: fsck says\n%s", format, counts, found)
				}
				if again := repaired(t, fsys); again != "" {
					t.Errorf("%s, %s counts: a second repair says\n%s", format, counts, again)
				}
			}
		}
	}
}
