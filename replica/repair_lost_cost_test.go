package replica_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestARepairOfALostPackCostsByTheRow: what is left of each row is found without reading that of all others.
func TestARepairOfALostPackCostsByTheRow(t *testing.T) {
	replicatest.OnFormat2(t)
	opens := map[int]int64{}
	for _, rows := range []int{50, 200} {
		fsys := &replicatest.Opens{Fs: crashfs.New(), Of: func(string) bool { return true }}
		grow(t, replicatest.Init(t, fsys, counted(1)), rows)
		packs, err := afero.Glob(fsys, parts.Dir+"/*"+parts.PackExt)
		if err != nil || len(packs) != 1 {
			t.Fatalf("%d packs, %v", len(packs), err)
		}
		if err := fsys.Remove(packs[0]); err != nil {
			t.Fatal(err)
		}
		fsys.Count.Store(0)
		repairedParts(t, fsys)
		opens[rows] = fsys.Count.Load()
		if lost, err := replicatest.Open(t, fsys, replica.Options{}).Log().Lost(); err != nil || len(lost) != rows {
			t.Fatalf("%d lost, %v", len(lost), err)
		}
	}
	if opens[200] > 5*opens[50] {
		t.Errorf("files are opened %v times, by the number of rows", opens)
	}
}
