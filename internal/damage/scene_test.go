package damage_test

import (
	"testing"

	"prophet/internal/damage"
	"prophet/internal/replicatest"
)

func TestTheSceneIsSound(t *testing.T) {
	s := damage.New(t)
	replicatest.Faultless(t, s.Replica, "the replica")
	replicatest.Faultless(t, s.Peer, "the peer")
	replicatest.Faultless(t, s.MirrorTree(), "the mirror")
	if a, b := s.Replica.Print(), damage.New(t).Replica.Print(); a != b {
		t.Error("two scenes are not the same")
	}
}

// TestEveryFileIsOfAKind makes sure that the table has no empty cell: a damage that no file of a kind can take is one of which the kind says why.
func TestEveryFileIsOfAKind(t *testing.T) {
	s := damage.New(t)
	kinds, err := s.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	cells, cases := 0, 0
	for _, k := range kinds {
		if k.Name == "" || k.Name == "mirror: " {
			t.Errorf("of no kind: %s", k.Files)
		}
		for _, d := range damage.Damages {
			list, err := s.Cases(k, d, damage.Amount{})
			if err != nil {
				t.Fatal(err)
			}
			if why := k.Cannot[d]; (why == "") == (len(list) == 0) {
				t.Errorf("%s, %s: %d cases, and the reason that there is none is %q", k.Name, d, len(list), why)
			}
			cells, cases = cells+1, cases+len(list)
		}
	}
	t.Logf("%d kinds of files, %d cells, %d cases", len(kinds), cells, cases)
}
