package replica_test

import (
	"testing"

	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestWhatOthersWriteLaterIsNotInARehearsal(t *testing.T) {
	r, fsys, recs := twoTickets(t)
	scratch, err := r.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := replicatest.Open(t, fsys, replica.Options{})
	for range 3 {
		replicatest.Edit(t, other, func(e *replica.Edit) error {
			if _, err := e.Create("Ticket", nil); err != nil {
				return err
			}
			return e.Update(recs[0], map[string]string{"x": "later"})
		})
	}
	replicatest.Edit(t, scratch, func(e *replica.Edit) error { return e.Update(recs[1], map[string]string{"x": "rehearsed"}) })
	replicatest.Edit(t, scratch, func(e *replica.Edit) error { return e.Update(recs[0], map[string]string{"y": "rehearsed"}) })
	n := 0
	for rec, err := range scratch.All("") {
		if n++; err != nil || rec.Props["x"] == "later" {
			t.Errorf("the rehearsal shows %+v, %v", rec, err)
		}
	}
	if n != 2 || scratch.Latest() != 4 {
		t.Errorf("the rehearsal has %d records in %d rows, want 2 in 4", n, scratch.Latest())
	}
	sound(t, scratch.FS())
	sound(t, fsys)
}
