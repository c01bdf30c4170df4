package sync_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

// team is replicas of one database that share a clock, which goes on with every step.
type team struct {
	t   *testing.T
	rs  map[string]*replica.Replica
	rec changeset.RecordID
	now time.Time
}

func newTeam(t *testing.T, names ...string) *team {
	tm := &team{t: t, rs: map[string]*replica.Replica{}, now: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)}
	opts := func(name string) replica.Options {
		return replica.Options{Where: name, Creator: name, Now: func() time.Time { return tm.now }}
	}
	first := replicatest.Init(t, crashfs.New(), opts(names[0]))
	tm.rs[names[0]] = first
	tm.edit(names[0], func(e *replica.Edit) (err error) {
		tm.rec, err = e.Create("Ticket", map[string]string{"n": "10", "m": "10"})
		return err
	})
	for _, name := range names[1:] {
		r, _, err := psync.Clone(context.Background(), crashfs.New(), first, opts(name), psync.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tm.rs[name] = r
	}
	return tm
}

func (tm *team) edit(who string, f func(e *replica.Edit) error) {
	tm.t.Helper()
	tm.now = tm.now.Add(time.Minute)
	if _, err := tm.rs[who].Edit(context.Background(), f); err != nil {
		tm.t.Fatalf("%s: %v", who, err)
	}
}

// do plays a step: "ann n=5", "ann rule n sum" or "ann pulls bob".
func (tm *team) do(step string) {
	tm.t.Helper()
	tm.t.Log(step)
	words := strings.Fields(step)
	switch who := words[0]; words[1] {
	case "pulls":
		pull(tm.t, tm.rs[who], tm.rs[words[2]])
	case "rule":
		tm.edit(who, func(e *replica.Edit) error { return e.SetRule("Ticket", words[2], resolution.Rule(words[3])) })
	default:
		name, value, _ := strings.Cut(words[1], "=")
		tm.edit(who, func(e *replica.Edit) error { return e.Update(tm.rec, map[string]string{name: value}) })
	}
}

// meet lets everybody pull from everybody until nothing is new.
func (tm *team) meet() {
	tm.t.Helper()
	var all []*replica.Replica
	for _, name := range slices.Sorted(maps.Keys(tm.rs)) {
		all = append(all, tm.rs[name])
	}
	replicatest.Meet(tm.t, all...)
}

// state is what a replica shows of the ticket and what it lists as open.
func (tm *team) state(who string) string {
	tm.t.Helper()
	r := tm.rs[who]
	props, _, err := r.Log().Props(tm.rec)
	if err != nil {
		tm.t.Fatal(err)
	}
	open, err := r.Conflicts()
	if err != nil {
		tm.t.Fatal(err)
	}
	words := []string{"n=" + props["n"], "m=" + props["m"]}
	for _, o := range open {
		for _, c := range o.Conflicts {
			words = append(words, fmt.Sprint(c.Prop, "? ", c.Why, " ", c.Rule))
		}
	}
	return strings.Join(words, " ")
}

func TestRulesTravelAndSettleWhateverCameFirst(t *testing.T) {
	const clash = "ann n=15; bob n=12; "
	for _, test := range []struct{ name, steps, want string }{
		{"no rule", clash, "n=12 m=10 n? latest latest"},
		{"the rule before the conflict", "ann rule n sum; bob pulls ann; carol pulls ann; " + clash, "n=17 m=10 n? rule sum"},
		{"the rule beside the conflict", "ann rule n sum; " + clash, "n=17 m=10 n? rule sum"},
		{"the rule after it, by one who has both sides", clash + "carol pulls ann; carol pulls bob; carol rule n max", "n=15 m=10 n? rule max"},
		{"the rule after it, by one who has neither", clash + "ann pulls bob; bob pulls ann; carol rule n max", "n=15 m=10 n? rule max"},
		{"a rule that changes", clash + "carol rule n max; ann pulls bob; ann pulls carol; ann rule n min; carol pulls ann; carol rule n ask", "n=10 m=10 n? ask ask"},
		{"back to the latest", clash + "carol rule n max; ann pulls bob; ann pulls carol; ann rule n latest", "n=12 m=10 n? latest latest"},
		{"for that property alone", clash + "bob m=12; ann m=15; ann rule n max", "n=15 m=15 n? rule max m? latest latest"},
		{"what was decided stays", clash + "ann pulls bob; ann n=11; carol rule n max", "n=11 m=10"},
		{"and opens by a rival that was not known", clash + "ann pulls bob; ann n=11; carol n=13; carol rule n max", "n=13 m=10 n? rule max"},
		{"an edit on top of a sum", "ann rule n sum; bob pulls ann; carol pulls ann; " + clash + "carol pulls ann; carol pulls bob; carol n=20; bob n=13", "n=21 m=10 n? rule sum"},
		{"no number asks everywhere", clash + "carol n=x; carol rule n max", "n=10 m=10 n? ask max"},
		{"rules set on two sides are a conflict, which the latest wins", clash + "ann rule n min; carol rule n max", "n=15 m=10 n? rule max content? latest latest"},
		{"until somebody decides", clash + "ann rule n max; carol rule n ask; bob pulls ann; bob pulls carol; bob rule n max", "n=15 m=10 n? rule max"},
		{"two who count the same", "ann n=11; bob n=11; carol rule n sum", "n=12 m=10 n? rule sum"},
		{"a third one", "ann n=11; bob n=11; carol n=11; carol rule n sum", "n=13 m=10 n? rule sum"},
		{"and then the latest again", "ann n=11; bob n=11; carol rule n sum; ann pulls bob; ann pulls carol; ann rule n latest", "n=11 m=10"},
		{"by one who has neither", "ann n=11; bob n=11; carol rule n sum; ann pulls carol; bob pulls ann; carol rule n latest", "n=11 m=10"},
		{"and sum once more", "ann n=11; bob n=11; ann pulls bob; ann m=11; carol rule n sum; bob pulls carol; bob rule n latest; ann pulls bob; bob pulls ann; bob rule n sum", "n=12 m=11 n? rule sum"},
		{"an edit of something else in between", "ann n=11; bob n=11; ann pulls bob; ann m=11; ann m=12; carol rule n sum", "n=12 m=12 n? rule sum"},
		{"what was decided before the rule stays", "ann n=11; bob n=11; ann pulls bob; ann n=13; carol rule n sum", "n=13 m=10"},
		{"and is counted from", "ann n=11; bob n=11; ann pulls bob; ann n=13; carol rule n sum; bob pulls ann; bob n=14; ann n=14", "n=15 m=10 n? rule sum"},
		{"a decision among equals", "ann rule n sum; bob pulls ann; ann n=11; bob n=11; ann pulls bob; ann n=11", "n=11 m=10"},
		{"equal ones that are no number", "ann n=x; bob n=x; carol rule n sum", "n=x m=10"},
		{"two who set the same rule agree", clash + "ann rule n max; carol rule n max", "n=15 m=10 n? rule max"},
	} {
		for _, rows := range []int{1, 1000} {
			t.Run(fmt.Sprint(test.name, rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				tm := newTeam(t, "ann", "bob", "carol")
				for step := range strings.SplitSeq(test.steps, ";") {
					if strings.TrimSpace(step) != "" {
						tm.do(step)
					}
				}
				tm.meet()
				want := strings.Fields(test.want)
				if got := tm.state("ann"); !sameWords(got, want) {
					t.Errorf("all show %s, want %s", got, test.want)
				}
			})
		}
	}
}

// sameWords reports whether a text has the words, in whatever order records are listed.
func sameWords(text string, words []string) bool {
	count := map[string]int{}
	for _, w := range strings.Fields(text) {
		count[w]++
	}
	for _, w := range words {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// A pull reports what it opened, also where a rule that came with it settles that, and what it decided for a side holds under any rule.
func TestAPullReportsWhatItOpenedUnderARule(t *testing.T) {
	for _, test := range []struct {
		prefer  psync.Prefer
		opened  int
		decided int
		want    string
	}{{psync.PreferNone, 1, 0, "17"}, {psync.PreferFrom, 0, 1, "12"}, {psync.PreferTo, 0, 1, "15"}} {
		for _, rows := range []int{1, 1000} {
			t.Run(fmt.Sprint(test.prefer, rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				tm := newTeam(t, "ann", "bob")
				for _, step := range []string{"ann n=15", "bob n=12", "bob rule n sum"} {
					tm.do(step)
				}
				report, err := psync.Pull(context.Background(), tm.rs["ann"], tm.rs["bob"], psync.Options{Prefer: test.prefer})
				if err != nil || len(report.Opened) != test.opened || len(report.Decided) != test.decided {
					t.Errorf("report %+v, %v", report, err)
				}
				tm.meet()
				if got := tm.state("ann"); !strings.HasPrefix(got, "n="+test.want+" ") {
					t.Errorf("all show %s, want n=%s", got, test.want)
				}
			})
		}
	}
}

// A rule that comes and goes after equal writes: whatever order the three of them pull in, all end equal, and list the same.
func TestARuleThatComesAndGoesAfterEqualWritesIsFollowedInAnyOrder(t *testing.T) {
	names := []string{"ann", "bob", "carol"}
	for seed := uint64(0); seed < 40; seed += uint64(race.Every(3)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			psync.SmallBatches(t, 1+rng.IntN(3), 1<<20)
			tm := newTeam(t, names...)
			for range 25 {
				i := rng.IntN(3)
				who, other := names[i], names[(i+1+rng.IntN(2))%3]
				switch rng.IntN(6) {
				case 0, 1:
					tm.do(who + " pulls " + other)
				case 2:
					tm.do(who + " rule n " + []string{"sum", "latest", "sum", "max"}[rng.IntN(4)])
				case 3:
					tm.do(who + " m=" + fmt.Sprint(rng.IntN(100)))
				default:
					tm.do(who + " n=" + fmt.Sprint(11+rng.IntN(2)))
				}
			}
			tm.meet()
		})
	}
}

// A pull that brings the rule tells of the conflict that it makes of what agreed, and prefers as with any other.
func TestAPullReportsWhatASumOpened(t *testing.T) {
	for _, test := range []struct {
		prefer  psync.Prefer
		opened  int
		decided int
		want    string
	}{{psync.PreferNone, 1, 0, "12"}, {psync.PreferFrom, 1, 0, "12"}, {psync.PreferTo, 0, 1, "11"}} {
		for _, dry := range []bool{true, false} {
			tm := newTeam(t, "ann", "bob")
			for _, step := range []string{"ann n=11", "bob n=11", "ann pulls bob", "bob pulls ann", "bob rule n sum"} {
				tm.do(step)
			}
			report, err := psync.Pull(context.Background(), tm.rs["ann"], tm.rs["bob"], psync.Options{Prefer: test.prefer, DryRun: dry})
			if err != nil || len(report.Opened) != test.opened || len(report.Decided) != test.decided {
				t.Errorf("%v, dry %v: report %+v, %v", test.prefer, dry, report, err)
			}
			if dry {
				continue
			}
			tm.meet()
			if got := tm.state("ann"); !strings.HasPrefix(got, "n="+test.want+" ") {
				t.Errorf("all show %s, want n=%s", got, test.want)
			}
		}
	}
}
