package sync_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
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
	ann := replicatest.Init(t, crashfs.New(), at("ann", 8))
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

// The original asks a peer for what is above its mark, so that must not be above what the log has.
func TestMarksOfTheOriginalDoNotStayAheadOfALogThatWasTurnedBack(t *testing.T) {
	ctx := context.Background()
	ann, err := replica.Init(ctx, crashfs.New(), replica.Identity{}, at("ann", 8))
	if err != nil {
		t.Fatal(err)
	}
	newTicket(t, ann)
	bob := cloneOf(t, ann, "bob")
	carol := cloneOf(t, ann, "carol")
	newTicket(t, bob)
	pull(t, ann, bob)
	backup := copyTree(t, ann.FS())
	for range 3 {
		newTicket(t, carol)
		pull(t, bob, carol)
		newTicket(t, bob)
	}
	pull(t, ann, bob)
	putBack(t, backup, ann.FS())
	for _, peer := range []*replica.Replica{bob, carol} { // of which the backup had one: files that it lacks stay
		name := "local_metadata/last-changeset-from-" + peer.UUID().String()
		if err := afero.WriteFile(ann.FS(), name, []byte("900"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := ann.Log().Peer(bob.UUID())
	if err != nil {
		t.Fatal(err)
	}
	text := `{"uuid":"` + bob.UUID().String() + `","url":"bob","read":8,"here":"` + strings.Repeat("00", 43) + `01"}`
	if err := afero.WriteFile(ann.FS(), "prophet/peers/"+p.UUID.String(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ann = reopen(t, ann.FS(), "ann")
	pull(t, ann, bob)
	for _, peer := range []*replica.Replica{bob, carol} {
		b, err := afero.ReadFile(ann.FS(), "local_metadata/last-changeset-from-"+peer.UUID().String())
		highest := 0
		for row, err := range ann.Log().Rows(1, ann.Latest()) {
			if err != nil {
				t.Fatal(err)
			}
			if row.ID.Origin == peer.UUID() {
				highest = max(highest, int(row.ID.Seq))
			}
		}
		if n, _ := strconv.Atoi(string(b)); err != nil || n < highest || n > int(bob.Latest()) {
			t.Errorf("the mark is %s, %v; the log has up to %d, the peer's log %d rows", b, err, highest, bob.Latest())
		}
	}
}

func TestABackupThatIsPutBackAndGotTheSameRowAgainGetsBackWhatItLost(t *testing.T) {
	ann, err := replica.Init(context.Background(), crashfs.New(), replica.Identity{}, at("ann", 8))
	if err != nil {
		t.Fatal(err)
	}
	newTicket(t, ann)
	bob, carol := cloneOf(t, ann, "bob"), cloneOf(t, ann, "carol")
	backup := copyTree(t, ann.FS())
	newTicket(t, bob)
	newTicket(t, carol)
	pull(t, bob, carol)
	pull(t, ann, bob) // row 2 is bob's ticket and row 3 carol's
	putBack(t, backup, ann.FS())

	ann = reopen(t, ann.FS(), "ann")
	newTicket(t, ann)
	pull(t, ann, carol) // row 3 again
	if report := pull(t, ann, bob); report.Integrated != 1 {
		t.Errorf("%d changesets of bob's came back, want 1", report.Integrated)
	}
	sound(t, ann.FS(), "ann")
}
