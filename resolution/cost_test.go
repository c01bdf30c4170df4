package resolution_test

import (
	"math"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// bare is a history without parents: half of it own chains, and a deletion after every hundredth change.
func bare(changes int) []resolution.Entry {
	var entries []resolution.Entry
	for i := range changes {
		id := changeset.ID{Origin: uuid.UUID{byte(i % 2), byte(i % 2 * i >> 8), byte(i % 2 * i)}, Seq: uint32(i + 1)}
		e := made(id, nil, i, "p")
		if i%100 == 0 {
			e.Change.Kind = changeset.Delete
		}
		entries = append(entries, e)
	}
	return entries
}

// recreated is a history of deletions and re-creations, with an edit beside each pair.
func recreated(changes int) []resolution.Entry {
	var entries []resolution.Entry
	parents := []changeset.ID{}
	for i := range changes {
		id := changeset.ID{Origin: uuid.UUID{byte(i % 3)}, Seq: uint32(i + 1)}
		e := made(id, parents, i, "p", string(rune('a'+i%26)))
		e.Change.Kind = []changeset.Kind{changeset.Create, changeset.Update, changeset.Delete}[i%3]
		if i%3 != 1 {
			parents = []changeset.ID{id}
		}
		entries = append(entries, e)
	}
	return entries
}

// wide is a record of a hundred properties, each written by several who had not seen each other.
func wide(changes int) []resolution.Entry {
	entries := concurrent(changes)
	for i := range entries {
		pc := entries[i].Change.Props["p"]
		entries[i].Change.Props = map[string]changeset.PropChange{string(rune(1000 + i%100)): pc}
	}
	return entries
}

// ladder is a history in which two go on writing, each knowing all that came before the other's last write: what all rivals have seen is in conflict, too.
func ladder(changes int) []resolution.Entry {
	var entries []resolution.Entry
	parents := []changeset.ID{}
	for i := 0; i < changes; i += 2 {
		a, b := changeset.ID{Origin: uuid.UUID{1}, Seq: uint32(i + 1)}, changeset.ID{Origin: uuid.UUID{2}, Seq: uint32(i + 2)}
		entries = append(entries, made(a, parents, i, "p"), made(b, parents, i+1, "p"))
		parents = []changeset.ID{a, b}
	}
	return entries
}

// danglers is a ladder on each rung of which there is an edit from before the first one, that nobody had seen.
func danglers(changes int) []resolution.Entry {
	entries := ladder(changes)
	for i := 0; i < changes; i += 2 {
		id := changeset.ID{Origin: uuid.UUID{3, byte(i >> 16), byte(i >> 8), byte(i)}, Seq: 1}
		e := made(id, []changeset.ID{}, 0)
		entries[i].Change.Parents = append([]changeset.ID{id}, entries[i].Change.Parents...)
		entries[i+1].Change.Parents = append([]changeset.ID{id}, entries[i+1].Change.Parents...)
		entries = append(entries, e)
	}
	return entries
}

// zigzag is a history of two who always clash: each change of the one is beside one of the other, then the first decides. With every is 0, nobody ever does.
func zigzag(changes, every int) []resolution.Entry {
	ann, bob := uuid.UUID{1}, uuid.UUID{2}
	first := changeset.ID{Origin: ann, Seq: 1}
	entries := []resolution.Entry{made(first, []changeset.ID{}, 0, "p", "q")}
	heads := []changeset.ID{first}
	for i := 1; len(entries) < changes; i++ {
		a, b := changeset.ID{Origin: ann, Seq: uint32(2 * i)}, changeset.ID{Origin: bob, Seq: uint32(i)}
		prop := "q"
		if every > 0 && i%every == 0 {
			prop = "p"
		}
		entries = append(entries, made(a, heads, 3*i, "q"), made(b, heads, 3*i+1, prop))
		last := changeset.ID{Origin: ann, Seq: uint32(2*i + 1)}
		entries = append(entries, made(last, []changeset.ID{a, b}, 3*i+2, prop))
		heads = []changeset.ID{last}
	}
	return entries
}

// oneWay is a history of two of whom one pulls from the other after each change, and has once written what the other writes always.
func oneWay(changes int) []resolution.Entry {
	ann, bob := uuid.UUID{1}, uuid.UUID{2}
	first := changeset.ID{Origin: bob, Seq: 1}
	entries := []resolution.Entry{made(first, []changeset.ID{}, 0, "p", "q")}
	ours, theirs := first, first
	for i := 1; len(entries) < changes; i++ {
		prop := "q"
		if i == 1 {
			prop = "p"
		}
		b := changeset.ID{Origin: bob, Seq: uint32(i + 1)}
		entries = append(entries, made(b, []changeset.ID{theirs}, 2*i, "p"))
		a := changeset.ID{Origin: ann, Seq: uint32(i)}
		parents := []changeset.ID{ours, b}
		if i == 1 {
			parents = []changeset.ID{first}
		}
		slices.SortFunc(parents, changeset.ID.Compare)
		entries = append(entries, made(a, parents, 2*i+1, prop))
		ours, theirs = a, b
	}
	return entries
}

// gathered is a history in which many clash, and then each of as many changes has half of them as parents.
func gathered(changes int) []resolution.Entry {
	entries := concurrent(changes / 2)
	var parents []changeset.ID
	for _, e := range entries[:min(changes/4, changeset.MaxParents)] {
		parents = append(parents, e.ID)
	}
	for i := range changes / 2 {
		entries = append(entries, made(changeset.ID{Origin: uuid.UUID{255}, Seq: uint32(i + 1)}, parents, changes+i, "q"))
	}
	return entries
}

// shape is a kind of history that can be had in any length.
type shape struct {
	name   string
	make   func(changes int) []resolution.Entry
	rivals bool // of which a good part are rivals, each of all others
}

var shapes = []shape{
	{"straight", func(n int) []resolution.Entry { return branches(n, 1) }, false},
	{"five branches", func(n int) []resolution.Entry { return branches(n, 5) }, false},
	{"one edit beside a long history", fork, false},
	{"concurrent", concurrent, true},
	{"bare", bare, false},
	{"re-created", recreated, false},
	{"many properties", wide, false},
	{"conflicts on conflicts", ladder, false},
	{"decided again and again", func(n int) []resolution.Entry { return zigzag(n, 1) }, false},
	{"decided now and then", func(n int) []resolution.Entry { return zigzag(n, 100) }, false},
	{"never decided", func(n int) []resolution.Entry { return zigzag(n, 0) }, false},
	{"one pulls only", oneWay, false},
	{"gathered", gathered, true},
}

// byPast are the rules that look for what all rivals have seen.
var byPast = []resolution.Rule{resolution.RuleSum, resolution.RuleAsk}

// few and many are the lengths of the histories that are compared.
const few, many = 250, 2000

// TestCostsAreThoseOfTheHistory counts steps and allocated bytes, for histories of each shape: where eight times the changes and parents are, there
// may be half as much again as eight times the cost, because sorting takes more than its length. Who looks at all pairs takes 64 times as much.
// Nothing is timed. Steps are counted in a build of this package for that alone; what a function of the standard library does is one step, but for
// the functions that it calls back.
func TestCostsAreThoseOfTheHistory(t *testing.T) {
	if !*counted {
		runCounted(t, t.Name())
		return
	}
	for _, s := range shapes {
		t.Run("merge/"+s.name, func(t *testing.T) {
			costGrows(t, 1, s.make, func(entries []resolution.Entry) { resolution.Merge(ticket, entries, nil, nil) })
		})
		t.Run("graph/"+s.name, func(t *testing.T) {
			costGrows(t, 1, s.make, func(entries []resolution.Entry) { resolution.NewHistory(entries).Graph() })
		})
		for _, rule := range resolution.AllRules[1:] {
			if s.rivals && slices.Contains(byPast, rule) {
				t.Run(string(rule)+"/"+s.name, func(t *testing.T) { rivalsGoTogether(t, s.make(many), mergeBy(rule)) })
			} else {
				t.Run(string(rule)+"/"+s.name, func(t *testing.T) { costGrows(t, 1, s.make, mergeBy(rule)) })
			}
		}
	}
	for _, rule := range byPast { // docs/adr/0009-rules.md: the one shape that costs the square
		t.Run(string(rule)+"/old edits come late into conflicts on conflicts", func(t *testing.T) { costGrows(t, 2, danglers, mergeBy(rule)) })
	}
}

func mergeBy(rule resolution.Rule) func([]resolution.Entry) {
	return func(entries []resolution.Entry) {
		resolution.Merge(ticket, entries, nil, func(string) resolution.Rule { return rule })
	}
}

// costGrows fails if the cost of long histories is more than that of short ones to the power, with room for what grows slowly.
func costGrows(t *testing.T, power int, history func(changes int) []resolution.Entry, work func([]resolution.Entry)) {
	t.Helper()
	short, long := costOf(t, history(few), work), costOf(t, history(many), work)
	grown := math.Pow(float64(long.size)/float64(short.size), float64(power))
	steps, bytes := float64(long.steps)/float64(short.steps), float64(long.bytes)/float64(short.bytes)
	t.Logf("%d changes and parents: %d steps, %d bytes; %d: %d steps, %d bytes", short.size, short.steps, short.bytes, long.size, long.steps, long.bytes)
	if steps > 1.5*grown {
		t.Errorf("%.0f times the steps where %.0f are in order", steps, grown)
	}
	if bytes > 1.5*grown {
		t.Errorf("%.0f times the bytes where %.0f are in order", bytes, grown)
	}
}

// rivalsGoTogether fails unless rivals are followed back through the history 64 at a time.
func rivalsGoTogether(t *testing.T, entries []resolution.Entry, work func([]resolution.Entry)) {
	t.Helper()
	c := costOf(t, entries, work)
	each := c.steps / c.size / (many / 64)
	t.Logf("%d steps for each change or parent, whenever 64 rivals are followed", each)
	if each > 16 {
		t.Errorf("%d steps for each change or parent, whenever 64 rivals are followed, want 16 at most", each)
	}
}

// cost is what something took for a history of a size, in changes and parents.
type cost struct {
	size, steps int
	bytes       uint64
}

func costOf(t *testing.T, entries []resolution.Entry, work func([]resolution.Entry)) cost {
	t.Helper()
	c := cost{size: len(entries)}
	for _, e := range entries {
		c.size += len(e.Change.Parents)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resolution.Steps = 0
	work(entries)
	runtime.ReadMemStats(&after)
	c.steps, c.bytes = resolution.Steps, after.TotalAlloc-before.TotalAlloc
	if c.steps == 0 {
		t.Fatal("no steps were counted")
	}
	return c
}

func BenchmarkGraph(b *testing.B) {
	for _, changes := range []int{100, 1_000, 10_000} {
		entries := zigzag(changes, 1)
		b.Run(strconv.Itoa(changes), func(b *testing.B) {
			for b.Loop() {
				resolution.NewHistory(entries).Graph()
			}
		})
	}
}
