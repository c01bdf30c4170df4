// Package workload makes the changesets with which programs are measured: the same ones each time, for prophet, for git and for Fossil.
//
// Each makes or changes one record with five properties of 20 to 60 bytes, made of words, of which some are frequent and most are rare, as in a language.
// Four of five make a record; the fifth gives one of those before it new values. As canonical JSON that is about 830 bytes a changeset.
//
//	source := workload.Source{Changesets: 10_000}
//	source.WriteLines(w)      // JSON Lines, for prophet import
//	source.WriteStream(w, "") // for git fast-import: a file a record, a commit a changeset
package workload

import (
	"iter"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// Type is the type of all records.
const Type = "Ticket"

// Names are the names of the properties, sorted.
var Names = [5]string{"body", "component", "owner", "status", "summary"}

// Source is a history, a pure function of its fields.
type Source struct {
	Seed       uint64 // another one makes other records
	Changesets int    // ordinary ones
	Scattered  int    // changesets more that all touch the record [Source.ScatteredRecord], spread evenly over the others; at most as many as those
	Together   int    // changesets more that all touch the record [Source.TogetherRecord], one after the other at the end
}

// Changeset makes a record, or gives one new values.
type Changeset struct {
	Number int // from 0
	Record uuid.UUID
	Update bool
	Values [5]string // of the properties in Names
}

// created is when the first changeset was made; each is a second later than the one before.
var created = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

// Created is when the changeset was made, in UTC.
func (c Changeset) Created() time.Time { return created.Add(time.Duration(c.Number) * time.Second) }

// Who made all changesets.
const (
	Author = "ann"
	Email  = "ann@example.com"
)

// Len is how many changesets there are.
func (s Source) Len() int { return s.Changesets + s.Scattered + s.Together }

// Records is how many records the ordinary changesets make.
func (s Source) Records() int { return s.Changesets - s.Changesets/5 }

// Record returns the UUID of the record that was made as number i, from 0, by the ordinary changesets.
func (s Source) Record(i int) uuid.UUID { return s.record("ordinary", i) }

// ScatteredRecord is touched by the changesets of that name.
func (s Source) ScatteredRecord() uuid.UUID { return s.record("scattered", 0) }

// TogetherRecord is touched by the changesets of that name.
func (s Source) TogetherRecord() uuid.UUID { return s.record("together", 0) }

// All yields the changesets in order.
func (s Source) All() iter.Seq[Changeset] {
	return func(yield func(Changeset) bool) {
		number, scattered := 0, 0
		next := func(record uuid.UUID, update bool) bool {
			c := Changeset{number, record, update, s.values(number)}
			number++
			return yield(c)
		}
		rnd := rand.New(rand.NewPCG(s.Seed, 1))
		for i, records := 0, 0; i < s.Changesets; i++ {
			record := records
			if i%5 == 4 {
				record = rnd.IntN(records)
			} else {
				records++
			}
			if !next(s.Record(record), i%5 == 4) {
				return
			}
			if scattered*s.Changesets < s.Scattered*(i+1) {
				if !next(s.ScatteredRecord(), scattered > 0) {
					return
				}
				scattered++
			}
		}
		for i := range s.Together {
			if !next(s.TogetherRecord(), i > 0) {
				return
			}
		}
	}
}

// Last returns, of the first n records, the last changeset that touches each, in the order in which the records were made.
func (s Source) Last(n int) []Changeset {
	at, last := map[uuid.UUID]int{}, make([]Changeset, n)
	for i := range n {
		at[s.Record(i)] = i
	}
	for c := range s.All() {
		if i, ok := at[c.Record]; ok {
			last[i] = c
		}
	}
	return last
}
