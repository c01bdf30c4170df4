package replica_test

import (
	"errors"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// twoTickets returns a replica with two records and where it lies.
func twoTickets(t *testing.T) (*replica.Replica, afero.Fs, []changeset.RecordID) {
	t.Helper()
	fsys := afero.NewMemMapFs()
	r := replicatest.Init(t, fsys, replica.Options{})
	var recs []changeset.RecordID
	for _, x := range []string{"1", "2"} {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"x": x})
			recs = append(recs, rec)
			return err
		})
	}
	return r, fsys, recs
}

func TestAnUncommittedRowOfARecordsIndexGoesWithItsNextEdit(t *testing.T) {
	replicatest.WithLooseEdits(t)
	r, fsys, recs := twoTickets(t)
	index, err := afero.ReadFile(fsys, changeset.RecordPath(recs[0]))
	if err != nil {
		t.Fatal(err)
	}
	other, err := afero.ReadFile(fsys, changeset.RecordPath(recs[1]))
	if err != nil {
		t.Fatal(err)
	}
	left := append(append(index, 0, 0, 0, 3), other[4:]...) // as a writer leaves it that dies before it counts its changeset
	if err := afero.WriteFile(fsys, changeset.RecordPath(recs[0]), left, 0o644); err != nil {
		t.Fatal(err)
	}
	update := func(rec changeset.RecordID) error {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"y": "1"}) })
		return err
	}
	if err := update(recs[0]); err != nil {
		t.Fatal(err)
	}
	if props, _, err := r.Log().Props(recs[0]); err != nil || props["x"] != "1" || props["y"] != "1" {
		t.Errorf("the record is %v (%v)", props, err)
	}
	sound(t, fsys)
}

func TestARowOfARecordsIndexThatIsLeftFromALostChangesetIsNotBuiltOn(t *testing.T) {
	replicatest.WithLooseEdits(t)
	r, fsys, recs := twoTickets(t)
	name := changeset.RecordPath(recs[0])
	index, err := afero.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(fsys, name, append(index, append([]byte{0, 0, 0, 2}, index[4:]...)...), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(recs[0], map[string]string{"y": "1"}) })
	if err != nil {
		t.Fatal(err)
	}
	if props, _, err := r.Log().Props(recs[0]); err != nil || props["y"] != "1" {
		t.Errorf("the record is %v (%v)", props, err)
	}
	if h, err := r.History(recs[0]); err != nil || len(h) != 2 {
		t.Errorf("%d changesets touched it (%v), want 2", len(h), err)
	}
	sound(t, fsys)
}

func TestALatestSequenceNumberThatWasTurnedBackIsNotWrittenOver(t *testing.T) {
	r, fsys, recs := twoTickets(t)
	if err := afero.WriteFile(fsys, changeset.LatestFile, []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(recs[0], map[string]string{"y": "1"}) })
	var damage *replica.DamageError
	if !errors.As(err, &damage) {
		t.Errorf("the edit gave %v, want a DamageError", err)
	}
	if err := afero.WriteFile(fsys, changeset.LatestFile, []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	sound(t, fsys)
}
