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

func TestWhatIsCopiedCountsOnce(t *testing.T) {
	merges{
		{"a copy beside what it copies", "a1 create < p=x; a2 update <a1 p=x>y @9; b1 update <a1 copy:a2 p=x>y @9", "lives p=y"},
		{"two copies of what is not there", "a1 create < p=x; b1 update <a1 copy:a2 p=x>y @9; c1 update <a1 copy:a2 p=x>y @9", "lives p=y"},
		{"what builds on the one and on the other", "a1 create < p=x; a2 update <a1 p=x>y; b1 update <a1 copy:a2 p=x>y; b2 update <b1 q=v; a3 update <a2 q=w", "lives p=y q=w | q? a3=w b2=v"},
		{"what has seen a copy has seen what that had", "a1 create < p=x; b1 update <a1 p=x>z; a2 update <a1 p=x>y; b2 update <b1 copy:a2 p=x>y; b3 update <b2 p=y>w", "lives p=w"},
		{"a copy that writes less", "a1 create < p=x; a2 update <a1 p=x>y q=v; b1 update <a1 copy:a2 p=x>y @9", "lives p=y q=v"},
		{"one that says something else is an edit", "a1 create < p=x; a2 update <a1 p=x>y; b1 update <a1 copy:a2 p=x>z", "lives p=z | p? b1=z a2=y"},
		{"of what waits, the copy", "a1 create < p=x; a2 update <a1 p=x>y waits @9; b1 update < copy:a2 p=x>y", "lives p=y | p? b1=y a1=x"},
		{"the least of two that say the same", "a1 create < p=x; c1 update <a1 copy:a2 p=x>y; b1 update < copy:a2 p=x>y", "lives p=y | p? b1=y a1=x"},
		{"the one that says most", "a1 create < p=x; b1 update <a1 copy:a2 p=x>y; c1 update <a1 copy:a2 p=x>y q=v", "lives p=y q=v"},
		{"a copy of a copy", "a1 create < p=x; a2 update <a1 p=x>y; b1 update <a1 copy:a2 p=x>y; c1 update <a1 copy:b1 p=x>y; c2 update <c1 p=y>z", "lives p=z"},
		{"a deletion", "a1 create < p=x; a2 delete <a1; b1 delete <a1 copy:a2; b2 create <b1 q=v", "lives q=v"},
		{"an edit is no copy of a deletion", "a1 create < p=x; a2 delete <a1; b1 update <a1 copy:a2", "lives p=x | exists? keep b1 delete a2"},
		{"a copy is no edit beside a deletion", "a1 create < p=x; a2 update <a1 q=v; b1 update <a1 copy:a2 q=v; c1 delete <a2", "deleted"},
		{"one of an edit that is yet to be made", "a1 create < p=x; b1 update <a1 copy:a2 p=x>y; a2 update <b1 p=x>y; c1 update <a1 p=x>z", "lives p=z | p? c1=z a2=y"},
		{"one that says what several did, once these are back", "a1 create < p=w q=w; a2 update <a1 q=w>v; a3 update <a2 p=w>x; b1 update <a1 copy:a3 p=w>x q=w>v; b2 update <b1 p=x>z", "lives p=z q=v"},
		{"where only some of them are", "a1 create < p=w q=w; a3 update <a1 p=w>x; b1 update <a1 copy:a3 p=w>x q=w>v", "lives p=x q=v"},
		{"what the copy alone had seen", "a1 create < p=w; c1 update <a1 q=v; a3 update <a1 p=w>x; b1 update <c1 copy:a3 p=w>x q=v; c2 update <c1 q=v>z", "lives p=x q=z"},
		{"a value that a deletion names was not written by it", "a1 create < p=w; a2 delete <a1 q=v; a3 update <a2 p=w>x; b1 update <a1 copy:a3 p=w>x q=v; c1 update <a1 q=z", "lives p=x q=z | q? c1=z b1=v"},
		{"what another copy wrote", "a1 create < p=w; a2 update <a1 p=w>x; a3 update <a2 p=x>y; b1 update <a1 copy:a2 p=w>x q=v; b2 update <b1 copy:a3 p=x>y q=v; c1 update <a1 q=z", "lives p=y q=z | q? c1=z b2=v"},
		{"of what waits", "a1 create < p=w; a2 update <a1 q=v; a3 update <a2 p=w>x waits; b1 update <a1 copy:a3 p=w>x q=v; c1 update <a1 q=z", "lives p=x q=z | q? c1=z b1=v a2=v"},
		{"one that says what several did, above one of an edit that is yet to be made", "a1 create < p=w q=w; b1 update <a1 copy:a2 p=w>x r=u; a2 update <b1 p=w>x; a3 update <a2 q=w>v; a4 update <a3 p=x>y; a5 update <a4 q=v>t; c1 update <a2 copy:a4 p=x>y q=w>v", "lives p=y q=t r=u"},
		{"and above a knot", "a1 update <a2 p=x; a2 update p=y; b1 create <a1 q=w r=w; b2 update <b1 q=w>v; b3 update <b2 r=w>s; b4 update <b3 q=v>t; c1 update <b1 copy:b3 q=w>v r=w>s", "lives p=x q=t r=s"},
		{"a copy beside one of an edit that is yet to be made", "a1 create < p=w; b1 update <a1 copy:a2 p=w>x; a2 update <b1 p=w>x; c1 update <a1 copy:a2 p=w>x; d1 update <c1 p=x>y", "lives p=y"},
		{"a copy that says less than what waits has seen that", "a1 create < p=w; a2 update <a1 p=w>x waits; b1 update <a1 copy:a2; b2 update <b1 p=w>z", "lives p=z"},
		{"copies of each other", "a1 create < p=x; b1 update <a1 copy:c1 p=x>y; c1 update <a1 copy:b1 p=x>y", "lives p=y"},
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
		if pick(6) == 0 {
			if ch := entries[i].Change; pick(3) > 0 {
				ch.CopyOf = entries[pick(changes)].ID
			}
		}
		if j := pick(changes); pick(3) == 0 && entries[i].ID.Origin == entries[j].ID.Origin {
			entries[i].ID, entries[j].ID = entries[j].ID, entries[i].ID
		}
	}
	return entries
}

func TestForgedChangesMergeInAnyOrder(t *testing.T) {
	cyclic, played := 0, 0
	for seed := uint64(0); seed < 15_000; seed += uint64(race.Every(3)) {
		played++
		r := rand.New(rand.NewPCG(seed, 2))
		entries := forgedHistory(fromRand(r), 1+r.IntN(8), 1+r.IntN(4))
		if check(t, entries, randomRules(r.IntN), shuffle(r)) {
			cyclic++
		}
		if result := resolution.Merge(ticket, entries, nil, nil); len(result.Heads) == 0 {
			t.Fatalf("seed %d: no head is left of\n%s", seed, write(entries))
		}
	}
	if cyclic < played/10 {
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
