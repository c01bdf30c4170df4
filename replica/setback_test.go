package replica_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// setBackBoth sets a log's number and its index back, as a copy does that was torn, and returns how many rows are left.
func setBackBoth(t *testing.T, fsys afero.Fs, prefix string, by int) (rows int) {
	t.Helper()
	change(t, fsys, prefix+changeset.IndexFile, func(b []byte) []byte {
		rows = len(b)/changeset.RowSize - by
		return b[:rows*changeset.RowSize]
	})
	change(t, fsys, prefix+changeset.LatestFile, setBack(fmt.Sprint(rows)))
	return rows
}

// voted is a replica with rows in both logs, one transaction each.
func voted(t *testing.T) afero.Fs {
	t.Helper()
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	for range 3 {
		votedTwice(t, r)
	}
	grow(t, r, 1)
	return fsys
}

func TestARepairTakesUpRowsOfWhichIndexAndNumberWereSetBack(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for _, prefix := range []string{"", "resolutions/"} {
		for by := 1; by <= 2; by++ {
			fsys := voted(t)
			before := filesIn(t, fsys)
			rows := setBackBoth(t, fsys, prefix, by)
			want := fmt.Sprintf("%slatest-sequence-no: it counts %d changesets, as %[1]schangesets.idx does, but %[1]sprophet/rows has notes on %[3]d: ", prefix, rows, rows+by)
			if found := problems(t, fsys); !strings.Contains(found, want) || strings.Contains(found, "harmless") {
				t.Errorf("%s, %d rows set back: fsck says\n%s", prefix, by, found)
			}
			did := repaired(t, fsys)
			for name, was := range before {
				if is, err := afero.ReadFile(fsys, name); string(is) != string(was) {
					t.Errorf("%s, %d rows set back: %s is not what it was, %v: %s", prefix, by, name, err, did)
				}
			}
			sound(t, fsys)
		}
	}
}

// What index and number say stays so, where only one of the others counts more.
func TestOneCountAloneDoesNotMakeARow(t *testing.T) {
	fsys := voted(t)
	before := filesIn(t, fsys)
	change(t, fsys, "prophet/rows", add("12345678"))
	did := repaired(t, fsys)
	for name, was := range before {
		if is, err := afero.ReadFile(fsys, name); string(is) != string(was) {
			t.Errorf("%s is not what it was, %v: %s", name, err, did)
		}
	}
}

func TestARowThatWasSetBackAndThatNobodyHasIsToldOnce(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys := voted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	grow(t, r, 3)
	last, err := r.Log().Row(r.Latest() - 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := fsys.Remove(changeset.ObjectPath(changeset.ChangesetObjects, last.Key)); err != nil {
		t.Fatal(err)
	}
	rows := setBackBoth(t, fsys, "", 3)
	did := repaired(t, fsys)
	for _, want := range []string{
		fmt.Sprintf("rebuilt changesets.idx: row %d made again from the changesets\n", rows+1),
		fmt.Sprintf("rebuilt latest-sequence-no: the log has %d rows\n", rows+1),
		fmt.Sprintf("lost latest-sequence-no: rows %d to %d are noted and gone", rows+2, rows+3),
	} {
		if !strings.Contains(did, want) {
			t.Errorf("it lacks %q:\n%s", want, did)
		}
	}
	sound(t, fsys)
	if again := repaired(t, fsys); again != "" {
		t.Errorf("a second repair did %s", again)
	}
	if ok, err := afero.Exists(fsys, filepath.Join(replica.SetAsideDir, "prophet/rows")); !ok || err != nil {
		t.Errorf("what told of the rows was not set aside: %v", err)
	}
}
