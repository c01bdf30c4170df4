package sync_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// put puts a changeset into the log of the replica.
func put(t *testing.T, r *replica.Replica, c *changeset.Changeset) {
	t.Helper()
	if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
		t.Fatal(err)
	}
}

// under is a changeset under another name.
func under(c *changeset.Changeset, origin uuid.UUID) *changeset.Changeset {
	other := *c
	other.ID.Origin = origin
	return &other
}

func TestAnEditUnderTheNameThatAMoveWouldGiveDoesNotStopTheMove(t *testing.T) {
	for _, seq := range []uint32{1, 3, 4, 12} {
		f := newFamily(t)
		for _, value := range []string{"two", "three", "by ann"} {
			f.edit(f.ann, value)
		}
		name, mallory := changeset.MovedOrigin(changesetAt(t, f.ann, 2)), forger(t, f.ann)
		forge(t, mallory, changeset.ID{Origin: name, Seq: seq})
		for _, r := range []*replica.Replica{f.ann, f.carol} {
			pull(t, r, mallory)
		}
		f.edit(f.twin, "by the twin")
		pull(t, f.dave, f.twin)
		pull(t, f.carol, f.ann)
		f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
		for first := true; first || f.ann.Latest() < seq+1; first = false { // which gives that number again, if ann has that name now
			f.edit(f.ann, "later")
			f.edit(f.ann, "by ann")
		}
		f.meet([]string{"by ann"}, f.ann, f.twin, f.carol, f.dave)
	}
}

func TestBookkeepingThatMovesMakesRoomForAnEditOfItsNewName(t *testing.T) {
	f := newFamily(t)
	f.edit(f.carol, "by carol")
	f.edit(f.ann, "by ann")
	pull(t, f.ann, f.carol) // which takes a nullification, number 3
	mallory := forger(t, f.ann)
	forge(t, mallory, changeset.ID{Origin: changeset.MovedOrigin(changesetAt(t, f.ann, 2)), Seq: 3})
	pull(t, f.ann, mallory)
	f.edit(f.twin, "by the twin")
	f.meet([]string{"by ann", "by carol", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
}

func TestAnEditOfWhichAllNamesAreTakenIsMovedToARandomOne(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	mallory := forger(t, f.ann)
	for _, name := range changeset.MovedOrigins(changesetAt(t, f.ann, 2)) {
		forge(t, mallory, changeset.ID{Origin: name, Seq: 2})
	}
	pull(t, f.ann, mallory)
	f.edit(f.twin, "by the twin")
	given := map[uuid.UUID]bool{} // by the source of UUIDs that a simulation sets
	f.ann = replicatest.Open(t, f.ann.FS(), replica.Options{NewUUID: func() uuid.UUID {
		u := uuid.New()
		given[u] = true
		return u
	}})
	f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
	if u := f.ann.UUID(); u.Version() != 4 || !given[u] {
		t.Errorf("ann has the UUID %s, of version %d; given were %v", u, u.Version(), given)
	}
}

func TestWhatCollidesWithOursIsMovedThoughAForkOfOthersStopsThePull(t *testing.T) {
	f := newFamily(t)
	second := reopen(t, copyTree(t, f.carol.FS()), "carol's twin")
	f.edit(f.carol, "by carol")
	f.edit(second, "by carol's twin")
	pull(t, f.ann, f.carol)
	pull(t, f.twin, second)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	was := f.ann.UUID()
	var fork *replica.ForkError
	if _, err := psync.Pull(context.Background(), f.ann, f.twin, psync.Options{}); !errors.As(err, &fork) || fork.ID.Origin != f.carol.UUID() || f.ann.UUID() == was {
		t.Errorf("%v; ann was %s and is %s", err, was, f.ann.UUID())
	}
	f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol, second)
}

func TestOneWhoTookUpAMadeUpNameCanBePulledFrom(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	mallory := forger(t, f.ann)
	forge(t, mallory, changeset.ID{Origin: changeset.MovedOrigin(changesetAt(t, f.ann, 2)), Seq: 2})
	pull(t, f.carol, mallory)
	f.edit(f.carol, "by carol")
	f.meet([]string{"by ann", "by carol"}, f.carol, f.ann, f.dave)
	f.edit(f.twin, "by the twin")
	f.meet([]string{"by ann", "by carol", "by the twin"}, f.carol, f.ann, f.dave, f.twin)
}

func TestASourceThatForksOneNumberAfterAnotherIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	f := newFamily(t)
	for range 12 {
		f.edit(f.ann, "by ann")
		f.edit(f.ann, "by ann, later")
	}
	mallory, origin := forger(t, f.ann), f.ann.UUID()
	for seq := uint32(2); seq < 20; seq++ {
		forge(t, mallory, changeset.ID{Origin: origin, Seq: seq})
		c := under(changesetAt(t, f.ann, seq), origin)
		origin = changeset.MovedOrigin(c)
		c.Changes[0].Parents = []changeset.ID{}
		put(t, mallory, under(c, origin))
	}
	before := identity(t, f.ann.FS())
	_, err := psync.Pull(context.Background(), f.ann, mallory, psync.Options{})
	if !errors.As(err, new(*psync.ForgedError)) {
		t.Error(err)
	}
	if after := identity(t, f.ann.FS()); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
	f.edit(f.twin, "by the twin")
	f.meet([]string{"by ann, later", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
}

func TestAMovedLogWhoseLaterEditsAreOthersHidesNothing(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "first")
	f.edit(f.ann, "by ann")
	pull(t, f.carol, f.ann)
	mallory := forger(t, f.ann)
	c := changesetAt(t, f.ann, 2)
	name := changeset.MovedOrigin(c)
	c.Changes[0].Parents = []changeset.ID{}
	put(t, mallory, under(c, name))
	forge(t, mallory, changeset.ID{Origin: name, Seq: 3})
	f.fork(f.carol, mallory)
	pull(t, f.ann, mallory)
	if got := f.values(f.ann); len(got) != 1 || got[0] != "by ann" {
		t.Errorf("ann has %v", got)
	}
	f.edit(f.twin, "by the twin")
	f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol, f.dave)
}

func TestPeersThatEachClaimNumbersOfOursLoseUsNothing(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	pull(t, f.dave, f.ann)
	var forgers []*replica.Replica
	for i := range 3 {
		mallory := forger(t, f.ann)
		for _, seq := range []uint32{2, 3, 4, 9, 1<<32 - 1} {
			id := changeset.ID{Origin: f.ann.UUID(), Seq: seq}
			c := madeUp(id)
			c.Creator = changeset.Text(string(rune('a' + i)))
			put(t, mallory, c)
		}
		forgers = append(forgers, mallory)
	}
	for _, mallory := range forgers {
		_, err := psync.Pull(context.Background(), f.ann, mallory, psync.Options{})
		var fork *replica.ForkError
		if err != nil && !errors.As(err, &fork) {
			t.Error(err)
		}
		f.edit(f.ann, "by ann")
		f.edit(f.ann, "by ann, later")
		sound(t, f.ann.FS(), "ann")
	}
	f.meet([]string{"by ann, later"}, f.ann, f.carol)
}

func TestAListOfFormerUUIDsThatLiesTakesNothingFromUs(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.carol, "by carol")
	pull(t, f.dave, f.carol)
	for what, text := range map[string]string{
		"of others": f.ann.UUID().String() + "\n" + f.carol.UUID().String() + "\n",
		"no UUIDs":  "all of them",
		"endless":   strings.Repeat(uuid.Nil.String()+"\n", 1<<21),
	} {
		mallory := reopen(t, copyTree(t, f.dave.FS()), "mallory")
		forge(t, mallory, changeset.ID{Origin: f.ann.UUID(), Seq: mallory.Latest() + 1})
		if err := afero.WriteFile(mallory.FS(), "prophet/former-uuids", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		to := reopen(t, copyTree(t, f.ann.FS()), "ann")
		before := identity(t, to.FS())
		_, err := psync.Pull(context.Background(), to, reopen(t, mallory.FS(), "mallory"), psync.Options{})
		if after := identity(t, to.FS()); err != nil && after != before {
			t.Errorf("%s: %v, after:\n%s\nbefore:\n%s", what, err, after, before)
		}
		if t.Log(what, err); (err == nil) != (what == "of others") {
			t.Errorf("%s: %v", what, err)
		}
		sound(t, to.FS(), "ann")
		f.meet([]string{"by ann", "by carol"}, to, reopen(t, copyTree(t, f.carol.FS()), "carol"))
	}
}
