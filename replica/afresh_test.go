package replica_test

import (
	"context"
	"maps"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A deletion made with the original, known through others only, has seen the create that is earlier in T, though the two are both heads. Who then
// brings the record back with other properties gets these and no others.
func TestARecordBroughtBackAfterADeletionOfTheOriginalStartsAfresh(t *testing.T) {
	ctx := context.Background()
	r := replicatest.Init(t, afero.NewMemMapFs(), replica.Options{})
	rec := changeset.RecordID{Type: "Ticket", UUID: uuid.UUID{7}}
	create := changeset.Change{Record: rec, Kind: changeset.Create, Props: map[string]changeset.PropChange{"a": {New: changeset.Text("1")}, "b": {New: changeset.Text("2")}}}
	for i, ch := range []changeset.Change{create, {Record: rec, Kind: changeset.Delete}} {
		c := &changeset.Changeset{ID: changeset.ID{Origin: uuid.UUID{byte(i + 1)}, Seq: 1}, Created: "2020-01-01 00:00:0" + string(rune('0'+i)), Changes: []changeset.Change{ch}}
		if err := r.Update(ctx, func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
			t.Fatal(err)
		}
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Restore(rec, map[string]string{"b": "3"}) })
	if props, _, err := r.Log().Props(rec); err != nil || !maps.Equal(props, map[string]string{"b": "3"}) {
		t.Errorf("the record shows %v, %v; want b=3 alone", props, err)
	}
	if open, err := r.Conflicts(); err != nil || len(open) > 0 {
		t.Errorf("%d conflicts, %v", len(open), err)
	}
	sound(t, r.FS())
}
