package replica_test

import (
	"errors"
	"strings"
	"testing"

	"prophet/replica"
)

func TestFindChangesetTakesWhatIsPrinted(t *testing.T) {
	team := newTeam(t, 2)
	rec := team.create(0, nil)
	team.pull(1, 0)
	team.update(1, rec, "a", "1")
	team.update(1, rec, "a", "2")
	team.pull(0, 1)
	a, b := team.replicas[0].UUID().String(), team.replicas[1].UUID().String()
	for name, want := range map[string]uint32{
		"1": 1, "3": 3, a + ":1": 1, a[:8] + ":1": 1, a[:4]: 1, b + ":2": 2, strings.ToUpper(b[:8]) + ":3": 3,
	} {
		if row, err := team.replicas[0].FindChangeset(name); err != nil || row.Seq != want {
			t.Errorf("%s: got row %d, %v; want %d", name, row.Seq, err, want)
		}
	}
	for _, name := range []string{"", "0", "4", a[:3] + ":1", a + ":2", b + ":0", b + ":", "x" + a, "zzzz:1", a + "0:1"} {
		if row, err := team.replicas[0].FindChangeset(name); !errors.Is(err, replica.ErrNoChangeset) {
			t.Errorf("%s: got row %d, %v", name, row.Seq, err)
		}
	}
	var ambiguous *replica.AmbiguousChangesetError
	if _, err := team.replicas[0].FindChangeset(b[:8]); !errors.As(err, &ambiguous) || len(ambiguous.IDs) != 2 {
		t.Errorf("got %v", err)
	}
}
