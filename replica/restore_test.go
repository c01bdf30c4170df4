package replica_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func TestRestoreChecksWhatItIsGiven(t *testing.T) {
	team := newTeam(t, 1)
	living := team.create(0, map[string]string{"status": "new"})
	deleted := team.create(0, map[string]string{"status": "new"})
	team.delete(0, deleted)
	r := team.replicas[0]
	for _, tt := range []struct {
		name  string
		rec   changeset.RecordID
		props map[string]string
		want  error
		text  string
	}{
		{"living", living, nil, replica.ErrLives, "is not deleted"},
		{"a bad type", changeset.RecordID{Type: "../x", UUID: r.UUID()}, nil, nil, "../x"},
		{"a bad name", deleted, map[string]string{"a\nb": "x"}, nil, "a\\nb"},
		{"a bad value", deleted, map[string]string{"a": "\x00"}, nil, "NUL"},
	} {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Restore(tt.rec, tt.props) })
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	if r.Latest() != 3 {
		t.Errorf("the log has %d rows", r.Latest())
	}
}

func TestRestoreAtBringsBackWhatARecordWas(t *testing.T) {
	team := newTeam(t, 2)
	rec := team.create(0, map[string]string{"status": "new"})
	team.pull(1, 0)
	opened := team.update(0, rec, "status", "open", "owner", "ann")
	team.update(1, rec, "priority", "5")
	team.pull(0, 1)
	deleted := team.delete(0, rec)
	first := team.madeBy(0, rec)
	own := map[string]string{"original_replica": team.replicas[0].UUID().String()}
	for _, tt := range []struct {
		name  string
		at    changeset.ID
		props map[string]string
		want  map[string]string
	}{
		{"before the deletion", changeset.ID{}, nil, map[string]string{"status": "open", "owner": "ann", "priority": "5"}},
		{"with another value", changeset.ID{}, map[string]string{"status": "new", "owner": ""}, map[string]string{"status": "new", "priority": "5"}},
		{"at the beginning", first, nil, map[string]string{"status": "new"}},
		{"at one side", opened.ID, nil, map[string]string{"status": "open", "owner": "ann"}},
	} {
		maps.Copy(tt.want, own)
		err := team.replicas[0].Try(func(tx *replica.Tx) error {
			var past *resolution.Result
			restore := func(e *replica.Edit) (err error) {
				past, err = e.RestoreAt(rec, tt.at, tt.props)
				return err
			}
			if _, err := tx.Edit(restore); err != nil {
				return err
			}
			if tt.props == nil && !maps.Equal(past.Props, tt.want) {
				t.Errorf("%s: it says that the record had %v, want %v", tt.name, past.Props, tt.want)
			}
			got, err := tx.Merged(rec)
			if err == nil && (!got.Exists || got.Open() || !maps.Equal(got.Props, tt.want)) {
				err = fmt.Errorf("got %v, want %v", got.Props, tt.want)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	never := changeset.RecordID{Type: "Ticket", UUID: team.replicas[1].UUID()}
	restoreAt := func(rec changeset.RecordID, at changeset.ID) error {
		_, err := team.replicas[0].Edit(t.Context(), func(e *replica.Edit) error {
			_, err := e.RestoreAt(rec, at, nil)
			return err
		})
		return err
	}
	err := restoreAt(never, changeset.ID{})
	if !errors.Is(err, replica.ErrNoRecord) {
		t.Errorf("one that never was: got %v", err)
	}
	for at, want := range map[changeset.ID]string{
		deleted.ID:                 "it was deleted when changeset",
		{Origin: rec.UUID, Seq: 1}: "did not touch",
	} {
		err := restoreAt(rec, at)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", at, err, want)
		}
	}
}
