package replica_test

import (
	"fmt"
	"testing"

	"prophet/replica"
)

func TestLocalIDsInBulkAreThoseOneByOne(t *testing.T) {
	eachFixture(t, func(name string, r *replica.Replica) {
		ids, err := r.LocalIDs()
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range allRecords(t, r) {
			id, err := r.LocalID(rec)
			if err != nil || id == 0 || id != ids[rec.UUID] {
				t.Errorf("%s: %s: got %d, in bulk %d, %v", name, rec, id, ids[rec.UUID], err)
				continue
			}
			if found, err := r.Find(fmt.Sprint(id)); err != nil || found != rec {
				t.Errorf("%s: %d finds %s, want %s, %v", name, id, found, rec, err)
			}
		}
	})
}
