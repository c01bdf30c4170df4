package replica_test

import (
	"fmt"
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

// TestARehearsalGoesOnWhereOthersTidyUp has the files folded into parts, and these taken apart again, that a rehearsal reads.
func TestARehearsalGoesOnWhereOthersTidyUp(t *testing.T) {
	replicatest.OnFormat2(t)
	r, fsys, recs := twoTickets(t)
	scratch, err := r.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := replicatest.Open(t, fsys, replica.Options{})
	look := func(when string, rows uint32) {
		t.Helper()
		for i := range 40 { // as many as gc folds
			replicatest.Edit(t, other, func(e *replica.Edit) error {
				return e.Update(recs[0], map[string]string{"x": "later", "n": fmt.Sprint(i)})
			})
		}
		replicatest.Edit(t, scratch, func(e *replica.Edit) error { return e.Update(recs[1], map[string]string{"y": when}) })
		n := 0
		for rec, err := range scratch.All("") {
			if n++; err != nil || rec.Props["x"] == "later" || rec.ID == recs[1] && rec.Props["y"] != when {
				t.Errorf("%s: the rehearsal shows %+v, %v", when, rec, err)
			}
		}
		if n != 2 || scratch.Latest() != rows {
			t.Errorf("%s: the rehearsal has %d records in %d rows, want 2 in %d", when, n, scratch.Latest(), rows)
		}
		sound(t, scratch.FS())
	}
	tidy := func() {
		t.Helper()
		if report, err := other.GC(t.Context(), replica.GCOptions{}); err != nil || report.Folded == 0 {
			t.Fatal(report, err)
		}
	}
	look("before", 3)
	tidy()
	look("folded", 4)
	tidy()
	look("folded again", 5)
	if err := other.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	look("unpacked", 6)
}
