package sync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// lostRival returns a replica that lost a changeset, of which nothing is left, another one that has it, and the record: another value was written beside it, at ten, of which the first has learned since, and with more a third.
func lostRival(t *testing.T, hour int, more bool) (ann, whole *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	ann = replicatest.Init(t, crashfs.New(), at("ann", hour))
	rec = newTicket(t, ann)
	bob, carol := replicatest.Clone(t, ann, at("bob", 10)), replicatest.Clone(t, ann, at("carol", 11))
	update(t, bob, rec, "status", "of bob")
	update(t, carol, rec, "status", "of carol")
	update(t, ann, rec, "status", "of ann")
	whole = replicatest.Clone(t, ann, at("whole", 12))
	versions, err := ann.Log().Versions(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		if err := ann.FS().Remove(changeset.ObjectPath(changeset.RecordObjects, v.Key)); err != nil {
			t.Fatal(err)
		}
	}
	ann = lostFrom(t, ann, 2)
	pull(t, ann, bob)
	if more {
		pull(t, ann, carol)
	}
	return ann, whole, rec
}

// TestAPullTellsOfTheConflictsThatComeBackWithWhatWasLost: as of any that it opens, or puts a new rival to.
func TestAPullTellsOfTheConflictsThatComeBackWithWhatWasLost(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for i := range 4 {
		hour, more := []int{9, 14}[i/2], i%2 == 1
		t.Run(fmt.Sprint(hour, more), func(t *testing.T) {
			ann, whole, rec := lostRival(t, hour, more)
			before, _, err := ann.Log().Props(rec)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			report, err := psync.Pull(t.Context(), ann, whole, psync.Options{Warn: func(s string) { said += s + "\n" }})
			if err != nil {
				t.Fatal(err)
			}
			if want := []psync.Opened{{Record: rec, Prop: "status", Before: more}}; report.Restored != 1 || !slices.Equal(report.Opened, want) {
				t.Errorf("%d came back, opened %v, want %v", report.Restored, report.Opened, want)
			}
			after, _, err := ann.Log().Props(rec)
			if err != nil {
				t.Fatal(err)
			}
			other := before["status"] != after["status"]
			if told := strings.Contains(said, "; 1 record shows something else than before\n"); told != other {
				t.Errorf("it showed %v, shows %v, and said %q", before, after, said)
			}
			if report, err = psync.Pull(t.Context(), ann, whole, psync.Options{}); err != nil || len(report.Opened)+report.Restored > 0 {
				t.Errorf("again: %+v, %v", report, err)
			}
		})
	}
}

// TestAPullThatPrefersASideDecidesWhatComesBackWithWhatWasLost: for what came back, or for what was shown before.
func TestAPullThatPrefersASideDecidesWhatComesBackWithWhatWasLost(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for prefer, want := range map[psync.Prefer]string{psync.PreferFrom: "of ann", psync.PreferTo: "of bob"} {
		t.Run(string(prefer), func(t *testing.T) {
			ann, whole, rec := lostRival(t, 14, false)
			report, err := psync.Pull(t.Context(), ann, whole, psync.Options{Prefer: prefer})
			if err != nil {
				t.Fatal(err)
			}
			props, _, err := ann.Log().Props(rec)
			if err != nil || props["status"] != want || len(report.Opened) > 0 || len(report.Decided) != 1 {
				t.Errorf("%v, %+v, %v", props, report, err)
			}
			replicatest.Faultless(t, ann.FS(), "afterwards")
		})
	}
}
