package sync_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// user is one who uses the original.
type user struct {
	t *testing.T
	*v1peer.Peer
}

// plain is what a user of the original reads of a replica.
func plain(t *testing.T, r *replica.Replica) afero.Fs {
	t.Helper()
	fsys, err := replicatest.Unpacked(r.FS().(*crashfs.FS))
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// original lets a user of the original clone ann's replica.
func (f *family) original() user {
	f.t.Helper()
	erin, err := v1peer.Clone(afero.NewMemMapFs(), plain(f.t, f.ann), v1peer.Options{Creator: "erin@example.com"})
	if err != nil {
		f.t.Fatal(err)
	}
	return user{f.t, erin}
}

func (u user) pull(from *replica.Replica) {
	u.t.Helper()
	if _, err := u.Pull(plain(u.t, from), v1peer.To); err != nil {
		u.t.Fatal(err)
	}
}

// log opens the log as another program finds it.
func (u user) log() *replica.Replica {
	return replicatest.Open(u.t, u.FS(), replica.Options{Where: "erin"})
}

// gossip lets all pull from the user and from each other, until nothing comes any more. None of these pulls may fail.
func (u user) gossip(rs ...*replica.Replica) {
	u.t.Helper()
	sources := append(slices.Clone(rs), u.log())
	if err := replicatest.Gossip(rs, sources, func(to, from *replica.Replica) (bool, error) {
		report, err := psync.Pull(context.Background(), to, reopen(u.t, from.FS(), from.Where()), psync.Options{})
		return err == nil && replicatest.News(report), err
	}); err != nil {
		u.t.Fatal(err)
	}
	replicatest.Alike(u.t, "when all have met", rs...)
}

func TestAUserOfTheOriginalWhoPulledFromTwoCopiesStopsNobody(t *testing.T) {
	f := newFamily(t)
	erin := f.original()
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	erin.pull(f.twin) // the second changeset of both is the twin's for erin,
	f.edit(f.ann, "by ann again")
	f.edit(f.twin, "by the twin again")
	erin.pull(f.ann) // and the third is ann's
	pull(t, f.twin, f.ann)
	erin.pull(f.twin)
	erin.gossip(f.twin, f.ann, f.carol, f.dave)
	for _, r := range []*replica.Replica{f.ann, f.carol} {
		if got := f.values(r); !slices.Contains(got, "by ann again") || !slices.Contains(got, "by the twin again") {
			t.Errorf("%s has %v for the status", r.Where(), got)
		}
	}
}

func TestACopyAndABackupThatMeetAtAUserOfTheOriginalStopNobody(t *testing.T) {
	f := newFamily(t)
	erin := f.original()
	other := newTicket(t, f.ann)
	remove := func() {
		replicatest.Edit(t, f.ann, func(e *replica.Edit) error { return e.Delete(other) })
	}
	f.edit(f.twin, "by the twin")
	f.edit(f.twin, "by the twin again")
	backup := copyTree(t, f.ann.FS())
	remove()
	erin.pull(f.ann)
	f.ann = reopen(t, backup, "ann")
	f.edit(f.ann, "by ann")
	remove()
	pull(t, f.ann, f.twin)
	erin.pull(f.twin)
	erin.pull(f.ann)
	erin.gossip(f.carol, f.twin, f.ann, f.dave)
}

// unheard is a log of the original with the twin's edit, of which nobody else has heard. Both readers have ann's in its place.
func unheard(t *testing.T) (*family, user) {
	f := newFamily(t)
	erin := f.original()
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	erin.pull(f.twin)
	pull(t, f.carol, f.ann)
	pull(t, f.dave, f.ann)
	return f, erin
}

// Dave has an edit of the twin's under both its names, and after it other edits under each.
func TestWhatIsUnderBothNamesWithOtherEditsAfterItIsTakenApart(t *testing.T) {
	f := newFamily(t)
	erin := f.original()
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.twin)
	f.edit(f.twin, "by the twin again")
	f.edit(f.ann, "by ann again")
	pull(t, f.twin, f.ann)
	pull(t, f.ann, f.twin)
	erin.pull(f.carol)
	erin.pull(f.ann)
	pull(t, f.dave, erin.log())
	pull(t, f.dave, f.ann)
	erin.gossip(f.dave, f.ann, f.twin, f.carol)
}

func TestTwoReadersOfALogOfTheOriginalGiveAnEditTheNameThatItsMakerGivesIt(t *testing.T) {
	f, erin := unheard(t)
	var warned []string
	warn := psync.Options{Warn: func(text string) { warned = append(warned, text) }}
	if _, err := psync.Pull(t.Context(), f.carol, erin.log(), warn); err != nil {
		t.Fatal(err)
	}
	pull(t, f.dave, erin.log())
	named := changesetAt(t, f.twin, 2)
	named.ID.Origin = changeset.MovedOrigin(named)
	for _, r := range []*replica.Replica{f.carol, f.dave} {
		if _, known, err := r.Lookup(named.ID); err != nil || !known {
			t.Errorf("%s does not know the twin's edit as %s (%v)", r.Where(), named.ID, err)
		}
	}
	if len(warned) != 1 || !strings.Contains(warned[0], named.ID.Origin.String()) {
		t.Errorf("warned of %q", warned)
	}
	if report := pull(t, f.carol, erin.log()); replicatest.News(report) {
		t.Errorf("a second pull brought %+v", report)
	}
	f.meet([]string{"by ann", "by the twin"}, f.carol, f.dave, f.twin, f.ann)
	if f.twin.UUID() != named.ID.Origin {
		t.Errorf("the twin is %s, want %s", f.twin.UUID(), named.ID.Origin)
	}
	if events, err := f.ann.History(f.ticket); err != nil || len(slices.DeleteFunc(events, func(e replica.Event) bool { return e.Changeset.Bookkeeping() })) != 3 {
		t.Errorf("the ticket has %d changes (%v), want each once", len(events), err)
	}
}

// Erin has ann's edit under the name that it had and under the one that it has now.
func TestAnEditThatALogOfTheOriginalHasUnderBothNamesIsOne(t *testing.T) {
	f := newFamily(t)
	erin, finn := f.original(), f.original()
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	erin.pull(f.ann)
	finn.pull(f.twin)
	pull(t, f.carol, finn.log())
	pull(t, f.ann, f.twin)
	erin.pull(f.ann)
	pull(t, f.carol, erin.log())
	if _, known, err := f.carol.Lookup(changeset.ID{Origin: f.ann.UUID(), Seq: 2}); err != nil || !known {
		t.Errorf("carol does not know ann's edit by the name that ann gave it (%v)", err)
	}
	if got, want := f.values(f.carol), []string{"by ann", "by the twin"}; !slices.Equal(got, want) {
		t.Errorf("carol has %v, want %v", got, want)
	}
	erin.gossip(f.carol, f.ann, f.twin, f.dave)
}

// An edit of one who uses the original, made on top of one that has another name here.
func TestWhatAUserOfTheOriginalHadSeenIsReadUnderTheNamesThatItHasHere(t *testing.T) {
	f, erin := unheard(t)
	pull(t, f.carol, erin.log())
	if err := erin.Update(f.ticket, map[string]string{"status": "by erin"}); err != nil {
		t.Fatal(err)
	}
	pull(t, f.carol, erin.log()) // which begins below the edit of the twin
	if got, want := f.values(f.carol), []string{"by ann", "by erin"}; !slices.Equal(got, want) {
		t.Errorf("carol has %v, want %v", got, want)
	}
}

func TestANumberThatAUserOfTheOriginalHasIsNotGivenAgain(t *testing.T) {
	f, erin := unheard(t)
	pull(t, f.twin, f.carol)
	pull(t, f.ann, f.twin) // so the twin's edit has another name here than there
	backup := copyTree(t, f.ann.FS())
	f.edit(f.ann, "by ann, and lost")
	erin.pull(f.ann)
	f.ann = reopen(t, backup, "ann")
	was := f.ann.UUID()
	pull(t, f.ann, erin.log())
	if f.ann.UUID() == was {
		t.Error("ann would give a number again that the log of erin has")
	}
	f.edit(f.ann, "by ann anew")
	erin.gossip(f.ann, f.carol, f.twin, f.dave)
}

// By its old name the edit counted as one that had seen ann's. A move tells that it had not.
func TestAConflictThatComesUpBecauseAnEditGotAnotherNameIsListedAndDecided(t *testing.T) {
	for _, prefer := range []psync.Prefer{psync.PreferNone, psync.PreferTo} {
		f := newFamily(t)
		erin := f.original()
		f.edit(f.ann, "by ann")
		erin.pull(f.ann)
		replicatest.Edit(t, f.carol, func(e *replica.Edit) error { return e.Update(f.ticket, map[string]string{"owner": "carol"}) })
		pull(t, f.twin, f.carol)
		f.edit(f.twin, "by the twin")
		erin.pull(f.twin)
		pull(t, f.dave, erin.log())
		if got := f.values(f.dave); !slices.Equal(got, []string{"by the twin"}) {
			t.Fatalf("dave has %v", got)
		}
		f.edit(f.ann, "by ann again")
		pull(t, f.twin, f.ann)
		erin.pull(f.twin)
		report, err := psync.Pull(t.Context(), f.dave, erin.log(), psync.Options{Prefer: prefer})
		if err != nil || len(report.Moved) == 0 {
			t.Fatalf("%+v, %v; want a move", report, err)
		}
		open := f.values(f.dave)
		if listed := len(report.Opened) == 1 && report.Opened[0].Prop == "status"; listed != (prefer == psync.PreferNone) || listed != (len(open) == 2) {
			t.Errorf("prefer %q: dave has %v, listed are %v", prefer, open, report.Opened)
		}
		if prefer == psync.PreferTo && (len(report.Decided) != 1 || open[0] != "by the twin") {
			t.Errorf("dave has %v, decided is %v", open, report.Decided)
		}
	}
}

// What the twin deleted comes to ann through the original, without what the twin had seen, and there by chance into the row of its number. It has not seen
// what stands above it there.
func TestWhatACopyMadeIsNotTakenForOurOwnInTheRowOfItsNumber(t *testing.T) {
	f := newFamily(t)
	erin := f.original()
	write := func(value string, ago time.Duration) {
		p, err := v1peer.Open(erin.FS(), v1peer.Options{Creator: "erin@example.com", Now: func() time.Time { return time.Now().Add(-ago) }})
		if err == nil {
			err = p.Update(f.ticket, map[string]string{"status": value})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("new", time.Hour) // as it is: the twin's edit names that as the old value
	f.edit(f.twin, "by the twin")
	erin.pull(f.twin)
	pull(t, f.twin, erin.log()) // which logs a nullification and a resolution too
	replicatest.Edit(t, f.twin, func(e *replica.Edit) error { return e.Delete(f.ticket) })
	write("by erin", 0)
	write("by erin again", 0)
	erin.pull(f.twin)
	pull(t, f.ann, erin.log())
	if seq, _, err := f.ann.Lookup(changeset.ID{Origin: f.twin.UUID(), Seq: f.twin.Latest()}); err != nil || seq != f.twin.Latest() {
		t.Fatalf("the deletion stands in row %d (%v), want %d, as where it was made", seq, err, f.twin.Latest())
	}
	erin.gossip(f.ann, f.twin, f.carol, f.dave)
	if result, err := f.ann.Merged(f.ticket); err != nil || result.Existence == nil {
		t.Errorf("%+v, %v; want a ticket that is deleted and edited", result, err)
	}
}
