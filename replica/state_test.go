package replica_test

import (
	"reflect"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// eachFixture opens every replica that the original wrote.
func eachFixture(t *testing.T, f func(name string, r *replica.Replica)) {
	t.Helper()
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			r := replicatest.Open(t, afero.NewReadOnlyFs(afero.NewBasePathFs(root, name)), replica.Options{Where: scenario + "/" + name})
			f(scenario+"/"+name, r)
		}
	}
}

// allRecords returns the IDs of all records, deleted ones too.
func allRecords(t *testing.T, r *replica.Replica) (recs []changeset.RecordID) {
	t.Helper()
	types, err := r.Log().Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		for rec, err := range r.Log().Records(typ) {
			if err != nil {
				t.Fatal(err)
			}
			recs = append(recs, rec)
		}
	}
	return recs
}

func TestStateIsTheMergedState(t *testing.T) {
	eachFixture(t, func(name string, r *replica.Replica) {
		for _, rec := range allRecords(t, r) {
			got, err := r.State(rec)
			if err != nil {
				t.Fatal(err)
			}
			want, err := r.Merged(rec)
			if err != nil {
				t.Fatal(err)
			}
			same := got.Exists == want.Exists && reflect.DeepEqual(got.Heads, want.Heads) && got.Open() == want.Open() &&
				len(got.Conflicts) == len(want.Conflicts) && (!got.Exists || reflect.DeepEqual(got.Props, want.Props))
			if !same {
				t.Errorf("%s: %s: got %+v, want %+v", name, rec, got, want)
			}
		}
	})
}

func TestStateOfARecordWithoutForksDoesNotReadItsHistory(t *testing.T) {
	replicatest.WithLooseEdits(t)
	counting := replicatest.Count(directory(t))
	r := replicatest.Init(t, counting, replica.Options{})
	var rec changeset.RecordID
	costs := map[int]int{}
	edit := func(f func(e *replica.Edit) error) {
		t.Helper()
		if _, err := r.Edit(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"n": "0"})
		return err
	})
	for n := 1; n <= 30; n++ {
		edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"n": string(rune('a' + n))}) })
		counting.Reset()
		if _, err := r.State(rec); err != nil {
			t.Fatal(err)
		}
		costs[n] = counting.Counts().Ops()
	}
	if costs[30] > costs[1] {
		t.Errorf("%d operations after one update, %d after thirty", costs[1], costs[30])
	}
}
