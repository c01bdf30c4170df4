package main

import (
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
)

// TestADeletedRecordNamesWhoDeletedIt: changes as the original makes them, of which an edit comes to the log behind the deletion that it lost to.
func TestADeletedRecordNamesWhoDeletedIt(t *testing.T) {
	w := newWorld()
	r, err := replica.Init(t.Context(), afero.NewBasePathFs(w.Fs, "/bugs"), replica.Identity{}, replica.Options{Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := uuid.UUID{1}, uuid.UUID{2}
	rec := changeset.RecordID{Type: "Ticket", UUID: uuid.UUID{9}}
	change := func(origin uuid.UUID, seq uint32, created, creator string, kind changeset.Kind, old, value string) *changeset.Changeset {
		ch := changeset.Change{Record: rec, Kind: kind, Props: map[string]changeset.PropChange{}}
		if kind != changeset.Delete {
			ch.Props["status"] = changeset.PropChange{Old: changeset.TextOrNull(old), New: changeset.Text(value)}
		}
		return &changeset.Changeset{ID: changeset.ID{Origin: origin, Seq: seq}, Created: created, Creator: changeset.Text(creator), Changes: []changeset.Change{ch}}
	}
	for _, c := range []*changeset.Changeset{
		change(ann, 1, "2026-11-21 08:00:00", "ann", changeset.Create, "", "new"),
		change(ann, 2, "2026-11-21 10:00:00", "ann", changeset.Delete, "", ""),
		change(bob, 1, "2026-11-21 09:00:00", "bob", changeset.Update, "new", "open"),
	} {
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
			t.Fatal(err)
		}
	}
	w.do(t, "search", "-q", "-r", "/bugs", "--deleted", "--columns", "id,status,deleted_at,deleted_by")
	if got := w.out.String(); got != "1\topen\t2026-11-21 10:00:00\tann\n" {
		t.Errorf("the list has %q", got)
	}
	want := "prophet: error: Ticket 1 (09000000-0000-0000-0000-000000000000) was deleted by ann, 2026-11-21 10:00:00: no such record\n" +
		"prophet: hint: \"prophet history -r /bugs 1\" shows what it was, \"prophet restore -r /bugs 1\" brings it back\n"
	if code := run(t.Context(), w.env, []string{"show", "1", "-r", "/bugs"}); code != exitNoRecord || w.err.String() != want {
		t.Errorf("exit code %d, %s%s", code, w.err, w.out)
	}
}

func TestParentsThatAreNotKnownAreNull(t *testing.T) {
	ch := &changeset.Change{Kind: changeset.Delete}
	line, err := appendJSON(nil, newChangeDoc(ch, 0))
	want := `{"id":null,"op":"delete","parents":null,"props":{},"type":"","uuid":"00000000-0000-0000-0000-000000000000"}`
	if err != nil || string(line) != want {
		t.Errorf("got %s, %v", line, err)
	}
	ch.Parents = []changeset.ID{}
	line, err = appendJSON(nil, newChangeDoc(ch, 3))
	want = `{"id":3,"op":"delete","parents":[],"props":{},"type":"","uuid":"00000000-0000-0000-0000-000000000000"}`
	if err != nil || string(line) != want {
		t.Errorf("got %s, %v", line, err)
	}
}
