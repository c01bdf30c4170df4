package sync_test

import (
	"context"
	"io/fs"
	"maps"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
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
	r, err := replica.Open(fsys, replica.Options{Where: who, Creator: who + "@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARestoredReplicaTakesItsLostChangesetsBackAndGetsANewUUID(t *testing.T) {
	ctx := context.Background()
	ann, err := replica.Init(ctx, afero.NewMemMapFs(), replica.Identity{}, replica.Options{Where: "ann", Creator: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	var rec changeset.RecordID
	if _, err := ann.Edit(ctx, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	backup := copyTree(t, ann.FS())
	bob, _, err := psync.Clone(ctx, afero.NewMemMapFs(), ann, replica.Options{Where: "bob", Creator: "bob@example.com"}, psync.Options{})
	if err != nil {
		t.Fatal(err)
	}
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
