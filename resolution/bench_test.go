package resolution_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// branches is a history in which after a common beginning each of the origins goes on alone, until
// there are that many changes: so many heads. Every change writes two of five properties.
func branches(changes, heads int) []resolution.Entry {
	var entries []resolution.Entry
	last := make([]changeset.ID, heads)
	for i := range changes {
		origin := 0
		parents := []changeset.ID{}
		if i > changes/2 {
			origin = i % heads
		}
		if i > 0 {
			if last[origin].IsZero() {
				last[origin] = last[0]
			}
			parents = append(parents, last[origin])
		}
		last[origin] = changeset.ID{Origin: uuid.UUID{byte(origin + 1)}, Seq: uint32(i + 1)}
		entries = append(entries, made(last[origin], parents, i, fmt.Sprint("p", i%5), fmt.Sprint("p", (i+2)%5)))
	}
	return entries
}

// made is a change that writes its number to the properties.
func made(id changeset.ID, parents []changeset.ID, i int, props ...string) resolution.Entry {
	ch := &changeset.Change{Record: ticket, Kind: changeset.Update, Props: map[string]changeset.PropChange{}, Parents: parents}
	for _, p := range props {
		ch.Props[p] = changeset.PropChange{Old: changeset.Text(strconv.Itoa(i - 1)), New: changeset.Text(strconv.Itoa(i))}
	}
	return resolution.Entry{ID: id, Created: second(i % 3600), Creator: "ann@example.com", Change: ch}
}

// concurrent is a history in which nobody has seen anybody, as a hostile peer may make it.
func concurrent(changes int) []resolution.Entry {
	var entries []resolution.Entry
	for i := range changes {
		id := changeset.ID{Origin: uuid.UUID{byte(i >> 16), byte(i >> 8), byte(i)}, Seq: 1}
		entries = append(entries, made(id, []changeset.ID{}, i, "p"))
	}
	return entries
}

func BenchmarkMerge(b *testing.B) {
	for _, changes := range []int{10, 100, 1000} {
		for _, heads := range []int{1, 2, 5} {
			b.Run(fmt.Sprintf("changes=%d/heads=%d", changes, heads), func(b *testing.B) {
				benchmark(b, branches(changes, heads))
			})
		}
	}
	for _, shape := range []struct {
		name string
		make func() []resolution.Entry
	}{
		{"straight=100000", func() []resolution.Entry { return branches(100_000, 1) }},
		{"fork=100000", func() []resolution.Entry { return fork(100_000) }},
		{"concurrent=20000", func() []resolution.Entry { return concurrent(20_000) }},
	} {
		b.Run(shape.name, func(b *testing.B) { benchmark(b, shape.make()) })
	}
}

func benchmark(b *testing.B, entries []resolution.Entry) {
	b.ReportAllocs()
	for b.Loop() {
		resolution.Merge(ticket, entries, nil, nil)
	}
}

// fork is a long history beside which somebody has made a change to its beginning.
func fork(changes int) []resolution.Entry {
	entries := branches(changes-1, 1)
	id := changeset.ID{Origin: uuid.UUID{9}, Seq: 1}
	return append(entries, made(id, []changeset.ID{entries[0].ID}, changes, "p0", "p9"))
}
