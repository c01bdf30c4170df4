package parts

import (
	"testing"

	"prophet/changeset"
)

// A pull of many rows asks each part for the record of each row, most of which are new.
func TestWhoAsksForManyRecordsReadsLittleForEach(t *testing.T) {
	fsys, ref := build(t, 1, sample(20_000))
	c := &counting{Fs: fsys}
	p := Open(c, "", ref, new(Cache))
	reads := func(what string, n, from int, there bool, most int) {
		*c = counting{Fs: fsys}
		for i := range n {
			p.cache.pieces = nil // as if others had been read between
			touches, err := p.Touches(changeset.RecordID{Type: []string{"bug", "Ticket"}[i%2], UUID: record(from + i)})
			if err != nil {
				t.Fatal(err)
			}
			if found := touches.Len() > 0; found != there {
				t.Errorf("%s: record %d: %t", what, i, found)
			}
		}
		if c.reads > most {
			t.Errorf("%s: %d records take %d reads", what, n, c.reads)
		}
	}
	reads("the first that are not there", 60, 1_000_000, false, 60*4)
	reads("those that are", 1_000, 0, true, 1_000*4)
	reads("others that are not", 1_000, 2_000_000, false, 1_000/3)
}
