package replica_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A reader makes notes of its own, in memory, on what another program wrote. They are none that a writer has taken.
func TestRowsThatAReaderNotedInMemoryAreNotNoted(t *testing.T) {
	root := afero.NewMemMapFs()
	fixture.Unpack(t, root, "", "three-laptops")
	r := replicatest.Open(t, afero.NewBasePathFs(root, "alice"), replica.Options{})
	if noted, err := r.Log().Noted(); err != nil || noted {
		t.Fatalf("the log of the original is noted: %t, %v", noted, err)
	}
	if _, err := r.Conflicts(); err != nil {
		t.Fatal(err)
	}
	if noted, err := r.Log().Noted(); err != nil || noted {
		t.Errorf("once somebody has looked at it, the log of the original is noted: %t, %v", noted, err)
	}
}
