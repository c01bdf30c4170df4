package replica_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// looks are ways to look at one record, and changes ways to change it, which all must fail.
var (
	looks = map[string]func(r *replica.Replica, rec changeset.RecordID) error{
		"record":    func(r *replica.Replica, rec changeset.RecordID) error { _, err := r.Record(rec); return err },
		"state":     func(r *replica.Replica, rec changeset.RecordID) error { _, err := r.State(rec); return err },
		"merged":    func(r *replica.Replica, rec changeset.RecordID) error { _, err := r.Merged(rec); return err },
		"history":   func(r *replica.Replica, rec changeset.RecordID) error { _, err := r.History(rec); return err },
		"conflicts": func(r *replica.Replica, _ changeset.RecordID) error { _, err := r.Conflicts(); return err },
		"present":   func(r *replica.Replica, rec changeset.RecordID) error { _, _, err := r.Log().Present(rec); return err },
	}
	changes = map[string]func(e *replica.Edit, rec changeset.RecordID) error{
		"update": func(e *replica.Edit, rec changeset.RecordID) error {
			return e.Update(rec, map[string]string{"status": "closed"})
		},
		"delete":  func(e *replica.Edit, rec changeset.RecordID) error { return e.Delete(rec) },
		"restore": func(e *replica.Edit, rec changeset.RecordID) error { return e.Restore(rec, nil) },
		"restore as it was": func(e *replica.Edit, rec changeset.RecordID) error {
			_, err := e.RestoreAt(rec, changeset.ID{}, nil)
			return err
		},
	}
)

// everyUse does all these to a record, and pulls an edit of it.
func everyUse(t *testing.T, r *replica.Replica, rec changeset.RecordID, see func(what string, err error)) {
	t.Helper()
	for what, look := range looks {
		see(what, look(r, rec))
	}
	for what, edit := range changes {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return edit(e, rec) })
		see(what, err)
	}
	see("pull", r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2026-02-02 02:02:02", Changes: []changeset.Change{{
			Record: rec, Kind: changeset.Update, Parents: []changeset.ID{{Origin: r.UUID(), Seq: 1}}, Props: map[string]changeset.PropChange{"status": {New: changeset.Text("x")}}}}})
		return err
	}))
}

// isDamaged reports whether an error says that the record's index is, and why.
func isDamaged(err error, rec changeset.RecordID, why string) bool {
	var damage *replica.DamageError
	return errors.As(err, &damage) && strings.HasSuffix(damage.Path, changeset.RecordPath(rec)) && strings.Contains(damage.Err.Error(), why)
}

func TestAnIndexOfZerosIsNoDeletion(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, _, rec := rivals(t)
	change(t, fsys, changeset.RecordPath(rec), func(b []byte) []byte { return make([]byte, len(b)) })
	r := replicatest.Open(t, fsys, replica.Options{})
	everyUse(t, r, rec, func(what string, err error) {
		if !isDamaged(err, rec, "it holds nothing but zeros") {
			t.Errorf("%s: %v", what, err)
		}
	})
	if found := problems(t, fsys); !strings.Contains(found, changeset.RecordPath(rec)+": row 1: it holds nothing but zeros, which no version is") {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestRecordsBesideADamagedIndexAreCounted(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec := ticketsAndANote(t)
	change(t, fsys, changeset.RecordPath(rec), func(b []byte) []byte { return make([]byte, len(b)) })
	living, deleted, err := replicatest.Open(t, fsys, replica.Options{}).CountRecords(t.Context())
	if living != 2 || deleted != 1 || !isDamaged(err, rec, "zeros") {
		t.Errorf("%d living and %d deleted records, %v", living, deleted, err)
	}
}

func TestRowsOfAnExportedCopyAreNotBuiltOn(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec := ticketsAndANote(t)
	change(t, fsys, changeset.RecordPath(rec), func(b []byte) []byte { return append(make([]byte, 4), b[4:]...) })
	r := replicatest.Open(t, fsys, replica.Options{})
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": "open"}) })
	if !isDamaged(err, rec, "row 1: it bears the number 0") {
		t.Error(err)
	}
}

func TestAnIndexWhoseRowsDoNotAscendIsNotMerged(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for what, damage := range map[string]func(b []byte) []byte{
		"twice": func(b []byte) []byte { return append(bytes.Clone(b), b...) },
		"two rows swapped": func(b []byte) []byte {
			return slices.Concat(b[:changeset.VersionSize], b[2*changeset.VersionSize:3*changeset.VersionSize], b[changeset.VersionSize:2*changeset.VersionSize], b[3*changeset.VersionSize:])
		},
	} {
		fsys, _, rec := rivals(t)
		change(t, fsys, changeset.RecordPath(rec), damage)
		everyUse(t, replicatest.Open(t, fsys, replica.Options{}), rec, func(use string, err error) {
			switch {
			case use == "record" || use == "present": // they look at the end alone
				if err != nil {
					t.Errorf("%s, %s: %v", what, use, err)
				}
			case use == "restore" && errors.Is(err, replica.ErrLives), use == "restore as it was" && errors.Is(err, replica.ErrLives):
			case !isDamaged(err, rec, "its rows are not in ascending order: row "):
				t.Errorf("%s, %s: %v", what, use, err)
			}
		})
		if found := problems(t, fsys); !strings.Contains(found, ": its rows are not in ascending order: row ") {
			t.Errorf("%s: fsck says\n%s", what, found)
		}
	}
}

func TestTwoVersionsOfOneChangesetAreRead(t *testing.T) {
	replicatest.OnFormat1(t)
	fsys, _, rec := rivals(t)
	change(t, fsys, changeset.RecordPath(rec), func(b []byte) []byte { return slices.Concat(b[:changeset.VersionSize], b) })
	r := replicatest.Open(t, fsys, replica.Options{})
	if versions, err := r.Log().Versions(rec); err != nil || len(versions) < 3 || versions[0] != versions[1] {
		t.Errorf("got %v, %v", versions, err)
	}
	if merged, err := r.Merged(rec); err != nil || len(merged.Conflicts) != 1 || len(merged.Conflicts[0].Rivals) != 2 {
		t.Errorf("merged it is %+v, %v", merged, err)
	}
	sound(t, fsys)
}
