package sync_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// copyTree copies a replica as cp -r does.
func copyTree(t *testing.T, from afero.Fs) afero.Fs {
	t.Helper()
	to := afero.NewMemMapFs()
	err := afero.Walk(from, "", func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := afero.ReadFile(from, name)
		if err != nil {
			return err
		}
		return afero.WriteFile(to, name, b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
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
	ann := replicatest.Init(t, afero.NewMemMapFs(), replica.Options{Where: "ann", Creator: "ann@example.com"})
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
	source := replicatest.Init(t, afero.NewMemMapFs(), replica.Options{Where: "source", Creator: "ann@example.com"})
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

// What docs/merge.md says under Limits: only the last row that was read is compared, so that a pull with nothing new costs no look at the whole log.
func TestALogThatGrewToTheSameRowAgainIsReadWholeElsewhere(t *testing.T) {
	f := newFamily(t)
	erin := f.clone("erin")
	backup := copyTree(t, f.ann.FS())
	for _, r := range []*replica.Replica{f.carol, f.dave, erin} {
		update(t, r, f.ticket, r.Where(), "was here")
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

func TestTwoEditsUnderOneIDStopThePull(t *testing.T) {
	ctx := context.Background()
	ann := replicatest.Init(t, afero.NewMemMapFs(), replica.Options{Where: "ann", Creator: "ann@example.com"})
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
	r := replicatest.Init(t, afero.NewMemMapFs(), replica.Options{Where: "ann"})
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
