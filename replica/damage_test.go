package replica_test

import (
	"errors"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestDamageIsNamedWhereItLies(t *testing.T) {
	for _, tt := range []struct{ where, want string }{
		{"", "resolutions/changesets.idx is damaged: torn"},
		{"/bugs", "/bugs/resolutions/changesets.idx is damaged: torn"},
		{"http://desk/bugs/", "http://desk/bugs/resolutions/changesets.idx is damaged: torn"},
	} {
		err := &replica.DamageError{Where: tt.where, Path: "resolutions/changesets.idx", Err: errors.New("torn")}
		if err.Error() != tt.want {
			t.Errorf("in %q: %s, want %s", tt.where, err, tt.want)
		}
	}
}

func TestADamagedObjectIsReportedOnce(t *testing.T) {
	replicatest.WithLooseEdits(t)
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
