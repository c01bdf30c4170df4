package sync_test

import (
	"fmt"
	"strings"
	"testing"

	psync "prophet/sync"
)

// TestAPullThatPrefersWhatCameTakesWhatWouldHoldOfThat lets ann pull two rivals at once, of which carol's is the later one, beside her own.
func TestAPullThatPrefersWhatCameTakesWhatWouldHoldOfThat(t *testing.T) {
	for _, test := range []struct{ name, steps, want string }{
		{"latest", "bob n=99, carol n=13, ann n=50", "13"},
		{"max", "bob n=99, carol n=13, ann n=500", "99"},
		{"max", "bob n=99, carol n=13, ann n=50", "99"},
		{"min", "bob n=13, carol n=99, ann n=5", "13"},
		{"union", "bob n=a,b, carol n=a,c, ann n=d", "a,c,b"},
		{"sum", "bob n=11, carol n=13, ann n=20", "14"},
		{"sum", "bob n=11, carol n=11, ann n=20", "12"},
		{"sum", "bob n=few, carol n=13, ann n=20", "13"},
		{"ask", "bob n=99, carol n=13, ann n=50", "13"},
		{"vote", "bob n=99, carol n=13, erin pulls bob, erin pulls carol, erin n=10, bob pulls erin, carol pulls erin, bob n=99, carol n=13, ann n=50", "10"},
	} {
		for _, rows := range []int{1, 1000} {
			t.Run(fmt.Sprint(test.name, " ", test.steps, rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				tm := newTeam(t, "ann", "bob", "carol", "erin")
				rule := test.name
				if rule == "vote" {
					rule = "max"
				}
				tm.do("ann rule n " + rule)
				for _, who := range []string{"bob", "carol", "erin"} {
					tm.do(who + " pulls ann")
				}
				for _, step := range strings.Split(test.steps, ", ") {
					tm.do(step)
				}
				tm.do("bob pulls carol")
				report, err := psync.Pull(t.Context(), tm.rs["ann"], tm.rs["bob"], psync.Options{Prefer: psync.PreferFrom})
				if err != nil || len(report.Opened) > 0 {
					t.Fatalf("opened %v (%v)", report.Opened, err)
				}
				if props, _, err := tm.rs["ann"].Log().Props(tm.rec); err != nil || props["n"] != test.want {
					t.Errorf("n is %s (%v), want %s", props["n"], err, test.want)
				}
				sound(t, tm.rs["ann"].FS(), "ann")
			})
		}
	}
}

// TestAPullThatPrefersASideDecidesWhatTheRuleOpensThatItDecidesFor lets two set a rule apart and write the same value, which is in conflict under ann's rule
// alone. Bob's is the later one.
func TestAPullThatPrefersASideDecidesWhatTheRuleOpensThatItDecidesFor(t *testing.T) {
	for _, test := range []struct {
		prefer  psync.Prefer
		decided int
	}{{psync.PreferTo, 2}, {psync.PreferFrom, 1}} {
		tm := newTeam(t, "ann", "bob")
		for _, step := range []string{"ann rule n sum", "bob rule n max", "ann n=11", "bob n=11"} {
			tm.do(step)
		}
		report, err := psync.Pull(t.Context(), tm.rs["ann"], tm.rs["bob"], psync.Options{Prefer: test.prefer})
		if err != nil || len(report.Opened) > 0 || len(report.Decided) != test.decided {
			t.Errorf("prefer %s: opened %v, decided %v (%v)", test.prefer, report.Opened, report.Decided, err)
		}
		tm.meet()
		if got := tm.state("bob"); !strings.HasPrefix(got, "n=11 ") {
			t.Errorf("prefer %s: all show %s", test.prefer, got)
		}
	}
}
