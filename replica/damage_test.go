package replica_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestADamagedObjectIsReportedOnce(t *testing.T) {
	fsys := directory(t)
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 2)
	row, err := r.Log().Row(1)
	if err != nil {
		t.Fatal(err)
	}
	object := changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
	if err := afero.WriteFile(fsys, object, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) { n++; t.Log(p) }, nil); err != nil || n != 1 {
		t.Errorf("%d problems, %v", n, err)
	}
}
