package replica_test

import (
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestTheLogBackwardIsTheLogTurnedRound(t *testing.T) {
	counting := replicatest.Count(afero.NewMemMapFs())
	r := replicatest.Init(t, counting, replica.Options{})
	const rows = 600
	grow(t, r, rows)
	for _, tt := range []struct{ from, to uint32 }{
		{1, rows}, {1, 1}, {rows, rows}, {5, 260}, {5, 261}, {5, 4}, {0, 3}, {590, 5000}, {700, 800}, {0, 4294967295},
	} {
		var want, got []uint32
		for row, err := range r.Log().Rows(tt.from, tt.to) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, row.Seq)
		}
		slices.Reverse(want)
		for row, err := range r.Log().Backward(tt.from, tt.to) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row.Seq)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d to %d: got %v, want %v", tt.from, tt.to, got, want)
		}
	}
	counting.Reset()
	for range r.Log().Backward(1, rows) {
		break
	}
	if read := counting.Counts().Bytes; read > 44*300 {
		t.Errorf("%d bytes were read for one row", read)
	}
}

func TestTheLogBackwardSaysWhereTheIndexEnds(t *testing.T) {
	fsys := directory(t)
	r := replicatest.Init(t, fsys, replica.Options{Where: "here"})
	grow(t, r, 3)
	index, err := afero.ReadFile(fsys, "changesets.idx")
	if err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(fsys, "changesets.idx", index[:70], 0o600); err != nil {
		t.Fatal(err)
	}
	for row, err := range r.Log().Backward(1, 3) {
		want := "read here/changesets.idx: changesets.idx is damaged: it ends before row 2 does, though latest-sequence-no says 3"
		if err == nil || err.Error() != want {
			t.Errorf("row %d: %v", row.Seq, err)
		}
	}
}
