package replica

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// Map order reaches no message: what speaks against a row is named by the first of the records that do.
func TestWhatSpeaksAgainstARowIsNamedInOrder(t *testing.T) {
	versions, parents := map[changeset.RecordID][]changeset.Version{}, map[changeset.RecordID]bool{}
	for range 20 {
		rec := changeset.RecordID{Type: "Ticket", UUID: uuid.New()}
		versions[rec], parents[rec] = []changeset.Version{{Seq: 1}}, true
	}
	in := sorted(versions)
	id := changeset.ID{Origin: uuid.New(), Seq: 1}
	x := &indexRepair{says: says{p: newRepair(t.Context(), nil, Options{}, RepairOptions{}, nil), l: newLog(nil, "", "", &limits{}), versions: versions, numbered: true}}
	if at := x.recordsAt(1); !slices.Equal(at, in) {
		t.Errorf("the records at the row are %v, in order %v", at, in)
	}
	c := &changeset.Changeset{ID: id}
	x.l.ours = companion{fs: afero.NewMemMapFs(), limits: &limits{}}
	e := &evidence{x: x, parents: map[changeset.ID]map[changeset.RecordID]bool{id: parents}}
	want := "what builds on it says that it touches " + in[0].String()
	if _, against := e.weigh(changeset.Row{Seq: 1, ID: id}, c); against != want {
		t.Errorf("%q speaks against it, want %q", against, want)
	}
}
