package sync

import (
	"github.com/google/uuid"

	"prophet/changeset"
)

// ParseLine is parseLine, for the fuzz test.
var ParseLine = parseLine

// CheckLines checks lines of a source as Import does, and returns the number of the first that is wrong.
func CheckLines(lines []string) (no int, err error) {
	var doubt map[uuid.UUID]bool
	for first := true; err == nil && (first || len(doubt) > 0); first = false {
		p := newPast(uuid.UUID{1}, doubt)
		for no = 0; err == nil && no < len(lines); no++ {
			var c *changeset.Changeset
			if c, err = parseLine([]byte(lines[no]), changeset.ID{Origin: p.origin, Seq: uint32(no + 1)}); err == nil {
				err = p.add(c, len(lines[no]))
			}
		}
		doubt = p.doubt
	}
	return no, err
}

// RecordSize returns what is noted as the size of a record after writes to its properties.
func RecordSize(writes [][2]string) int {
	e := propSizes{props: map[string]int{}}
	for _, w := range writes {
		e.set(w[0], w[1])
	}
	return e.total + len("{}")
}
