package sync_test

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/replica"
	psync "prophet/sync"
)

// putBack writes the files of a backup over a replica, as tar does: what the backup lacks stays.
func putBack(t *testing.T, backup, over afero.Fs) {
	t.Helper()
	for name, text := range filesOf(t, backup) {
		if err := afero.WriteFile(over, name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABackupThatIsPutBackOverAReplicaGetsBackWhatItLost(t *testing.T) {
	ctx := context.Background()
	ann, err := replica.Init(ctx, afero.NewMemMapFs(), replica.Identity{}, at("ann", 8))
	if err != nil {
		t.Fatal(err)
	}
	newTicket(t, ann)
	bob := cloneOf(t, ann, "bob")
	backup := copyTree(t, ann.FS())
	bobs := newTicket(t, bob)
	pull(t, ann, bob)
	newTicket(t, ann)
	putBack(t, backup, ann.FS())

	ann = reopen(t, ann.FS(), "ann")
	for range 3 { // which get the numbers of what was lost
		newTicket(t, ann)
	}
	said := ""
	if _, err := psync.Pull(ctx, ann, bob, psync.Options{Warn: func(s string) { said += s }}); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := ann.Log().Props(bobs); !ok || err != nil || !strings.Contains(said, "no longer has what was read of bob") {
		t.Errorf("bob's ticket is there: %v (%v); said %q", ok, err, said)
	}
}
