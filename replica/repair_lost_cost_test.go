package replica_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
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

// TestAnEditBesideManyLostReadsWhatIsLeftOnce: and no gc is begun for what it could not fold.
func TestAnEditBesideManyLostReadsWhatIsLeftOnce(t *testing.T) {
	const rows = 1001
	fsys := withoutPack(t, rows)
	opts := counted(1 << 20)
	opts.NewUUID = uuid.New
	r := replicatest.Open(t, fsys, opts)
	if lost, err := r.Log().Lost(); err != nil || len(lost) != rows {
		t.Fatalf("%d lost, %v", len(lost), err)
	}
	rec := create(t, r)
	fsys.Of = func(name string) bool { return strings.HasPrefix(name, replica.LeftDir) }
	fsys.Count.Store(0)
	if err := setStatus(r, rec, "open"); err != nil {
		t.Fatal(err)
	}
	if n := fsys.Count.Load(); n > rows {
		t.Errorf("what is left of %d changesets is opened %d times", rows, n)
	}
	if began, err := afero.Exists(fsys, parts.Dir+"/lock"); began || err != nil {
		t.Errorf("a gc was begun: %v, %v", began, err)
	}
}
