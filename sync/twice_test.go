package sync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// A pull of ours that was cut off before it had written the original's marks lets the original log the same changesets again. They are merged once.
func TestAChangesetThatTheOriginalLoggedTwiceIsMergedOnce(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	twice := 0
	for k, left := range cutOffs(t, s.disk, s.pull(t)) {
		p, err := v1peer.Open(left, v1peer.Options{Creator: outsider})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Pull(s.peer.FS(), v1peer.To); err != nil || !loggedTwice(t, left, "before") {
			continue
		}
		twice++
		r := replicatest.Open(t, left, replica.Options{})
		for i := range 2 {
			update(t, r, s.ticket, "note", fmt.Sprint(i))
			when := fmt.Sprintf("operation %d, edit %d", k, i)
			loggedTwice(t, left, when)
			here, err := replicatest.Look(r, changeset.RecordID.String)
			if err != nil {
				t.Fatal(err)
			}
			there, err := replicatest.Look(replicatest.Clone(t, r, replica.Options{}), changeset.RecordID.String)
			if err != nil || there != here {
				t.Errorf("%s: a clone of\n%s\nshows\n%s\n(%v)", when, here, there, err)
			}
		}
	}
	if twice == 0 {
		t.Error("nothing was logged twice")
	}
}

// loggedTwice reports whether fsck finds changesets that are in the log twice. Nothing else may be wrong.
func loggedTwice(t *testing.T, fsys *crashfs.FS, when string) (found bool) {
	t.Helper()
	err := replica.Check(context.Background(), fsys, replica.Options{}, func(p replica.Problem) {
		if strings.HasSuffix(p.Text, "is in the log twice") {
			found = true
		} else if !p.Harmless {
			t.Errorf("%s: %s: %s", when, p.Path, p.Text)
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
