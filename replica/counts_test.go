package replica_test

import (
	"context"
	"errors"
	"testing"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestCountsAreThoseOfTheRecords(t *testing.T) {
	eachFixture(t, func(name string, r *replica.Replica) {
		want := map[string]replica.TypeCount{}
		living := 0
		for rec, err := range r.All("") {
			if err != nil {
				t.Fatal(err)
			}
			c, ok := want[rec.ID.Type]
			if !ok {
				c = replica.TypeCount{Type: rec.ID.Type, Props: map[string]int{}}
			}
			c.Records++
			for prop := range rec.Props {
				c.Props[prop]++
			}
			want[c.Type] = c
			living++
		}
		checkCounts(t, name, r, want)
		gotLiving, deleted, err := r.CountRecords(t.Context())
		if all := len(allRecords(t, r)); err != nil || gotLiving != living || deleted != all-living {
			t.Errorf("%s: %d living and %d deleted records, want %d and %d, %v", name, gotLiving, deleted, living, all-living, err)
		}
	})
}

func checkCounts(t *testing.T, name string, r *replica.Replica, want map[string]replica.TypeCount) {
	t.Helper()
	counts, err := r.CountTypes(t.Context())
	if err != nil || len(counts) != len(want) {
		t.Fatalf("%s: %d types, want %d, %v", name, len(counts), len(want), err)
	}
	for i, got := range counts {
		w := want[got.Type]
		if got.Records != w.Records || len(got.Props) != len(w.Props) {
			t.Errorf("%s: got %+v, want %+v", name, got, w)
		}
		for prop, n := range got.Props {
			if n != w.Props[prop] {
				t.Errorf("%s: %d %s have %s, want %d", name, n, got.Type, prop, w.Props[prop])
			}
		}
		if i > 0 && counts[i-1].Type >= got.Type {
			t.Errorf("%s: %s comes before %s", name, counts[i-1].Type, got.Type)
		}
	}
}

func TestWhatIsNotedAsInConflictIs(t *testing.T) {
	some := 0
	eachFixture(t, func(name string, r *replica.Replica) {
		conflicts, err := r.Conflicts()
		if err != nil {
			t.Fatal(err)
		}
		if open, err := r.InConflict(); err != nil || len(open) != len(conflicts) {
			t.Errorf("%s: got %d, want %d, %v", name, len(open), len(conflicts), err)
		}
		some += len(conflicts)
	})
	if some == 0 {
		t.Error("no fixture has an open conflict")
	}
}

func TestTypesWithoutLivingRecordsAreNotCounted(t *testing.T) {
	r := replicatest.Init(t, directory(t), replica.Options{})
	var rec changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) { rec, err = e.Create("Ticket", nil); return err })
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rec) })
	if counts, err := r.CountTypes(t.Context()); err != nil || len(counts) > 0 {
		t.Errorf("got %+v, %v", counts, err)
	}
}

func TestCountingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	eachFixture(t, func(name string, r *replica.Replica) {
		if _, err := r.CountTypes(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: types: %v", name, err)
		}
		if _, _, err := r.CountRecords(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: records: %v", name, err)
		}
	})
}
