package replica_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// countedTwice makes a record on which two have counted n from 10 up to 11 apart, and an edit of something else that has seen both.
func countedTwice(t testing.TB, r *replica.Replica) changeset.RecordID {
	t.Helper()
	one := func(value string) map[string]string { return map[string]string{"n": value} }
	rec := rivalsOf(t, r, "Ticket", one("10"), one("11"), one("11"))
	update(t, r, rec, "other", "seen")
	return rec
}

func update(t testing.TB, r *replica.Replica, rec changeset.RecordID, prop, value string) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{prop: value}) })
}

// listed writes what is shown for n, what is in conflict, and what the three ways to ask for records in conflict say.
func listed(t *testing.T, r *replica.Replica, rec changeset.RecordID) string {
	t.Helper()
	state, err := r.State(rec)
	if err != nil {
		t.Fatal(err)
	}
	in, err := r.InConflict()
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.Conflicts()
	if err != nil {
		t.Fatal(err)
	}
	n := len(in)
	if len(all) != n || state.Open() != (n > 0) || state.Props["n"] != propsOf(t, r, rec)["n"] {
		t.Errorf("%d, %d records are in conflict, this one: %v, n=%s", n, len(all), state.Open(), state.Props["n"])
	}
	words := []string{propsOf(t, r, rec)["n"]}
	for _, c := range state.Conflicts {
		words = append(words, fmt.Sprint(c.Prop, "? ", len(c.Rivals), " by ", c.Why))
	}
	return strings.Join(words, " ")
}

func TestRivalsThatAgreeAreAConflictWhileTheRuleIsSum(t *testing.T) {
	r, fsys := newReplica(t)
	rec := countedTwice(t, r)
	for _, step := range []struct {
		rule resolution.Rule
		want string
	}{
		{resolution.RuleMax, "11"}, {resolution.RuleSum, "12 n? 2 by rule"}, {resolution.RuleAsk, "11"}, {resolution.RuleLatest, "11"}, {resolution.RuleSum, "12 n? 2 by rule"},
	} {
		setRule(t, r, "Ticket", "n", step.rule)
		if got := listed(t, r, rec); got != step.want {
			t.Errorf("by %s: %s, want %s", step.rule, got, step.want)
		}
		sound(t, fsys)
	}
	update(t, r, rec, "other", "again")
	update(t, r, rec, "n", "11")
	setRule(t, r, "Ticket", "n", resolution.RuleLatest)
	setRule(t, r, "Ticket", "n", resolution.RuleSum)
	if got := listed(t, r, rec); got != "11" {
		t.Errorf("decided: %s", got)
	}
	sound(t, fsys)
}

// Where the sum is what is shown already, a resolution without effect says from which row on it is a conflict, and from which on it is none.
func TestAConflictThatChangesNoValueIsOneAllTheSame(t *testing.T) {
	r, fsys := newReplica(t)
	var rec changeset.RecordID
	ten := map[string]string{"n": "10"}
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", ten)
		return err
	})
	for heads := headsOf(t, r, rec); r.Latest() < 3; {
		integrate(t, r, rec, ten, ten, heads)
	}
	update(t, r, rec, "other", "seen")
	before := r.Latest()
	for _, step := range []struct {
		rule resolution.Rule
		want string
	}{{resolution.RuleSum, "10 n? 2 by rule"}, {resolution.RuleLatest, "10"}} {
		setRule(t, r, "Ticket", "n", step.rule)
		if got := listed(t, r, rec); got != step.want {
			t.Errorf("by %s: %s, want %s", step.rule, got, step.want)
		}
		sound(t, fsys)
	}
	if got := kinds(t, r, before); got != "edit resolution edit resolution" {
		t.Errorf("the log has %s", got)
	}
}

func headsOf(t testing.TB, r *replica.Replica, rec changeset.RecordID) []changeset.ID {
	t.Helper()
	merged, err := r.Merged(rec)
	if err != nil {
		t.Fatal(err)
	}
	return merged.Heads
}

// integrate takes up a stranger's change to a record.
func integrate(t testing.TB, r *replica.Replica, rec changeset.RecordID, old, value map[string]string, parents []changeset.ID) {
	t.Helper()
	if err := tryIntegrate(r, rec, old, value, parents); err != nil {
		t.Fatal(err)
	}
}

func tryIntegrate(r *replica.Replica, rec changeset.RecordID, old, value map[string]string, parents []changeset.ID) error {
	ch := changeset.Change{Record: rec, Kind: changeset.Update, Parents: parents, Props: map[string]changeset.PropChange{}}
	for name := range value {
		ch.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(old[name]), New: changeset.TextOrNull(value[name])}
	}
	return r.Update(context.Background(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2001-01-01 00:00:00", Changes: []changeset.Change{ch}})
		return err
	})
}

// conflictLines returns the lines on what is undecided, without their checksums.
func conflictLines(t *testing.T, fsys afero.Fs, rec changeset.RecordID) string {
	t.Helper()
	b, err := afero.ReadFile(fsys, "prophet/conflicts")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(bare(b)), rec.String(), "REC")
}

func TestLinesOnConflictsNameWhatAgreesApart(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", nil, map[string]string{"-": "1", "a b": "1", "=": "1", "n": "2"}, map[string]string{"-": "1", "a b": "1", "=": "1", "n": "3"})
	update(t, r, rec, "n", "4")
	update(t, r, rec, "a b", "4") // nobody looks
	setRule(t, r, "Ticket", "=", resolution.RuleSum)
	setRule(t, r, "Ticket", "=", resolution.RuleMax)
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rec) })
	setRule(t, r, "Ticket", "=", resolution.RuleMin)
	want := "4 + REC n =%2D =%3D =a+b\n6 + REC =%2D =%3D =a+b\n9 + REC %3D =%2D\n11 + REC =%2D =%3D\n12 - REC\n"
	if got := conflictLines(t, fsys, rec); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	sound(t, fsys)
}

func TestARecordThatComesBackHasRivalsThatAgree(t *testing.T) {
	r, fsys := newReplica(t)
	rec := countedTwice(t, r)
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rec) })
	setRule(t, r, "Ticket", "n", resolution.RuleSum)
	integrate(t, r, rec, map[string]string{"m": ""}, map[string]string{"m": "1"}, headsOf(t, r, rec))
	if got := listed(t, r, rec); got != "12 n? 2 by rule" {
		t.Errorf("it came back with %s", got)
	}
	sound(t, fsys)
}

// Within a transaction the rule may come before what it is for, between, or after.
func TestSumAndEqualWritesMayComeInOneTransaction(t *testing.T) {
	for place := range 4 {
		r, fsys := newReplica(t)
		var rec changeset.RecordID
		replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
			rec, err = e.Create("Ticket", map[string]string{"n": "10"})
			return err
		})
		heads := headsOf(t, r, rec)
		if err := r.Update(t.Context(), func(tx *replica.Tx) error {
			edit := func(f func(e *replica.Edit) error) error { _, err := tx.Edit(f); return err }
			steps := []func() error{
				func() error {
					return edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"n": "11"}) })
				},
				func() error {
					_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2001-01-01 00:00:00", Changes: []changeset.Change{{
						Record: rec, Kind: changeset.Update, Parents: heads, Props: map[string]changeset.PropChange{"n": {Old: changeset.Text("10"), New: changeset.Text("11")}}}}})
					return err
				},
				func() error {
					return edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"m": "1"}) })
				},
				func() error {
					return edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"m": "2"}) })
				},
			}
			for i, step := range steps {
				if i == place {
					if err := edit(func(e *replica.Edit) error { return e.SetRule("Ticket", "n", resolution.RuleSum) }); err != nil {
						return err
					}
				}
				if err := step(); err != nil {
					return err
				}
			}
			if err := tx.Settle(); err != nil {
				return err
			}
			if before, opened := tx.Opened()[rec]["n"]; !opened || before {
				t.Errorf("the rule before step %d: opened %v, before it %v", place, opened, before)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, r, rec); got != "12 n? 2 by rule" {
			t.Errorf("the rule before step %d: %s", place, got)
		}
		sound(t, fsys)
	}
}

func TestWhatAgreesIsNotedAnewFromTheLog(t *testing.T) {
	r, fsys := newReplica(t)
	rec := countedTwice(t, r)
	for _, file := range []string{"prophet/rows", "prophet/conflicts"} {
		if err := fsys.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	setRule(t, r, "Ticket", "n", resolution.RuleSum)
	if got := listed(t, r, rec); got != "12 n? 2 by rule" {
		t.Error(got)
	}
	if got, want := conflictLines(t, fsys, rec), "5 + REC =n\n7 + REC n\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	sound(t, fsys)
}

func TestANoteThatIsMissingOnWhatAgreesIsDamage(t *testing.T) {
	r, fsys := newReplica(t)
	rec := countedTwice(t, r)
	asOlder(t, fsys, " =n\n", " =m =n\n")
	sound(t, fsys)
	asOlder(t, fsys, " =m =n\n", " =m\n")
	want := "prophet/conflicts: " + rec.String() + " is not noted as having rivals for n, which agree\n"
	if got := problems(t, fsys); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestASumThatTheOriginalSetsOpensWhatAgreed(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	rec := countedTwice(t, r)
	ruleAsTheOriginal(t, fsys, r, "n", `["sum"]`)
	for line := range strings.Lines(problems(t, fsys)) {
		if !strings.HasSuffix(line, "(harmless)\n") {
			t.Errorf("before the next edit fsck says %s", line)
		}
	}
	update(t, r, rec, "other", "again")
	if got := listed(t, r, rec); got != "12 n? 2 by rule" {
		t.Error(got)
	}
	sound(t, fsys)
}

// longAfter counts what it costs to edit and to show a record with so many changes since two wrote the same.
func longAfter(t testing.TB, changes int) map[string]replicatest.Counts {
	t.Helper()
	counting := replicatest.Count(directory(t))
	r := replicatest.Init(t, counting, replica.Options{})
	rec := countedTwice(t, r)
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for i := range changes {
			if _, err := tx.Edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"other": fmt.Sprint("value ", i)}) }); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	costs := map[string]replicatest.Counts{}
	for what, do := range map[string]func(r *replica.Replica) error{
		"show": func(r *replica.Replica) error { _, err := r.State(rec); return err },
		"edit": func(r *replica.Replica) error { update(t, r, rec, "other", "at the end"); return nil },
	} {
		r := replicatest.Open(t, counting, replica.Options{})
		counting.Reset()
		if err := do(r); err != nil {
			t.Fatal(err)
		}
		costs[what] = counting.Counts()
	}
	return costs
}

func TestARecordOfWhichTwoWroteTheSameCostsTheSameAtAnyLength(t *testing.T) {
	replicatest.WithLooseEdits(t)
	short, long := longAfter(t, 10), longAfter(t, 1000)
	for what := range short {
		t.Logf("%s: %s; after 1,000 changes %s", what, short[what], long[what])
		if ops, bytes := ofParts(); long[what].Ops() > short[what].Ops()+8+ops || long[what].Bytes > short[what].Bytes+100+bytes {
			t.Errorf("%s: %s; after 1,000 changes %s", what, short[what], long[what])
		}
	}
}
