package resolution_test

import (
	"runtime"
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
			resolution.Merge(ticket, test.entries, nil)
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
