package replica_test

import (
	"fmt"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestAPackIsFilledAgainByReadingEachRowOnce: of a pack that lost the frame that all changes to a record lie in, each row is asked for a few times, however many there are.
func TestAPackIsFilledAgainByReadingEachRowOnce(t *testing.T) {
	replicatest.OnFormat2(t)
	perRow := map[int]int{}
	for _, n := range []int{50, 200} {
		fsys := crashfs.New()
		r := replicatest.Init(t, fsys, counted(0))
		var rec changeset.RecordID
		replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
			rec, err = e.Create("Ticket", map[string]string{"n": "0"})
			return err
		})
		for i := range n {
			update(t, r, rec, "n", fmt.Sprint(i+1))
		}
		copied := fsys.Survivor(crashfs.Kill, 0)
		gc(t, replicatest.Open(t, fsys, counted(0)))
		want, list := files(t, fsys), partsOf(t, fsys, "")
		change(t, fsys, list[0].PackFile(), func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
		reads := replicatest.Count(copied)
		if told := repairedFrom(t, fsys, reads); files(t, fsys) != want || told != list[0].PackFile()+": fetched: what was not here came from copy\n" {
			t.Errorf("%d rows: the repair says\n%s", n, told)
		}
		perRow[n] = reads.Counts().Ops() / n
	}
	if perRow[200] > perRow[50] {
		t.Errorf("%d operations a row of 50, %d of 200", perRow[50], perRow[200])
	}
}
