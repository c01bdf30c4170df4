package replica_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestACheckNeedsTheSameMemoryAtAnySize(t *testing.T) {
	replicatest.OnFormat1(t)
	replica.SmallParcels(t, 64<<10)
	peak := func(n int) uint64 {
		disk, scratch := directory(t), afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())
		grow(t, replicatest.Init(t, disk, replica.Options{}), n)
		peak := replicatest.PeakWhile(disk, n/5, func(fsys afero.Fs) {
			if err := replica.Check(t.Context(), fsys, replica.Options{Scratch: scratch}, func(p replica.Problem) {
				t.Errorf("%s: %s", p.Path, p.Text)
			}, nil); err != nil {
				t.Fatal(err)
			}
		})
		if left, err := afero.ReadDir(scratch, "."); err != nil || len(left) > 0 {
			t.Errorf("%d files are left, %v", len(left), err)
		}
		return peak
	}
	small, large := peak(1_000), peak(4_000)
	t.Logf("%d KB at 1,000 changesets, %d KB at 4,000", small>>10, large>>10)
	if large > small*3/2 {
		t.Errorf("a check holds %d KB at 1,000 changesets, %d KB at 4,000", small>>10, large>>10)
	}
}
