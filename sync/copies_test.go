package sync_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// family is a replica, a copy of it that was made with cp -r, and two who cloned it before. All have one ticket.
type family struct {
	t                      *testing.T
	ann, twin, carol, dave *replica.Replica
	ticket                 changeset.RecordID
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{t: t, ann: newReplica(t, crashfs.New(), "ann")}
	f.ticket = newTicket(t, f.ann)
	f.carol, f.dave = f.clone("carol"), f.clone("dave")
	f.twin = reopen(t, copyTree(t, f.ann.FS()), "twin")
	return f
}

func (f *family) clone(who string) *replica.Replica {
	f.t.Helper()
	r, _, err := psync.Clone(context.Background(), crashfs.New(), f.ann, replica.Options{Where: who, Creator: who + "@example.com"}, psync.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// edit writes a property of the ticket.
func (f *family) edit(r *replica.Replica, value string) {
	f.t.Helper()
	update(f.t, r, f.ticket, "status", value)
}

// fork expects that a pull is stopped by a fork and changes nothing.
func (f *family) fork(to, from *replica.Replica) {
	f.t.Helper()
	before := identity(f.t, to.FS())
	_, err := psync.Pull(context.Background(), to, from, psync.Options{})
	var fork *replica.ForkError
	if !errors.As(err, &fork) || fork.There != from.Where() || fork.Here != to.Where() || !strings.Contains(err.Error(), fork.ID.String()) {
		f.t.Fatalf("%s pulls from %s: %v, want a fork", to.Where(), from.Where(), err)
	}
	if after := identity(f.t, to.FS()); after != before {
		f.t.Errorf("the pull that failed left\n%s\nbefore it was\n%s", after, before)
	}
}

// meet lets all pull from all until nothing comes any more, and checks that they show the same: these rivals for the status, or this value.
func (f *family) meet(want []string, rs ...*replica.Replica) {
	f.t.Helper()
	replicatest.Meet(f.t, rs...)
	for _, r := range rs {
		if got := f.values(r); !slices.Equal(got, want) {
			f.t.Errorf("%s has %v for the status, want %v", r.Where(), got, want)
		}
	}
}

// values are the rivals for the status, or its value.
func (f *family) values(r *replica.Replica) []string {
	result, err := r.Merged(f.ticket)
	if err != nil {
		f.t.Fatal(err)
	}
	c := result.Conflict("status")
	if c == nil {
		return []string{result.Props["status"]}
	}
	var values []string
	for _, rival := range c.Rivals {
		values = append(values, rival.Value)
	}
	slices.Sort(values)
	return values
}

func TestTwinsThatMeetDirectlyAreTakenApart(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	f.edit(f.twin, "by the twin again")
	was := f.ann.UUID()
	report := pull(t, f.twin, f.ann)
	if len(report.Moved) != 1 || report.Moved[0] != (psync.Moved{From: was, To: f.twin.UUID(), Changesets: 2}) || report.Integrated != 1 {
		t.Errorf("report %+v", report)
	}
	if f.twin.UUID() == was || f.twin.Resolutions().UUID() == f.ann.Resolutions().UUID() {
		t.Error("the twin has a UUID still that is ann's too")
	}
	f.meet([]string{"by ann", "by the twin again"}, f.ann, f.twin, f.carol, f.dave)
	if f.ann.UUID() != was {
		t.Error("ann, who had nothing to move, has another UUID")
	}
}

func TestAPushTakesTheOtherSideApart(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	was := f.ann.UUID()
	pull(t, f.ann, f.twin) // by the twin's push
	if f.ann.UUID() == was || f.twin.UUID() != was {
		t.Errorf("ann is %s, the twin %s; both were %s", f.ann.UUID(), f.twin.UUID(), was)
	}
	f.meet([]string{"by ann", "by the twin"}, f.ann, f.twin, f.carol)
}

func TestBothOwnersMendApartThroughOthers(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.ann)
	pull(t, f.dave, f.twin)
	f.fork(f.dave, f.carol)
	pull(t, f.twin, f.carol)
	pull(t, f.ann, f.dave)
	if f.ann.UUID() == f.twin.UUID() {
		t.Error("both have one UUID still")
	}
	f.meet([]string{"by ann", "by the twin"}, f.carol, f.dave, f.ann, f.twin)
}

// builtOnTheTwin returns a family in which ann and her twin edited apart, carol built on the twin's edit, and then the twin moved its side.
func builtOnTheTwin(t *testing.T) *family {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.twin)
	f.edit(f.carol, "on top of the twin's")
	pull(t, f.twin, f.ann)
	return f
}

func TestAnEditOnTopOfOneSideHasSeenThatSideOnly(t *testing.T) {
	f := builtOnTheTwin(t)
	pull(t, f.dave, f.twin)  // has both sides, mended
	pull(t, f.dave, f.carol) // who was not there when that was done
	if got := f.values(f.dave); !slices.Equal(got, []string{"by ann", "on top of the twin's"}) {
		t.Errorf("dave has %v: the edit on top hides what it has not seen, or not what it has", got)
	}
	f.edit(f.carol, "on top of that")
	pull(t, f.dave, f.carol) // in a pull of its own, which does not read the edits below again
	if got := f.values(f.dave); !slices.Equal(got, []string{"by ann", "on top of that"}) {
		t.Errorf("dave has %v", got)
	}
	f.meet([]string{"by ann", "on top of that"}, f.ann, f.twin, f.carol, f.dave)
}

func TestWhoHasOneSideLearnsFromAMendedLogWhatItIsCalled(t *testing.T) {
	f := builtOnTheTwin(t)
	was := f.carol.UUID()
	report := pull(t, f.carol, f.twin)
	if f.carol.UUID() == was || len(report.Moved) == 0 || report.Moved[0].To != f.twin.UUID() || report.Moved[0].Changesets != 1 {
		t.Errorf("carol is %s, was %s: %+v", f.carol.UUID(), was, report.Moved)
	}
	f.meet([]string{"by ann", "on top of the twin's"}, f.carol, f.ann, f.dave, f.twin)
}

func TestAThirdPartyMendsForADeadTwin(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.ann)
	pull(t, f.dave, f.twin)
	f.fork(f.carol, f.dave)
	moved, err := psync.Reidentify(context.Background(), f.dave, f.carol, psync.Options{})
	if err != nil || len(moved) != 2 || moved[0].Changesets != 1 {
		t.Fatalf("moved %+v, %v", moved, err)
	}
	f.meet([]string{"by ann", "by the twin"}, f.ann, f.carol, f.dave)
	pull(t, f.twin, f.carol) // it lives, after all
	if f.twin.UUID() != moved[0].To {
		t.Errorf("the twin is %s, its edits are known under %s", f.twin.UUID(), moved[0].To)
	}
	f.edit(f.twin, "decided")
	f.meet([]string{"decided"}, f.ann, f.carol, f.dave, f.twin)
}

func TestThreeCopiesOfOne(t *testing.T) { threeCopies(t) }

// TestThreeCopiesOfOneWithParts moves changesets that parts have under the name that they had.
func TestThreeCopiesOfOneWithParts(t *testing.T) {
	replicatest.WithParts(t)
	threeCopies(t)
}

func threeCopies(t *testing.T) {
	f := newFamily(t)
	third := reopen(t, copyTree(t, f.twin.FS()), "third")
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	f.edit(third, "by the third")
	pull(t, f.carol, third)
	f.meet([]string{"by ann", "by the third", "by the twin"}, f.ann, f.twin, third, f.carol, f.dave)
	if f.ann.UUID() == f.twin.UUID() || f.twin.UUID() == third.UUID() || third.UUID() == f.ann.UUID() {
		t.Error("two have one UUID still")
	}
}

func TestAnEarlierStateOfOursCostsNoIdentity(t *testing.T) {
	f := newFamily(t)
	f.edit(f.carol, "by carol")
	f.edit(f.ann, "by ann")
	backup := reopen(t, copyTree(t, f.ann.FS()), "backup")
	pull(t, f.ann, f.carol)
	mirror, export := crashfs.New(), crashfs.New()
	if _, err := psync.Publish(context.Background(), f.ann, mirror, psync.PublishOptions{Flat: true, NoPacks: true}); err != nil {
		t.Fatal(err)
	}
	if err := psync.Export(context.Background(), f.ann, export, nil); err != nil {
		t.Fatal(err)
	}
	f.edit(f.ann, "by ann again")
	before := identity(t, f.ann.FS())
	for _, from := range []*replica.Replica{backup, reopen(t, mirror, "mirror"), reopen(t, export, "export")} {
		if report := pull(t, f.ann, from); report.Integrated != 0 || len(report.Moved) > 0 {
			t.Errorf("from the %s: %+v", from.Where(), report)
		}
	}
	if after := identity(t, f.ann.FS()); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
}

func TestEditsMadeBeforeTheFirstContactAfterARestoreAreKept(t *testing.T) {
	f := newFamily(t)
	f.edit(f.carol, "by carol")
	backup := copyTree(t, f.ann.FS())
	pull(t, f.ann, f.carol) // the backup is older than a pull
	f.edit(f.ann, "lost")
	pull(t, f.carol, f.ann)
	f.ann = reopen(t, backup, "ann")
	f.edit(f.ann, "made before the first contact")
	f.edit(f.ann, "and more")
	var warned []string
	from := reopen(t, f.carol.FS(), "carol")
	report, err := psync.Pull(context.Background(), f.ann, from, psync.Options{Warn: func(s string) { warned = append(warned, s) }})
	if err != nil || report.Integrated != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if len(warned) == 0 || !strings.Contains(warned[0], "ann was copied or restored from a backup: carol has ") && !strings.Contains(warned[0], "carol knows changesets of ann that it has lost") {
		t.Errorf("warned %q", warned)
	}
	f.meet([]string{"and more", "lost"}, f.ann, f.carol, f.dave)
}

func TestVotesOfBothSidesCount(t *testing.T) {
	f := newFamily(t)
	f.edit(f.carol, "by carol")
	pull(t, f.dave, f.carol)
	for _, r := range []*replica.Replica{f.ann, f.twin} {
		f.edit(r, "by "+r.Where())
		pull(t, r, f.carol)
		f.edit(r, "decided by "+r.Where()) // which is a vote too
	}
	voter := f.ann.Resolutions().UUID()
	f.meet([]string{"decided by ann", "decided by twin"}, f.ann, f.twin, f.carol, f.dave)
	if f.ann.Resolutions().UUID() == f.twin.Resolutions().UUID() {
		t.Error("both vote under one UUID still")
	}
	now := f.ann.Resolutions().UUID()
	if now == voter {
		now = f.twin.Resolutions().UUID()
	}
	types, err := f.dave.Resolutions().Types()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, typ := range types {
		for rec, err := range f.dave.Resolutions().Records(typ) {
			if err == nil && rec.UUID == now {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("what the one that was moved had decided is not cast under its new UUID")
	}
}

func TestADryRunTellsOfAMoveAndWritesNothing(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	before := identity(t, f.twin.FS())
	report, err := psync.Pull(context.Background(), f.twin, f.ann, psync.Options{DryRun: true})
	if err != nil || len(report.Moved) != 1 || report.Moved[0].Changesets != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if after := identity(t, f.twin.FS()); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
}

func TestTwoCopiesThatHaveTheSameRowInTheSamePlaceAreToldApart(t *testing.T) {
	f := newFamily(t)
	newTicket(t, f.dave)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	for _, r := range []*replica.Replica{f.ann, f.twin} {
		if report := pull(t, r, f.dave); report.Latest != 3 {
			t.Fatalf("%s has %d rows", r.Where(), report.Latest)
		}
	}
	pull(t, f.carol, f.ann)
	f.fork(f.carol, f.twin)
}

func TestBookkeepingInTheWayMakesRoomAndMovesNoEdit(t *testing.T) {
	f := newFamily(t)
	f.edit(f.carol, "by carol")
	restored := reopen(t, copyTree(t, f.carol.FS()), "another twin") // of carol
	update(t, f.dave, f.ticket, "status", "by dave")
	pull(t, restored, f.dave) // which takes a nullification
	if n := restored.Latest(); n < 4 {
		t.Fatalf("%d rows", n)
	}
	f.edit(f.carol, "by carol again") // has the number of the nullification
	report := pull(t, restored, f.carol)
	if report.Integrated != 1 || len(report.Moved) == 0 || report.Moved[0].Changesets != 0 {
		t.Errorf("%+v", report)
	}
	sound(t, restored.FS(), "another twin")
	f.meet([]string{"by carol again", "by dave"}, f.carol, restored, f.dave)
}
