package replica_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// Rows are asked for one at a time by whoever looks at many records. They are as a reader of the whole table has them, and few files are opened for them.
func TestATableIsNotOpenedForEachOfItsRows(t *testing.T) {
	const records = 300
	for _, tt := range []struct {
		file string
		do   func(t *testing.T, r *replica.Replica)
	}{
		{changeset.IndexFile, func(t *testing.T, r *replica.Replica) {
			rows, err := r.Log().Collect(1, r.Latest())
			if err != nil || len(rows) != records {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for _, want := range slices.Backward(rows) {
				if row, err := r.Log().Row(want.Seq); err != nil || row != want {
					t.Fatalf("row %d is %v (%v), want %v", want.Seq, row, err, want)
				}
			}
		}},
		{"prophet/", func(t *testing.T, r *replica.Replica) {
			ids, err := r.LocalIDs()
			if err != nil || len(ids) != records {
				t.Fatalf("%d local ids, %v", len(ids), err)
			}
			for rec, err := range r.Log().Records("Ticket") {
				if err != nil {
					t.Fatal(err)
				}
				if id, err := r.LocalID(rec); err != nil || id != ids[rec.UUID] {
					t.Fatalf("the local id of %s is %d (%v), want %d", rec, id, err, ids[rec.UUID])
				}
			}
		}},
	} {
		fsys := &replicatest.Opens{Fs: directory(t), Of: func(name string) bool { return strings.Contains(name, tt.file) }}
		r := replicatest.Init(t, fsys, replica.Options{})
		grow(t, r, records)
		fsys.Count.Store(0)
		tt.do(t, r)
		if n := fsys.Count.Load(); n > records/2 {
			t.Errorf("%s: %d opened for %d rows", tt.file, n, records)
		}
	}
}

// A row that is damaged is looked at again each time, so that it is told for what it is, and read when it is whole again.
func TestADamagedRowIsNotKept(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	grow(t, r, 300)
	whole, err := afero.ReadFile(fsys, changeset.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	change(t, fsys, changeset.IndexFile, func(b []byte) []byte { b[44*200+3]++; return b })
	for range 100 {
		if _, err := r.Log().Row(201); err == nil {
			t.Fatal("a row with the number of another one was read")
		}
	}
	change(t, fsys, changeset.IndexFile, func([]byte) []byte { return whole })
	if row, err := r.Log().Row(201); err != nil || row.Seq != 201 {
		t.Errorf("once it was mended it is %v, %v", row, err)
	}
}
