package sync_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// forger makes a replica of the database that somebody has filled by hand.
func forger(t *testing.T, of *replica.Replica) *replica.Replica {
	t.Helper()
	r, err := replica.Init(t.Context(), crashfs.New(), replica.Identity{Database: of.Database(), Votes: of.Resolutions().Database()}, replica.Options{Where: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forge puts an edit of a record of its own into the log under that name.
func forge(t *testing.T, r *replica.Replica, id changeset.ID) {
	t.Helper()
	c := madeUp(id)
	if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
		t.Fatal(err)
	}
}

func madeUp(id changeset.ID) *changeset.Changeset {
	return &changeset.Changeset{ID: id, Created: "2026-01-01 09:00:00", Creator: changeset.Text("mallory"), Changes: []changeset.Change{{
		Record: changeset.RecordID{Type: "Junk", UUID: uuid.NewSHA1(id.Origin, []byte("junk"))}, Kind: changeset.Create, Parents: []changeset.ID{},
		Props: map[string]changeset.PropChange{"text": {New: changeset.Text("junk")}}}}}
}

// changesetAt returns the changeset of a row.
func changesetAt(t *testing.T, r *replica.Replica, seq uint32) *changeset.Changeset {
	t.Helper()
	row, err := r.Log().Row(seq)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Log().Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASourceThatNamesAnotherEditAsAMoveWouldNameOursTakesNothingFromUs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		names func(c *changeset.Changeset) []changeset.ID
	}{
		{"under the old name and the new", func(c *changeset.Changeset) []changeset.ID {
			return []changeset.ID{c.ID, {Origin: changeset.MovedOrigin(c), Seq: c.ID.Seq}}
		}},
		{"under the new name alone", func(c *changeset.Changeset) []changeset.ID {
			return []changeset.ID{{Origin: changeset.MovedOrigin(c), Seq: c.ID.Seq}}
		}},
		{"under a name after that", func(c *changeset.Changeset) []changeset.ID {
			c.ID.Origin = changeset.MovedOrigin(c)
			return []changeset.ID{{Origin: changeset.MovedOrigin(c), Seq: c.ID.Seq}}
		}},
	} {
		f := newFamily(t)
		mallory := forger(t, f.ann)
		for _, id := range tt.names(changesetAt(t, f.ann, 1)) {
			forge(t, mallory, id)
		}
		pull(t, f.ann, mallory)
		if got := f.values(f.ann); len(got) != 1 || got[0] != "new" {
			t.Errorf("%s: ann has %v", tt.name, got)
		}
		f.edit(f.ann, "by ann")
		f.edit(f.twin, "by the twin")
		f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
	}
}

func TestWhatWasMovedIsNotMovedOnceMoreByAForgedFork(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.twin, f.ann)
	mallory := forger(t, f.ann)
	forge(t, mallory, changeset.ID{Origin: f.twin.UUID(), Seq: 2})
	if _, err := psync.Pull(context.Background(), f.twin, mallory, psync.Options{}); !errors.As(err, new(*psync.ForgedError)) {
		t.Fatal(err)
	}
	f.meet([]string{"by ann", "by the twin"}, f.twin, f.ann, f.carol)
}

// movedTwice makes a replica move all that it made, and what it named so once more, as no honest history does.
func movedTwice(t *testing.T, r *replica.Replica) {
	t.Helper()
	for range 2 {
		c := changesetAt(t, r, 1)
		move := changeset.Move{From: c.ID.Origin, Seq: c.ID.Seq, To: changeset.MovedOrigin(c)}
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Move(changeset.Moves{move}, 0); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEditThatWasMovedTwiceIsKnownAgain(t *testing.T) {
	for _, friendReads := range []bool{false, true} {
		f := newFamily(t)
		f.edit(f.carol, "by carol")
		movedTwice(t, f.ann)
		to, from := f.carol, f.ann
		if friendReads { // who has the old names
			to, from = f.ann, f.carol
		}
		pull(t, to, from)
		if got := f.values(to); len(got) != 1 || got[0] != "by carol" {
			t.Errorf("%s has %v", to.Where(), got)
		}
		f.meet([]string{"by carol"}, f.carol, f.ann, f.dave)
	}
}

// moveTwice makes two moves of the origin of ann: of what followed her first edit, which the twin has not, and of what followed the second, which a
// third copy has not: that is returned. Dave had pulled all of it before.
func (f *family) moveTwice() (third *replica.Replica) {
	f.t.Helper()
	f.edit(f.ann, "second")
	third = reopen(f.t, copyTree(f.t, f.ann.FS()), "third")
	f.edit(f.ann, "third")
	pull(f.t, f.dave, f.ann)
	f.edit(f.dave, "by dave, who has seen the third")
	update(f.t, f.twin, f.ticket, "owner", "the twin")
	update(f.t, third, f.ticket, "owner", "the third copy")
	pull(f.t, f.ann, third)
	pull(f.t, f.ann, f.twin)
	return third
}

func TestTwoMovesOfOneOriginAreFollowedTheLaterNumberFirst(t *testing.T) {
	f := newFamily(t)
	third := f.moveTwice()
	before := reopen(t, copyTree(t, f.ann.FS()), "ann")
	pull(t, f.dave, f.ann)
	pull(t, before, reopen(t, f.dave.FS(), "dave"))
	f.meet([]string{"by dave, who has seen the third"}, f.dave, f.ann, f.carol, f.twin, third)
}

func TestOneWhoWasNotThereForTwoMovesIsReadAsIfBothHadBeenMade(t *testing.T) {
	f := newFamily(t)
	f.moveTwice()
	pull(t, f.ann, f.dave)
	if got := f.values(f.ann); len(got) != 1 || got[0] != "by dave, who has seen the third" {
		t.Errorf("ann has %v", got)
	}
}

func TestWhatIsKnownOfParentsThatStandBelowCanBeClonedAfterAMove(t *testing.T) {
	f := newFamily(t)
	bare := &changeset.Changeset{ID: changeset.ID{Origin: uuid.UUID{9, 6: 0x40, 8: 0x80}, Seq: 5}, Created: "2026-01-01 15:00:00", Creator: changeset.Text("v1"),
		Changes: []changeset.Change{{Record: f.ticket, Kind: changeset.Update, Props: map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("v")}}}}}
	integrate := func(r *replica.Replica, c *changeset.Changeset) {
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
			t.Fatal(err)
		}
	}
	integrate(f.ann, bare)
	update(t, f.carol, f.ticket, "owner", "carol")
	last := changesetAt(t, f.carol, f.carol.Latest())
	pull(t, f.ann, f.carol) // below
	pull(t, f.dave, f.carol)
	full := *bare
	full.Changes = []changeset.Change{bare.Changes[0]}
	full.Changes[0].Parents = []changeset.ID{last.ID}
	integrate(f.dave, &full)
	pull(t, f.ann, f.dave)
	twin := reopen(t, copyTree(t, f.ann.FS()), "the second twin")
	f.edit(f.ann, "by ann")
	f.edit(twin, "by the second twin")
	pull(t, f.ann, twin)
	sound(t, f.ann.FS(), "ann")
	pull(t, f.clone("erin"), f.dave)
}
