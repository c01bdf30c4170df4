package replica_test

import (
	"testing"

	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

func TestAStaleValueInAReplicaOfOursIsNotDecidedFor(t *testing.T) {
	r, fsys := newReplica(t)
	one := func(value string) map[string]string { return map[string]string{"n": value} }
	rec := rivalsOf(t, r, "Ticket", one("10"), one("5"), one("11"))
	if err := fsys.Remove("prophet/conflicts"); err != nil { // so that the rule is not applied to what is in conflict
		t.Fatal(err)
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.SetRule("Ticket", "n", resolution.RuleSum) })
	if err := fsys.Remove("prophet/rows"); err != nil {
		t.Fatal(err)
	}
	votes := r.Resolutions().Latest()
	if err := r.Update(t.Context(), func(*replica.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	result, err := r.Merged(rec)
	if err != nil || result.Conflict("n") == nil || r.Resolutions().Latest() != votes {
		t.Errorf("%+v (%v), and %d votes more", result, err, r.Resolutions().Latest()-votes)
	}
	if props, _, err := r.Log().Props(rec); err != nil || props["n"] != result.Props["n"] {
		t.Errorf("n is %q (%v), want %q", props["n"], err, result.Props["n"])
	}
	sound(t, fsys)
}
