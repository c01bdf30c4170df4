package resolution_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"prophet/changeset"
	"prophet/internal/race"
	"prophet/resolution"
)

func TestParentsThatAreNotThereCountAsNone(t *testing.T) {
	merges{
		{"one", "a1 update <f9 p=x", "lives p=x"},
		{"among others", "a1 create < p=x; a2 update <a1,f9 p=x>y", "lives p=y"},
		{"a change that has only such is not bare", "a1 create < p=x; a2 update <f9 p=x>y", "lives p=y | p? a2=y a1=x"},
		{"a create over only such is no re-creation", "a1 create < p=x; a2 create <f9 q=y", "lives p=x q=y"},
		{"itself", "a1 update <a1 p=x", "lives p=x"},
		{"itself, which costs nobody between its own chain", "a1 update <a1 p=x; a2 update p=v>y; a3 update <a2,a3", "lives p=y"},
		{"one that is named twice is one", "a1 create < p=x; a2 update <a1,a1 p=x>y", "lives p=y"},
	}.run(t)
}

// A log lists parents before children, and an origin's changes by number: only forged changes can be their own ancestors.
func TestKnotOfForgedChangesIsUndone(t *testing.T) {
	const knot = "a1 update <a2 p=x; a2 update p=y; "
	merges{
		{"the own chain gives way to known parents", knot, "lives p=x"},
		{"with others between", "a1 update <c1 p=x; c1 update <b1; b1 update <a2; a2 update p=y", "lives p=x"},
		{"other own chains stay", knot + "b1 create q=v; b2 update q=w>z", "lives p=x q=z"},
		{"own chains of those who have seen the knot stay", knot + "b1 update <a1 q=v; b2 update q=w>z", "lives p=x q=z"},
		{"whoever has seen the knot may decide", knot + "b1 update < p=z; c1 update <a1,b1 p=w", "lives p=w"},
		{"known parents in a circle", "a1 update <b1 p=x; b1 update <a1 p=y", "lives p=y | p? b1=y a1=x"},
		{"and whoever has seen them", "a1 update <b1 p=x; b1 update <a1 p=y; c1 update <a1,b1 p=z; c2 update p=w", "lives p=w"},
		{"and what they have seen", "d1 create < p=v; a1 update <b1,d1 p=x; b1 update <a1 p=y", "lives p=y | p? b1=y a1=x"},
		{"a circle and an own chain", "a1 update <b1,a2 p=x; b1 update <a1 p=y; a2 update p=z", "lives p=y | p? b1=y a1=x"},
	}.run(t)
}

// forgedHistory is a history in which parents may be anything and numbers may run against the log.
func forgedHistory(pick source, changes, origins int) []resolution.Entry {
	entries := randomHistory(pick, changes, origins)
	for i := range entries {
		if ch := entries[i].Change; ch.Parents != nil && pick(3) == 0 {
			ch.Parents = append(ch.Parents, entries[pick(changes)].ID)
			if pick(4) == 0 {
				ch.Parents = append(ch.Parents, changeset.ID{Origin: ticket.UUID, Seq: 1})
			}
		}
		if j := pick(changes); pick(3) == 0 && entries[i].ID.Origin == entries[j].ID.Origin {
			entries[i].ID, entries[j].ID = entries[j].ID, entries[i].ID
		}
	}
	return entries
}

func TestForgedChangesMergeInAnyOrder(t *testing.T) {
	cyclic, histories := 0, race.Part(15_000)
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 2))
		entries := forgedHistory(fromRand(r), 1+r.IntN(8), 1+r.IntN(4))
		if check(t, entries, randomRules(r.IntN), shuffle(r)) {
			cyclic++
		}
		if result := resolution.Merge(ticket, entries, nil, nil); len(result.Heads) == 0 {
			t.Fatalf("seed %d: no head is left of\n%s", seed, write(entries))
		}
	}
	if cyclic < histories/10 {
		t.Errorf("%d knots: too few to tell anything", cyclic)
	}
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	for seed := range uint64(race.Part(400)) {
		r := rand.New(rand.NewPCG(seed, 3))
		draw := randomHistory
		if seed%4 == 0 {
			draw = forgedHistory
		}
		entries := draw(fromRand(r), 2+r.IntN(4), 1+r.IntN(4))
		rules := randomRules(r.IntN)
		want := showAll(resolution.Merge(ticket, entries, randomAnswers, rules))
		everyOrder(slices.Clone(entries), func(order []resolution.Entry) {
			if got := showAll(resolution.Merge(ticket, order, randomAnswers, rules)); got != want {
				t.Fatalf("seed %d: in the order\n%sgot  %s\nwant %s", seed, write(order), got, want)
			}
		})
	}
}

func TestMergeLeavesItsArgumentsAlone(t *testing.T) {
	const text = "b1 update <a1,a1 p=x>y; a1 create < p=x; c1 delete; c2 create q=z; a3 update <a4; a4 update"
	entries := history(text)
	resolution.Merge(ticket, entries, nil, nil)
	if !reflect.DeepEqual(entries, history(text)) {
		t.Errorf("the entries were changed: now\n%s", write(entries))
	}
}

// FuzzMerge makes a history of the bytes, forged or not, as the first of them says.
func FuzzMerge(f *testing.F) {
	f.Add([]byte("\x00"))
	f.Add([]byte("\x01\x05\x02\x00\x01\x02\x00\x01\x00\x03\x02\x01\x01\x00\x02\x01\x02\x03\x00\x01"))
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := make([]byte, 150)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		pick := fromBytes(b)
		draw := randomHistory
		if pick(2) == 1 {
			draw = forgedHistory
		}
		entries := draw(pick, 1+pick(12), 1+pick(6))
		check(t, entries, randomRules(pick), slices.Reverse)
	})
}
