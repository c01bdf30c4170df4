package replica_test

import (
	"testing"

	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

func TestLinesOnConflictsNameTheOpenProperties(t *testing.T) {
	r, fsys := newReplica(t)
	props := func(value string) map[string]string {
		return map[string]string{"-": value, "a b": value, "a+b%": value, "ä": value}
	}
	rec := rivalsOf(t, r, "Ticket", props("1"), props("2"), props("9"))
	decide := func(prop string) {
		t.Helper()
		replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{prop: "3"}) })
	}
	decide("ä")
	decide("a b")
	decide("-")
	decide("a+b%")
	got := conflictLines(t, fsys, rec)
	want := "4 + REC %2D a+b a%2Bb%25 %C3%A4\n6 + REC %2D a+b a%2Bb%25\n7 + REC %2D a%2Bb%25\n8 + REC a%2Bb%25\n9 - REC\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	sound(t, fsys)
}

func TestALineWithoutNamesStandsForAnyProperty(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"n": "1"}, map[string]string{"n": "2"}, map[string]string{"n": "9"})
	asOlder(t, fsys, " n\n", "\n")
	sound(t, fsys)
	setRule(t, r, "Ticket", "n", resolution.RuleMax)
	if got := propsOf(t, r, rec)["n"]; got != "9" {
		t.Errorf("got %s", got)
	}
	sound(t, fsys)
}

func TestALineThatNamesOtherPropertiesIsDamage(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"n": "1"}, map[string]string{"n": "2"}, map[string]string{"n": "9"})
	asOlder(t, fsys, " n\n", " m\n")
	want := "prophet/conflicts: " + rec.String() + " is noted as in conflict over m, but it is in conflict over n\n"
	if got := problems(t, fsys); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestTheNotesOnConflictsAreMadeAnewWithNames(t *testing.T) {
	r, fsys := newReplica(t)
	one := func(value string) map[string]string { return map[string]string{"n": value} }
	rec := rivalsOf(t, r, "Ticket", one("1"), one("2"), one("9"))
	for _, file := range []string{"prophet/rows", "prophet/conflicts"} {
		if err := fsys.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	grow(t, r, 1)
	if got, want := conflictLines(t, fsys, rec), "5 + REC n\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	sound(t, fsys)
}
