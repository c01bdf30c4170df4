package sync_test

import (
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// A replica of the original loses the properties that a create leaves empty when it passes it on. That is no fork.
func TestACreateWithEmptyPropertiesComesBackFromTheOriginal(t *testing.T) {
	alice := newReplica(t, crashfs.New(), "alice")
	importText(t, alice, line(change("create", 1, "status", "new", "body", "")))
	bob, err := v1peer.Clone(crashfs.New(), plain(t, alice), v1peer.Options{Creator: "bob@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	original := replicatest.Open(t, bob.FS(), replica.Options{Where: "bob"})
	carol, _, err := psync.Clone(t.Context(), crashfs.New(), original, replica.Options{Where: "carol"}, psync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pull(t, alice, original)
	pull(t, alice, carol)
	pull(t, carol, alice)
	wantSame(t, alice, carol)
}
