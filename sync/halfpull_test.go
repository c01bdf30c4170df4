package sync_test

import (
	"slices"
	"testing"
	"time"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// A pull of the original that died after its nullification settled nothing: the value that it set back is nobody's.
func TestWhatAnUnfinishedPullOfTheOriginalSetBackIsNotAdopted(t *testing.T) {
	replicatest.OnFormat1(t)
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

// The same for who clones such a replica: from its directory, or over HTTP. What the pull brings in the end is merged as if nothing had happened.
func TestAClonePassesOverWhatAnUnfinishedPullOfTheOriginalSetBack(t *testing.T) {
	calm, ticket, bob := halfPullScene(t)
	met := replicatest.Clone(t, replicatest.Open(t, calm, replica.Options{}), replica.Options{})
	pull(t, met, bob)
	nullified, wentOn := 0, 0
	for k := 1; ; k++ {
		disk := calm.Survivor(crashfs.Kill, 0)
		p := openOriginal(t, disk)
		disk.CrashAt(k)
		_, err := p.Pull(plain(t, bob), v1peer.To)
		if !disk.Failed() {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		disk = disk.Survivor(crashfs.Kill, 0)
		from, err := replica.Open(disk, replica.Options{Sleep: func(time.Duration) {}})
		if err != nil || !endsInNullification(t, from) {
			continue
		}
		nullified++
		clone := adopting(t, from, ticket)
		adopting(t, openLocation(t, webtest.Static(t, disk).URL), ticket)
		if _, err := openOriginal(t, disk).Pull(plain(t, bob), v1peer.To); err == nil { // it may stumble over a mark of its own that is torn
			wentOn++
		}
		pull(t, clone, replicatest.Open(t, disk, replica.Options{}))
		pull(t, clone, bob) // the original may have lost its edit: it notes what it has seen first
		replicatest.Alike(t, "after all pulls", clone, met)
	}
	if nullified == 0 || wentOn == 0 {
		t.Errorf("%d pulls died after a nullification, and %d of them went on", nullified, wentOn)
	}
}

// halfPullScene is a replica of the original in which a ticket is stalled, and one that it was cloned from, in which it is open.
func halfPullScene(t *testing.T) (disk *crashfs.FS, ticket changeset.RecordID, bob *replica.Replica) {
	t.Helper()
	bob = replicatest.Init(t, crashfs.New(), replica.Options{Creator: "bob@example.com"})
	replicatest.Edit(t, bob, func(e *replica.Edit) (err error) {
		ticket, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	disk = crashfs.New()
	ann, err := v1peer.Clone(disk, plain(t, bob), v1peer.Options{Creator: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := ann.Update(ticket, map[string]string{"status": "stalled"}); err != nil {
		t.Fatal(err)
	}
	update(t, bob, ticket, "status", "open")
	return disk, ticket, bob
}

func openOriginal(t *testing.T, disk *crashfs.FS) *v1peer.Peer {
	t.Helper()
	p, err := v1peer.Open(disk, v1peer.Options{Creator: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// adopting returns a clone that takes over what the source settled, which is nothing.
func adopting(t *testing.T, from *replica.Replica, ticket changeset.RecordID) *replica.Replica {
	t.Helper()
	clone, report, err := psync.Clone(t.Context(), crashfs.New(), from, replica.Options{Creator: "zoe@example.com"}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	if props, _, err := clone.Log().Props(ticket); err != nil || props["status"] != "stalled" || report.Adopted != 0 {
		t.Errorf("clone of %s: the ticket is %v, %d records were adopted (%v)", from.Where(), props, report.Adopted, err)
	}
	return clone
}
