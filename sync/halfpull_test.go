package sync_test

import (
	"slices"
	"testing"
	"time"

	"prophet/internal/crashfs"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// A pull of the original that died after its nullification settled nothing: the value that it set back is nobody's.
func TestWhatAnUnfinishedPullOfTheOriginalSetBackIsNotAdopted(t *testing.T) {
	s := newScene(t) // ann: stalled; bob: open
	nullified := 0
	for k := 1; ; k++ {
		disk := s.disk.Survivor(crashfs.Kill, 0)
		p, err := v1peer.Open(disk, v1peer.Options{Creator: "outsider@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		disk.CrashAt(k)
		_, err = p.Pull(s.peer.FS(), v1peer.To)
		if !disk.Failed() && err != nil {
			t.Fatal(err)
		}
		if !disk.Failed() {
			break
		}
		r, err := replica.Open(disk.Survivor(crashfs.Kill, 0), replica.Options{Creator: "ann@example.com", Sleep: func(time.Duration) {}})
		if err != nil {
			continue
		}
		if endsInNullification(t, r) {
			nullified++
		}
		if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Note", nil); return err }); err != nil {
			continue // it says which number to write
		}
		if _, err := psync.Pull(t.Context(), r, s.peer, psync.Options{}); err != nil {
			t.Errorf("after %d operations: %v", k, err)
		}
		open, err := r.Conflicts()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range open {
			for _, c := range o.Conflicts {
				if !slices.Contains([]string{"stalled", "open"}, c.Value) {
					t.Errorf("after %d operations: status is %q", k, c.Value)
				}
			}
		}
		props, _, err := r.Log().Props(s.ticket)
		if err != nil || !slices.Contains([]string{"stalled", "open"}, props["status"]) {
			t.Errorf("after %d operations: the record is %v (%v)", k, props, err)
		}
	}
	if nullified == 0 {
		t.Error("no pull died after a nullification")
	}
}

func endsInNullification(t *testing.T, r *replica.Replica) bool {
	t.Helper()
	row, err := r.Log().Row(r.Latest())
	if err != nil {
		return false
	}
	c, err := r.Log().Changeset(row)
	return err == nil && c.Nullification
}
