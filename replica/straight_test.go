package replica_test

import (
	"maps"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// writeAsTheOriginal appends changesets of one change to a new replica's log, as the original does, each with the state that replaying the log gives.
func writeAsTheOriginal(t *testing.T, fsys afero.Fs, self changeset.ID, changes []changeset.Change) {
	t.Helper()
	exists, props := false, map[string]string(nil)
	for i, ch := range changes {
		id := changeset.ID{Origin: self.Origin, Seq: self.Seq + uint32(i)}
		exists, props = replica.Replay(exists, props, &ch)
		asTheOriginal(t, fsys, &changeset.Changeset{ID: id, Created: "2026-02-02 02:02:02", Changes: []changeset.Change{ch}}, props)
		if !exists {
			index, err := afero.ReadFile(fsys, changeset.RecordPath(ch.Record))
			if err != nil {
				t.Fatal(err)
			}
			index = changeset.AppendVersion(index[:len(index)-changeset.VersionSize], changeset.Version{Seq: id.Seq})
			if err := afero.WriteFile(fsys, changeset.RecordPath(ch.Record), index, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAnUpdateAfterADeletionIsNoStraightLine(t *testing.T) {
	fsys := afero.NewMemMapFs()
	r := replicatest.Init(t, fsys, replica.Options{})
	rec := changeset.RecordID{Type: "Ticket", UUID: r.Database()}
	set := func(kind changeset.Kind, props map[string]string) changeset.Change {
		ch := changeset.Change{Record: rec, Kind: kind, Props: map[string]changeset.PropChange{}}
		for name, value := range props {
			ch.Props[name] = changeset.PropChange{New: changeset.Text(value)}
		}
		return ch
	}
	writeAsTheOriginal(t, fsys, changeset.ID{Origin: r.UUID(), Seq: 1}, []changeset.Change{
		set(changeset.Create, map[string]string{"status": "new", "owner": "ann"}),
		set(changeset.Delete, nil),
		set(changeset.Update, map[string]string{"status": "open"}),
	})
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		_, err := e.Create("Note", nil)
		return err
	})
	shown, _, err := r.Log().Props(rec)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := r.Merged(rec)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"status": "open"}; !maps.Equal(shown, want) || !maps.Equal(merged.Props, want) {
		t.Errorf("it shows %v, the changesets merge to %v, want %v", shown, merged.Props, want)
	}
	sound(t, fsys)
}
