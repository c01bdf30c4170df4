package replica_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

var bob, carol = uuid.MustParse("b0b00000-0000-4000-8000-000000000001"), uuid.MustParse("ca201000-0000-4000-8000-000000000002")

// dispute is a replica in which others' edits are put beside those made there.
type dispute struct {
	t *testing.T
	*replica.Replica
	seq  uint32
	name map[changeset.RecordID]string
}

func newDispute(t *testing.T) *dispute {
	t.Helper()
	r, err := replica.Init(t.Context(), afero.NewMemMapFs(), replica.Identity{}, replica.Options{
		Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return &dispute{t, r, 0, map[changeset.RecordID]string{}}
}

// record makes a record with the properties.
func (d *dispute) record(name string, props map[string]string) (rec changeset.RecordID, made changeset.ID) {
	d.t.Helper()
	edited, err := d.Edit(d.t.Context(), func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", props)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.name[rec] = name
	return rec, edited.ID
}

// comes integrates an edit of another replica that had seen the parent alone; without properties it is a deletion.
func (d *dispute) comes(from uuid.UUID, rec changeset.RecordID, parent changeset.ID, props map[string]string) {
	d.t.Helper()
	d.seq++
	ch := changeset.Change{Record: rec, Kind: changeset.Update, Props: map[string]changeset.PropChange{}, Parents: []changeset.ID{parent}}
	if props == nil {
		ch.Kind = changeset.Delete
	}
	for name, value := range props {
		ch.Props[name] = changeset.PropChange{New: changeset.TextOrNull(value)}
	}
	c := &changeset.Changeset{ID: changeset.ID{Origin: from, Seq: d.seq}, Created: fmt.Sprintf("2026-11-21 10:00:%02d", d.seq), Changes: []changeset.Change{ch}}
	if err := d.Update(d.t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(c)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
}

// here writes properties in the replica itself, before the others' edits come.
func (d *dispute) here(rec changeset.RecordID, props map[string]string) {
	d.t.Helper()
	replicatest.Edit(d.t, d.Replica, func(e *replica.Edit) error { return e.Update(rec, props) })
}

// disputed has a record for each kind of conflict.
func disputed(t *testing.T) *dispute {
	d := newDispute(t)
	type props = map[string]string
	two, made := d.record("two", props{"status": "new", "body": "one\ntwo\nthree"})
	d.here(two, props{"status": "open", "body": "1\ntwo\nthree"})
	d.comes(bob, two, made, props{"status": "stalled", "body": "one\ntwo\n3"})
	gone, made := d.record("gone", props{"status": "new"})
	d.here(gone, props{"status": "open"})
	d.comes(bob, gone, made, nil)
	others, made := d.record("others", props{"status": "new"})
	d.comes(bob, others, made, props{"status": "open"})
	d.comes(carol, others, made, props{"status": "stalled"})
	both, made := d.record("both", props{"status": "new"})
	d.here(both, props{"status": "open"})
	d.comes(bob, both, made, nil)
	d.comes(carol, both, made, props{"status": "stalled"})
	return d
}

// words says what was decided, or is left, by the names of the records.
func (d *dispute) words(decided []replica.Decision, left []replica.Left) string {
	var words []string
	for _, c := range decided {
		words = append(words, fmt.Sprintf("%s.%s=%q", d.name[c.Record], c.Prop, c.Value))
	}
	for _, l := range left {
		words = append(words, fmt.Sprintf("%s.%s left", d.name[l.Record], l.Prop))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func TestTakeAllSettlesWhatCanBeAndSaysWhatIsLeft(t *testing.T) {
	for _, tt := range []struct {
		how   string
		props []string
		want  string
	}{
		{"mine", nil, `both.="keep", both.status="open", gone.="keep", others.status left, two.body="1\ntwo\nthree", two.status="open"`},
		{"theirs", nil, `both. left, both.status left, gone.="delete", others.status left, two.body="one\ntwo\n3", two.status="stalled"`},
		{"latest", nil, `both.="keep", both.status="stalled", gone.="delete", others.status="stalled", two.body="one\ntwo\n3", two.status="stalled"`},
		{"holds", nil, `both.="keep", both.status="stalled", gone.="keep", others.status="stalled", two.body="one\ntwo\n3", two.status="stalled"`},
		{"merged", nil, `both. left, both.status left, gone. left, others.status left, two.body="1\ntwo\n3", two.status left`},
		{"merged", []string{"body"}, `two.body="1\ntwo\n3"`},
		{"latest", []string{"status"}, `both.status left, others.status="stalled", two.status="stalled"`},
		{"keep", nil, `both.="keep", both.status left, gone.="keep", others.status left, two.body left, two.status left`},
		{"delete", nil, `both.="delete", gone.="delete", others.status left, two.body left, two.status left`},
	} {
		t.Run(tt.how+strings.Join(tt.props, ","), func(t *testing.T) {
			d := disputed(t)
			decided, left, err := d.TakeAll(t.Context(), tt.how, tt.props...)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.words(decided, left); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			after, err := d.Conflicts()
			if err != nil || tt.props == nil && openIn(after) != len(left) {
				t.Errorf("%d are left, %d are open (%v)", len(left), openIn(after), err)
			}
			sound(t, d.FS())
		})
	}
}

// Others may have written what we do not. It stays open, and the rest is decided all the same.
func TestTakeAllLeavesWhatCannotBeWritten(t *testing.T) {
	d := newDispute(t)
	rec, made := d.record("one", map[string]string{"status": "new"})
	d.comes(bob, rec, made, map[string]string{"status": "open", "body": "a\x00", "two\nlines": "a"})
	d.comes(carol, rec, made, map[string]string{"status": "stalled", "body": "b\x00", "two\nlines": "b"})
	decided, left, err := d.TakeAll(t.Context(), replica.TakeLatest)
	if got := d.words(decided, left); err != nil || got != "one.body left, one.status=\"stalled\", one.two\nlines left" {
		t.Errorf("%s (%v)", got, err)
	}
}

func openIn(open []replica.OpenConflict) (n int) {
	for _, c := range open {
		n += len(c.Conflicts)
		if c.Existence != nil {
			n++
		}
	}
	return n
}

func TestTakeAllTakesNoNumber(t *testing.T) {
	d := disputed(t)
	for _, how := range []string{"ours", "1", ""} {
		if decided, left, err := d.TakeAll(t.Context(), how); err == nil || !strings.Contains(err.Error(), "want mine, theirs, latest, holds, merged, keep or delete") {
			t.Errorf("%q: decided %v, left %v, %v", how, decided, left, err)
		}
	}
}

func TestTakeMergedNeedsTwoRivalsMadeFromOneValueInDifferentPlaces(t *testing.T) {
	type props = map[string]string
	long := strings.Repeat("x", changeset.MaxValue/2)
	for _, tt := range []struct{ name, base, mine, bobs, carols, want string }{
		{"two apart", "a b c", "x b c", "a b y", "", "x b y"},
		{"three", "a b c", "x b c", "a b y", "a z c", `two rivals can be merged, but "body" has 3`},
		{"the same place", "a b c", "x b c", "y b c", "", `the rivals for "body" cannot be merged: their changes overlap, or are too many to tell`},
		{"no base", "", "x", "y", "", `the rivals for "body" cannot be merged: there is no one value that both were made from`},
		{"sum", "10", "11", "11", "", `the rivals for "body" cannot be merged as texts: under the rule sum each of them counts`},
		{"sum", "about 10 in all", "11 in all", "about 10", "", `the rivals for "body" cannot be merged as texts: under the rule sum each of them counts`},
		{"max", "10", "11", "12", "", `the rivals for "body" cannot be merged: their changes overlap, or are too many to tell`},
		{"min", "10", "9", "8", "", `the rivals for "body" cannot be merged: their changes overlap, or are too many to tell`},
		{"union", "a, b, c", "b, c", "a, b, c, d", "", "b, c, d"},
		{"union", "a b c", "x a b c", "a b c x", "", "a b c x"},
		{"union", "jazz, live", "jazz, live, vinyl", "jazz, 1964", "", "jazz, 1964, vinyl"},
		{"union", "a, b", "a", "b", "", ""},
		{"union", "a b", "a b " + long, "b c" + long, "", `the rivals for "body" cannot be merged: together they have more than 4194304 bytes`},
		{"too much", "a b c", long + " b c", "a b d" + long, "", `the rivals for "body" cannot be merged: together they have more than 4194304 bytes`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDispute(t)
			if rule, err := resolution.ParseRule(tt.name); err == nil {
				setRule(t, d.Replica, "Ticket", "body", rule)
			}
			rec, made := d.record("it", props{"body": tt.base})
			d.here(rec, props{"body": tt.mine})
			d.comes(bob, rec, made, props{"body": tt.bobs})
			if tt.carols != "" {
				d.comes(carol, rec, made, props{"body": tt.carols})
			}
			got := ""
			if edited, err := d.Edit(t.Context(), func(e *replica.Edit) error { return e.Take(rec, "merged") }); err != nil {
				got = strings.TrimPrefix(err.Error(), "settle "+rec.String()+": ")
			} else {
				got = edited.Decided[0].Value
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTakeHoldsTakesWhatNoRivalWrote(t *testing.T) {
	type props = map[string]string
	for _, tt := range []struct {
		rule                   resolution.Rule
		base, mine, bobs, want string
	}{
		{resolution.RuleSum, "", "7", "12", "19"},
		{resolution.RuleSum, "", "11", "11", "22"},
		{resolution.RuleUnion, "a, b", "a, b, c", "a, d", "a, d, b, c"},
		{resolution.RuleMin, "10", "7", "12", "7"},
		{resolution.RuleAsk, "10", "7", "12", "10"},
		{resolution.RuleAsk, "", "7", "12", ""},
		{resolution.RuleLatest, "10", "7", "12", "12"},
	} {
		d := newDispute(t)
		setRule(t, d.Replica, "Ticket", "n", tt.rule)
		rec, made := d.record("it", props{"n": tt.base})
		d.here(rec, props{"n": tt.mine})
		d.comes(bob, rec, made, props{"n": tt.bobs})
		edited, err := d.Edit(t.Context(), func(e *replica.Edit) error { return e.Take(rec, "holds", "n") })
		if err != nil || len(edited.Decided) != 1 || edited.Decided[0].Value != tt.want {
			t.Errorf("%s of %s and %s: decided %v, want %s (%v)", tt.rule, tt.mine, tt.bobs, edited.Decided, tt.want, err)
		}
		result, err := d.Merged(rec)
		if err != nil || result.Open() || result.Props["n"] != tt.want {
			t.Errorf("%s of %s and %s: %v, open %v (%v)", tt.rule, tt.mine, tt.bobs, result.Props, result.OpenProps(), err)
		}
	}
}

func TestTakeKeepLeavesThePropertiesInConflict(t *testing.T) {
	d := disputed(t)
	for rec, name := range d.name {
		edited, err := d.Edit(t.Context(), func(e *replica.Edit) error { return e.Take(rec, "keep") })
		switch {
		case name == "two" || name == "others":
			if err == nil || !strings.HasSuffix(err.Error(), "whether it lives is not in conflict") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || len(edited.Decided) != 1:
			t.Errorf("%s: decided %v, %v", name, edited.Decided, err)
		}
	}
}
