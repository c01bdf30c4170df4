package replica_test

import (
	"runtime"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
)

// TestARepairOfALostIndexNeedsMemoryByTheRow: what is tried in which row is not kept for all of both.
func TestARepairOfALostIndexNeedsMemoryByTheRow(t *testing.T) {
	replicatest.OnFormat1(t)
	used := map[int]uint64{}
	few, many := race.Part(400), race.Part(2400)
	for _, rows := range []int{few, many} {
		fsys := crashfs.New()
		grow(t, replicatest.Init(t, fsys, counted(1)), rows)
		if err := fsys.Remove(changeset.IndexFile); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		told := repairedParts(t, fsys)
		runtime.ReadMemStats(&after)
		if !strings.Contains(told, "made again from the changesets") {
			t.Fatalf("it told:\n%s", told)
		}
		used[rows] = after.TotalAlloc - before.TotalAlloc
	}
	if 10*used[many] > 62*used[few] {
		t.Errorf("%v bytes are used, by the number of rows", used)
	}
}
