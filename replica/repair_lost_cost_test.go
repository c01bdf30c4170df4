package replica_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
)

// TestARepairOfALostPackCostsByTheRow: what is left of each row is found without reading that of all others.
func TestARepairOfALostPackCostsByTheRow(t *testing.T) {
	opens := map[int]int64{}
	for _, rows := range []int{50, 200} {
		opens[rows] = withoutPack(t, rows).Count.Load()
	}
	if opens[200] > 5*opens[50] {
		t.Errorf("files are opened %v times, by the number of rows", opens)
	}
}

// withoutPack is a replica that lost the pack of all its rows, after a repair, of which it has counted the files that were opened.
func withoutPack(t *testing.T, rows int) *replicatest.Opens {
	t.Helper()
	replicatest.OnFormat2(t)
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
	return fsys
}

// TestAnEditBesideManyLostCostsWhatOneBesideFewDoes: be it of a record that nothing lost touched, or of one that was made by what is lost. And no gc is begun for what it could not fold.
func TestAnEditBesideManyLostCostsWhatOneBesideFewDoes(t *testing.T) {
	costs := map[string]map[int]int{"of another record": {}, "of a record that was released": {}}
	for _, rows := range []int{100, 1001} {
		fsys := withoutPack(t, rows)
		opts := counted(1 << 20)
		opts.NewUUID = uuid.New
		opts.Warn = func(string) {}
		r := replicatest.Open(t, fsys, opts)
		lost, err := r.Log().Lost()
		if err != nil || len(lost) != rows {
			t.Fatalf("%d lost, %v", len(lost), err)
		}
		left, err := r.Log().Changeset(lost[rows/2])
		if err != nil || len(left.Changes) != 1 {
			t.Fatalf("%v is left, %v", left, err)
		}
		for what, rec := range map[string]changeset.RecordID{"of another record": create(t, r), "of a record that was released": left.Changes[0].Record} {
			if err := setStatus(r, rec, "open"); err != nil {
				t.Fatal(err)
			}
			fsys := replicatest.Count(fsys)
			if err := setStatus(replicatest.Open(t, fsys, opts), rec, "closed"); err != nil {
				t.Fatal(err)
			}
			costs[what][rows] = fsys.Counts().Ops()
		}
		if began, err := afero.Exists(fsys, parts.Dir+"/lock"); began || err != nil {
			t.Errorf("a gc was begun: %v, %v", began, err)
		}
	}
	for what, cost := range costs {
		if cost[1001] > cost[100]+100 { // the list of what is lost is read in more pieces
			t.Errorf("an edit %s costs %v operations, by how much is lost", what, cost)
		}
	}
}
