package sync_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// copyTree copies a replica as cp -r does.
func copyTree(t *testing.T, from afero.Fs) afero.Fs {
	t.Helper()
	disk, ok := from.(*crashfs.FS)
	if !ok {
		t.Fatalf("a %s cannot be copied", from.Name())
	}
	return disk.Survivor(crashfs.Kill, 0)
}

func reopen(t *testing.T, fsys afero.Fs, who string) *replica.Replica {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{Where: who, Creator: who + "@example.com"})
	return r
}

// newTicket makes a ticket whose status is "new".
func newTicket(t *testing.T, r *replica.Replica) (rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	return rec
}

func TestARestoredReplicaTakesItsLostChangesetsBackAndGetsANewUUID(t *testing.T) {
	ann := replicatest.Init(t, crashfs.New(), replica.Options{Where: "ann", Creator: "ann@example.com"})
	rec := newTicket(t, ann)
	backup := copyTree(t, ann.FS())
	bob := replicatest.Clone(t, ann, replica.Options{Where: "bob", Creator: "bob@example.com"})
	update(t, bob, rec, "owner", "bob")
	update(t, ann, rec, "status", "open") // a conflict is not needed: what is lost is ann's own
	pull(t, bob, ann)

	restored := reopen(t, backup, "ann")
	was := restored.UUID()
	pull(t, restored, bob)
	if restored.UUID() == was {
		t.Error("the restored replica still has the UUID under which its lost changesets travel")
	}
	update(t, restored, rec, "priority", "1")
	pull(t, bob, restored)
	pull(t, restored, bob)
	want := map[string]string{"status": "open", "owner": "bob", "priority": "1", "creator": "ann@example.com", "original_replica": was.String()}
	for _, r := range []*replica.Replica{bob, restored} {
		if props, _, err := r.Log().Props(rec); err != nil || !maps.Equal(props, want) {
			t.Errorf("%s shows %v (%v), want %v", r.Where(), props, err, want)
		}
		sound(t, r.FS(), r.Where())
	}
}

func TestALogOfTheSameLengthWithOtherRowsIsReadAgain(t *testing.T) {
	source := replicatest.Init(t, crashfs.New(), replica.Options{Where: "source", Creator: "ann@example.com"})
	rec := newTicket(t, source)
	clone := func(who string) *replica.Replica {
		r := replicatest.Clone(t, source, replica.Options{Where: who, Creator: who})
		return r
	}
	carol, dave := clone("carol"), clone("dave")
	backup := copyTree(t, source.FS())
	update(t, carol, rec, "from", "carol")
	update(t, dave, rec, "owner", "dave")
	pull(t, source, carol)
	bob := clone("bob") // has read two rows
	restored := reopen(t, backup, "source")
	pull(t, restored, dave) // two rows again, but others
	if report := pull(t, bob, restored); report.Integrated != 1 {
		t.Errorf("bob got %d changesets, want dave's", report.Integrated)
	}
	if props, _, err := bob.Log().Props(rec); err != nil || props["owner"] != "dave" || props["from"] != "carol" {
		t.Errorf("bob shows %v (%v)", props, err)
	}
}

// What docs/merge.md says under Limits: only the last rows that were read are compared, and the last own one, so that a pull with nothing new costs
// no look at the whole log.
func TestALogThatGrewToTheSameRowsAgainIsReadWholeElsewhere(t *testing.T) {
	f := newFamily(t)
	erin := f.clone("erin")
	backup := copyTree(t, f.ann.FS())
	for _, r := range []*replica.Replica{f.carol, f.dave, erin} {
		update(t, r, f.ticket, r.Where(), "was here")
	}
	for range replica.TailRows {
		newTicket(t, f.dave)
	}
	pull(t, f.ann, f.carol)
	pull(t, f.ann, f.dave)
	bob := f.clone("bob")
	restored := reopen(t, backup, "ann")
	pull(t, restored, erin) // in the place of carol's
	pull(t, restored, f.dave)
	if report := pull(t, bob, restored); report.Integrated != 0 {
		t.Errorf("it was noticed: %+v; docs/merge.md says it is not", report)
	}
	if report := pull(t, bob, reopen(t, restored.FS(), "file:///ann")); report.Integrated != 1 {
		t.Errorf("from elsewhere: %+v", report)
	}
}

// restoredBelow returns ann, who was restored in her place and has another edit in row 2 than bob read, and in as many rows after it again what both
// lives got from carol. The mirror is one of the first life.
func restoredBelow(t *testing.T, after int) (ann, bob *replica.Replica, mirror afero.Fs, rec changeset.RecordID) {
	t.Helper()
	ann, err := replica.Init(context.Background(), crashfs.New(), replica.Identity{}, replica.Options{Where: "ann", Creator: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	rec = newTicket(t, ann)
	bob, mirror = cloneOf(t, ann, "bob"), crashfs.New()
	carol := cloneOf(t, ann, "carol")
	for range after {
		newTicket(t, carol)
	}
	backup := copyTree(t, ann.FS())
	update(t, ann, rec, "status", "open")
	pull(t, ann, carol)
	pull(t, bob, ann)
	if err := publishFlat(ann, mirror); err != nil {
		t.Fatal(err)
	}

	ann = reopen(t, backup, "ann")
	update(t, ann, rec, "status", "stalled")
	pull(t, ann, carol)
	return ann, bob, mirror, rec
}

func TestARestoredReplicaIsReadAgainThoughItHasTheLastRowThatWasRead(t *testing.T) {
	for _, after := range []int{1, 2 * replica.TailRows} {
		ann, bob, _, rec := restoredBelow(t, after)
		update(t, ann, rec, "status", "closed")
		_, err := psync.Pull(context.Background(), bob, ann, psync.Options{})
		var fork *replica.ForkError
		if !errors.As(err, &fork) || fork.ID.Seq != 2 {
			t.Fatalf("%d rows after it: bob pulls from ann: %v, want a fork at number 2", after, err)
		}
		pull(t, ann, bob)
		pull(t, bob, ann)
		for _, r := range []*replica.Replica{ann, bob} {
			result, err := r.Merged(rec)
			if err != nil {
				t.Fatal(err)
			}
			if c := result.Conflict("status"); c == nil || len(c.Rivals) != 2 || c.Rivals[0].Value == c.Rivals[1].Value {
				t.Errorf("%s: conflict %+v, want open against closed", r.Where(), c)
			}
			sound(t, r.FS(), r.Where())
		}
	}
}

func TestWhatARestoredReplicaMadeInThePlaceOfOthersRowsIsRead(t *testing.T) {
	ann, err := replica.Init(context.Background(), crashfs.New(), replica.Identity{}, at("ann", 8))
	if err != nil {
		t.Fatal(err)
	}
	newTicket(t, ann)
	bob, carol, dave := cloneOf(t, ann, "bob"), cloneOf(t, ann, "carol"), cloneOf(t, ann, "dave")
	newTicket(t, carol)
	newTicket(t, dave)
	backup := copyTree(t, ann.FS())
	pull(t, ann, dave)
	pull(t, ann, carol)
	pull(t, bob, ann)

	ann = reopen(t, backup, "ann")
	newTicket(t, ann)
	pull(t, ann, carol)
	if report := pull(t, bob, ann); report.Integrated != 1 {
		t.Errorf("%d changesets of ann's second life came, want 1", report.Integrated)
	}
}

func TestTheMirrorOfAnotherLifeIsRefusedThoughItsLastRowIsTheSame(t *testing.T) {
	ann, _, mirror, rec := restoredBelow(t, 1)
	update(t, ann, rec, "status", "closed")
	before := filesOf(t, mirror)
	err := publishFlat(ann, mirror)
	if err == nil || !strings.Contains(err.Error(), "row 2 of changesets.idx") || !strings.Contains(err.Error(), "is one edit in the mirror and another one here") {
		t.Errorf("publish over the mirror of another life: %v", err)
	}
	if !maps.Equal(filesOf(t, mirror), before) {
		t.Error("the mirror was changed")
	}
}

func TestTwoEditsUnderOneIDStopThePull(t *testing.T) {
	ctx := context.Background()
	ann := replicatest.Init(t, crashfs.New(), replica.Options{Where: "ann", Creator: "ann@example.com"})
	twin := reopen(t, copyTree(t, ann.FS()), "twin")
	for _, r := range []*replica.Replica{ann, twin} {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"summary": "made by " + r.Where()})
			return err
		})
	}
	bob := replicatest.Clone(t, ann, replica.Options{Where: "bob"})
	before := state(t, bob.FS())
	_, err := psync.Pull(ctx, bob, twin, psync.Options{})
	var fork *replica.ForkError
	if !errors.As(err, &fork) || fork.ID.Origin != ann.UUID() || fork.ID.Seq != 1 {
		t.Errorf("the pull gave %v, want a fork of %s:1", err, ann.UUID())
	}
	if after := state(t, bob.FS()); after != before {
		t.Errorf("the pull that failed left %s, before it was %s", after, before)
	}
}

func TestAChangesetWhoseParentIsNotThereStopsThePull(t *testing.T) {
	ctx := context.Background()
	r := replicatest.Init(t, crashfs.New(), replica.Options{Where: "ann"})
	stranger := changeset.ID{Origin: r.Database(), Seq: 7}
	rec := changeset.RecordID{Type: "Ticket", UUID: r.Database()}
	err := r.Update(ctx, func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: r.Database(), Seq: 8}, Created: "2026-01-01 00:00:00",
			Changes: []changeset.Change{{Record: rec, Kind: changeset.Update, Parents: []changeset.ID{stranger},
				Props: map[string]changeset.PropChange{"a": {New: changeset.Text("1")}}}}})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), stranger.String()) {
		t.Errorf("integrating gave %v, want an error that names %s", err, stranger)
	}
	if r.Latest() != 0 {
		t.Errorf("the log has %d rows", r.Latest())
	}
}
