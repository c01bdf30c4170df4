package sync_test

import (
	"fmt"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// quarrel has three replicas, of which ann has a conflict with bob, and carol has another rival for her. What is in conflict is the status of a ticket
// or, with deleting, whether it lives.
func quarrel(t *testing.T, deleting bool) (ann, bob, carol *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	ann = replicatest.Init(t, crashfs.New(), at("ann", 9))
	rec = newTicket(t, ann)
	clone := func(who string, hour int) *replica.Replica {
		r := replicatest.Clone(t, ann, at(who, hour))
		return r
	}
	bob, carol = clone("bob", 10), clone("carol", 11)
	update(t, ann, rec, "status", "open")
	for _, r := range []*replica.Replica{bob, carol} {
		if deleting {
			remove(t, r, rec)
		} else {
			update(t, r, rec, "status", "by "+r.Where())
		}
	}
	return ann, bob, carol, rec
}

func remove(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rec) })
}

func TestAPullTellsOfANewRivalInAConflictThatWasOpen(t *testing.T) {
	for _, deleting := range []bool{false, true} {
		t.Run(fmt.Sprint(deleting), func(t *testing.T) {
			ann, bob, carol, rec := quarrel(t, deleting)
			prop := "status"
			if deleting {
				prop = ""
			}
			for _, step := range []struct {
				from *replica.Replica
				want []psync.Opened
			}{
				{bob, []psync.Opened{{Record: rec, Prop: prop}}},
				{carol, []psync.Opened{{Record: rec, Prop: prop, Before: true}}},
				{carol, nil},
				{bob, nil},
			} {
				dry, err := psync.Pull(t.Context(), ann, step.from, psync.Options{DryRun: true})
				if err != nil || fmt.Sprint(dry.Opened) != fmt.Sprint(step.want) {
					t.Errorf("a dry run from %s: %v (%v), want %v", step.from.Where(), dry.Opened, err, step.want)
				}
				if got := pull(t, ann, step.from).Opened; fmt.Sprint(got) != fmt.Sprint(step.want) {
					t.Errorf("from %s: %v, want %v", step.from.Where(), got, step.want)
				}
			}
		})
	}
}

func TestAnEditOfAnotherPropertyIsNoNewRival(t *testing.T) {
	ann, bob, _, rec := quarrel(t, false)
	pull(t, ann, bob)
	update(t, bob, rec, "owner", "bob")
	if got := pull(t, ann, bob).Opened; got != nil {
		t.Errorf("got %v", got)
	}
}

func TestWhatComesInOneTransactionAfterAnotherIsOpenedOnce(t *testing.T) {
	psync.SmallBatches(t, 1, 1)
	ann, bob, carol, rec := quarrel(t, false)
	pull(t, carol, bob)
	got := pull(t, ann, carol).Opened
	if len(got) != 1 || got[0] != (psync.Opened{Record: rec, Prop: "status"}) {
		t.Errorf("got %v: it was not open before the pull", got)
	}
}

func TestAPullThatPrefersASideDecidesAlsoWhatGetsANewRival(t *testing.T) {
	for _, tt := range []struct {
		prefer   psync.Prefer
		deleting bool
		want     string
	}{
		{psync.PreferTo, false, "by bob"}, // which held for now
		{psync.PreferFrom, false, "by carol"},
		{psync.PreferTo, true, "open"},
		{psync.PreferFrom, true, ""},
	} {
		t.Run(fmt.Sprint(tt.prefer, tt.deleting), func(t *testing.T) {
			ann, bob, carol, rec := quarrel(t, tt.deleting)
			pull(t, ann, bob)
			report, err := psync.Pull(t.Context(), ann, carol, psync.Options{Prefer: tt.prefer})
			if err != nil || len(report.Opened) > 0 || len(report.Decided) != 1 {
				t.Fatalf("opened %v, decided %v (%v)", report.Opened, report.Decided, err)
			}
			if props, _, err := ann.Log().Props(rec); err != nil || props["status"] != tt.want {
				t.Errorf("status is %q (%v), want %q", props["status"], err, tt.want)
			}
			sound(t, ann.FS(), "afterwards")
		})
	}
}

// Two agree; then comes the rule by which each of them counts, and in the same pull another rival.
func TestARivalThatComesWithTheRuleThatOpensTheConflictIsNoNewRivalInOne(t *testing.T) {
	tm := newTeam(t, "ann", "bob")
	for _, step := range []string{"ann n=11", "bob n=11", "bob pulls ann", "ann rule n sum", "ann n=13"} {
		tm.do(step)
	}
	report, err := psync.Pull(t.Context(), tm.rs["bob"], tm.rs["ann"], psync.Options{})
	if want := []psync.Opened{{Record: tm.rec, Prop: "n"}}; err != nil || fmt.Sprint(report.Opened) != fmt.Sprint(want) {
		t.Errorf("bob's pull opened %v (%v), want %v", report.Opened, err, want)
	}
}
