package resolution_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/race"
	"prophet/resolution"
)

// source gives numbers below n, from a generator or from a fuzzer's bytes.
type source func(n int) int

func fromRand(r *rand.Rand) source { return r.IntN }

func fromBytes(b []byte) source {
	return func(n int) int {
		if len(b) == 0 {
			return 0
		}
		v := int(b[0]) % n
		b = b[1:]
		return v
	}
}

// randomHistory makes up a history of few origins and properties, so that clashes are common. Every change knows only changes before it,
// but clocks are wrong and the lists of parents may be short, long, or absent.
func randomHistory(pick source, changes, origins int) []resolution.Entry {
	var entries []resolution.Entry
	seq := map[int]uint32{}
	bareInFour, values, copies := pick(5), palettes[pick(len(palettes))], max(0, pick(6)-2)
	for range changes {
		letter := pick(origins)
		seq[letter] += 1 + uint32(pick(2))
		e := resolution.Entry{ID: id(fmt.Sprintf("%x%d", 10+letter, seq[letter])), Created: second(pick(4)), Change: randomChange(pick, values)}
		if pick(4) >= bareInFour {
			e.Change.Parents = randomParents(pick, entries)
		}
		if pick(6) < copies {
			randomCopy(pick, &e, entries)
		}
		entries = append(entries, e)
	}
	return entries
}

// randomCopy makes it a copy of an earlier change, or of one that is not there, mostly with all or some of what that says, and lets that wait, perhaps.
func randomCopy(pick source, e *resolution.Entry, entries []resolution.Entry) {
	if len(entries) == 0 || pick(8) == 0 {
		e.Change.CopyOf = id("f7")
		return
	}
	of := &entries[pick(len(entries))]
	e.Change.CopyOf = of.ID
	of.Waits = of.Waits || pick(3) == 0
	if pick(5) == 0 {
		return
	}
	e.Created, e.Change.Kind, e.Change.Props = of.Created, of.Change.Kind, maps.Clone(of.Change.Props)
	if pick(3) == 0 {
		delete(e.Change.Props, "p")
	}
	if of.Change.Parents != nil && pick(2) == 0 {
		e.Change.Parents = slices.Clone(of.Change.Parents)
	}
}

// palettes are the values of random changes: texts, numbers, lists.
var palettes = [][]string{
	{"", "", "x", "y", "z"},
	{"", "1", "2.5", "1.0", "-3"},
	{"", "2", "10", "-0.25", "x"},
	{"", "a", "b,_a", "c_b_d", "d,b"}, // with _ for a space
}

func randomChange(pick source, values []string) *changeset.Change {
	value := func() changeset.Value {
		return changeset.TextOrNull(strings.ReplaceAll(values[pick(5)], "_", " "))
	}
	ch := &changeset.Change{Record: ticket, Kind: changeset.Kind(1 + pick(3)), Props: map[string]changeset.PropChange{}}
	for _, prop := range []string{"p", "q", "r"} {
		if pick(2) == 0 {
			ch.Props[prop] = changeset.PropChange{Old: value(), New: value()}
		}
	}
	return ch
}

// randomParents are often the last changes, sometimes any.
func randomParents(pick source, entries []resolution.Entry) []changeset.ID {
	parents := []changeset.ID{}
	n := len(entries)
	for range pick(4) {
		if n == 0 {
			break
		}
		i := pick(n)
		if pick(2) == 0 {
			i = n - 1 - pick(min(n, 2))
		}
		parents = append(parents, entries[i].ID)
	}
	slices.SortFunc(parents, changeset.ID.Compare)
	return slices.Compact(parents)
}

// randomRules are rules for some of the properties.
func randomRules(pick source) resolution.Rules {
	rules := map[string]resolution.Rule{"q": "nonsense"}
	for _, prop := range []string{"p", "q", "r"} {
		if pick(4) > 0 {
			rules[prop] = resolution.AllRules[pick(len(resolution.AllRules))]
		}
	}
	return func(prop string) resolution.Rule { return rules[prop] }
}

// randomAnswers answers a third of all conflicts, by what their fingerprints are made of.
func randomAnswers(fingerprint string) []map[string]string {
	values := []string{"x", "y", "z", "w"}
	digit := func(i int) int { return strings.IndexByte("0123456789abcdef", fingerprint[i]) }
	var votes []map[string]string
	for i := range max(0, digit(0)-10) {
		vote := map[string]string{"_meta": "update_file"}
		for k, prop := range []string{"p", "q", "r"} {
			if d := digit(1 + 3*i + k); d < 12 {
				vote[prop] = values[d%4]
			}
		}
		votes = append(votes, vote)
	}
	return votes
}

// showAll is show with fingerprints, reasons and heads: all of the result.
func showAll(r *resolution.Result) string {
	parts := strings.Split(show(r), " | ")
	for i, c := range r.Conflicts {
		parts[1+i] += " " + c.Why + " " + string(c.Rule) + " " + c.Fingerprint
	}
	if len(r.Agreed) > 0 {
		parts = slices.Insert(parts, 1+len(r.Conflicts), "agreed "+strings.Join(r.Agreed, " "))
	}
	return strings.Join(append(parts, "heads "+names(r.Heads)), " | ")
}

// write is the history in the notation of [history].
func write(entries []resolution.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s", name(e.ID), e.Change.Kind)
		if e.Change.Parents != nil {
			fmt.Fprintf(&b, " <%s", strings.ReplaceAll(names(e.Change.Parents), " ", ","))
		}
		if !e.Change.CopyOf.IsZero() {
			fmt.Fprintf(&b, " copy:%s", name(e.Change.CopyOf))
		}
		if e.Waits {
			b.WriteString(" waits")
		}
		for _, prop := range []string{"p", "q", "r"} {
			if pc, ok := e.Change.Props[prop]; ok {
				fmt.Fprintf(&b, " %s=%s>%s", prop, strings.ReplaceAll(pc.Old.Text, " ", "_"), strings.ReplaceAll(pc.New.Text, " ", "_"))
			}
		}
		fmt.Fprintf(&b, " @%s\n", strings.TrimLeft(e.Created[17:], "0"))
	}
	return strings.ReplaceAll(b.String(), "@\n", "@0\n")
}

func writeRules(rules resolution.Rules) string {
	return fmt.Sprintf("p=%s q=%s r=%s", rules("p"), rules("q"), rules("r"))
}

// TestMergeIsWhatItsRulesSay compares the merge with the model of its rules on random histories, each in two orders: every third of
// 20,000, under the race detector an eighth of that, as of the other random histories here.
func TestMergeIsWhatItsRulesSay(t *testing.T) {
	for seed := uint64(0); seed < 20_000; seed += uint64(race.Every(3)) {
		r := rand.New(rand.NewPCG(seed, 1))
		entries := randomHistory(fromRand(r), 1+r.IntN(9), 1+r.IntN(4))
		copies := slices.ContainsFunc(entries, func(e resolution.Entry) bool { return !e.Change.CopyOf.IsZero() })
		if cyclic := check(t, entries, randomRules(r.IntN), shuffle(r)); cyclic && !copies { // one may have seen what it copies
			t.Fatalf("seed %d: a knot in\n%s", seed, write(entries))
		}
	}
}

func shuffle(r *rand.Rand) func([]resolution.Entry) {
	return func(e []resolution.Entry) { r.Shuffle(len(e), func(i, j int) { e[i], e[j] = e[j], e[i] }) }
}

// check merges the entries as they are and in another order, and holds the result against the model where that has one.
func check(t *testing.T, entries []resolution.Entry, rules resolution.Rules, reorder func([]resolution.Entry)) (cyclic bool) {
	t.Helper()
	was := slices.Clone(entries)
	got := showAll(resolution.Merge(ticket, entries, randomAnswers, rules))
	m := newModel(entries)
	if !m.cyclic {
		if want := m.show(randomAnswers, rules); got != want {
			t.Fatalf("merge of\n%sby %s\ngot  %s\nwant %s", write(was), writeRules(rules), got, want)
		}
	}
	reorder(entries)
	if again := showAll(resolution.Merge(ticket, entries, randomAnswers, rules)); again != got {
		t.Fatalf("merge of\n%sgot %s\nin another order\n%sgot %s", write(was), got, write(entries), again)
	}
	return m.cyclic
}
