package replica_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// rivals makes a replica in which a record has two rival values of status: "open", which holds, and "stalled".
func rivals(t *testing.T) (fsys afero.Fs, r *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	fsys = afero.NewMemMapFs()
	r = replicatest.Init(t, fsys, replica.Options{})
	edit := func(f func(e *replica.Edit) error) {
		t.Helper()
		if _, err := r.Edit(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": "open"}) })
	rival := &changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2001-01-01 00:00:00", Changes: []changeset.Change{{
		Record: rec, Kind: changeset.Update, Parents: []changeset.ID{{Origin: r.UUID(), Seq: 1}},
		Props: map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("stalled")}}}}}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(rival)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return fsys, r, rec
}

// voteAsTheOriginal adds to the resolutions a vote for a value of status.
func voteAsTheOriginal(t *testing.T, fsys afero.Fs, r *replica.Replica, rec changeset.RecordID, value string) {
	t.Helper()
	merged, err := r.Merged(rec)
	if err != nil || merged.Conflict("status") == nil {
		t.Fatalf("status is not in conflict: %v", err)
	}
	voter := uuid.New()
	vote := changeset.RecordID{Type: "_prophet_resolution-" + merged.Conflict("status").Fingerprint, UUID: voter}
	asTheOriginal(t, afero.NewBasePathFs(fsys, "resolutions"), &changeset.Changeset{ID: changeset.ID{Origin: voter, Seq: 1}, Created: "2026-02-02 02:02:02",
		Changes: []changeset.Change{{Record: vote, Kind: changeset.Create, Props: map[string]changeset.PropChange{
			"_meta": {New: changeset.Text("update_file")}, "status": {New: changeset.Text(value)}}}}},
		map[string]string{"_meta": "update_file", "status": value})
}

func TestVotesThatTheOriginalAddsAreCountedByTheNextEdit(t *testing.T) {
	fsys, r, rec := rivals(t)
	voteAsTheOriginal(t, fsys, r, rec, "stalled")
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		_, err := e.Create("Note", nil)
		return err
	})
	if props, _, err := r.Log().Props(rec); err != nil || props["status"] != "stalled" {
		t.Errorf("after the vote it shows %v, %v", props, err)
	}
	sound(t, fsys)
}
func TestAVoteThatTheOriginalAddedIsNoDamage(t *testing.T) {
	fsys, r, rec := rivals(t)
	voteAsTheOriginal(t, fsys, r, rec, "open")
	if got, want := problems(t, fsys), "resolutions/prophet/rows: row 1 is not noted: another program wrote it; the next edit catches up (harmless)\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	fsys, r, rec = rivals(t)
	voteAsTheOriginal(t, fsys, r, rec, "stalled")
	want := "resolutions/prophet/rows: row 1 is not noted: another program wrote it; the next edit catches up (harmless)\n" +
		changeset.RecordPath(rec) + ": " + rec.String() + ` shows status "open", its changes and the votes merge to "stalled": the next edit catches up (harmless)` + "\n"
	if got := problems(t, fsys); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
