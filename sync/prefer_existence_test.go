package sync_test

import (
	"fmt"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// Ann edits a ticket that Bob deletes, and hears of that from a user of the original, who does not tell what Bob had seen: it is deleted. Then Bob himself
// tells it, which opens the conflict. None of the rivals came in that pull.
func TestPreferFromLeavesAConflictAboutExistenceOpenThatOnlyABetterRepresentationOpened(t *testing.T) {
	ann := replicatest.Init(t, crashfs.New(), at("ann", 9))
	rec := newTicket(t, ann)
	bob := replicatest.Clone(t, ann, at("bob", 12))
	update(t, ann, rec, "status", "ann")
	remove(t, bob, rec)
	vera, err := v1peer.Clone(crashfs.New(), plain(t, bob), v1peer.Options{Creator: "vera@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	pull(t, ann, replicatest.Open(t, vera.FS(), replica.Options{Where: "vera"}))
	if _, lives, err := ann.Log().Props(rec); err != nil || lives {
		t.Fatalf("it lives: %v (%v)", lives, err)
	}
	report, err := psync.Pull(t.Context(), ann, bob, psync.Options{Prefer: psync.PreferFrom})
	if err != nil || len(report.Decided) > 0 || len(report.Opened) != 1 || report.Opened[0].Prop != "" {
		t.Errorf("decided %v, opened %v (%v)", report.Decided, report.Opened, err)
	}
}

// Bob edits a ticket that Carol deletes later, and has her deletion too: in his replica it lives, and so it does where his side is preferred, in however
// many batches that comes.
func TestPreferFromTakesOfARecordWhatWouldHoldOfAllThatCame(t *testing.T) {
	for _, edits := range []bool{false, true} {
		for _, rows := range []int{1, 2, 1000} {
			t.Run(fmt.Sprint(edits, " ", rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				ann := replicatest.Init(t, crashfs.New(), at("ann", 9))
				rec := newTicket(t, ann)
				bob, carol := replicatest.Clone(t, ann, at("bob", 10)), replicatest.Clone(t, ann, at("carol", 11))
				if edits {
					update(t, ann, rec, "status", "ann")
				}
				update(t, bob, rec, "status", "bob")
				remove(t, carol, rec)
				pull(t, carol, bob)
				pull(t, bob, carol)
				for _, from := range []*replica.Replica{bob, carol} {
					to := reopen(t, copyTree(t, ann.FS()), "to")
					report, err := psync.Pull(t.Context(), to, from, psync.Options{Prefer: psync.PreferFrom})
					if err != nil || len(report.Opened) > 0 {
						t.Fatalf("from %s: opened %v (%v)", from.Where(), report.Opened, err)
					}
					if props, lives, err := to.Log().Props(rec); err != nil || !lives || props["status"] != "bob" {
						t.Errorf("from %s: it lives: %v, with %v (%v)", from.Where(), lives, props, err)
					}
				}
			})
		}
	}
}
