package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// comes integrates a change to a record by somebody else, on top of what the replica has.
func comes(t *testing.T, r *replica.Replica, ch changeset.Change) changeset.ID {
	t.Helper()
	id := changeset.ID{Origin: uuid.New(), Seq: 1}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: id, Created: "2040-01-01 00:00:00", Changes: []changeset.Change{ch}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// content is a change of somebody else to the record of a rule, with these parents.
func content(rec changeset.RecordID, parents []changeset.ID, old, value string) changeset.Change {
	return changeset.Change{Record: rec, Kind: changeset.Update, Parents: parents,
		Props: map[string]changeset.PropChange{"content": {Old: changeset.Text(old), New: changeset.Text(value)}}}
}

func TestAnEditThatLeavesARuleThatNobodyCanReadIsFound(t *testing.T) {
	r, _ := newReplica(t)
	setRule(t, r, "Ticket", "votes", resolution.RuleSum)
	votes := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:votes"))}
	other := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.New()}
	for _, test := range []struct {
		rec         changeset.RecordID
		name, value string
		want        string
	}{
		{votes, "content", `["max"]`, ""},
		{votes, "note", "x", ""},
		{votes, "content", "garbage", `rule of Ticket votes: "garbage" is not the content of a rule, such as ["latest"]`},
		{votes, "content", "", `rule of Ticket votes: "" is not the content of a rule`},
		{votes, "content", `["most"]`, `rule of Ticket votes: "most" is no rule`},
		{votes, "label", "merge:Ticket:other", `rule of Ticket votes: "merge:Ticket:other" is not the label of its record, which is merge:Ticket:votes`},
		{votes, "label", "", `rule of Ticket votes: "" is not the label`},
		{other, "label", "default_status", ""},
		{other, "label", "merge:Ticket:votes", "rule of Ticket votes: it is kept in settings record " + votes.UUID.String() + " and in no other"},
	} {
		err := r.Try(func(tx *replica.Tx) error {
			_, err := tx.Edit(func(e *replica.Edit) error {
				props := map[string]string{test.name: test.value}
				if err := e.Restore(test.rec, props); errors.Is(err, replica.ErrLives) {
					if err := e.Update(test.rec, props); err != nil {
						return err
					}
				}
				return e.CheckRules()
			})
			return err
		})
		if test.want == "" && err != nil || test.want != "" && (!errors.As(err, new(*replica.RuleError)) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s=%s: got %v, want %q", test.name, test.value, err, test.want)
		}
	}
}

func TestARuleThatComesAndNobodyCanReadStopsNothing(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"n": "1"}, map[string]string{"n": "2"}, map[string]string{"n": "9"})
	set := setRule(t, r, "Ticket", "n", resolution.RuleMax)
	rule := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:n"))}
	comes(t, r, content(rule, []changeset.ID{set.ID}, `["max"]`, "garbage"))
	if got := propsOf(t, r, rec)["n"]; got != "2" {
		t.Errorf("got %s", got)
	}
	rules, _, err := r.Rules()
	if got := fmt.Sprint(rules[0].Rule, rules[0].Set, " ", rules[0].Unreadable); err != nil || got != `latesttrue "garbage" is not the content of a rule, such as ["latest"]` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := r.Edit(t.Context(), func(e *replica.Edit) error {
		if err := e.Update(rule, map[string]string{"note": "x"}); err != nil {
			return err
		}
		return e.CheckRules()
	}); err != nil {
		t.Errorf("an edit of something else in its record: %v", err)
	}
	setRule(t, r, "Ticket", "n", resolution.RuleMax)
	if got := propsOf(t, r, rec)["n"]; got != "9" {
		t.Errorf("mended: got %s", got)
	}
	sound(t, fsys)
}

func TestARivalThatIsNoRuleIsNotTakenWithAllOthers(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"m": "1"}, map[string]string{"m": "2"}, map[string]string{"m": "9"})
	first := setRule(t, r, "Ticket", "n", resolution.RuleMax)
	setRule(t, r, "Ticket", "n", resolution.RuleMin)
	rule := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:n"))}
	comes(t, r, content(rule, []changeset.ID{first.ID}, `["max"]`, "garbage"))
	s, err := r.Rule("Ticket", "n")
	if got := fmt.Sprint(s.Rivals); err != nil || got != `["garbage" min]` {
		t.Errorf("the rivals are %s, %v", got, err)
	}
	decided, left, err := r.TakeAll(t.Context(), replica.TakeLatest)
	if err != nil || len(decided) != 1 || decided[0].Record != rec {
		t.Fatal(decided, err)
	}
	if len(left) != 1 || left[0].Record != rule || left[0].Prop != "content" || left[0].Err.Error() != `"garbage" is not the content of a rule, such as ["latest"]` {
		t.Errorf("left are %v", left)
	}
	sound(t, fsys)
}

// revertIn reverts a changeset.
func revertIn(t *testing.T, r *replica.Replica, id changeset.ID) (got replica.Reverted, edited replica.Edited) {
	t.Helper()
	edited, err := r.Edit(t.Context(), func(e *replica.Edit) (err error) {
		got, err = e.Revert(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, edited
}

func TestARevertBringsNoRuleBackThatNobodyCanRead(t *testing.T) {
	r, fsys := newReplica(t)
	first := setRule(t, r, "Ticket", "n", resolution.RuleMax)
	rule := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:n"))}
	comes(t, r, content(rule, []changeset.ID{first.ID}, `["max"]`, "garbage"))
	mended := setRule(t, r, "Ticket", "n", resolution.RuleSum)
	check := func(id changeset.ID, want string) {
		t.Helper()
		got, edited := revertIn(t, r, id)
		var left string
		for _, n := range got.NotUndone {
			left += fmt.Sprint(n.Record, " ", n.Prop, " ", n.Value, " ", n.Why)
		}
		if left != want || len(got.Undone) > 0 || !edited.ID.IsZero() {
			t.Errorf("got %v, %v", got, edited)
		}
	}
	check(mended.ID, fmt.Sprintf(`%s content ["sum"] rule`, rule))
	deleted, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Delete(rule) })
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := revertIn(t, r, deleted.ID); len(got.Undone) != 1 {
		t.Errorf("a deletion of what can be read: %v", got)
	}
	heads, err := r.Merged(rule)
	if err != nil {
		t.Fatal(err)
	}
	comes(t, r, content(rule, heads.Heads, `["sum"]`, "garbage"))
	if deleted, err = r.Edit(t.Context(), func(e *replica.Edit) error { return e.Delete(rule) }); err != nil {
		t.Fatal(err)
	}
	check(deleted.ID, fmt.Sprintf(`%s   rule`, rule))
	sound(t, fsys)
}
