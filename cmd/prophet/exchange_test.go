package main

import (
	"testing"

	"prophet/resolution"
)

func TestWhatRulesSettledIsNoConflictThatWasOpened(t *testing.T) {
	open := conflictDoc{Why: resolution.WhyLatest}
	asks := conflictDoc{Why: resolution.WhyAsk, Rule: "sum"}
	again := conflictDoc{Why: resolution.WhyVote, NewRival: true}
	sum := conflictDoc{Why: resolution.WhyRule, Rule: "sum"}
	sumAgain := conflictDoc{Why: resolution.WhyRule, Rule: "sum", NewRival: true}
	for _, tc := range []struct {
		conflicts []conflictDoc
		want      string
	}{
		{[]conflictDoc{open}, "1 conflict opened"},
		{[]conflictDoc{sum}, "1 conflict settled by a rule"},
		{[]conflictDoc{sum, sumAgain}, "2 conflicts settled by rules"},
		{[]conflictDoc{sum, open, asks, again, sum}, "2 conflicts opened, 1 open conflict got a new rival, 2 conflicts settled by rules"},
	} {
		d := &reportDoc{Conflicts: tc.conflicts}
		if got := d.openedText(false); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
	d := &reportDoc{Conflicts: []conflictDoc{open, sum}, cloned: true}
	if got := d.openedText(false); got != "1 conflict is open, 1 conflict settled by a rule" {
		t.Errorf("a clone: %q", got)
	}
}
