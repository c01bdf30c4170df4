package replica_test

import (
	"errors"
	"maps"
	"testing"

	"prophet/changeset"
	"prophet/replica"
)

func TestARevertOfSeveralRecordsUndoesWhatCanBe(t *testing.T) {
	team := newTeam(t, 1)
	first, second, third := team.create(0, map[string]string{"status": "new"}), team.create(0, map[string]string{"status": "new"}), team.create(0, map[string]string{"status": "new"})
	var made changeset.RecordID
	c := team.edit(0, func(e *replica.Edit) (err error) {
		made, err = e.Create("Note", nil)
		return errors.Join(err, e.Update(first, map[string]string{"status": "open"}), e.Update(second, map[string]string{"status": "open"}), e.Delete(third))
	})
	team.update(0, second, "status", "closed")
	got, _ := revertIn(t, team.replicas[0], c.ID)
	undone := map[changeset.RecordID]string{}
	for _, u := range got.Undone {
		undone[u.Record] = u.Prop + "=" + u.Value
	}
	if want := map[changeset.RecordID]string{first: "status=new", third: "=keep", made: "=delete"}; !maps.Equal(undone, want) {
		t.Errorf("undone: %v, want %v", undone, want)
	}
	if len(got.NotUndone) != 1 || got.NotUndone[0].Record != second || got.NotUndone[0].Why != replica.LeftChanged {
		t.Errorf("not undone: %v", got.NotUndone)
	}
}

// threeRivals lets the first two and one more set the status apart; the last write is yet to come. It returns the first one's.
func (team *team) threeRivals(rec changeset.RecordID, first, third string) *changeset.Changeset {
	team.pull(2, 0)
	c := team.update(0, rec, "status", first)
	team.update(2, rec, "status", third)
	team.pull(0, 2)
	return c
}

func TestARevertOfADeletionBringsAllPropertiesBack(t *testing.T) {
	team := newTeam(t, 1)
	rec := team.create(0, map[string]string{"status": "new"})
	team.update(0, rec, "owner", "ann")
	before, _, _ := team.replicas[0].Log().Props(rec)
	team.revert(0, team.delete(0, rec))
	if after, _, err := team.replicas[0].Log().Props(rec); err != nil || !maps.Equal(before, after) {
		t.Errorf("got %v, %v; want %v", after, err, before)
	}
}

// The second of two deletions decided that a record is deleted that lived beside the first.
func TestARevertOfTheDecisionThatARecordIsDeletedBringsItBack(t *testing.T) {
	team := newTeam(t, 2)
	rec := team.create(0, map[string]string{"status": "new"})
	team.pull(1, 0)
	first := team.delete(1, rec)
	team.update(0, rec, "status", "open")
	team.pull(0, 1)
	before, _, _ := team.replicas[0].Log().Props(rec)
	decision := team.delete(0, rec)
	if got, _ := revertIn(t, team.replicas[0], first.ID); len(got.NotUndone) != 1 || got.NotUndone[0].Why != replica.LeftEqual || got.NotUndone[0].By != decision.ID {
		t.Errorf("of the deletion that it saw: %+v", got)
	}
	team.revert(0, decision)
	after, lives, err := team.replicas[0].Log().Props(rec)
	if err != nil || !lives || !maps.Equal(before, after) {
		t.Errorf("it lives: %v, with %v (%v), want %v", lives, after, err, before)
	}
	if open, err := team.replicas[0].Conflicts(); err != nil || len(open) > 0 {
		t.Errorf("open: %v (%v)", open, err)
	}
}

func TestBookkeepingIsNotReverted(t *testing.T) {
	team := newTeam(t, 2)
	rec := team.create(0, nil)
	team.pull(1, 0)
	team.update(0, rec, "a", "1")
	team.update(1, rec, "a", "2")
	team.pull(1, 0)
	r := team.replicas[1]
	for id, want := range map[changeset.ID]error{
		{Origin: r.UUID(), Seq: r.Latest()}:     replica.ErrBookkeeping,
		{Origin: r.UUID(), Seq: r.Latest() + 1}: replica.ErrNoChangeset,
	} {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
			_, err := e.Revert(id)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", id, err, want)
		}
	}
}
