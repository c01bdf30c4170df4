package sync_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// A nullification has no author. So where both pull in one second, the original may log the very row that ours was about to log.
func TestTheOriginalsPullIsKeptAlsoInTheSecondInWhichOursWasCutOff(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	number := replicatest.Open(t, s.disk, replica.Options{}).Latest()
	alike := 0
	for k, left := range cutOffs(t, s.disk, s.pull(t)) {
		if text, err := afero.ReadFile(left, changeset.LatestFile); err != nil || string(text) != fmt.Sprint(number) {
			continue // it was made
		}
		p, err := v1peer.Open(left, v1peer.Options{Creator: outsider, Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Pull(s.peer.FS(), v1peer.To); err != nil {
			continue // a row is torn, which it does not know
		}
		alike++
		when := fmt.Sprintf("operation %d", k)
		for _, by := range []string{"a reader", "the next writer", "the next edit"} {
			sound(t, left, when+", "+by)
			there := replicatest.Open(t, left, replica.Options{})
			for row, err := range s.peer.Log().Rows(1, s.peer.Latest()) {
				if err != nil {
					t.Fatal(err)
				}
				if _, known, err := there.Lookup(row.ID); err != nil || !known {
					t.Errorf("%s, %s: changeset %s is not there (%v)", when, by, row.ID, err)
				}
			}
			update(t, open(t, left), s.ticket, "note", by)
		}
	}
	if alike < 10 {
		t.Errorf("%d points: that does not test much", alike)
	}
}
