package replica_test

import (
	"errors"
	"testing"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A pull finds such a changeset before it integrates any. Whoever calls Integrate alone, or beside another process, is told all the same.
func TestAnotherEditUnderAKnownNameIsNotIntegrated(t *testing.T) {
	fsys := directory(t)
	mine := made(idOf(xavier, 2), 3, changeset.Update, "status=new>stalled", idOf(xavier, 1))
	r := holding(t, fsys, first(changeset.Create, "status=>new"), mine)
	before := look(t, fsys)
	for _, other := range []*changeset.Changeset{
		made(mine.ID, 3, changeset.Update, "status=new>open", idOf(xavier, 1)),
		made(mine.ID, 4, changeset.Update, "status=new>stalled", idOf(xavier, 1)),
		made(mine.ID, 3, changeset.Delete, "", idOf(xavier, 1)),
	} {
		err := r.Update(t.Context(), func(tx *replica.Tx) error {
			_, err := tx.Integrate(other)
			return err
		})
		var fork *replica.ForkError
		if !errors.As(err, &fork) || fork.ID != mine.ID {
			t.Errorf("integrate %+v: %v, want a fork", other.Changes, err)
		}
		if after := look(t, fsys); after != before {
			t.Errorf("it left %+v, before it was %+v", after, before)
		}
	}
	replicatest.Faultless(t, fsys, "after")
}
