package replica_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestInitDoesNotDestroyAReplicaThatLostItsVersion(t *testing.T) {
	for _, counts := range []string{"latest-sequence-no", "resolutions/latest-sequence-no"} {
		fsys := directory(t)
		r := replicatest.Init(t, fsys, replica.Options{})
		grow(t, r, 3)
		if err := fsys.Remove("replica-version"); err != nil {
			t.Fatal(err)
		}
		if counts != "latest-sequence-no" { // only the decisions are left
			for name, text := range map[string]string{"latest-sequence-no": "0", counts: "2"} {
				if err := afero.WriteFile(fsys, name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		before, err := afero.ReadFile(fsys, "replica-uuid")
		if err != nil {
			t.Fatal(err)
		}
		_, err = replica.Init(t.Context(), fsys, replica.Identity{}, replica.Options{Where: "bugs"})
		var damage *replica.DamageError
		if !errors.As(err, &damage) || damage.Path != "replica-version" || !strings.Contains(err.Error(), counts+" holds") {
			t.Errorf("%s: got %v", counts, err)
		}
		if after, err := afero.ReadFile(fsys, "replica-uuid"); err != nil || string(after) != string(before) {
			t.Errorf("%s: the replica's UUID was replaced: %v", counts, err)
		}
	}
}

func TestInitThatWasCutOffCanBeRunAgain(t *testing.T) {
	fsys := directory(t)
	if _, err := replica.Init(t.Context(), fsys, replica.Identity{}, replica.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := fsys.Remove("replica-version"); err != nil {
		t.Fatal(err)
	}
	if _, err := replica.Init(t.Context(), fsys, replica.Identity{}, replica.Options{}); err != nil {
		t.Error(err)
	}
}
