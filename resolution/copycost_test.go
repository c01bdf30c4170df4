package resolution_test

import (
	"strconv"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// copied is a straight history, each change of which writes its number to p, of which the first writes to q too, and as many copies, which of(i) and its parents make what they are: the number of what the copy copies, and of a copy
// that is its parent, -1 for none. Each says what the change that it copies says, and what value(i) is, in q.
func copied(changes int, of func(i int) (edit, copy, parent int), value func(i int) string) []resolution.Entry {
	n := changes / 2
	edit := func(i int) changeset.ID { return changeset.ID{Origin: uuid.UUID{1}, Seq: uint32(i + 1)} }
	copy := func(i int) changeset.ID { return changeset.ID{Origin: uuid.UUID{2}, Seq: uint32(i + 1)} }
	var entries []resolution.Entry
	for i := range n {
		parents := []changeset.ID{}
		if i > 0 {
			parents = append(parents, edit(i-1))
		}
		entries = append(entries, made(edit(i), parents, i, "p", "q"))
	}
	for i := range n {
		edited, copied, parent := of(i)
		e := made(copy(i), []changeset.ID{}, edited, "p")
		e.Created = entries[edited].Created
		if parent >= 0 {
			e.Change.Parents = append(e.Change.Parents, copy(parent))
		}
		e.Change.CopyOf = edit(edited)
		if copied >= 0 {
			e.Change.CopyOf = copy(copied)
		}
		e.Change.Props["q"] = changeset.PropChange{New: changeset.Text(value(i))}
		entries = append(entries, e)
	}
	return entries
}

var copyShapes = []shape{
	{"a chain of copies", func(n int) []resolution.Entry {
		return copied(n, func(i int) (int, int, int) { return i, -1, i - 1 }, func(int) string { return "0" })
	}, false},
	{"a chain of copies, each with another value", func(n int) []resolution.Entry {
		return copied(n, func(i int) (int, int, int) { return i, -1, i - 1 }, func(i int) string { return strconv.Itoa(i / 2) })
	}, true},
	{"a chain of copies that say what nobody wrote", func(n int) []resolution.Entry {
		return copied(n, func(i int) (int, int, int) { return i, -1, i - 1 }, func(i int) string { return strconv.Itoa(-i - 1) })
	}, false},
	{"many copies of one edit", func(n int) []resolution.Entry {
		return copied(n, func(int) (int, int, int) { return n/2 - 1, -1, -1 }, func(int) string { return "0" })
	}, false},
	{"many copies of one edit, each with another value", func(n int) []resolution.Entry {
		return copied(n, func(int) (int, int, int) { return n/2 - 1, -1, -1 }, strconv.Itoa)
	}, true},
	{"copies of copies", func(n int) []resolution.Entry {
		return copied(n, func(i int) (int, int, int) { return n/2 - 1, i - 1, i - 1 }, func(int) string { return "0" })
	}, false},
	{"copies of copies, each with another value", func(n int) []resolution.Entry {
		return copied(n, func(i int) (int, int, int) { return n/2 - 1, i - 1, i - 1 }, strconv.Itoa)
	}, true},
	{"copies of what has seen them", func(n int) []resolution.Entry {
		entries := copied(n, func(i int) (int, int, int) { return i, -1, i - 1 }, func(int) string { return "0" })
		entries[0].Change.Parents = []changeset.ID{entries[n/2].ID}
		return entries
	}, false},
}

// TestCopiesCostWhatTheHistoryDoes counts as [TestCostsAreThoseOfTheHistory] does, where copies say more than what they copy, as only forged ones do so often: values beside what is copied go back through the history 64 at a time.
func TestCopiesCostWhatTheHistoryDoes(t *testing.T) {
	if !*counted {
		runCounted(t, t.Name())
		return
	}
	merge := func(entries []resolution.Entry) { resolution.Merge(ticket, entries, nil, nil) }
	graph := func(entries []resolution.Entry) { resolution.NewHistory(entries).Graph() }
	for _, s := range copyShapes {
		t.Run(s.name, func(t *testing.T) {
			if s.rivals {
				rivalsGoTogether(t, s.make(many), merge)
				return
			}
			costGrows(t, 1, s.make, merge)
			costGrows(t, 1, s.make, graph)
		})
	}
}
