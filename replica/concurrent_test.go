package replica_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// readAll reads a replica in every way that looks at what is loaded when first asked for.
func readAll(r *replica.Replica, recs []changeset.RecordID, ids []changeset.ID) error {
	for i, id := range ids {
		if row, ok, err := r.Lookup(id); err != nil || !ok || int(row) != i+1 {
			return fmt.Errorf("changeset %s is in row %d, %t, %v", id, row, ok, err)
		}
		if _, _, err := r.LookupVote(id); err != nil {
			return err
		}
	}
	for _, rec := range recs {
		if _, err := r.Record(rec); err != nil {
			return err
		}
		if _, err := r.Find(rec.UUID.String()); err != nil {
			return err
		}
		if _, err := r.History(rec); err != nil {
			return err
		}
		if _, err := r.State(rec); err != nil {
			return err
		}
	}
	for _, err := range r.All("") {
		if err != nil {
			return err
		}
	}
	_, err := r.Conflicts()
	return err
}

func TestReadingIsSafeForConcurrentUse(t *testing.T) {
	root := afero.NewMemMapFs()
	fixture.Unpack(t, root, "", "three-laptops")
	open := func() *replica.Replica {
		r := replicatest.Open(t, afero.NewReadOnlyFs(afero.NewBasePathFs(root, "alice")), replica.Options{})
		return r
	}
	recs := allRecords(t, open())
	var ids []changeset.ID
	for row, err := range open().Log().Rows(1, open().Latest()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	for range 10 {
		r := open() // one on which nothing was loaded
		start := make(chan struct{})
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				<-start
				if err := readAll(r, recs, ids); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		readers.Wait()
	}
}
