package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// rivals returns two replicas that edited the same records apart: mine wrote "mine", theirs first "old" and then "new".
func rivals(t *testing.T, records int) (mine, theirs *replica.Replica, recs []changeset.RecordID) {
	t.Helper()
	mine = replicatest.Init(t, crashfs.New(), replica.Options{Where: "mine", Creator: "ann@example.com"})
	for i := range records {
		replicatest.Edit(t, mine, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"n": fmt.Sprint(i), "status": "start"})
			recs = append(recs, rec)
			return err
		})
	}
	theirs = replicatest.Clone(t, mine, replica.Options{Where: "theirs", Creator: "bob@example.com"})
	for _, rec := range recs {
		update(t, theirs, rec, "status", "old")
		update(t, mine, rec, "status", "mine")
	}
	for _, rec := range recs {
		update(t, theirs, rec, "status", "new")
	}
	return mine, theirs, recs
}

func TestAPullThatPrefersASideDecidesForItAcrossBatches(t *testing.T) {
	for _, test := range []struct {
		prefer psync.Prefer
		want   string
	}{{psync.PreferFrom, "new"}, {psync.PreferTo, "mine"}} {
		for _, rows := range []int{1, 2, 1000} {
			t.Run(fmt.Sprint(test.prefer, rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				mine, theirs, recs := rivals(t, 3)
				report, err := psync.Pull(context.Background(), mine, theirs, psync.Options{Prefer: test.prefer})
				if err != nil {
					t.Fatal(err)
				}
				if len(report.Opened) > 0 || len(report.Decided) < len(recs) {
					t.Errorf("opened %v, decided %v", report.Opened, report.Decided)
				}
				for _, rec := range recs {
					if props, _, err := mine.Log().Props(rec); err != nil || props["status"] != test.want {
						t.Errorf("status is %q (%v), want %q", props["status"], err, test.want)
					}
				}
				sound(t, mine.FS(), "afterwards")
			})
		}
	}
}

func TestAPullThatPrefersWhatCannotBeWrittenSaysSoAndChangesNothing(t *testing.T) {
	for _, test := range []struct {
		prefer      psync.Prefer
		prop, value string
		want        string
	}{
		{psync.PreferFrom, "status", "\x00", "its value has a NUL character"},
		{psync.PreferFrom, "two\nlines", "a", "its name must not have line breaks"},
		{psync.PreferTo, "two\nlines", "a", "its name must not have line breaks"},
	} {
		mine, theirs, recs := rivals(t, 1)
		for i, r := range []*replica.Replica{mine, theirs} {
			put(t, r, &changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: fmt.Sprintf("2030-01-01 00:00:0%d", i), Changes: []changeset.Change{{
				Record: recs[0], Kind: changeset.Update, Parents: []changeset.ID{{Origin: mine.UUID(), Seq: 1}},
				Props: map[string]changeset.PropChange{test.prop: {New: changeset.TextOrNull(strings.Repeat(test.value, i+1))}},
			}}})
		}
		before := state(t, mine.FS())
		_, err := psync.Pull(t.Context(), mine, theirs, psync.Options{Prefer: test.prefer})
		var prefer *psync.PreferError
		if !errors.As(err, &prefer) || prefer.Record != recs[0] || !strings.Contains(err.Error(), test.want) {
			t.Errorf("prefer %s: %v", test.prefer, err)
		}
		if after := state(t, mine.FS()); after != before {
			t.Errorf("the pull that failed left %s, before it was %s", after, before)
		}
		pull(t, mine, theirs)
	}
}

func TestADryRunListsWhatThePullWouldOpen(t *testing.T) {
	mine, theirs, recs := rivals(t, 2)
	before := state(t, mine.FS())
	dry, err := psync.Pull(context.Background(), mine, theirs, psync.Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if after := state(t, mine.FS()); after != before {
		t.Errorf("the dry run left %s, before it was %s", after, before)
	}
	real := pull(t, mine, theirs)
	if fmt.Sprint(dry.Opened) != fmt.Sprint(real.Opened) || len(dry.Opened) != len(recs) || dry.Integrated != real.Integrated {
		t.Errorf("the dry run tells %+v, the pull %+v", *dry, *real)
	}
}

// TestTwoWhoEachPreferTheirOwnSideEndEqual lets both pull from what the other had before either pull, so that each decides for
// themselves without knowing of the other's decision; and then goes on as they were.
func TestTwoWhoEachPreferTheirOwnSideEndEqual(t *testing.T) {
	for _, prefer := range []psync.Prefer{psync.PreferTo, psync.PreferFrom} {
		for _, kind := range []string{"property", "existence", "both"} {
			t.Run(fmt.Sprint(prefer, " ", kind), func(t *testing.T) {
				ann, bob := apart(t, kind)
				annBefore, bobBefore := reopen(t, copyTree(t, ann.FS()), "ann"), reopen(t, copyTree(t, bob.FS()), "bob")
				for _, p := range [][2]*replica.Replica{{ann, bobBefore}, {bob, annBefore}, {ann, bob}, {bob, ann}, {ann, bob}} {
					report, err := psync.Pull(t.Context(), p[0], p[1], psync.Options{Prefer: prefer})
					if err != nil || len(report.Opened) > 0 {
						t.Fatalf("opened %v (%v)", report.Opened, err)
					}
				}
				wantSame(t, ann, bob)
				if report, err := psync.Pull(t.Context(), ann, bob, psync.Options{Prefer: prefer}); err != nil || report.Integrated > 0 || len(report.Decided) > 0 {
					t.Errorf("they go on for ever: %+v (%v)", report, err)
				}
				for _, r := range []*replica.Replica{ann, bob} {
					if open, err := r.Conflicts(); err != nil || len(open) > 0 {
						t.Errorf("%s: open: %v (%v)", r.Where(), open, err)
					}
					sound(t, r.FS(), r.Where())
				}
			})
		}
	}
}

// apart returns two replicas that are in conflict about a property, about the existence of a record, which bob deleted, or about both.
func apart(t *testing.T, kind string) (ann, bob *replica.Replica) {
	t.Helper()
	ann = replicatest.Init(t, crashfs.New(), at("ann", 9))
	one, two := newTicket(t, ann), newTicket(t, ann)
	bob = replicatest.Clone(t, ann, at("bob", 10))
	if kind != "existence" {
		update(t, ann, one, "status", "ann")
		update(t, bob, one, "status", "bob")
	}
	if kind != "property" {
		update(t, ann, two, "status", "ann")
		remove(t, bob, two)
	}
	return ann, bob
}

func TestAPullThatPrefersASideDecidesWhetherARecordLives(t *testing.T) {
	for _, tt := range []struct {
		prefer psync.Prefer
		into   string
		lives  bool
	}{
		{psync.PreferTo, "ann", true}, // ann edited, bob deleted
		{psync.PreferFrom, "ann", false},
		{psync.PreferTo, "bob", false},
		{psync.PreferFrom, "bob", true},
	} {
		t.Run(fmt.Sprint(tt.prefer, " ", tt.into), func(t *testing.T) {
			to, from := apart(t, "existence")
			if tt.into == "bob" {
				to, from = from, to
			}
			report, err := psync.Pull(t.Context(), to, from, psync.Options{Prefer: tt.prefer})
			if err != nil || len(report.Decided) != 1 || report.Decided[0].Prop != "" {
				t.Fatalf("decided %v (%v)", report.Decided, err)
			}
			if _, lives, err := to.Log().Props(report.Decided[0].Record); err != nil || lives != tt.lives {
				t.Errorf("it lives: %v (%v), want %v", lives, err, tt.lives)
			}
		})
	}
}

// fork makes two replicas of a database whose owners edit the status of a record apart, and lets the first one have the second one's edit.
func fork(t *testing.T, from *replica.Replica, rec changeset.RecordID) (bob *replica.Replica) {
	t.Helper()
	bob, carol := cloneOf(t, from, "bob"), cloneOf(t, from, "carol")
	update(t, bob, rec, "status", "bob's")
	update(t, carol, rec, "status", "carol's")
	update(t, bob, rec, "n", "1")
	pull(t, bob, carol)
	return bob
}

func cloneOf(t *testing.T, from *replica.Replica, name string) *replica.Replica {
	t.Helper()
	r := replicatest.Clone(t, from, at(name, 10))
	return r
}

func TestPreferToDecidesAConflictOfTwoOthersForWhatWasHeldBeforeThePull(t *testing.T) {
	for _, rows := range []int{1, 2, 1000} {
		psync.SmallBatches(t, rows, 1<<20)
		ann := replicatest.Init(t, crashfs.New(), at("ann", 8))
		rec := newTicket(t, ann)
		before, _, _ := ann.Log().Props(rec)
		bob := fork(t, ann, rec)
		if _, err := psync.Pull(context.Background(), ann, bob, psync.Options{Prefer: psync.PreferTo}); err != nil {
			t.Fatal(err)
		}
		if props, _, err := ann.Log().Props(rec); err != nil || props["status"] != before["status"] || props["n"] != "1" {
			t.Errorf("in batches of %d: %v (%v), want the status %q and n", rows, props, err, before["status"])
		}
	}
}

func TestPreferToLeavesAConflictOpenInARecordThatWasDeletedBeforeThePull(t *testing.T) {
	for _, rows := range []int{1, 2, 1000} {
		psync.SmallBatches(t, rows, 1<<20)
		ann := replicatest.Init(t, crashfs.New(), at("ann", 8))
		rec := newTicket(t, ann)
		replicatest.Edit(t, ann, func(e *replica.Edit) error { return e.Delete(rec) })
		dave := cloneOf(t, ann, "dave")
		replicatest.Edit(t, dave, func(e *replica.Edit) error { return e.Restore(rec, map[string]string{"status": "back"}) })
		report, err := psync.Pull(context.Background(), ann, fork(t, dave, rec), psync.Options{Prefer: psync.PreferTo})
		if err != nil {
			t.Fatal(err)
		}
		if props, _, err := ann.Log().Props(rec); err != nil || props["status"] == "" || len(report.Decided) > 0 || len(report.Opened) != 1 {
			t.Errorf("in batches of %d: %v (%v), decided %v, opened %v", rows, props, err, report.Decided, report.Opened)
		}
	}
}
