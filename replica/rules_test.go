package replica_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// setRule sets a rule in a transaction of its own.
func setRule(t testing.TB, r *replica.Replica, typ, prop string, rule resolution.Rule) replica.Edited {
	t.Helper()
	edited, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.SetRule(typ, prop, rule) })
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

// rivalsOf makes a record of a type with rival values, of which mine holds by the latest.
func rivalsOf(t testing.TB, r *replica.Replica, typ string, base, mine, theirs map[string]string) (rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create(typ, base)
		return err
	})
	created, err := r.Merged(rec)
	if err != nil {
		t.Fatal(err)
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, mine) })
	rival := changeset.Change{Record: rec, Kind: changeset.Update, Parents: created.Heads, Props: map[string]changeset.PropChange{}}
	for name, value := range theirs {
		rival.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(base[name]), New: changeset.TextOrNull(value)}
	}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2001-01-01 00:00:00", Changes: []changeset.Change{rival}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return rec
}

// props returns what a replica shows of a record.
func propsOf(t testing.TB, r *replica.Replica, rec changeset.RecordID) map[string]string {
	t.Helper()
	props, _, err := r.Log().Props(rec)
	if err != nil {
		t.Fatal(err)
	}
	return props
}

// kinds writes what the rows after one are: "edit resolution".
func kinds(t *testing.T, r *replica.Replica, after uint32) string {
	t.Helper()
	var words []string
	for row, err := range r.Log().Rows(after+1, r.Latest()) {
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Log().Changeset(row)
		switch {
		case err != nil:
			t.Fatal(err)
		case c.Nullification:
			words = append(words, "nullification")
		case c.Resolution:
			words = append(words, "resolution")
		default:
			words = append(words, "edit")
		}
	}
	return strings.Join(words, " ")
}

func newReplica(t testing.TB) (*replica.Replica, afero.Fs) {
	t.Helper()
	return newReplicaOn(t, directory(t))
}

func newReplicaOn(t testing.TB, fsys afero.Fs) (*replica.Replica, afero.Fs) {
	t.Helper()
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	return r, fsys
}

func TestARuleIsASettingsRecordThatAllWhoSetItShare(t *testing.T) {
	r, fsys := newReplica(t)
	edited := setRule(t, r, "Ticket", "votes", resolution.RuleMax)
	rec := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:votes"))}
	if got := fmt.Sprint(propsOf(t, r, rec)); got != `map[content:["max"] label:merge:Ticket:votes]` || edited.ID.IsZero() {
		t.Errorf("the record is %s, made by %s", got, edited.ID)
	}
	if again := setRule(t, r, "Ticket", "votes", resolution.RuleMax); !again.ID.IsZero() {
		t.Errorf("setting what is set made %s", again.ID)
	}
	if named := setRule(t, r, "Ticket", "other", resolution.RuleLatest); named.ID.IsZero() {
		t.Error("setting latest where nothing is set made nothing")
	}
	setRule(t, r, "Comment", "a: b", resolution.RuleAsk)
	setRule(t, r, "Ticket", "votes", resolution.RuleLatest)
	rules, others, err := r.Rules()
	if err != nil || len(others) > 0 {
		t.Fatal(err)
	}
	var got []string
	for _, s := range rules {
		got = append(got, fmt.Sprint(s.Type, "/", s.Prop, "=", s.Rule, " ", s.Set, s.Conflict))
	}
	if want := []string{"Comment/a: b=ask true false", "Ticket/other=latest true false", "Ticket/votes=latest true false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if s, err := r.Rule("Ticket", "nothing"); err != nil || s.Set || s.Rule != resolution.RuleLatest {
		t.Errorf("a rule that is not set: %+v, %v", s, err)
	}
	sound(t, fsys)
}

func TestADeletedRuleCanBeSetAgain(t *testing.T) {
	r, fsys := newReplica(t)
	setRule(t, r, "Ticket", "votes", resolution.RuleMax)
	rules, _, err := r.Rules()
	if err != nil || len(rules) != 1 {
		t.Fatal(rules, err)
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(rules[0].Record) })
	if s, err := r.Rule("Ticket", "votes"); err != nil || s.Set || s.Rule != resolution.RuleLatest {
		t.Errorf("deleted: %+v, %v", s, err)
	}
	setRule(t, r, "Ticket", "votes", resolution.RuleSum)
	if s, err := r.Rule("Ticket", "votes"); err != nil || !s.Set || s.Rule != resolution.RuleSum {
		t.Errorf("set again: %+v, %v", s, err)
	}
	sound(t, fsys)
}

func TestWhatCannotBeARuleIsRefused(t *testing.T) {
	r, _ := newReplica(t)
	for _, test := range []struct{ typ, prop, rule, want string }{
		{"Ticket", "votes", "most", `"most" is no rule: the rules are latest, max, min, union, sum, ask`},
		{"Ticket", "votes", "", `"" is no rule`},
		{"No Type", "votes", "max", `type "No Type"`},
		{"Ticket", "", "max", "the name of a property must not be empty"},
		{changeset.SettingsType, "content", "max", "records of type __prophet_db_settings are settings themselves, which merge by latest only"},
	} {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.SetRule(test.typ, test.prop, resolution.Rule(test.rule)) })
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v", test, err)
		}
	}
	if r.Latest() != 0 {
		t.Errorf("%d rows were written", r.Latest())
	}
}

// The settings of the original's applications bear names and UUIDs of their own.
func TestSettingsThatAreNoRulesAreLeftAlone(t *testing.T) {
	r, fsys := newReplica(t)
	foreign := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.New()}
	wrongUUID := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.New()}
	wrongLabel := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:a"))}
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for rec, label := range map[changeset.RecordID]string{foreign: "default_status", wrongUUID: "merge:Ticket:a", wrongLabel: "merge:Ticket:b"} {
			if err := e.Restore(rec, map[string]string{"label": label, "content": `["max"]`}); err != nil {
				return err
			}
		}
		return nil
	})
	rules, others, err := r.Rules()
	if err != nil || len(rules) != 0 || len(others) != 2 || others[0].Record != wrongUUID || others[1].Record != wrongLabel {
		t.Errorf("got %v and %v, %v", rules, others, err)
	}
	if s, err := r.Rule("Ticket", "a"); err != nil || s.Set || s.Unreadable != `"merge:Ticket:b" is not the label of its record, which is merge:Ticket:a` {
		t.Errorf("the rule whose record has another label: %+v, %v", s, err)
	}
	one := map[string]string{"a": "1", "b": "1"}
	rec := rivalsOf(t, r, "Ticket", one, map[string]string{"a": "2", "b": "2"}, map[string]string{"a": "9", "b": "9"})
	if got := propsOf(t, r, rec); got["a"] != "2" || got["b"] != "2" {
		t.Errorf("shown as %v", got)
	}
	setRule(t, r, "Ticket", "a", resolution.RuleMax) // takes the record with the wrong label
	if got := propsOf(t, r, rec); got["a"] != "9" || got["b"] != "2" {
		t.Errorf("after the rule shown as %v", got)
	}
	sound(t, fsys)
}

func TestContentThatIsNoRuleMeansLatest(t *testing.T) {
	r, _ := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"a": "1"}, map[string]string{"a": "2"}, map[string]string{"a": "9"})
	rule := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("merge:Ticket:a"))}
	for _, test := range []struct{ content, want string }{
		{`["max"]`, "9"}, {`"max"`, "2"}, {` [ "max" ] `, "9"}, {`max`, "2"}, {`["max","min"]`, "2"}, {`[]`, "2"}, {`["MAX"]`, "2"}, {`[null]`, "2"}, {``, "2"}, {`["min"]`, "2"},
	} {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			props := map[string]string{"label": "merge:Ticket:a", "content": test.content}
			if err := e.Restore(rule, props); !errors.Is(err, replica.ErrLives) {
				return err
			}
			return e.Update(rule, props)
		})
		if got := propsOf(t, r, rec)["a"]; got != test.want {
			t.Errorf("%s: got %s, want %s", test.content, got, test.want)
		}
	}
}

func TestARuleChangeRecomputesWhatIsUndecidedUnderIt(t *testing.T) {
	r, fsys := newReplica(t)
	base, mine, theirs := map[string]string{"n": "1", "m": "1"}, map[string]string{"n": "2", "m": "2"}, map[string]string{"n": "9", "m": "9"}
	open := rivalsOf(t, r, "Ticket", base, mine, theirs)
	decided := rivalsOf(t, r, "Ticket", base, mine, theirs)
	other := rivalsOf(t, r, "Comment", base, mine, theirs)
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(decided, map[string]string{"n": "2"}) })
	before := r.Latest()
	setRule(t, r, "Ticket", "n", resolution.RuleMax)
	if got := kinds(t, r, before); got != "edit resolution" {
		t.Errorf("the log has %s", got)
	}
	for _, test := range []struct {
		rec  changeset.RecordID
		want string
	}{{open, "map[m:2 n:9]"}, {decided, "map[m:2 n:2]"}, {other, "map[m:2 n:2]"}} {
		props := propsOf(t, r, test.rec)
		delete(props, "creator")
		delete(props, "original_replica")
		if got := fmt.Sprint(props); got != test.want {
			t.Errorf("%s: got %s, want %s", test.rec, got, test.want)
		}
	}
	before = r.Latest()
	setRule(t, r, "Ticket", "n", resolution.RuleSum)
	if got := propsOf(t, r, open)["n"]; got != "10" {
		t.Errorf("by the second rule: %s", got)
	}
	setRule(t, r, "Ticket", "n", resolution.RuleLatest)
	if got := propsOf(t, r, open)["n"]; got != "2" {
		t.Errorf("by the latest again: %s", got)
	}
	setRule(t, r, "Ticket", "n", resolution.RuleAsk)
	setRule(t, r, "Ticket", "n", resolution.RuleAsk)
	if got := kinds(t, r, before); got != "edit resolution edit resolution edit resolution" || propsOf(t, r, open)["n"] != "1" {
		t.Errorf("the log has %s, it shows %s", got, propsOf(t, r, open)["n"])
	}
	sound(t, fsys)
}

func TestARuleAndWhatItIsForMayComeInOneTransaction(t *testing.T) {
	r, fsys := newReplica(t)
	rec := rivalsOf(t, r, "Ticket", map[string]string{"n": "1"}, map[string]string{"n": "2"}, map[string]string{"n": "9"})
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for _, rule := range []resolution.Rule{resolution.RuleSum, resolution.RuleMax} {
			if _, err := tx.Edit(func(e *replica.Edit) error {
				if err := e.SetRule("Ticket", "n", rule); err != nil {
					return err
				}
				return e.Update(rec, map[string]string{"other": string(rule)})
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := propsOf(t, r, rec)["n"]; got != "9" {
		t.Errorf("got %s", got)
	}
	sound(t, fsys)
}

// ruleCost counts what it costs to set a rule that is for one of the open conflicts.
func ruleCost(t *testing.T, others int, prop string) replicatest.Counts {
	t.Helper()
	counting := replicatest.Count(directory(t))
	r := replicatest.Init(t, counting, replica.Options{})
	one := func(value string) map[string]string { return map[string]string{"n": value} }
	rec := rivalsOf(t, r, "Ticket", one("1"), one("2"), one("9"))
	for range others {
		rivalsOf(t, r, "Ticket", map[string]string{prop: "1"}, map[string]string{prop: "2"}, map[string]string{prop: "9"})
	}
	r = replicatest.Open(t, counting, replica.Options{})
	counting.Reset()
	setRule(t, r, "Ticket", "n", resolution.RuleMax)
	counts := counting.Counts()
	if got := propsOf(t, r, rec)["n"]; got != "9" {
		t.Errorf("got %s", got)
	}
	return counts
}

func TestARuleChangeCostsWhatItChanges(t *testing.T) {
	replicatest.WithLooseEdits(t)
	few, many := ruleCost(t, 2, "m"), ruleCost(t, 50, "m")
	t.Logf("beside 2 conflicts %s; beside 50 %s", few, many)
	// Names are random, and so is which directories are there: each of up to nine that has to be made costs four operations. 48 more conflicts that cost
	// one each are more than that.
	if many.Ops() > few.Ops()+40 {
		t.Errorf("beside 2 other conflicts %s, beside 50 %s", few, many)
	}
	if same := ruleCost(t, 50, "n"); same.Ops() < many.Ops()+100 {
		t.Errorf("with 50 more under the rule %s: that is too little to tell anything", same)
	}
}

// ruleAsTheOriginal writes the record of a rule as the original does, beside our notes.
func ruleAsTheOriginal(t *testing.T, fsys afero.Fs, r *replica.Replica, prop, content string) {
	t.Helper()
	label := "merge:Ticket:" + prop
	asTheOriginal(t, fsys, &changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: r.Latest() + 1}, Created: "2026-02-02 02:02:02", Changes: []changeset.Change{{
		Record: changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte(label))}, Kind: changeset.Create,
		Props: map[string]changeset.PropChange{"label": {New: changeset.Text(label)}, "content": {New: changeset.Text(content)}}}}},
		map[string]string{"label": label, "content": content})
}

func TestARuleThatTheOriginalWritesIsFollowedByTheNextEdit(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	one := func(value string) map[string]string { return map[string]string{"n": value} }
	rec := rivalsOf(t, r, "Ticket", one("1"), one("2"), one("9"))
	ruleAsTheOriginal(t, fsys, r, "n", `["max"]`)
	for line := range strings.Lines(problems(t, fsys)) {
		if !strings.HasSuffix(line, "(harmless)\n") {
			t.Errorf("before the next edit fsck says %s", line)
		}
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		_, err := e.Create("Note", nil)
		return err
	})
	if got := propsOf(t, r, rec)["n"]; got != "9" {
		t.Errorf("got %s", got)
	}
	sound(t, fsys)
}
