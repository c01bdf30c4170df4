package resolution_test

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

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

// wide is a record of many properties, each written by two who had not seen each other.
func wide(changes int) []resolution.Entry {
	entries := concurrent(changes)
	for i := range entries {
		pc := entries[i].Change.Props["p"]
		entries[i].Change.Props = map[string]changeset.PropChange{string(rune(1000 + i/2)): pc}
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

func TestRulesCostWhatTheHistoryIsLong(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []resolution.Entry
	}{
		{"a straight history and one edit beside it", fork(20_000)},
		{"five branches", branches(20_000, 5)},
		{"concurrent", concurrent(20_000)},
		{"bare", bare(20_000)},
		{"re-created", recreated(20_000)},
		{"many properties", wide(2_000)},
		{"conflicts on conflicts", ladder(50_000)},
		{"and old edits that come late", danglers(5_000)},
	} {
		for _, rule := range resolution.AllRules[1:] {
			t.Run(test.name+"/"+string(rule), func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				resolution.Merge(ticket, test.entries, nil, func(string) resolution.Rule { return rule })
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(test.entries)); each > 10_000 {
					t.Errorf("%d bytes a change were allocated, want less than 10,000", each)
				}
				if took > 20*time.Second {
					t.Errorf("%d changes took %v", len(test.entries), took)
				}
				t.Logf("%v, %d kB", took, (after.TotalAlloc-before.TotalAlloc)/1000)
			})
		}
	}
}

// Every shape of history costs what its length costs; a merge that looks at all pairs would take minutes and gigabytes here.
func TestMergeCostsWhatTheHistoryIsLong(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []resolution.Entry
	}{
		{"straight", branches(100_000, 1)},
		{"five branches", branches(100_000, 5)},
		{"one edit beside a long history", fork(100_000)},
		{"concurrent", concurrent(20_000)},
		{"bare", bare(20_000)},
		{"re-created", recreated(20_000)},
		{"many properties", wide(10_000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			resolution.Merge(ticket, test.entries, nil, nil)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(test.entries)); each > 5000 {
				t.Errorf("%d bytes a change were allocated, want less than 5000", each)
			}
			if took > time.Minute {
				t.Errorf("%d changes took %v", len(test.entries), took)
			}
			t.Logf("%v, %d kB", took, (after.TotalAlloc-before.TotalAlloc)/1000)
		})
	}
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

// gathered is a history in which thousands clash, and then each of many changes has a thousand of them as parents.
func gathered(changes int) []resolution.Entry {
	entries := concurrent(changes / 2)
	var parents []changeset.ID
	for _, e := range entries[:changeset.MaxParents] {
		parents = append(parents, e.ID)
	}
	for i := range changes / 2 {
		entries = append(entries, made(changeset.ID{Origin: uuid.UUID{255}, Seq: uint32(i + 1)}, parents, changes+i, "q"))
	}
	return entries
}

func TestGraphCostsWhatTheHistoryIsLong(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []resolution.Entry
	}{
		{"straight", branches(100_000, 1)},
		{"five branches", branches(100_000, 5)},
		{"decided again and again", zigzag(100_000, 1)},
		{"decided now and then", zigzag(100_000, 100)},
		{"never decided", zigzag(100_000, 0)},
		{"one pulls only", oneWay(100_000)},
		{"gathered", gathered(4_000)},
		{"bare", bare(20_000)},
		{"re-created", recreated(20_000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			nodes := resolution.Graph(test.entries)
			took := time.Since(start)
			if took > time.Minute {
				t.Errorf("%d changes took %v", len(test.entries), took)
			}
			decisions := 0
			for _, n := range nodes {
				decisions += len(n.Decides)
			}
			t.Logf("%v, %d decisions", took, decisions)
		})
	}
}

func BenchmarkGraph(b *testing.B) {
	for _, changes := range []int{100, 1_000, 10_000} {
		entries := zigzag(changes, 1)
		b.Run(strconv.Itoa(changes), func(b *testing.B) {
			for b.Loop() {
				resolution.Graph(entries)
			}
		})
	}
}
