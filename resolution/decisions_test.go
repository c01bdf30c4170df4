package resolution_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"prophet/changeset"
	"prophet/internal/race"
	"prophet/resolution"
)

// showGraph writes a graph as "a1; b1 <a1 decides status", the heads with a star.
func showGraph(nodes []resolution.Node) string {
	var parts []string
	for _, n := range nodes {
		part := name(n.ID)
		if n.Head {
			part += "*"
		}
		var parents []string
		for _, p := range n.Parents {
			parents = append(parents, name(nodes[p].ID))
		}
		if len(parents) > 0 {
			part += " <" + strings.Join(parents, ",")
		}
		for _, prop := range n.Decides {
			part += " decides " + fmt.Sprintf("%q", prop)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func TestGraphLinksChangesAndFindsDecisions(t *testing.T) {
	tests := []struct{ name, history, want string }{
		{"nothing", "", ""},
		{"a line", "a1 create < s=1; a2 update <a1 s=2", `a1; a2* <a1`},
		{"own chains", "a1 create s=1; a2 update s=1>2; b1 update <a1 s=3", `a1; a2* <a1; b1* <a1`},
		{"a value of one's own", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=3; a2 update <b1,c1 s=4", `a1; b1 <a1; c1 <a1; a2* <b1,c1 decides "s"`},
		{"equal values are no conflict", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=2; a2 update <b1,c1 s=4", `a1; b1 <a1; c1 <a1; a2* <b1,c1`},
		{"another property", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=3; a2 update <b1,c1 q=4; a3 update <a2 s=2",
			`a1; b1 <a1; c1 <a1; a2 <b1,c1; a3* <a2 decides "s"`},
		{"decided once", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=3; a2 update <b1,c1 s=4; a3 update <a2 s=2",
			`a1; b1 <a1; c1 <a1; a2 <b1,c1 decides "s"; a3* <a2`},
		{"one decision had been seen", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=3; a2 update <b1,c1 s=4; b2 update <b1,a2 s=2",
			`a1; b1 <a1; c1 <a1; a2 <b1,c1 decides "s"; b2* <b1,a2`},
		{"a rival is an old one", "a1 create < s=1; b1 update <a1 s=2; a2 update <a1 s=3; a3 update <a2 q=1; b2 update <b1 q=2; c1 update <a3,b2 s=5",
			`a1; b1 <a1; a2 <a1; a3 <a2; b2 <b1; c1* <a3,b2 decides "s"`},
		{"kept", "a1 create < s=1; b1 delete <a1; c1 update <a1 s=2; a2 update <b1,c1 q=4", `a1; b1 <a1; c1 <a1; a2* <b1,c1 decides ""`},
		{"deleted", "a1 create < s=1; b1 delete <a1; c1 update <a1 s=2; a2 delete <b1,c1", `a1; b1 <a1; c1 <a1; a2* <b1,c1 decides ""`},
		{"kept and decided", "a1 create < s=1; b1 delete <a1; c1 update <a1 s=2; a2 update <a1 s=3; b2 update <a2,b1,c1 s=4",
			`a1; b1 <a1; c1 <a1; a2 <a1; b2* <b1,c1,a2 decides "" decides "s"`},
		{"made anew", "a1 create < s=1; b1 update <a1 s=2; c1 update <a1 s=3; a2 delete <b1,c1; a3 create <a2 s=4", `a1; b1 <a1; c1 <a1; a2 <b1,c1; a3* <a2`},
		{"what a new life removes", "a1 create < s=1; a2 delete <a1; a3 create <a2 q=1; b1 update <a1 s=2; c1 update <a3,b1 s=3",
			`a1; a2 <a1; a3 <a2; b1 <a1; c1* <a3,b1 decides "s"`},
		{"a parent and its ancestor", "a1 create < s=1; b1 delete <a1; c1 update <b1 s=2; a2 update <b1,c1 s=3", `a1; b1 <a1; c1 <b1; a2* <b1,c1`},
		{"settled by an old value", "a1 create < s=1; b1 update s=1>2; a2 update <a1 s=1>3 @1; a3 update <a2,b1 s=4", `a1; a2 <a1; b1; a3* <a2,b1 decides "s"`},
		{"settled by a later old value", "a1 create < s=1; a2 update <a1 s=3; b1 update s=3>2; a3 update <a2,b1 s=4", `a1; a2 <a1; b1; a3* <a2,b1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := showGraph(resolution.NewHistory(history(tt.history)).Graph()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestDecisionsAreWhatTheMergeOfTheAncestorsHasOpen holds every decision in random histories against its definition.
func TestDecisionsAreWhatTheMergeOfTheAncestorsHasOpen(t *testing.T) {
	decided, histories := 0, 0
	for seed := uint64(0); seed < 800; seed += uint64(race.Every(2)) {
		histories++
		r := rand.New(rand.NewPCG(seed, 2))
		entries := randomHistory(fromRand(r), 3+r.IntN(12), 1+r.IntN(4))
		for i := range entries {
			if entries[i].Change.Parents == nil { // how these look to the order T is not part of the definition
				entries[i].Change.Parents = randomParents(fromRand(r), entries[:i])
			}
		}
		for i := range entries { // of what a copy of a copy is one cannot be told where the other copy is not
			if ch := entries[i].Change; !ch.CopyOf.IsZero() {
				ch.CopyOf = modelOrigin(entries, ch.CopyOf)
			}
		}
		if seed%4 == 0 {
			entries = braid(r, 60)
		}
		if newModel(entries).cyclic { // forged copies, which have seen what they copy
			continue
		}
		history := resolution.NewHistory(entries)
		for _, n := range history.Graph() {
			want := decides(history, n)
			if n.Silent { // a copy decides nothing
				want = nil
			}
			if !slices.Equal(n.Decides, want) {
				t.Fatalf("seed %d: %s decides %q, want %q in\n%s", seed, name(n.ID), n.Decides, want, write(entries))
			}
			decided += len(want)
		}
	}
	if decided < histories/10 {
		t.Errorf("only %d decisions were made", decided)
	}
}

// braid is a history of two who go on for long, each from what is his last change, and often the other's last but few.
func braid(r *rand.Rand, changes int) (entries []resolution.Entry) {
	mine := map[int][]int{}
	for i := range changes {
		who := r.IntN(2)
		e := resolution.Entry{ID: id(fmt.Sprintf("%x%d", 10+who, i+1)), Created: second(i % 60)}
		e.Change = &changeset.Change{Record: ticket, Kind: changeset.Update, Props: map[string]changeset.PropChange{}, Parents: []changeset.ID{}}
		if n := len(mine[who]); n > 0 {
			e.Change.Parents = append(e.Change.Parents, entries[mine[who][n-1]].ID)
		}
		if n := len(mine[1-who]); n > 0 && r.IntN(2) == 0 {
			e.Change.Parents = append(e.Change.Parents, entries[mine[1-who][n-1-r.IntN(min(n, 4))]].ID)
		}
		slices.SortFunc(e.Change.Parents, changeset.ID.Compare)
		if r.IntN(3) > 0 {
			e.Change.Props["p"] = changeset.PropChange{New: changeset.Text(fmt.Sprint(r.IntN(3)))}
		}
		mine[who] = append(mine[who], i)
		entries = append(entries, e)
	}
	return entries
}

// decides is what a change decides by the definition.
func decides(history *resolution.History, n resolution.Node) (props []string) {
	past := slices.DeleteFunc(history.Past(n.ID), func(e resolution.Entry) bool { return e.ID == n.ID })
	before := resolution.Merge(ticket, past, nil, nil)
	if before.Existence != nil {
		props = append(props, "")
	}
	for _, c := range before.Conflicts {
		if _, named := n.Change.Props[c.Prop]; named && n.Change.Kind.String() != "delete" {
			props = append(props, c.Prop)
		}
	}
	return props
}

func TestGraphDoesNotDependOnTheOrder(t *testing.T) {
	for seed := range uint64(2_000) {
		r := rand.New(rand.NewPCG(seed, 3))
		entries := randomHistory(fromRand(r), 1+r.IntN(9), 1+r.IntN(4))
		want := showGraph(resolution.NewHistory(entries).Graph())
		shuffle(r)(entries)
		if got := showGraph(resolution.NewHistory(entries).Graph()); got != want {
			t.Fatalf("seed %d: got %s, want %s", seed, got, want)
		}
	}
}

func TestPastIsWhatAChangeHadSeen(t *testing.T) {
	entries := history("a1 create < s=1; b1 update <a1 s=2; c1 update <a1 q=3; a2 update <b1,c1 r=4; b2 update <b1 r=5")
	for of, want := range map[string]string{"a1": "a1", "b2": "a1 b1 b2", "a2": "a1 a2 b1 c1", "d1": ""} {
		var got []string
		for _, e := range resolution.NewHistory(entries).Past(id(of)) {
			got = append(got, name(e.ID))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s, want %s", of, got, want)
		}
	}
}

func TestAHistoryMayBeAskedBySeveralAtTheSameTime(t *testing.T) {
	changes := history("a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 update <c1,b1 p=z>v; d1 delete <a2; e1 update <a2 p=v>w")
	sum := func(string) resolution.Rule { return resolution.RuleSum }
	answer := func(h *resolution.History) string {
		others, deletions := h.SplitDeletions()
		return fmt.Sprint(showGraph(h.Graph()), show(h.Merge(ticket, nil, sum)), len(h.Rivals()["p"]), len(h.Past(id("a2"))), len(others), len(deletions))
	}
	want, shared := answer(resolution.NewHistory(changes)), resolution.NewHistory(changes)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got := answer(shared); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	wait.Wait()
}

func TestSplitDeletionsFindsThoseThatHold(t *testing.T) {
	tests := []struct{ history, others, deletions string }{
		{"a1 create < s=1; a2 delete <a1", "a1", "a2"},
		{"a1 create < s=1; a2 delete <a1; a3 create <a2 s=2", "a1 a2 a3", ""},
		{"a1 create < s=1; a2 delete <a1; a3 create <a2 s=2; b1 delete <a3", "a1 a2 a3", "b1"},
		{"a1 create < s=1; a2 delete <a1; b1 update <a1 s=2; b2 delete <b1; c1 delete <a2,b2", "a1 b1", "a2 b2 c1"},
	}
	for _, tt := range tests {
		others, deletions := resolution.NewHistory(history(tt.history)).SplitDeletions()
		if got := [2]string{sortedNames(others), sortedNames(deletions)}; got != [2]string{tt.others, tt.deletions} {
			t.Errorf("%s: got %q", tt.history, got)
		}
	}
}

func sortedNames(entries []resolution.Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, name(e.ID))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
