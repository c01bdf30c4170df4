package changeset

import (
	"testing"

	"github.com/google/uuid"
)

// toMove is the example of docs/format.md.
func toMove(t *testing.T) *Changeset {
	t.Helper()
	c, err := Decode([]byte(`{"changes":{"894d7354-2c7c-424e-99a0-c8fc2e34da25":{"change_type":"update_file",` +
		`"parents":["f738aecc-33a0-43c9-9a71-29e2a12122a8:1"],"prop_changes":{"status":{"new_value":"open","old_value":"new"}},"record_type":"Ticket"}},` +
		`"created":"2026-11-21 01:29:21","creator":"alice@example.com","is_nullification":null,"is_resolution":null,` +
		`"original_sequence_no":4,"original_source_uuid":"f738aecc-33a0-43c9-9a71-29e2a12122a8"}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The bytes are fixed for good: whoever moves an edit must name it as all others do.
func TestTheNameOfAMoveIsMadeFromTheseBytes(t *testing.T) {
	const name = `{"changes":{"894d7354-2c7c-424e-99a0-c8fc2e34da25":{"change_type":"update_file",` +
		`"prop_changes":{"status":{"new_value":"open","old_value":null}},"record_type":"Ticket"}},` +
		`"created":"2026-11-21 01:29:21","creator":"alice@example.com","is_nullification":null,"is_resolution":null,` +
		`"original_sequence_no":4,"original_source_uuid":"f738aecc-33a0-43c9-9a71-29e2a12122a8"}`
	c := toMove(t)
	got := MovedOrigin(c)
	if want := uuid.NewSHA1(c.ID.Origin, []byte(name)); got != want {
		t.Errorf("the name is %s, that of the documented bytes %s", got, want)
	}
	if want := "698731f9-9f6e-5cfa-912d-ac9022aaf234"; got.String() != want {
		t.Errorf("the name is %s, want %s", got, want)
	}
}

func TestAllRepresentationsOfAnEditAreMovedToOneNameAndOtherEditsToAnother(t *testing.T) {
	c := toMove(t)
	for _, tt := range []struct {
		name   string
		change func(c *Changeset)
		same   bool
	}{
		{"as a copy", func(c *Changeset) { c.Changes[0].CopyOf = ID{c.ID.Origin, 9} }, true},
		{"without parents", func(c *Changeset) { c.Changes[0].Parents = nil }, true},
		{"with another old value", func(c *Changeset) { c.Changes[0].Props["status"] = PropChange{Text("lost"), Text("open")} }, true},
		{"a create", func(c *Changeset) { c.Changes[0].Kind = Create }, true},
		{"with a property left empty", func(c *Changeset) { c.Changes[0].Props["owner"] = PropChange{New: Text("")} }, true},
		{"with a property removed", func(c *Changeset) { c.Changes[0].Props["owner"] = PropChange{Old: Text("bob")} }, true},
		{"a deletion", func(c *Changeset) { c.Changes[0].Kind = Delete }, false},
		{"another value", func(c *Changeset) { c.Changes[0].Props["status"] = PropChange{Text("new"), Text("closed")} }, false},
		{"one more property", func(c *Changeset) { c.Changes[0].Props["owner"] = PropChange{New: Text("bob")} }, false},
		{"another creator", func(c *Changeset) { c.Creator = Text("bob@example.com") }, false},
		{"another second", func(c *Changeset) { c.Created = "2026-11-21 01:29:22" }, false},
		{"another number", func(c *Changeset) { c.ID.Seq++ }, false},
	} {
		other := toMove(t)
		tt.change(other)
		if same := MovedOrigin(other) == MovedOrigin(c); same != tt.same {
			t.Errorf("%s: the same name %v, want %v", tt.name, same, tt.same)
		}
		if SameEdit(c, other) != tt.same && other.ID == c.ID {
			t.Errorf("%s: SameEdit disagrees", tt.name)
		}
	}
}

func TestMovesNameChangesetsAndParentsAnew(t *testing.T) {
	u, v, w := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	moves := Moves{{u, 4, w}, {w, 6, v}}
	for _, tt := range []struct{ from, to ID }{
		{ID{u, 3}, ID{u, 3}}, {ID{u, 4}, ID{w, 4}}, {ID{u, 6}, ID{v, 6}}, {ID{v, 9}, ID{v, 9}},
	} {
		if got := moves.ID(tt.from); got != tt.to {
			t.Errorf("%s is moved to %s, want %s", tt.from, got, tt.to)
		}
	}
	changes := []Change{{Parents: []ID{{v, 1}}}, {Parents: []ID{{u, 3}, {u, 5}, {v, 2}}}, {}}
	c := Changeset{ID: ID{v, 7}, Changes: changes}
	if !moves.Apply(&c) || c.ID != (ID{v, 7}) {
		t.Errorf("%s", c.ID)
	}
	if got := c.Changes[1].Parents; got[0] != (ID{u, 3}) || got[1] != (ID{v, 2}) || got[2] != (ID{w, 5}) {
		t.Errorf("the parents are %v, want them in order", got)
	}
	if changes[1].Parents[1] != (ID{u, 5}) || c.Changes[2].Parents != nil {
		t.Error("the changes that there were are written to, or unknown parents are known")
	}
	copies := Changeset{ID: ID{w, 5}, Changes: []Change{{CopyOf: ID{u, 4}}, {CopyOf: ID{u, 5}}, {CopyOf: ID{u, 3}}}}
	if !moves.Apply(&copies) || copies.Changes[0].CopyOf != (ID{w, 4}) || !copies.Changes[1].CopyOf.IsZero() || copies.Changes[2].CopyOf != (ID{u, 3}) {
		t.Errorf("the copies are %+v: want them named anew, and none of itself", copies.Changes)
	}
	books := Changeset{ID: ID{u, 5}, Resolution: true}
	if moves.Apply(&books) {
		t.Errorf("bookkeeping is moved to %s", books.ID)
	}
}

func TestAStretchNamesUpToTheNextOneOfItsOrigin(t *testing.T) {
	u, v, w := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	s := Stretches{}.Begin(ID{u, 6}, w).Begin(ID{v, 2}, w).Begin(ID{u, 2}, v).Begin(ID{u, 9}, v).Begin(ID{u, 9}, u)
	for _, tt := range []struct{ from, to ID }{
		{ID{u, 1}, ID{u, 1}}, {ID{u, 2}, ID{v, 2}}, {ID{u, 5}, ID{v, 5}}, {ID{u, 6}, ID{w, 6}}, {ID{u, 8}, ID{w, 8}}, {ID{u, 9}, ID{u, 9}},
		{ID{u, 1 << 31}, ID{u, 1 << 31}}, {ID{v, 1}, ID{v, 1}}, {ID{v, 7}, ID{w, 7}}, {ID{w, 7}, ID{w, 7}}, {ID{uuid.UUID{}, 3}, ID{uuid.UUID{}, 3}},
	} {
		if got := s.ID(tt.from); got != tt.to {
			t.Errorf("%s is read as %s, want %s", tt.from, got, tt.to)
		}
	}
	c := Changeset{ID: ID{v, 3}, Changes: []Change{{Parents: []ID{{u, 3}, {v, 1}}}}}
	if !s.Apply(&c) || c.ID != (ID{w, 3}) || c.Changes[0].Parents[0] != (ID{v, 1}) || c.Changes[0].Parents[1] != (ID{v, 3}) {
		t.Errorf("%+v", c)
	}
}
