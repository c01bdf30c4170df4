package replica_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// listings are all ways to list the records of a replica that has tickets and a note.
var listings = map[string]func(t *testing.T, r *replica.Replica) error{
	"all":     func(_ *testing.T, r *replica.Replica) error { return listAll(r, "") },
	"tickets": func(_ *testing.T, r *replica.Replica) error { return listAll(r, "Ticket") },
	"types":   func(t *testing.T, r *replica.Replica) error { _, err := r.CountTypes(t.Context()); return err },
	"dump":    func(_ *testing.T, r *replica.Replica) error { return r.Dump(io.Discard, replica.DumpOptions{}) },
	"records": func(_ *testing.T, r *replica.Replica) error {
		return r.Dump(io.Discard, replica.DumpOptions{RecordsOnly: true})
	},
	"deleted": func(_ *testing.T, r *replica.Replica) error {
		for _, err := range r.Deletions("") {
			if err != nil {
				return err
			}
		}
		return nil
	},
}

func listAll(r *replica.Replica, typ string) error {
	for _, err := range r.All(typ) {
		if err != nil {
			return err
		}
	}
	return nil
}

// ticketsAndANote is a replica of three tickets, of which the first is deleted, and a note; it returns the second ticket.
func ticketsAndANote(t *testing.T) (afero.Fs, changeset.RecordID) {
	t.Helper()
	fsys := directory(t)
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 3)
	var rec changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) error { _, err := e.Create("Note", nil); return err })
	for id := range 2 {
		var err error
		if rec, err = r.Find(fmt.Sprint(id + 1)); err != nil {
			t.Fatal(err)
		}
		if id == 0 {
			replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rec) })
		}
	}
	return fsys, rec
}

func TestListsTellOfAnIndexThatWasLostOrEmptied(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for what, damage := range map[string]struct {
		do   func(fsys afero.Fs, name string) error
		want string
	}{
		"lost":    {func(fsys afero.Fs, name string) error { return fsys.Remove(name) }, "the file is missing, though row 2 of the log touches the record"},
		"emptied": {func(fsys afero.Fs, name string) error { return afero.WriteFile(fsys, name, nil, 0o600) }, "it has no row, though the log has changesets that touch the record"},
		"zeros": {func(fsys afero.Fs, name string) error {
			return afero.WriteFile(fsys, name, make([]byte, changeset.VersionSize), 0o600)
		}, "row 1: it holds nothing but zeros, which no version is"},
		"cut to a bit": {func(fsys afero.Fs, name string) error { return afero.WriteFile(fsys, name, []byte("123"), 0o600) }, "it has no row, though"},
	} {
		fsys, rec := ticketsAndANote(t)
		for name, list := range listings {
			if err := list(t, replicatest.Open(t, fsys, replica.Options{})); err != nil {
				t.Errorf("%s, before: %v", name, err)
			}
		}
		index := changeset.RecordPath(rec)
		if err := damage.do(fsys, index); err != nil {
			t.Fatal(err)
		}
		for name, list := range listings {
			err := list(t, replicatest.Open(t, fsys, replica.Options{Where: "bugs"}))
			var damaged *replica.DamageError
			if !errors.As(err, &damaged) || damaged.Where != "bugs" || damaged.Path != index || !strings.HasPrefix(damaged.Err.Error(), damage.want) {
				t.Errorf("%s, %s: %v", what, name, err)
			}
		}
		if err := listAll(replicatest.Open(t, fsys, replica.Options{}), "Note"); err != nil {
			t.Errorf("%s: a list of notes fails: %v", what, err)
		}
	}
}

func TestARecordOfTwoTypesWithOneUUIDIsNotMissed(t *testing.T) {
	fsys, rec := ticketsAndANote(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: r.Database(), Seq: 1}, Created: "2026-02-02 02:02:02",
			Changes: []changeset.Change{{Record: changeset.RecordID{Type: "Note", UUID: rec.UUID}, Kind: changeset.Create, Parents: []changeset.ID{}}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, list := range listings {
		if err := list(t, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A record whose index was lost, or emptied, is not one that never was: whoever names it is told what is damaged.
func TestARecordWithoutAnIndexIsNamedAsDamaged(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for what, damage := range map[string]func(fsys afero.Fs, name string) error{
		"the file is missing": func(fsys afero.Fs, name string) error { return fsys.Remove(name) },
		"it has no row":       func(fsys afero.Fs, name string) error { return afero.WriteFile(fsys, name, nil, 0o600) },
	} {
		fsys, rec := ticketsAndANote(t)
		if err := damage(fsys, changeset.RecordPath(rec)); err != nil {
			t.Fatal(err)
		}
		r := replicatest.Open(t, fsys, replica.Options{Where: "bugs"})
		edit := func(f func(e *replica.Edit) error) error { _, err := r.Edit(t.Context(), f); return err }
		_, record := r.Record(rec)
		_, prefix := r.Find(rec.UUID.String()[:8])
		for doing, err := range map[string]error{
			"record":  record,
			"find":    prefix,
			"update":  edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": "open"}) }),
			"delete":  edit(func(e *replica.Edit) error { return e.Delete(rec) }),
			"expect":  edit(func(e *replica.Edit) error { return e.Expect(rec, map[string]string{"status": "open"}) }),
			"restore": edit(func(e *replica.Edit) error { _, err := e.RestoreAt(rec, changeset.ID{}, nil); return err }),
		} {
			var damaged *replica.DamageError
			if !errors.As(err, &damaged) || damaged.Path != changeset.RecordPath(rec) || damaged.Err.Error() != what+", though row 2 of the log touches the record" {
				t.Errorf("%s, %s: %v", what, doing, err)
			}
		}
		never := rec
		never.UUID[0]++
		if _, err := r.Record(never); !errors.Is(err, replica.ErrNoRecord) {
			t.Errorf("a record that never was: %v", err)
		}
		if _, err := r.Find("77"); !errors.Is(err, replica.ErrNoRecord) {
			t.Errorf("a local id that was never given: %v", err)
		}
	}
}

// numbered returns which record has which local id, as a list says.
func numbered(t *testing.T, r *replica.Replica) (map[uint32]changeset.RecordID, error) {
	t.Helper()
	ids := map[uint32]changeset.RecordID{}
	for rec, err := range r.All("") {
		if err != nil {
			return ids, err
		}
		if other, given := ids[rec.LocalID]; given {
			t.Errorf("%s and %s are both %d", other, rec.ID, rec.LocalID)
		}
		ids[rec.LocalID] = rec.ID
	}
	return ids, nil
}

func TestJunkAmongLocalIDsIsNoNumber(t *testing.T) {
	for what, junk := range map[string]func(b []byte) []byte{
		"junk":            func(b []byte) []byte { copy(b[20:], strings.Repeat("x", 20)); return b },
		"another UUID":    func(b []byte) []byte { copy(b[20:], strings.Repeat("x", 16)); return b },
		"another row":     func(b []byte) []byte { b[39] = 1; return b },
		"row 0":           func(b []byte) []byte { b[39] = 0; return b },
		"an entry twice":  func(b []byte) []byte { copy(b[20:40], b[:20]); return b },
		"two for another": func(b []byte) []byte { return append(append(bytes.Clone(b[20:40]), b[:20]...), b[40:]...) },
		"zeros":           func(b []byte) []byte { return make([]byte, len(b)) },
		"all is junk":     func(b []byte) []byte { return bytes.Repeat([]byte("y"), len(b)) },
	} {
		fsys, rec := ticketsAndANote(t)
		before, err := numbered(t, replicatest.Open(t, fsys, replica.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, "prophet/ids", junk)
		refused := func(err error) bool {
			var damage *replica.DamageError
			return errors.As(err, &damage) && strings.HasSuffix(err.Error(), "; \"prophet fsck --repair\" makes it again from the log")
		}
		r := replicatest.Open(t, fsys, replica.Options{})
		for name, list := range listings {
			if err := list(t, r); !refused(err) {
				t.Errorf("%s: %s gave %v", what, name, err)
			}
		}
		if found, err := r.Find("2"); !refused(err) {
			t.Errorf("%s: 2 is %v, %v", what, found, err)
		}
		if id, err := r.LocalID(rec); !refused(err) && id != 2 {
			t.Errorf("%s: the local id of ticket 2 is %d, %v", what, id, err)
		}
		if found := problems(t, fsys); !strings.Contains(found, "prophet/ids: entry ") {
			t.Errorf("%s: fsck says\n%s", what, found)
		}
		grow(t, r, 1)
		if found, err := r.Find("5"); err != nil || found == rec {
			t.Errorf("%s: what was made next is %v, %v", what, found, err)
		}
		if err := fsys.Remove("prophet/rows"); err != nil {
			t.Fatal(err)
		}
		grow(t, r, 1)
		sound(t, fsys)
		after, err := numbered(t, r)
		if err != nil || len(after) != len(before)+2 {
			t.Errorf("%s: made anew, the local ids are %v, %v", what, after, err)
		}
		for id, rec := range before {
			if after[id] != rec {
				t.Errorf("%s: %d is %v, was %v", what, id, after[id], rec)
			}
		}
	}
}

func TestANoteThatCountsFewerLocalIDsGivesNoneAgain(t *testing.T) {
	fsys, _ := noted(t)
	change(t, fsys, "prophet/rows", lastID(4, 3))
	ids, err := afero.ReadFile(fsys, "prophet/ids")
	if err != nil {
		t.Fatal(err)
	}
	r := replicatest.Open(t, fsys, replica.Options{})
	_, err = r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Ticket", nil); return err })
	if err == nil || !strings.Contains(err.Error(), "prophet/ids is damaged: it holds 4 local ids, prophet/rows counts 3, and the log brings 4; \"prophet fsck --repair\" makes it again") {
		t.Errorf("a create gave %v", err)
	}
	if now, err := afero.ReadFile(fsys, "prophet/ids"); err != nil || !bytes.Equal(now, ids) {
		t.Errorf("the table is another one, %v", err)
	}
}
