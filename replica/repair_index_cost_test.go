package replica_test

import (
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
)

// TestEachPassOverAnIndexAsksWhatWasReadOnce: the indexes of the records are not read again for each of the means that are tried. A row that nobody has is tried with all of them, one that is here with the first.
func TestEachPassOverAnIndexAsksWhatWasReadOnce(t *testing.T) {
	replicatest.OnFormat1(t)
	opens := map[bool]int64{}
	for gone, says := range map[bool]string{false: "row 5 made again from the changesets", true: "row 5 of it cannot be told for sure"} {
		fsys := crashfs.New()
		r := replicatest.Init(t, fsys, counted(1))
		grow(t, r, 8)
		row, err := r.Log().Row(5)
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, changeset.IndexFile, func(b []byte) []byte {
			clear(b[4*changeset.RowSize : 5*changeset.RowSize])
			return b
		})
		if gone {
			if err := fsys.Remove("cas/changesets/" + objectPath(row)); err != nil {
				t.Fatal(err)
			}
		}
		counting := &replicatest.Opens{Fs: fsys, Of: func(name string) bool { return strings.HasPrefix(name, changeset.RecordsDir+"/") }}
		if did := repairedParts(t, counting); !strings.Contains(did, says) {
			t.Fatalf("the repair says\n%s", did)
		}
		opens[gone] = counting.Count.Load()
	}
	if opens[true] > opens[false] { // which goes on to the records
		t.Errorf("indexes of records are opened %v times, by whether the row is gone", opens)
	}
}
